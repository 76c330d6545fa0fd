"""What a worker does with a claimed task: keeps its lease, ends it at its timeout, asks a person first."""

import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from agency import attempts, direction_board, jobs, work, workflows
from agency.direction_board import Step
from agency.finishing import Ending, finish
from agency.models import Run, Task, WebhookDelivery
from agency.work import RENEW_EVERY, LeaseKeeper, perform, work_off
from agency.workflows import NewArtifact, Outcome, Workflow
from tests.factories import make_endpoint

PROOF = NewArtifact("proof", "proof.txt", "text/plain", b"done")


class Slow(Workflow):
    key, pipeline, title = "test_slow", "sales", "Slow"
    timeout = 30
    max_attempts = 2

    def perform(self, work):
        return Outcome({}, [PROOF])


@pytest.fixture(autouse=True)
def slow(monkeypatch):
    """The workflow, fresh, so that a test may change how it behaves."""
    monkeypatch.setattr(workflows, "_registry", dict(workflows._registry))
    made = type("Slow", (Slow,), {})
    workflows.register(made)
    return made


def open_run():
    return direction_board.open_run([Step("test_slow")], title="slow")


def hold(task, keeper, seconds):
    """What the keeper does while the task's code has run for so many seconds."""
    with keeper.keeping(task, Slow.timeout):
        keeper.look(time.monotonic() + seconds)


@pytest.mark.django_db(transaction=True)
def test_a_long_task_keeps_its_lease():
    open_run()
    task = attempts.claim("w")
    Task.objects.update(lease_until=timezone.now() + timedelta(seconds=1))

    hold(task, LeaseKeeper(), 1)
    assert Task.objects.get().lease_until < timezone.now() + timedelta(seconds=2)

    hold(task, LeaseKeeper(), RENEW_EVERY + 1)
    assert Task.objects.get().lease_until > timezone.now() + timedelta(seconds=15)


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_does_not_end_the_lease_keeper(caplog):
    def is_locked(execute, sql, params, many, context):
        raise OperationalError("database is locked")

    open_run()
    task, keeper = attempts.claim("w"), LeaseKeeper()
    Task.objects.update(lease_until=timezone.now() + timedelta(seconds=1))

    with keeper.keeping(task, Slow.timeout):
        with connection.execute_wrapper(is_locked):
            keeper.look(time.monotonic() + RENEW_EVERY + 1)
        assert "could not renew" in caplog.text
        keeper.look(time.monotonic() + 2 * (RENEW_EVERY + 1))

    assert Task.objects.get().lease_until > timezone.now() + timedelta(seconds=15)


@pytest.mark.django_db(transaction=True)
def test_an_attempt_ends_at_its_workflows_timeout_and_its_late_result_changes_nothing():
    run = open_run()
    task = attempts.claim("w")

    hold(task, LeaseKeeper(), Slow.timeout + 1)

    stored = run.tasks.get()
    assert (stored.status, stored.error) == ("queued", "It took longer than its workflow may take, 30 seconds.")
    assert stored.due_at > timezone.now()
    with pytest.raises(attempts.Lost):
        finish(Ending(task, 1, Outcome({}, [PROOF])))

    Task.objects.update(due_at=timezone.now())
    hold(attempts.claim("w"), LeaseKeeper(), Slow.timeout + 1)

    run.refresh_from_db()
    assert (run.tasks.get().status, run.status) == (Task.Status.FAILED, Run.Status.FAILED)
    assert list(run.tasks.get().tries.values_list("outcome", "worker")) == [("timed_out", "w")] * 2
    assert run.tasks.get().artifacts.count() == 0


@pytest.mark.django_db
def test_what_needs_a_yes_waits_for_a_person_and_frees_the_worker(slow):
    performed = []
    slow.approval = lambda self, params, run: f"Publish what {run.title} brings."
    slow.perform = lambda self, work: performed.append(1) or Outcome({}, [PROOF])
    run = open_run()

    work_off()

    run.refresh_from_db()
    task = run.tasks.get()
    assert (task.status, run.status, performed) == ("waiting", "waiting", [])
    assert (task.waiting_on, task.asked_of) == ("Publish what slow brings.", "agency.approve_task")
    assert task.expires_at - task.asked_at == timedelta(hours=72)
    assert run.deadline_at > task.expires_at
    assert list(run.events.filter(kind="task.asks").values_list("message", flat=True)) == [
        "test_slow waits for a person: Publish what slow brings."
    ]

    Task.objects.update(status="queued", approved_at=timezone.now(), asked_at=None, asked_of="", expires_at=None)
    work_off()

    run.refresh_from_db()
    assert (run.status, performed) == ("succeeded", [1])


