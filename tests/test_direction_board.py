"""The life of runs and tasks: once, in order, and whatever is killed in between."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework import serializers

from agency import attempts, direction_board, workflows
from agency.direction_board import Step
from agency.models import Artifact, Attempt, Event, Observation, Run, Task
from agency.work import perform, work_off
from agency.workflows import NewArtifact, Outcome, PermanentError, Workflow
from earnings.refusals import Refusal

pytestmark = pytest.mark.django_db

PROOF = NewArtifact("proof", "proof.txt", "text/plain", b"done")


class Measure(Workflow):
    key, pipeline, title = "test_measure", "sales", "Measure"
    measures = ("weather",)

    class Params(serializers.Serializer):
        degrees = serializers.IntegerField(required=False, default=20)

    def perform(self, work):
        seen = work.observe("weather", {"degrees": work.params["degrees"], "where": "İzmir"})
        return Outcome({"ref": seen.ref}, artifacts=[PROOF])


class Report(Workflow):
    key, pipeline, title = "test_report", "ops", "Report"
    binds = ("weather",)
    max_attempts = 2

    def prepare(self, work):
        return {"opening": "Today"}

    def perform(self, work):
        seen = work.observation("weather")
        text = f"{work.draft['opening']}: {seen.payload['degrees']} degrees"
        return Outcome({"text": text, "weather_ref": seen.ref}, artifacts=[PROOF])


@pytest.fixture(autouse=True)
def test_workflows(monkeypatch):
    """Fresh subclasses in the registry, so that a test may change how one of them behaves."""
    registry = dict(workflows._registry)
    monkeypatch.setattr(workflows, "_registry", registry)
    made = {}
    for parent in (Measure, Report):
        made[parent.key] = workflows.register(type(parent.__name__, (parent,), {}))
    return made


def open_both():
    return direction_board.open_run([Step("test_report")], title="Tell the weather")


def statuses(run):
    return dict(run.tasks.values_list("workflow", "status"))


def test_an_ops_step_is_entangled_with_the_sales_task_that_measures_what_it_binds():
    run = open_both()

    assert list(run.tasks.values_list("workflow", "pipeline", "measures", "binds")) == [
        ("test_measure", "sales", ["weather"], []),
        ("test_report", "ops", [], ["weather"]),
    ]


def test_a_run_ends_in_success_with_results_that_reference_the_measurement():
    run = open_both()

    work_off()

    run.refresh_from_db()
    seen = Observation.objects.get(run=run)
    report = run.tasks.get(workflow="test_report")
    assert run.status == Run.Status.SUCCEEDED
    assert report.result == {"text": "Today: 20 degrees", "weather_ref": seen.ref}
    assert list(report.bound_to.all()) == [seen]
    assert seen.body == '{"degrees":20,"where":"İzmir"}'
    assert seen.sha256 == seen.recomputed_sha256


def test_the_ops_task_prepares_first_and_waits_without_holding_a_worker(test_workflows):
    run = open_both()
    Task.objects.filter(workflow="test_measure").update(due_at=timezone.now() + timedelta(minutes=1))

    work_off()

    report = run.tasks.get(workflow="test_report")
    assert (report.status, report.draft) == (Task.Status.WAITING, {"opening": "Today"})
    assert report.waiting_on == "the measurement of weather"
    assert report.lease_until is None

    Task.objects.filter(workflow="test_measure").update(due_at=timezone.now())
    work_off()

    assert statuses(run) == {"test_measure": "succeeded", "test_report": "succeeded"}
    assert list(report.tries.values_list("outcome", flat=True)) == ["waiting", "succeeded"]


def test_a_failure_is_tried_again_later_and_then_told(test_workflows, caplog):
    def explode(self, work):
        raise RuntimeError("the printer is on fire")

    test_workflows["test_report"].perform = explode
    run = open_both()

    work_off()
    report = run.tasks.get(workflow="test_report")
    assert (report.status, report.error) == ("queued", "RuntimeError: the printer is on fire")
    assert report.due_at > timezone.now()

    Task.objects.filter(pk=report.pk).update(due_at=timezone.now())
    work_off()

    run.refresh_from_db()
    report.refresh_from_db()
    assert (report.status, run.status) == (Task.Status.FAILED, Run.Status.PARTIAL)
    assert [bool(t) for t in report.tries.filter(outcome="failed").values_list("traceback", flat=True)] == [
        True,
        True,
    ]
    assert Artifact.objects.filter(task=report).count() == 0


def test_what_trying_again_can_not_help_fails_at_once(test_workflows):
    def refuse(self, work):
        raise PermanentError("no such file")

    test_workflows["test_measure"].perform = refuse
    run = open_both()
    first, second = attempts.claim("sales"), attempts.claim("ops")

    perform(second)
    perform(first)

    run.refresh_from_db()
    assert run.status == Run.Status.FAILED
    assert statuses(run) == {"test_measure": "failed", "test_report": "skipped"}
    report = run.tasks.get(workflow="test_report")
    assert report.error.startswith("weather was not measured")
    assert report.draft == {"opening": "Today"}


def test_no_artifact_no_success(test_workflows):
    test_workflows["test_report"].perform = lambda self, work: Outcome({"text": "trust me"})
    run = open_both()

    work_off()

    run.refresh_from_db()
    assert statuses(run)["test_report"] == Task.Status.NEEDS_HUMAN
    assert run.status == Run.Status.NEEDS_HUMAN


def test_approving_tries_again_and_rejecting_ends_it(test_workflows):
    ready = []
    test_workflows["test_report"].perform = lambda self, work: (
        Outcome({}, artifacts=[PROOF]) if ready else Outcome({}, needs_human="no brief")
    )
    run = open_both()
    work_off()
    task = run.tasks.get(workflow="test_report")

    ready.append(True)
    direction_board.approve(task)
    direction_board.approve(task)
    work_off()

    run.refresh_from_db()
    assert (statuses(run)["test_report"], run.status) == ("succeeded", "succeeded")
    with pytest.raises(Refusal) as refused:
        direction_board.reject(run.tasks.get(workflow="test_report"))
    assert refused.value.allowed == []


def test_a_worker_that_lost_its_lease_can_not_commit():
    effects = []
    run = open_both()
    Task.objects.filter(workflow="test_report").update(due_at=timezone.now() + timedelta(minutes=1))
    slow = attempts.claim("paused")
    Task.objects.filter(pk=slow.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    fast = attempts.claim("fresh")
    attempts.observe(fast, fast.attempts, "weather", {"degrees": 1})
    attempts.finish(fast, fast.attempts, Outcome({"by": "fresh"}, artifacts=[PROOF]))
    late = Outcome({"by": "paused"}, artifacts=[PROOF], effects=[effects.append])
    with pytest.raises(attempts.Lost):
        attempts.finish(slow, 1, late)
    with pytest.raises(attempts.Lost):
        attempts.observe(slow, 1, "weather", {"degrees": 99})

    assert (fast.pk, fast.attempts) == (slow.pk, 2)
    assert Task.objects.get(pk=slow.pk).result == {"by": "fresh"}
    assert effects == []
    assert run.observations.get().payload == {"degrees": 1}
    assert list(slow.tries.values_list("outcome", flat=True)) == ["lost", "succeeded"]
    assert Artifact.objects.filter(task=slow).count() == 1


def test_effects_and_success_are_one_transaction():
    def fails_after_writing(task):
        Event.record(task.run_id, "test.effect", "half done")
        raise RuntimeError("no")

    run = open_both()
    task = attempts.claim("w")

    with pytest.raises(RuntimeError):
        attempts.finish(task, 1, Outcome({}, artifacts=[PROOF], effects=[fails_after_writing]))

    assert Task.objects.get(pk=task.pk).status == Task.Status.RUNNING
    assert Event.objects.filter(run=run, kind="test.effect").count() == 0
    assert Artifact.objects.filter(task=task).count() == 0


def test_cancel_wins_over_a_late_result():
    run = open_both()
    task = attempts.claim("w")

    direction_board.cancel(run)
    direction_board.cancel(run)
    with pytest.raises(attempts.Lost):
        attempts.finish(task, 1, Outcome({}, artifacts=[PROOF]))

    run.refresh_from_db()
    assert (run.status, statuses(run)) == ("canceled", {"test_measure": "canceled", "test_report": "canceled"})
    assert Event.objects.filter(run=run, kind="run.canceled").count() == 1
    assert Attempt.objects.filter(outcome="").count() == 0


def test_a_run_that_ended_can_not_be_canceled():
    run = open_both()
    work_off()

    with pytest.raises(Refusal) as refused:
        direction_board.cancel(Run.objects.get(pk=run.pk))

    assert (refused.value.status, refused.value.allowed) == (409, [])
    assert Run.objects.get(pk=run.pk).status == Run.Status.SUCCEEDED


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


def test_a_deadline_ends_a_run_as_timed_out():
    run = open_both()

    direction_board.sweep(now=timezone.now() + timedelta(minutes=16))

    run.refresh_from_db()
    assert (run.status, statuses(run)["test_report"]) == ("timed_out", "canceled")


def test_a_task_whose_code_is_gone_fails_visibly(test_workflows):
    run = open_both()
    del workflows._registry["test_report"]

    work_off()

    run.refresh_from_db()
    assert run.status == Run.Status.PARTIAL
    assert run.tasks.get(workflow="test_report").error == "There is no workflow 'test_report' any more."


def test_events_are_numbered_without_gaps():
    run = open_both()
    work_off()

    numbers = list(run.events.values_list("number", flat=True))

    assert numbers == list(range(1, len(numbers) + 1))
    assert run.events.first().kind == "run.opened"
    assert run.events.last().kind == "run.succeeded"


@pytest.mark.parametrize(
    ("params", "pointer"),
    [({"degrees": "warm"}, "/params/degrees"), ({"temperature": 3}, "/params/temperature"), ([], "/params")],
)
def test_a_bad_parameter_is_named_and_nothing_is_opened(params, pointer):
    with pytest.raises(Refusal) as refused:
        direction_board.open_run([Step("test_measure", params)], title="x")

    assert [error["pointer"] for error in refused.value.errors] == [pointer]
    assert (refused.value.status, Run.objects.count(), Task.objects.count()) == (422, 0, 0)


def test_a_second_worker_loses_the_claim():
    open_both()

    claimed = [attempts.claim(worker) for worker in "abc"]

    assert [task and task.workflow for task in claimed] == ["test_measure", "test_report", None]


def test_a_person_may_take_longer_than_the_runs_deadline(test_workflows):
    ready = []
    test_workflows["test_report"].perform = lambda self, work: (
        Outcome({}, artifacts=[PROOF]) if ready else Outcome({}, needs_human="no brief")
    )
    run = open_both()
    work_off()
    Run.objects.filter(pk=run.pk).update(deadline_at=timezone.now() - timedelta(days=1))

    ready.append(True)
    direction_board.approve(run.tasks.get(workflow="test_report"))
    direction_board.sweep()
    work_off()

    run.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED


def test_a_task_that_kills_its_workers_ends():
    run = open_both()
    claimed = 0
    while task := attempts.claim("doomed"):
        claimed += 1
        assert claimed < 20
        Task.objects.filter(pk=task.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    run.refresh_from_db()
    measure = run.tasks.get(workflow="test_measure")
    assert (measure.status, measure.error) == ("failed", "Its worker was lost 3 times.")
    assert list(measure.tries.values_list("outcome", flat=True)) == ["lost", "lost", "lost"]
    assert run.status == Run.Status.FAILED


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


@pytest.mark.django_db(transaction=True)
def test_a_cancel_while_a_result_is_committed_waits_and_neither_is_half_done(test_workflows):
    def slow_effect(task):
        started.set()
        time.sleep(0.5)

    started, errors = threading.Event(), []
    test_workflows["test_measure"].perform = lambda self, work: Outcome({}, [PROOF], [slow_effect])
    run = direction_board.open_run([Step("test_measure")], title="x")
    task = attempts.claim("w")

    def work():
        try:
            perform(task)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    started.wait(10)
    with pytest.raises(Refusal):
        direction_board.cancel(Run.objects.get(pk=run.pk))
    thread.join()

    run.refresh_from_db()
    assert (errors, run.status, statuses(run)) == ([], "succeeded", {"test_measure": "succeeded"})
