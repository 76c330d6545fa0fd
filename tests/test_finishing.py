"""Quick tasks of one hand end in one transaction; one that can't takes nobody along."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test.utils import CaptureQueriesContext

from agency import attempts, direction_board, work
from agency.direction_board import Step
from agency.finishing import Ending, finish
from agency.models import Artifact, Run, Task, artifacts
from agency.work import work_off
from agency.workflows import Outcome
from tests.board import PROOF, weather

pytestmark = pytest.mark.django_db
RUNS = 8  # twice as many tasks: a worker of a long backlog takes half of them at once


def stamp(task):
    """An effect that can't happen twice unseen."""
    Group.objects.create(name=f"{task.workflow} of run {task.run_id}")


@pytest.fixture
def backlog(monkeypatch, tmp_path):
    """Runs that wait, of two workflows that were quick up to now, each with an effect."""
    made = weather(monkeypatch)
    monkeypatch.setattr(settings, "MEDIA_ROOT", str(tmp_path))
    monkeypatch.setattr(settings, "Q_WORKERS", 1)
    monkeypatch.setattr(work, "_pace", work.Pace())
    monkeypatch.setattr(work.Pace, "QUICK", 60)  # however busy this machine is
    monkeypatch.setattr(work, "LONGEST_WAIT", 60)
    for workflow in made.values():
        work._pace.took(workflow.key, 0)
        _with_effect(workflow)
    made["test_measure"].perform = _with_file(made["test_measure"].perform)
    for _ in range(RUNS):
        direction_board.open_run([Step("test_report")], title="weather")
    return made


def _with_effect(workflow):
    perform = workflow.perform

    def perform_with_effect(self, work):
        outcome = perform(self, work)
        outcome.effects.append(stamp)
        return outcome

    workflow.perform = perform_with_effect


def _with_file(perform):
    def perform_with_file(self, work):
        outcome = perform(self, work)
        outcome.artifacts = [replace(PROOF, content=b"20 degrees" * artifacts.SMALL)]
        return outcome

    return perform_with_file


def stamps():
    return Group.objects.filter(name__contains=" of run ").count()


def stored_files():
    return sorted(path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file())


def assert_all_is_there(but=()):
    """Every run but these ended well, with one effect and one artifact of each task, and a stream without gaps.

    One of a run's two artifacts is a file, the other one is small.
    """
    done = Run.objects.exclude(pk__in=[run.pk for run in but])
    assert set(done.values_list("status", flat=True)) == {"succeeded"}
    assert stamps() == Artifact.objects.count() == 2 * len(stored_files()) == 2 * done.count()
    for run in done:
        events = list(run.events.order_by("number").values_list("number", "kind"))
        assert [number for number, _ in events] == list(range(1, run.event_count + 1))
        assert events[-1][1] == "run.succeeded"
        assert [kind for _, kind in events].count("task.succeeded") == 2


def test_a_hand_of_quick_tasks_is_committed_together(backlog, monkeypatch):
    together = []
    monkeypatch.setattr(work, "finish", lambda *endings: together.append(len(endings)) or finish(*endings))

    work_off()

    assert_all_is_there()
    assert together[0] > 2
    assert sum(together) == 2 * RUNS


def test_what_a_hand_has_measured_is_not_read_again(backlog):
    with CaptureQueriesContext(connection) as asked:
        work_off()

    reading = work.SEEN.partition("WHERE")[0]
    assert not any(reading in query["sql"] for query in asked)
    assert_all_is_there()


def test_nobody_is_bound_to_a_measurement_that_was_rolled_back(backlog):
    bad = Run.objects.order_by("pk")[1]
    perform = backlog["test_measure"].perform

    def measured_in_vain(self, work):
        with transaction.atomic():
            outcome = perform(self, work)
            if work.task.run_id == bad.pk:
                raise KeyError("after it was measured")
            return outcome

    backlog["test_measure"].perform = measured_in_vain
    work_off()

    report = bad.tasks.get(workflow="test_report")
    assert (report.status, report.error) == ("waiting", "")
    assert bad.observations.count() == 0
    assert_all_is_there(but=[bad])


