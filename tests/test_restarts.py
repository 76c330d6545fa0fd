"""Runs that begin again: resumed with what was done, or replayed anew."""

import pytest
from django.db import connection

from agency import direction_board, workflows
from agency.direction_board import Step
from agency.models import Event, Observation, Run, Task
from agency.work import work_off
from agency.workflows import Outcome, PermanentError
from earnings import append_only
from earnings.refusals import Refusal
from tests.board import PROOF, Report, statuses, weather

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def test_workflows(monkeypatch):
    return weather(monkeypatch)


def open_both():
    return direction_board.open_run([Step("test_report")], title="Tell the weather")


def test_resume_keeps_what_succeeded_with_its_observation(test_workflows):
    performed = []
    measure = test_workflows["test_measure"].perform
    test_workflows["test_measure"].perform = lambda self, work: performed.append(1) or measure(self, work)
    report = test_workflows["test_report"].perform
    test_workflows["test_report"].perform = lambda self, work: Outcome({}, needs_human="no")
    run = open_both()
    work_off()
    direction_board.reject(run.tasks.get(workflow="test_report"))
    run.refresh_from_db()
    test_workflows["test_report"].perform = report

    again = direction_board.resume(run)
    work_off()

    again.refresh_from_db()
    assert (run.status, again.status, again.restart_of) == ("partial", "succeeded", run)
    assert performed == [1]
    assert again.observations.get().sha256 == run.observations.get().sha256


def test_what_was_bound_to_a_lost_measurement_is_done_anew(test_workflows):
    measure = test_workflows["test_measure"].perform

    def measure_then_fail(self, work):
        measure(self, work)
        raise PermanentError("after the measurement")

    test_workflows["test_measure"].perform = measure_then_fail
    run = open_both()
    work_off()
    run.refresh_from_db()
    assert (run.status, statuses(run)["test_report"]) == ("partial", "succeeded")

    test_workflows["test_measure"].perform = lambda self, work: (
        work.observe("weather", {"degrees": 31}) and Outcome({}, artifacts=[PROOF])
    )
    again = direction_board.resume(run)
    work_off()

    report = again.tasks.get(workflow="test_report")
    assert report.result["text"] == "Today: 31 degrees"
    assert list(report.bound_to.all()) == [again.observations.get()]


def test_what_a_resumed_run_keeps_is_bound_to_its_own_observations(test_workflows):
    class Other(Report):
        key = "test_other"

        def perform(self, work):
            seen = work.observation("weather")
            return Outcome({"weather_ref": seen.ref}, artifacts=[PROOF])

    workflows.register(Other)
    test_workflows["test_report"].perform = lambda self, work: Outcome({}, needs_human="no")
    run = direction_board.open_run([Step("test_report"), Step("test_other")], title="x")
    work_off()
    direction_board.reject(run.tasks.get(workflow="test_report"))
    run.refresh_from_db()

    again = direction_board.resume(run)

    kept = again.tasks.get(workflow="test_other")
    assert (kept.status, list(kept.bound_to.all())) == ("succeeded", [again.observations.get()])
    assert kept.result["weather_ref"] == again.observations.get().ref


# --- Drift ------------------------------------------------------------------------------------------------


@pytest.fixture
def drifted(test_workflows):
    """A run whose report failed, and whose weather has changed since."""
    measure, report = test_workflows["test_measure"], test_workflows["test_report"]
    report.max_attempts, perform = 1, report.perform
    report.perform = lambda self, work: (_ for _ in ()).throw(PermanentError("no paper"))
    run = open_both()
    work_off()
    report.perform = perform
    measure.measure = lambda self, seen: seen.payload | {"degrees": 25}
    run.refresh_from_db()
    return run


def test_a_resume_says_what_drifted_and_keeps_what_was_measured(drifted):
    again = direction_board.resume(drifted)
    work_off()

    told = again.events.get(kind="run.drifted")
    assert told.data == {
        "observations": [
            {"kind": "weather", "kept": True, "drifted": [{"part": "degrees", "then": 20, "now": 25}]}
        ]
    }
    assert told.message.startswith("Drifted since it was measured: weather; it is kept as it was measured")
    assert again.observations.get().sha256 == drifted.observations.get().sha256
    assert again.tasks.get(workflow="test_report").result["text"] == "Today: 20 degrees"


