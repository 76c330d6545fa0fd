"""A run's page: followed while it goes on, with where it comes from and what holds it up."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from agency import direction_board, quantum_state
from agency.direction_board import Step
from agency.models import Attempt, Breaker, Event, Promotion, Task
from agency.work import work_off
from tests.factories import make_gig, make_product, make_run, make_task

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"admin:{name}", args=args)


def shown(client, run):
    return client.get(page("agency_run_change", run.pk)).content.decode()


def test_a_page_follows_its_run_by_the_stream_and_by_the_clock_until_it_ends(staff_client):
    run = quantum_state.collapse(quantum_state.superpose("Boost revenue"))
    live = page("agency_run_live", run.pk)

    during, refresh = shown(staff_client, run), staff_client.get(live)
    direction_board.cancel(run)
    after, last = shown(staff_client, run), staff_client.get(live)

    assert f'hx-get="{live}" hx-trigger="news, every 1s"' in during
    assert f'data-stream="/api/v1/runs/{run.pk}/events" data-last="1"' in during
    assert "every 1s" not in after and "data-stream" not in after
    assert (refresh.status_code, last.status_code) == (200, 286)  # 286: htmx asks no more by the clock
    assert "Canceled</span>" in last.content.decode()


def test_what_waits_for_a_person_is_followed_by_the_stream_alone(staff_client):
    run = make_run(status="needs_human")

    text = shown(staff_client, run)

    assert "data-stream" in text and "every 1s" not in text
    assert staff_client.get(page("agency_run_live", run.pk)).status_code == 286


def test_the_buttons_change_with_the_run(staff_client):
    run = quantum_state.collapse(quantum_state.superpose("Boost revenue"))
    cancel, resume = (page("agency_run_verb", run.pk, verb) for verb in ("cancel", "resume"))

    during = staff_client.get(page("agency_run_live", run.pk)).content.decode()
    direction_board.cancel(run)
    after = staff_client.get(page("agency_run_live", run.pk)).content.decode()

    assert 'id="verbs" class="object-tools" hx-swap-oob="true"' in during and "hx-swap-oob" in after
    assert (cancel in during, resume in during) == (True, False)
    assert (cancel in after, resume in after) == (False, True)


def test_a_run_tells_its_wish_once_and_links_to_what_it_made(staff_client):
    make_gig()
    make_product()
    run = quantum_state.collapse(quantum_state.superpose("Maximize profit"))
    Task.objects.update(progress_done=1, progress_total=2)
    before = staff_client.get(page("agency_run_change", run.pk)).content.decode()
    work_off()

    text = staff_client.get(page("agency_run_change", run.pk)).content.decode()

    content = text[text.index('<div id="content"') : text.index('<h2 id="events-title">')]
    assert content.count("Maximize profit") == 1
    assert "<progress" in before and "<progress" not in text
    assert page("agency_promotion_change", Promotion.objects.get().pk) in text


def test_a_run_links_to_the_proposals_of_a_review(staff_client):
    make_gig(title="I will " + "draw " * 30)
    run = direction_board.open_run([Step("gig_optimization")], title="Review")
    work_off()
    task = run.tasks.get(workflow="gig_optimization")
    address = f"{page('agency_proposal_changelist')}?task__id__exact={task.pk}"

    text = staff_client.get(page("agency_run_change", run.pk)).content.decode()

    assert f'<a href="{address}">{task.proposals.count()} proposals</a>' in text
    assert staff_client.get(address).context["cl"].result_count == task.proposals.count() > 1


def test_a_run_tells_what_it_comes_from_and_what_came_of_it(staff_client):
    first = make_run(title="First", status="failed")
    second = make_run(title="Second", status="failed", restart_of=first, origin="replayed")
    third = make_run(title="Third", restart_of=second, origin="resumed")

    texts = [" ".join(shown(staff_client, run).split()) for run in (first, second, third)]

    links = [f'<a href="{page("agency_run_change", run.pk)}">{run}</a>' for run in (first, second, third)]
    assert f"<li>Replayed as {links[1]} (Failed)</li>" in texts[0] and links[2] not in texts[0]
    assert f"<li>Replayed from {links[0]} (Failed)</li>" in texts[1]
    assert f"<li>Resumed as {links[2]} (Queued)</li>" in texts[1]
    assert f"<li>Resumed from {links[1]} (Failed)</li> <li>Replayed from {links[0]} (Failed)</li>" in texts[2]


def test_a_run_says_until_when_it_may_take_and_what_it_works_on(staff_client):
    deadline = timezone.now().replace(microsecond=0) + timedelta(minutes=15)
    run = make_run(deadline_at=deadline)
    make_task(run, workflow="inventory_audit", subject="catalog")

    text = shown(staff_client, run)

    until = timezone.localtime(deadline).isoformat()
    assert f'at the latest until <time datetime="{until}"' in text
    assert "on catalog</div>" in text


def test_a_queued_task_says_what_holds_it_up(staff_client):
    run, other = make_run(), make_run(title="Other")
    now = timezone.now()
    Breaker.objects.create(workflow="inventory_audit", failures=5, opened_at=now)
    Breaker.objects.create(workflow="storefront_build", failures=4)
    make_task(run, workflow="inventory_audit")
    make_task(run, workflow="storefront_build", subject="catalog")
    make_task(
        other,
        workflow="storefront_build",
        subject="catalog",
        status="running",
        lease_until=now + timedelta(hours=1),
    )
    later = now + timedelta(minutes=2)
    make_task(run, workflow="fiverr_bot", attempts=1, due_at=later)
    make_task(run, workflow="gig_optimization")

    text = shown(staff_client, run)

    assert text.count("held by the breaker of inventory_audit") == 1
    busy = f'<a href="{page("agency_run_change", other.pk)}">waits until run {other.pk} has done with catalog</a>'
    assert text.count(busy) == text.count("has done with") == 1
    assert text.count(f"is tried again at {timezone.localtime(later):%H:%M:%S}") == text.count("tried again") == 1
    assert "held by" not in shown(staff_client, other)


def test_failed_attempts_are_opened_on_the_runs_page(staff_client):
    task = make_task(make_run())
    now = timezone.now()
    tried = Attempt.objects.create(
        task=task, number=1, worker="w", started_at=now, outcome="failed", error="No <ink>", traceback="line 7"
    )

    text = shown(staff_client, task.run)

    assert f'<details id="try-{tried.pk}">' in text
    assert "attempt 1: failed" in text and "No &lt;ink&gt;" in text and "line 7</pre>" in text


def test_events_stand_newest_first_under_their_numbers_and_the_rest_is_linked(staff_client):
    run = make_run()
    for number in range(102):
        Event.record(run.pk, "test.event", f"number {number + 1}")

    text = shown(staff_client, run)

    assert text.index('<li value="102">') < text.index('<li value="101">')
    assert '<li value="3">' in text and '<li value="2">' not in text
    assert f'<a href="/api/v1/runs/{run.pk}/events">All 102 events</a>' in text


def test_a_runs_page_asks_the_database_no_more_for_more_tasks(staff_client, django_assert_max_num_queries):
    small, large = make_run(), make_run()
    make_task(small, subject="a")
    for _ in range(20):
        make_task(large, subject="a")
    staff_client.get(page("agency_run_live", small.pk))

    with django_assert_max_num_queries(16) as asked:
        staff_client.get(page("agency_run_live", small.pk))
    few = len(asked)
    with django_assert_max_num_queries(16) as asked:
        staff_client.get(page("agency_run_live", large.pk))

    assert len(asked) == few


def test_who_may_not_see_runs_does_not_see_their_live_part(client, django_user_model):
    helper = django_user_model.objects.create_user("helper", password="a long pass phrase", is_staff=True)
    client.force_login(helper)

    assert client.get(page("agency_run_live", make_run().pk)).status_code == 403
