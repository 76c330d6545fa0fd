"""Resuming and running again in the admin: what changed is shown, and parameters can be edited."""

import json

import pytest
from django.urls import reverse

from agency import direction_board
from agency.direction_board import Step
from agency.models import Breaker, Event, Run, Task
from agency.work import work_off
from storefront.models import Product
from tests.board import MEASURE
from tests.factories import make_gig, make_product, make_run, make_task

pytestmark = pytest.mark.django_db


def do(run, verb):
    return reverse("admin:agency_run_verb", args=[run.pk, verb])


def page_of(run):
    return reverse("admin:agency_run_change", args=[run.pk])


@pytest.fixture
def half_done():
    """A run whose inventory was measured, and whose Ops task failed."""
    make_product("DESK-1", price_minor=2900)
    make_gig()
    run = direction_board.open_run([MEASURE, Step("gig_optimization")], title="Review")
    work_off()
    Task.objects.filter(run=run, workflow="gig_optimization").update(status="failed")
    Run.objects.filter(pk=run.pk).update(status="partial")
    return run


def newest():
    return Run.objects.order_by("-pk").first()


def test_a_resume_shows_field_by_field_what_changed_and_keeps_it_unless_asked(staff_client, half_done):
    Product.objects.update(price_minor=3100)

    text = " ".join(staff_client.get(do(half_done, "resume")).content.decode().split())
    staff_client.post(do(half_done, "resume"), {})

    assert "What changed since inventory was measured" in text
    part = '<th scope="row">products/DESK-1/price_minor</th>'
    assert f'{part} <td data-label="Then">2900</td> <td data-label="Now">3100</td>' in text
    assert newest().restart_of == half_done
    assert newest().tasks.get(workflow="inventory_audit").status == "succeeded"
    assert Event.objects.filter(run=newest(), kind="run.drifted").count() == 1


def test_a_resume_measures_again_when_asked(staff_client, half_done):
    Product.objects.update(price_minor=3100)

    answer = staff_client.post(do(half_done, "resume"), {"measure_again": "on"})

    assert answer["Location"] == page_of(newest())
    assert newest().tasks.get(workflow="inventory_audit").status == "queued"
    assert newest().observations.count() == 0


def test_a_resume_says_when_nothing_changed_and_twice_is_once(staff_client, half_done):
    text = staff_client.get(do(half_done, "resume")).content.decode()

    staff_client.post(do(half_done, "resume"), {})
    again = staff_client.post(do(half_done, "resume"), {})

    assert "Nothing has changed since inventory was measured." in text
    assert Run.objects.filter(restart_of=half_done).count() == 1
    assert again["Location"] == page_of(newest())


def test_several_runs_are_resumed_from_the_list(staff_client):
    runs = [make_run(status="failed"), make_run(status="failed")]
    for run in runs:
        make_task(
            run, workflow="inventory_audit", pipeline="sales", status="failed", params={"verify_pages": False}
        )

    selected = {"action": "resume", "_selected_action": [run.pk for run in runs], "yes": "yes"}
    staff_client.post(reverse("admin:agency_run_changelist"), selected)

    assert Run.objects.filter(restart_of__in=runs, origin="resumed").count() == 2


def test_a_run_is_repeated_with_edited_parameters(staff_client, half_done):
    address = do(half_done, "replay")
    form = staff_client.get(address).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    said = {"params_inventory_audit": json.dumps({"verify_pages": True}), "params_gig_optimization": " {} "}

    answer = staff_client.post(address, said)

    assert json.loads(shown["params_inventory_audit"]) == {"verify_pages": False}
    assert shown["params_gig_optimization"] == "{}"
    assert (answer["Location"], newest().origin) == (page_of(newest()), "replayed")
    assert dict(newest().tasks.values_list("workflow", "params")) == {
        "inventory_audit": {"verify_pages": True},
        "gig_optimization": {},
    }


def test_a_run_is_repeated_as_it_was_when_nothing_is_edited(staff_client, half_done):
    form = staff_client.get(do(half_done, "replay")).context["form"]

    staff_client.post(do(half_done, "replay"), {name: form[name].value() for name in form.fields})

    assert newest().origin == "replayed"
    assert newest().tasks.get(workflow="inventory_audit").params == {"verify_pages": False}


def test_parameters_that_can_not_be_used_are_named_at_their_field(staff_client, half_done):
    address, before = do(half_done, "replay"), Run.objects.count()

    no_json = staff_client.post(address, {"params_inventory_audit": "{oops", "params_gig_optimization": "{}"})
    unknown = staff_client.post(
        address, {"params_inventory_audit": '{"colour": 1}', "params_gig_optimization": "{}"}
    )
    no_object = staff_client.post(address, {"params_inventory_audit": "[1]", "params_gig_optimization": "{}"})

    assert no_json.context["form"].errors == {"params_inventory_audit": ["Enter a valid JSON."]}
    assert (
        list(unknown.context["form"].errors)
        == list(no_object.context["form"].errors)
        == ["params_inventory_audit"]
    )
    assert "no such parameter" in str(unknown.context["form"].errors)
    assert "{oops" in no_json.content.decode()
    assert Run.objects.count() == before


def test_a_stopped_workflow_is_refused_on_the_page(staff_client, half_done):
    Breaker.objects.create(workflow="gig_optimization", failures=5, opened_at=half_done.created_at)
    before = Run.objects.count()

    form = staff_client.get(do(half_done, "replay")).context["form"]
    said = {name: form[name].value() for name in form.fields}
    answer = staff_client.post(do(half_done, "replay"), said, follow=True)

    assert "gig_optimization is stopped since" in answer.content.decode()
    assert Run.objects.count() == before