def test_ten_tasks_are_written_with_hardly_more_statements_than_one(backlog):
    def statements(endings):
        for ending in endings:
            ending.outcome.effects = []
        with CaptureQueriesContext(connection) as asked:
            finish(*endings)
        return len(asked)

    hand = attempts.claim_some("w", is_quick=work._pace.is_quick)
    endings = [work._attempt(task, {}) for task in hand]

    assert statements(endings[2:]) <= statements(endings[:1]) + 2


def test_who_came_too_late_is_left_out_and_the_others_end(backlog):
    late = Run.objects.order_by("pk")[1]
    perform = backlog["test_report"].perform

    def canceled_meanwhile(self, work):
        if work.task.run_id == late.pk:
            direction_board.cancel(work.run)
        return perform(self, work)

    backlog["test_report"].perform = canceled_meanwhile
    work_off()

    late.refresh_from_db()
    assert late.status == "canceled"
    assert_all_is_there(but=[late])


def test_an_effect_that_fails_fails_its_own_task_only(backlog):
    bad = Task.objects.filter(workflow="test_measure").order_by("pk")[2]
    Group.objects.create(name=f"test_measure of run {bad.run_id}")

    work_off()

    bad.refresh_from_db()
    assert (bad.status, bad.error.partition(":")[0]) == ("queued", "IntegrityError")
    Group.objects.get(name=f"test_measure of run {bad.run_id}").delete()
    Task.objects.filter(pk=bad.pk).update(due_at=bad.run.created_at)
    work_off()
    assert_all_is_there()


def test_what_a_person_has_to_look_at_does_not_hold_up_the_others(backlog):
    asked = Task.objects.filter(workflow="test_report").order_by("pk")[1]
    perform = backlog["test_report"].perform

    def unsure(self, work):
        outcome = perform(self, work)
        outcome.needs_human = "It rains." if work.task.pk == asked.pk else ""
        return outcome

    backlog["test_report"].perform = unsure
    work_off()

    asked.refresh_from_db()
    assert (asked.status, asked.run.status) == ("needs_human", "needs_human")
    others = Run.objects.exclude(pk=asked.run_id)
    assert set(others.values_list("status", flat=True)) == {"succeeded"}
    assert stamps() == 2 * RUNS - 1


def test_who_was_slow_does_not_keep_the_others_waiting(backlog, monkeypatch):
    monkeypatch.setattr(work, "LONGEST_WAIT", 0)
    together = []
    monkeypatch.setattr(work, "finish", lambda *endings: together.append(len(endings)) or finish(*endings))

    work_off()

    assert_all_is_there()
    assert set(together) == {1}


def test_nothing_is_kept_of_endings_one_of_which_fails(backlog):
    hand = attempts.claim_some("w", is_quick=work._pace.is_quick)
    endings = [work._attempt(task, {}) for task in hand]
    endings[-1].outcome.effects.append(stamp)

    with pytest.raises(IntegrityError):
        finish(*endings)

    assert (stamps(), Artifact.objects.count(), stored_files()) == (0, 0, [])
    assert set(Task.objects.filter(worker="w").values_list("status", flat=True)) == {"running"}


def test_what_is_done_is_committed_also_when_the_worker_has_to_stop(backlog):
    stops = Task.objects.filter(workflow="test_measure").order_by("pk")[1]
    perform = backlog["test_measure"].perform

    def told_to_stop(self, work):
        if work.task.pk == stops.pk:
            raise SystemExit
        return perform(self, work)

    backlog["test_measure"].perform = told_to_stop
    with pytest.raises(SystemExit):
        work_off()

    first = Run.objects.order_by("pk")[0]
    assert (first.status, stamps()) == ("succeeded", 2)


def test_why_tasks_could_not_end_together_is_told_unless_it_is_their_own_affair(backlog, caplog):
    for cause in (IntegrityError("effect"), attempts.Lost()):
        assert not work._can_commit_together([_ending_that_raises(cause)])

    told = [(record.levelname, bool(record.exc_info)) for record in caplog.records]
    assert told == [("WARNING", True), ("INFO", False)]


def _ending_that_raises(error):
    def fails(task):
        raise error

    task = attempts.claim("w")
    return Ending(task, task.attempts, Outcome({}, artifacts=[PROOF], effects=[fails]))
