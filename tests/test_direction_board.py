"""The life of runs and tasks: once, in order, and whatever is killed in between."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from agency import attempts, breakers, direction_board, workflows
from agency.direction_board import Step
from agency.finishing import Ending, finish
from agency.models import Artifact, Attempt, Event, Observation, Run, Task
from agency.work import perform, work_off
from agency.workflows import Outcome, PermanentError
from earnings.refusals import Refusal
from tests.board import PROOF, statuses, weather

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def test_workflows(monkeypatch):
    return weather(monkeypatch)


def open_both():
    return direction_board.open_run([Step("test_report")], title="Tell the weather")


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


def test_a_worker_that_lost_its_lease_can_not_commit():
    effects = []
    run = open_both()
    Task.objects.filter(workflow="test_report").update(due_at=timezone.now() + timedelta(minutes=1))
    slow = attempts.claim("paused")
    Task.objects.filter(pk=slow.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    fast = attempts.claim("fresh")
    attempts.observe(fast, fast.attempts, "weather", {"degrees": 1})
    finish(Ending(fast, fast.attempts, Outcome({"by": "fresh"}, artifacts=[PROOF])))
    late = Outcome({"by": "paused"}, artifacts=[PROOF], effects=[effects.append])
    with pytest.raises(attempts.Lost):
        finish(Ending(slow, 1, late))
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
        finish(Ending(task, 1, Outcome({}, artifacts=[PROOF], effects=[fails_after_writing])))

    assert Task.objects.get(pk=task.pk).status == Task.Status.RUNNING
    assert Event.objects.filter(run=run, kind="test.effect").count() == 0
    assert Artifact.objects.filter(task=task).count() == 0


def test_cancel_wins_over_a_late_result():
    run = open_both()
    task = attempts.claim("w")

    direction_board.cancel(run)
    direction_board.cancel(run)
    with pytest.raises(attempts.Lost):
        finish(Ending(task, 1, Outcome({}, artifacts=[PROOF])))

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


def test_a_second_worker_loses_the_claim():
    open_both()

    claimed = [attempts.claim(worker) for worker in "abc"]

    assert [task and task.workflow for task in claimed] == ["test_measure", "test_report", None]


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


# --- Opening ------------------------------------------------------------------------------------------------


def test_opening_a_run_of_two_tasks_is_four_statements(django_assert_num_queries):
    bell = connection.vendor == "postgresql"  # NOTIFY; SQLite's waiting process sees the commit itself
    with django_assert_num_queries(4 + bell + 2):  # and the savepoint that the test's own transaction costs
        run = open_both()

    assert (run.tasks.count(), run.events.get().kind, run.event_count) == (2, "run.opened", 1)


@pytest.mark.parametrize(
    ("timeout", "asked", "minutes"),
    [(600, None, 15), (1800, None, 35), (600, timedelta(minutes=1), 1), (600, timedelta(hours=24), 1440)],
)
def test_a_run_may_take_as_long_as_its_longest_task_or_as_it_was_told(test_workflows, timeout, asked, minutes):
    test_workflows["test_report"].timeout = timeout

    run = direction_board.open_run([Step("test_report")], title="x", deadline=asked)

    assert round((run.deadline_at - timezone.now()).total_seconds() / 60) == minutes


@pytest.mark.parametrize("asked", [timedelta(seconds=59), timedelta(hours=24, seconds=1), timedelta(0)])
def test_a_deadline_outside_of_a_minute_to_a_day_is_refused(asked):
    with pytest.raises(Refusal) as refused:
        direction_board.open_run([Step("test_report")], title="x", deadline=asked)

    assert (refused.value.status, refused.value.errors[0]["pointer"]) == (422, "/deadline")
    assert Run.objects.count() == 0


def test_too_many_open_runs_are_refused_until_one_ends(settings):
    settings.RUNS_WAITING_LIMIT = 2
    first, _ = open_both(), open_both()

    with pytest.raises(Refusal) as refused:
        open_both()
    assert (refused.value.status, refused.value.extra["retry_after"]) == (429, 5)
    assert Run.objects.count() == 2

    direction_board.cancel(first)
    assert open_both().status == Run.Status.QUEUED


def test_a_workflow_whose_breaker_is_open_is_not_opened_until_a_person_closes_it(caplog):
    for number in range(5):
        breakers.failed("test_report", f"RuntimeError: {number}")

    with pytest.raises(Refusal) as refused:
        open_both()
    assert (refused.value.status, refused.value.extra["breaker"]) == (409, "test_report")
    assert Run.objects.count() == 0

    breakers.close(breakers.Breaker.objects.get())
    assert open_both().tasks.count() == 2


def test_five_runs_that_fail_in_a_row_open_the_breaker_and_hold_the_sixth(test_workflows, caplog):
    def explode(self, work):
        raise RuntimeError("the printer is on fire")

    test_workflows["test_report"].perform = explode
    test_workflows["test_report"].max_attempts = 1
    runs = [open_both() for _ in range(6)]

    work_off()

    ended = [(run.refresh_from_db(), run.status)[1] for run in runs]
    assert ended == ["partial"] * 5 + ["running"]
    assert runs[4].events.get(kind="breaker.opened").data["reason"] == "RuntimeError: the printer is on fire"
    assert statuses(runs[5])["test_report"] == "queued"


def test_what_its_own_parameters_refuse_does_not_open_the_breaker(test_workflows):
    def refuse(self, work):
        raise PermanentError("no such file")

    test_workflows["test_report"].perform = refuse

    for _ in range(6):
        open_both()
    work_off()

    assert Run.objects.filter(status="partial").count() == 6
    assert not breakers.Breaker.objects.exists()


# --- Ending -------------------------------------------------------------------------------------------------


def test_a_failed_measurement_leaves_the_draft_and_no_artifact_effect_or_success_of_what_was_bound(test_workflows):
    effects = []
    measure = test_workflows["test_measure"]
    measure.perform = lambda self, work: (_ for _ in ()).throw(PermanentError("no such file"))
    test_workflows["test_report"].perform = lambda self, work: Outcome({}, [PROOF], [effects.append])
    run = open_both()
    sales, ops = attempts.claim("sales"), attempts.claim("ops")

    perform(ops)
    perform(sales)

    run.refresh_from_db()
    report = run.tasks.get(workflow="test_report")
    assert (run.status, statuses(run)) == ("failed", {"test_measure": "failed", "test_report": "skipped"})
    assert (report.draft, report.result) == ({"opening": "Today"}, None)
    assert (effects, Artifact.objects.count(), Observation.objects.count()) == ([], 0, 0)
    assert not run.events.filter(kind__in=["task.succeeded", "run.succeeded", "run.partial"]).exists()


def test_what_is_bound_to_something_that_nobody_measures_ends_visibly(test_workflows):
    test_workflows["test_measure"].perform = lambda self, work: Outcome({}, [PROOF])
    run = open_both()

    work_off()

    report = run.tasks.get(workflow="test_report")
    run.refresh_from_db()
    assert (report.status, report.error.split(":")[0]) == ("skipped", "weather was not measured")
    assert run.status == Run.Status.PARTIAL


def test_cancel_ends_what_waits_for_a_person_too(test_workflows):
    test_workflows["test_report"].perform = lambda self, work: Outcome({}, needs_human="no brief")
    run = open_both()
    work_off()

    direction_board.cancel(Run.objects.get(pk=run.pk))

    report = run.tasks.get(workflow="test_report")
    assert (report.status, report.asked_at, report.waiting_on) == ("canceled", None, "")
    assert report.error == "The run was canceled by a person."
    assert run.tasks.get(workflow="test_measure").status == "succeeded"


def test_a_forked_run_names_where_it_comes_from():
    first = open_both()

    fork = direction_board.open_run([Step("test_report")], title="x", restart_of=first, origin=Run.Origin.FORKED)

    assert (fork.origin, fork.restart_of) == ("forked", first)