def test_a_resume_that_measures_again_keeps_nothing_that_drifted(drifted, test_workflows):
    test_workflows["test_measure"].perform = lambda self, work: (
        work.observe("weather", {"degrees": 25}) and Outcome({}, [PROOF])
    )

    again = direction_board.resume(drifted, measure_again=True)
    work_off()

    again.refresh_from_db()
    assert (again.status, again.observations.get().payload) == ("succeeded", {"degrees": 25})
    assert again.tasks.get(workflow="test_report").result["text"] == "Today: 25 degrees"
    assert again.events.get(kind="run.drifted").data["observations"][0]["kept"] is False
    assert not again.events.filter(kind="task.reused").exists()


def test_measuring_again_keeps_what_did_not_drift(drifted, test_workflows):
    test_workflows["test_measure"].measure = lambda self, seen: seen.payload

    again = direction_board.resume(drifted, measure_again=True)

    assert statuses(again) == {"test_measure": "succeeded", "test_report": "queued"}
    assert not again.events.filter(kind="run.drifted").exists()


def test_an_observation_whose_hash_is_broken_is_never_kept(drifted):
    append_only.remove(connection, Observation._meta.db_table)
    drifted.observations.update(body='{"degrees":99}')

    again = direction_board.resume(drifted)
    work_off()

    assert again.observations.get().payload == {"degrees": 20, "where": "İzmir"}


def test_a_resume_is_asked_for_once(drifted):
    first = direction_board.resume(drifted)

    assert direction_board.resume(drifted) == first
    with pytest.raises(Refusal) as refused:
        direction_board.resume(drifted, measure_again=True)
    assert (refused.value.status, refused.value.extra) == (409, {"run": first.pk})
    assert list(drifted.restarts.all()) == [first]

    direction_board.cancel(first)
    assert direction_board.resume(drifted, measure_again=True) != first


def test_what_is_kept_does_not_wait_for_its_subject(drifted, test_workflows):
    test_workflows["test_measure"].concurrency = "queue"
    test_workflows["test_measure"].subject = lambda self, params: "the sky"
    busy = direction_board.open_run([Step("test_measure")], title="busy")
    busy.tasks.update(status="running", lease_until=busy.deadline_at)

    again = direction_board.resume(drifted)

    kept = again.tasks.get(workflow="test_measure")
    assert (kept.status, kept.subject, kept.attempts) == ("succeeded", "the sky", 0)


def test_a_run_that_succeeded_or_goes_on_can_not_be_resumed():
    run = open_both()

    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            direction_board.resume(run)
        assert refused.value.status == 409
        work_off()
    assert Run.objects.count() == 1


# --- Replay ------------------------------------------------------------------------------------------------


def test_a_replay_measures_anew():
    run = open_both()
    work_off()

    again = direction_board.replay(run)
    work_off()

    again.refresh_from_db()
    assert (again.status, again.origin, again.restart_of) == ("succeeded", "replayed", run)
    assert again.observations.get() != run.observations.get()
    assert Event.objects.filter(kind="task.reused").count() == 0


def test_a_replay_takes_edited_parameters_in_place_of_a_tasks_own():
    run = direction_board.open_run([Step("test_measure", {"degrees": 3}), Step("test_report")], title="x")

    again = direction_board.replay(run, params={"test_measure": {"degrees": 4}})
    emptied = direction_board.replay(run, params={"test_measure": {}})
    work_off()

    texts = [r.tasks.get(workflow="test_report").result["text"] for r in (run, again, emptied)]
    assert texts == ["Today: 3 degrees", "Today: 4 degrees", "Today: 20 degrees"]


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"test_other": {}}, "/params/test_other"),
        ({"test_measure": {"degrees": "warm"}}, "/params/test_measure/degrees"),
        ({"test_measure": []}, "/params/test_measure"),
        (["test_measure"], "/params"),
    ],
)
def test_an_edit_that_fits_no_task_is_named_and_nothing_is_opened(params, pointer):
    run = open_both()

    with pytest.raises(Refusal) as refused:
        direction_board.replay(run, params=params)

    assert (refused.value.status, [error["pointer"] for error in refused.value.errors]) == (422, [pointer])
    assert list(Run.objects.all()) == [run]
    assert Task.objects.count() == 2
