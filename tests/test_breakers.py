"""Breakers: who keeps failing is stopped, visibly, until a person says go on."""

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from agency import breakers
from agency.models import Breaker, Event, Task
from agency.models.round_trips import together
from earnings.refusals import Refusal
from tests.factories import make_run, make_task

pytestmark = pytest.mark.django_db


def trip(workflow="flaky"):
    for number in range(1, 6):
        breakers.failed(workflow, f"RuntimeError: {number}")
    return Breaker.objects.get(pk=workflow)


def test_the_fifth_failure_in_a_row_opens_the_breaker(caplog):
    run = make_run()

    opened = [breakers.failed("flaky", f"RuntimeError: {n}", run_id=run.pk) for n in range(1, 7)]

    breaker = Breaker.objects.get()
    assert opened == [False, False, False, False, True, False]
    assert (breaker.workflow, breaker.failures, breaker.reason) == ("flaky", 6, "RuntimeError: 6")
    assert breaker.opened_at is not None
    assert [(event.kind, event.message) for event in Event.objects.filter(run=run)] == [
        ("breaker.opened", "flaky is stopped: 5 tasks failed in a row")
    ]
    assert caplog.messages == ["the breaker of flaky opened: 5 tasks failed in a row"]


def test_a_success_in_between_starts_the_count_anew():
    for number in range(4):
        breakers.failed("flaky", f"RuntimeError: {number}")

    together(breakers.succeeding(["flaky"]))
    breakers.failed("flaky", "RuntimeError: again")

    breaker = Breaker.objects.get()
    assert (breaker.failures, breaker.opened_at) == (1, None)


def test_a_success_costs_one_statement_and_no_row(django_assert_num_queries):
    with django_assert_num_queries(1):
        together(breakers.succeeding(["never_failed"]))

    assert Breaker.objects.count() == 0


def test_failures_of_one_workflow_do_not_stop_another():
    trip("flaky")

    breakers.refuse_stopped(["steady"])
    with pytest.raises(Refusal) as refused:
        breakers.refuse_stopped(["steady", "flaky"])

    assert refused.value.status == 409
    assert refused.value.extra["breaker"] == "flaky"
    assert refused.value.detail.startswith("flaky is stopped since ")


def test_an_open_breaker_holds_queued_tasks_back_until_a_person_closes_it(staff):
    task = make_task(workflow="flaky")
    breaker = trip()

    held = list(Task.objects.due())
    breakers.close(breaker, by=staff)
    breakers.close(breaker, by=None)

    assert held == []
    assert list(Task.objects.due()) == [task]
    breaker.refresh_from_db()
    assert (breaker.failures, breaker.opened_at, breaker.closed_by) == (0, None, staff)
    assert breaker.closed_at <= timezone.now()


def test_staff_see_what_is_stopped_and_why_and_close_it(staff_client):
    trip()
    page = "/admin/agency/breaker/flaky/"

    front, listed = staff_client.get("/admin/"), staff_client.get("/admin/agency/breaker/")
    shown = staff_client.get(f"{page}change/")
    assert "Stopped, because it kept failing" in front.content.decode()
    assert "RuntimeError: 5" in front.content.decode()
    assert "stopped" in listed.content.decode()
    assert f'href="{page}do/close/"' in shown.content.decode()

    for _ in range(2):
        assert staff_client.post(f"{page}do/close/").status_code == 302

    breaker = Breaker.objects.get()
    assert (breaker.opened_at, breaker.closed_by.username) == (None, "owner")
    assert "Stopped" not in staff_client.get("/admin/").content.decode()
    assert f'href="{page}do/close/"' not in staff_client.get(f"{page}change/").content.decode()


def test_a_breaker_is_closed_by_who_may_change_breakers_only(client):
    trip()
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_breaker"))
    client.force_login(user)

    assert client.get("/admin/agency/breaker/flaky/change/").status_code == 200
    assert client.post("/admin/agency/breaker/flaky/do/close/").status_code == 403
    assert Breaker.objects.get().opened_at is not None


def test_a_late_success_does_not_close_an_open_breaker():
    trip()

    together(breakers.succeeding(["flaky"]))

    assert Breaker.objects.get().opened_at is not None