@pytest.mark.django_db
def test_a_task_whose_workflow_is_gone_fails_and_says_so(slow):
    run = open_run()
    del workflows._registry["test_slow"]

    work_off()

    run.refresh_from_db()
    assert (run.status, run.tasks.get().error) == ("failed", "There is no workflow 'test_slow' any more.")


@pytest.mark.django_db
def test_two_tasks_at_one_subject_are_done_one_after_the_other():
    for _ in range(2):
        open_run()
    Task.objects.update(subject="catalog")

    first = attempts.claim("a")
    assert attempts.claim("b") is None

    perform(first)
    second = attempts.claim("b")
    assert second.pk != first.pk


def quick(workflow):
    return True


@pytest.mark.django_db
def test_a_worker_takes_its_part_of_a_long_backlog_of_quick_tasks_at_once():
    for _ in range(8):
        open_run()

    first = attempts.claim_some("a", sharers=1, is_quick=quick)
    second = attempts.claim_some("b", sharers=2, is_quick=quick)

    assert [task.pk for task in first] == list(Task.objects.filter(worker="a").values_list("pk", flat=True))
    assert (len(first), len(second), Task.objects.filter(status="running").count()) == (4, 1, 5)
    for task in [*first, *second]:
        perform(task)
    assert set(Run.objects.values_list("status", flat=True)) == {"succeeded", "queued"}
    assert [
        list(run.events.values_list("number", flat=True)) for run in Run.objects.filter(status="succeeded")
    ] == [[1, 2, 3, 4]] * 5


@pytest.mark.django_db
def test_the_quick_tasks_of_a_run_stay_in_one_hand_while_others_wait_for_workers():
    others = [type(f"Slow{n}", (Slow,), {"key": f"test_slow_{n}", "pipeline": "ops"}) for n in (2, 3)]
    for other in others:
        workflows.register(other)
    for _ in range(4):
        direction_board.open_run([Step("test_slow"), *(Step(other.key) for other in others)], title="three")
    first, second, *_ = Run.objects.order_by("pk")

    hand = attempts.claim_some("a", sharers=1, is_quick=quick)

    assert [task.run_id for task in hand] == [first.pk] * 3 + [second.pk] * 3


@pytest.mark.django_db
def test_a_run_of_quick_tasks_is_one_workers_also_when_nothing_else_waits():
    other = workflows.register(type("Slow2", (Slow,), {"key": "test_slow_2", "pipeline": "ops"}))
    direction_board.open_run([Step("test_slow"), Step(other.key)], title="two")
    direction_board.open_run([Step("test_slow"), Step(other.key)], title="two more")
    first = Run.objects.order_by("pk")[0]

    by_pace = attempts.claim_some("a", sharers=2, is_quick={"test_slow": False, "test_slow_2": True}.get)
    both = attempts.claim_some("b", sharers=2, is_quick=quick)

    assert [(task.run_id, task.workflow) for task in by_pace] == [(first.pk, "test_slow")]
    assert [(task.run_id, task.workflow) for task in both] == [(first.pk, "test_slow_2")]
    assert len(attempts.claim_some("c", sharers=2, is_quick=quick)) == 2


@pytest.mark.django_db
def test_where_one_writes_at_a_time_quick_tasks_are_left_to_the_worker_that_is_at_them(monkeypatch):
    """On SQLite; and only for a moment, as that worker may have died."""
    monkeypatch.setattr(work, "_pace", work.Pace())
    work._pace.took("test_slow", 0)
    for _ in range(2):
        open_run()
    attempts.claim("another")
    on_sqlite = connection.vendor == "sqlite"

    assert work_off(seconds=0.03) is on_sqlite
    assert Task.objects.filter(status="succeeded").count() == (0 if on_sqlite else 1)

    Task.objects.filter(worker="another").update(claimed_at=timezone.now() - attempts.A_MOMENT)
    assert work_off(seconds=5) is False
    assert Task.objects.filter(status="succeeded").count() == 1


