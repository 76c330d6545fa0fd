"""What the tasks of a run share, proved again: hashes, who is bound, and what drifted since."""

import copy

import pytest
from django.db import connection

from agency import entanglement, workflows
from agency.models import Observation
from agency.models.runs import canonical_json
from earnings import append_only
from tests.board import weather
from tests.factories import make_run, make_task

pytestmark = pytest.mark.django_db

THEN = {
    "schema": 1,
    "products": [{"sku": "A", "price_minor": 100}, {"sku": "B", "price_minor": 200}],
    "services": [{"slug": "logo", "packages": [{"tier": "basic", "price_minor": 900}]}],
    "totals": {"value": {"USD": {"minor": 300}}, "listed": 2},
    "tags": ["a", "b"],
}


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    """What measuring again gives: a test changes it."""
    now = copy.deepcopy(THEN)
    weather(monkeypatch)["test_measure"].measure = lambda self, observation: now
    return now


@pytest.fixture
def seen(db):
    run = make_run()
    task = make_task(run, pipeline="sales", workflow="test_measure", measures=["weather"])
    observation = Observation(run=run, task=task, kind="weather", body=canonical_json(THEN))
    observation.sha256 = observation.recomputed_sha256
    observation.save()
    return observation


def test_what_is_as_it_was_measured_is_fresh(seen):
    assert entanglement.drift(seen) == {"drift": "fresh", "drifted": []}


def test_drift_is_told_field_by_field_down_to_the_rows_of_rows(seen, measured):
    measured["products"][0]["price_minor"] = 110
    measured["services"][0]["packages"][0]["price_minor"] = 800
    measured["totals"]["value"]["USD"]["minor"] = 310

    assert entanglement.drift(seen) == {
        "drift": "drifted",
        "drifted": [
            {"part": "products/A/price_minor", "then": 100, "now": 110},
            {"part": "services/logo/packages/basic/price_minor", "then": 900, "now": 800},
            {"part": "totals/value/USD/minor", "then": 300, "now": 310},
        ],
    }


def test_rows_and_fields_that_are_there_only_once_are_told_whole(seen, measured):
    measured["products"] = [measured["products"][1], {"sku": "C", "price_minor": 5}]
    measured["new"] = 1

    assert entanglement.drift(seen)["drifted"] == [
        {"part": "new", "then": None, "now": 1},
        {"part": "products/A", "then": {"sku": "A", "price_minor": 100}, "now": None},
        {"part": "products/C", "then": None, "now": {"sku": "C", "price_minor": 5}},
    ]


def test_lists_without_identity_and_in_another_order_are_told_as_they_are(seen, measured):
    measured["tags"] = ["a"]
    measured["products"].reverse()

    assert entanglement.drift(seen)["drifted"] == [
        {"part": "products", "then": THEN["products"], "now": THEN["products"][::-1]},
        {"part": "tags", "then": ["a", "b"], "now": ["a"]},
    ]


def test_the_first_hundred_parts_are_named(seen, measured):
    measured["products"] = [{"sku": f"{number:03}", "price_minor": 1} for number in range(150)]

    assert len(entanglement.drift(seen)["drifted"]) == 100


def test_a_body_that_no_longer_has_its_hash_is_broken(seen):
    append_only.remove(connection, Observation._meta.db_table)
    Observation.objects.filter(pk=seen.pk).update(body=seen.body.replace("100", "001"))
    seen.refresh_from_db()

    assert entanglement.drift(seen) == {"drift": "broken", "drifted": []}
    assert entanglement.of(seen.run)["observations"][0]["hash_ok"] is False


def test_what_nobody_can_measure_now_is_unknown(seen):
    del workflows._registry["test_measure"]

    assert entanglement.drift(seen) == {"drift": "unknown", "drifted": []}


def test_a_run_lists_who_measured_and_who_is_bound(seen):
    report = make_task(seen.run, workflow="test_report", status="succeeded")
    report.bound_to.add(seen)

    assert entanglement.of(seen.run) == {
        "run": seen.run_id,
        "observations": [
            {
                **seen.ref,
                "kind": "weather",
                "measured_by": {"task": seen.task_id, "workflow": "test_measure"},
                "bound": [{"task": report.pk, "workflow": "test_report", "status": "succeeded"}],
                "hash_ok": True,
                "drift": "fresh",
                "drifted": [],
            }
        ],
    }