@pytest.mark.django_db
def test_a_clock_that_was_set_back_stops_nobody(monkeypatch):
    monkeypatch.setattr(work, "_pace", work.Pace())
    work._pace.took("test_slow", 0)
    for _ in range(2):
        open_run()
    lost = attempts.claim("gone")
    Task.objects.filter(pk=lost.pk).update(claimed_at=timezone.now() + timedelta(hours=1))

    work_off(seconds=5)

    assert Task.objects.filter(status="succeeded").count() == 1


@pytest.mark.django_db
def test_who_is_at_a_long_task_keeps_nobody_waiting():
    for _ in range(2):
        open_run()
    attempts.claim("another")

    work_off(seconds=5)

    assert Task.objects.filter(status="succeeded").count() == 1


@pytest.mark.django_db
def test_long_tasks_and_tasks_with_a_subject_are_taken_one_by_one():
    for _ in range(8):
        open_run()

    assert len(attempts.claim_some("a", is_quick=lambda workflow: False)) == 1
    Task.objects.filter(status="queued").update(subject="catalog")
    assert len(attempts.claim_some("a", is_quick=quick)) == 1


@pytest.mark.django_db(transaction=True)
def test_the_leases_of_tasks_that_wait_in_a_workers_hand_are_kept():
    for _ in range(4):
        open_run()
    hand = attempts.claim_some("a", is_quick=quick)
    keeper = LeaseKeeper()
    Task.objects.update(lease_until=timezone.now() + timedelta(seconds=1))

    with keeper.waiting(hand), keeper.keeping(hand[0], Slow.timeout):
        keeper.look(time.monotonic() + RENEW_EVERY + 1)

    soon = timezone.now() + timedelta(seconds=15)
    assert Task.objects.filter(status="running", lease_until__gt=soon).count() == len(hand) == 2


@pytest.mark.django_db(transaction=True)
def test_a_canceled_task_does_not_take_the_leases_of_the_others_along():
    for _ in range(4):
        open_run()
    hand = attempts.claim_some("a", is_quick=quick)
    keeper = LeaseKeeper()
    direction_board.cancel(hand[0].run)
    Task.objects.filter(status="running").update(lease_until=timezone.now() + timedelta(seconds=1))

    with keeper.waiting(hand), keeper.keeping(hand[0], Slow.timeout):
        keeper.look(time.monotonic() + RENEW_EVERY + 1)

    assert Task.objects.get(pk=hand[1].pk).lease_until > timezone.now() + timedelta(seconds=15)


@pytest.mark.django_db
def test_webhooks_hear_of_every_end_of_a_run_once_and_of_what_waits_for_a_person(slow):
    make_endpoint()
    open_run()
    work_off()
    canceled = open_run()
    direction_board.cancel(canceled)
    direction_board.cancel(canceled)
    slow.perform = lambda self, work: Outcome({}, needs_human="The brief is empty.")
    open_run()
    work_off()
    slow.approval = lambda self, params, run: "Publish it."
    open_run()
    work_off()

    assert list(WebhookDelivery.objects.order_by("id").values_list("event_type", flat=True)) == [
        "run.succeeded",
        "run.canceled",
        "task.needs_human",
        "run.needs_human",
        "task.needs_human",
    ]


@pytest.mark.django_db
def test_a_part_of_the_sweep_that_stumbles_does_not_stop_the_work(monkeypatch, caplog):
    def stumble():
        raise OperationalError("no such table")

    stumble.__module__, stumble.__name__ = "agency.schedules", "fire"
    monkeypatch.setattr(jobs, "SWEEPS", [stumble])
    run = open_run()

    jobs.sweep()

    run.refresh_from_db()
    assert run.status == "succeeded"
    assert "agency.schedules.fire stumbled" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ["a\x00b", "a\ud800b"])
def test_an_error_that_no_database_can_keep_ends_its_task_all_the_same(slow, odd, monkeypatch):
    monkeypatch.setattr(work.log, "disabled", True)  # pytest's report of two processes can't carry half characters

    def perform(self, work):
        raise ValueError(odd)

    slow.perform, slow.max_attempts = perform, 1
    run = open_run()

    work_off()

    run.refresh_from_db()
    task = run.tasks.get()
    assert (run.status, task.status, task.error) == ("failed", "failed", "ValueError: ab")
    assert task.tries.get().traceback.endswith("ValueError: ab\n")
