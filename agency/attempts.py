"""One try of a task: claimed under a lease, renewed, and ended by exactly one of wait, finish and fail.

Every change is one conditional UPDATE on status and fence (the attempt's number). A worker that was paused past
its lease, a second delivery and a result after a cancel find that condition false and change nothing.
"""

import hashlib
import random
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial

from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from agency import workflows
from agency.bells import ring
from agency.models import Artifact, Attempt, Event, Observation, Run, Task
from agency.models.runs import canonical_json

LEASE = timedelta(seconds=20)
ASKED_OF = "agency.approve_task"  # the right of a person whom a task waits for


class Lost(Exception):
    """This attempt is no longer the task's newest, or the task was canceled: nothing of it may be kept."""


def hold_run(run_id, *, wait=True):
    """Lock the run's row until the transaction ends: first of all, in every transaction that changes a task.

    One order of locks for claim, finish, cancel and the rest, so that none of them can deadlock with another on
    PostgreSQL; it also keeps a run's events in order. SQLite's transactions exclude each other anyway.
    """
    if connection.features.has_select_for_update:
        rows = Run.objects.select_for_update(skip_locked=not wait, no_key=True).filter(pk=run_id)
        return bool(rows.values_list("pk").first())
    return True


def _hold_soon(run_id):
    """Lock the run's row unless somebody keeps it for longer than a claim or a finish takes."""
    for _ in range(10):
        if hold_run(run_id, wait=False):
            return True
        time.sleep(0.01)
    return False


def claim(worker):
    """Take the next due task under a lease, or None. The attempt's number is its fence."""
    now = timezone.now()
    for task in Task.objects.due(now).order_by("due_at", "id")[:10]:
        if task.status == Task.Status.RUNNING and _gave_up(task):
            continue
        with transaction.atomic():
            if not _hold_soon(task.run_id):  # its holder is busy with it; other runs are not
                continue
            won = Task.objects.filter(
                pk=task.pk, status=task.status, attempts=task.attempts, lease_until=task.lease_until
            ).update(
                status=Task.Status.RUNNING,
                attempts=F("attempts") + 1,
                lease_until=now + LEASE,
                worker=worker,
                claimed_at=now,
                started_at=Coalesce("started_at", now),
                waiting_on="",
            )
            if not won:
                continue
            was_lost = task.status == Task.Status.RUNNING
            if was_lost:
                close_attempt(task, Attempt.Outcome.LOST)
            # The UPDATE has proved that the row still was as it was read.
            task.status, task.attempts, task.lease_until = Task.Status.RUNNING, task.attempts + 1, now + LEASE
            task.started_at, task.waiting_on = task.started_at or now, ""
            task.worker, task.claimed_at = worker, now
            Event.record(
                task.run_id,
                "task.started",
                f"{task.workflow}: attempt {task.attempts}" + (" after a lost worker" if was_lost else ""),
                task_id=task.pk,
                data={"attempt": task.attempts},
            )
            Run.objects.filter(pk=task.run_id, status__in=["queued", "waiting"]).update(
                status=Run.Status.RUNNING, started_at=Coalesce("started_at", now)
            )
        return task
    return None


def _gave_up(task):
    """End a task whose workers keep dying: whatever kills them would go on killing."""
    workflow = workflows.find(task.workflow)
    if workflow is None or 1 + _failures(task) < workflow.max_attempts:
        return False
    with transaction.atomic(), suppress(Lost):
        if not _hold_soon(task.run_id):
            return True
        message = f"Its worker was lost {task.attempts} times."
        _end_attempt(task, task.attempts, message, Attempt.Outcome.LOST, lease_until=task.lease_until)
    return True


def _failures(task):
    return task.tries.filter(outcome__in=[Attempt.Outcome.FAILED, Attempt.Outcome.LOST]).count()


def check(task_id, fence):
    """Raise Lost unless this attempt is still the task's own. Unlike `renew` it locks nothing."""
    if not _mine(task_id, fence).exists():
        raise Lost


def renew(task_id, fence):
    """Prolong the lease of an attempt, or raise Lost."""
    if not _mine(task_id, fence).update(lease_until=timezone.now() + LEASE):
        raise Lost


def report_progress(task_id, fence, done, total, message):
    """Show how far the attempt is, and prolong its lease, or raise Lost."""
    if not _mine(task_id, fence).update(
        progress_done=done,
        progress_total=total,
        progress_message=message[:200],
        lease_until=timezone.now() + LEASE,
    ):
        raise Lost


def _mine(task_id, fence):
    return Task.objects.filter(pk=task_id, status=Task.Status.RUNNING, attempts=fence)


@transaction.atomic
def observe(task, fence, kind, payload):
    """Store what a Sales task measured, once, and wake the tasks that are bound to it.

    A second attempt gets the observation that the first one committed: a run has one truth of each kind.
    """
    if kind not in task.measures:
        raise ValueError(f"{task.workflow} does not measure {kind}")
    hold_run(task.run_id)
    renew(task.pk, fence)
    body = canonical_json(payload)
    stored = Observation.objects.filter(run_id=task.run_id, kind=kind).first()
    if stored:
        return stored
    observation = Observation(run_id=task.run_id, task=task, kind=kind, body=body)
    observation.sha256 = observation.recomputed_sha256
    observation.save()
    Event.record(
        task.run_id,
        "observation.measured",
        f"{task.workflow} measured {kind}",
        task_id=task.pk,
        data={"kind": kind, "sha256": observation.sha256},
    )
    wake_bound(task.run_id)
    return observation


def wake_bound(run_id):
    """Queue the waiting tasks of a run whose observations are all there."""
    present = set(Observation.objects.filter(run_id=run_id).values_list("kind", flat=True))
    woken = 0
    for task in Task.objects.filter(run_id=run_id, status=Task.Status.WAITING):
        if set(task.binds) <= present:
            woken += task.advance(Task.Status.QUEUED, due_at=timezone.now(), waiting_on="")
    if woken:
        ring()


@transaction.atomic
def wait(task, fence, missing):
    """Free the worker: the task goes on when its observations are there."""
    hold_run(task.run_id)
    reason = f"the measurement of {', '.join(missing)}"
    if not _mine(task.pk, fence).update(status=Task.Status.WAITING, lease_until=None, waiting_on=reason):
        raise Lost
    close_attempt(task, Attempt.Outcome.WAITING)
    Event.record(task.run_id, "task.waiting", f"{task.workflow} waits for {reason}", task_id=task.pk)
    # Measured between our look and this transaction? Then nobody else will wake it.
    wake_bound(task.run_id)
    settle(task.run_id)


def finish(task, fence, outcome):
    """Commit an attempt's success with its artifacts and effects, all or nothing. Raises Lost when too late."""
    needs_human = outcome.needs_human
    if not needs_human and not any(artifact.content for artifact in outcome.artifacts):
        needs_human = "The workflow ended without an artifact that proves its work."
    status = Task.Status.NEEDS_HUMAN if needs_human else Task.Status.SUCCEEDED
    # The files first: the transaction, which keeps other writers waiting, stays short.
    stored = []
    try:
        names = [artifact.name for artifact in outcome.artifacts]
        if len(set(names)) < len(names):
            raise workflows.PermanentError(f"Two files of one task have the same name: {', '.join(names)}.")
        for artifact in outcome.artifacts:
            stored.append(_written(task, artifact))
        with transaction.atomic():
            hold_run(task.run_id)
            if not _mine(task.pk, fence).update(
                status=status,
                result=outcome.result,
                waiting_on=needs_human[:200],
                asked_at=timezone.now() if needs_human else None,
                asked_of=ASKED_OF if needs_human else "",
                error="",
                lease_until=None,
                finished_at=None if needs_human else timezone.now(),
            ):
                raise Lost
            task.status, task.result, task.lease_until = status, outcome.result, None
            if task.binds:
                _bind(task)
            _keep(task, stored)
            for effect in outcome.effects if not needs_human else ():
                effect(task)
            close_attempt(task, Attempt.Outcome.NEEDS_HUMAN if needs_human else Attempt.Outcome.SUCCEEDED)
            message = f"{task.workflow}: {needs_human or 'done'}"
            Event.record(task.run_id, f"task.{status}", message, task_id=task.pk)
            settle(task.run_id)
    except BaseException:
        for artifact in stored:
            artifact.file.delete(save=False)
        raise


def _bind(task):
    observations = Observation.objects.filter(run_id=task.run_id, kind__in=task.binds)
    task.bound_to.set(observations)
    if observations:
        Event.record(
            task.run_id,
            "task.bound",
            f"{task.workflow} is bound to {', '.join(o.kind for o in observations)}",
            task_id=task.pk,
            data={"observations": [o.sha256 for o in observations]},
        )


def _written(task, new):
    """An artifact whose file is stored and whose row is not."""
    artifact = Artifact(run_id=task.run_id, task=task, kind=new.kind, name=new.name)
    artifact.content_type = new.content_type
    artifact.size = len(new.content)
    artifact.sha256 = hashlib.sha256(new.content).hexdigest()
    artifact.file.save(new.name, ContentFile(new.content), save=False)
    return artifact


def _keep(task, artifacts):
    """Store the rows; those of an earlier attempt that ended with a person give way to the newer ones."""
    if task.attempts > 1:
        names = [artifact.name for artifact in artifacts]
        replaced = Artifact.objects.filter(task=task, name__in=names, deliveries=None)
        for old in replaced:
            transaction.on_commit(partial(old.file.storage.delete, old.file.name))
        replaced.delete()
    Artifact.objects.bulk_create(artifacts)


@transaction.atomic
def fail(task, fence, message, *, traceback="", may_retry=True):
    """Note a failed attempt: again later with backoff and jitter, or the end of the task."""
    hold_run(task.run_id)
    workflow = workflows.find(task.workflow)
    failures = 1 + _failures(task)
    if not (may_retry and workflow and failures < workflow.max_attempts):
        _end_attempt(task, fence, message, Attempt.Outcome.FAILED, traceback=traceback)
        return
    delay = 2**failures * random.uniform(0.5, 1.5)  # noqa: S311  jitter, not a secret
    if not _mine(task.pk, fence).update(
        status=Task.Status.QUEUED,
        due_at=timezone.now() + timedelta(seconds=delay),
        lease_until=None,
        error=message,
    ):
        raise Lost
    close_attempt(task, Attempt.Outcome.FAILED, error=message, traceback=traceback)
    again = f"{task.workflow} failed and is tried again in {delay:.0f} s: {message}"
    Event.record(task.run_id, "task.retrying", again, task_id=task.pk)


def _end_attempt(task, fence, message, outcome, *, traceback="", **still):
    """The task failed for good, if this attempt is `still` what it was."""
    if (
        not _mine(task.pk, fence)
        .filter(**still)
        .update(status=Task.Status.FAILED, finished_at=timezone.now(), lease_until=None, error=message)
    ):
        raise Lost
    close_attempt(task, outcome, error=message, traceback=traceback)
    Event.record(task.run_id, "task.failed", f"{task.workflow} failed: {message}", task_id=task.pk)
    settle(task.run_id)


def close_attempt(task, outcome, **fields):
    """Write how the task's newest attempt ended; what it was while it went on stands in the task's row."""
    Attempt.objects.create(
        task=task,
        number=task.attempts,
        worker=task.worker,
        started_at=task.claimed_at or timezone.now(),
        outcome=outcome,
        **fields,
    )


def settle(run_id):
    """Skip what can't be measured any more, and end the run when nothing of it is open.

    Called in the transaction that changed a task, after an event was recorded: that holds the run's row, so the
    last of two tasks that finish at once sees the other one's end.
    """
    statuses = {task.status for task in _skip_unmeasurable(run_id)}
    if statuses & {Task.Status.QUEUED, Task.Status.RUNNING}:
        return
    if Task.Status.WAITING in statuses:
        Run.objects.filter(pk=run_id, status=Run.Status.RUNNING).update(status=Run.Status.WAITING)
        return
    if Task.Status.NEEDS_HUMAN in statuses:
        to = Run.Status.NEEDS_HUMAN
    elif statuses == {Task.Status.SUCCEEDED}:
        to = Run.Status.SUCCEEDED
    else:
        to = Run.Status.PARTIAL if Task.Status.SUCCEEDED in statuses else Run.Status.FAILED
    fields = {} if to == Run.Status.NEEDS_HUMAN else {"finished_at": timezone.now()}
    if Run.objects.may_become(to).filter(pk=run_id).update(status=to, **fields):
        Event.record(
            run_id,
            f"run.{to}",
            f"The run ended: {Run.Status(to).label.lower()}" if fields else "The run waits for a person",
        )


def _skip_unmeasurable(run_id):
    """End as skipped what is bound to something that no task will measure any more; returns the run's tasks."""
    tasks = list(Task.objects.filter(run_id=run_id).defer("params", "draft", "result"))
    if all(task.status in Task.TERMINAL or not task.binds for task in tasks):
        return tasks
    present = set(Observation.objects.filter(run_id=run_id).values_list("kind", flat=True))
    coming = {kind for task in tasks if task.status not in Task.TERMINAL for kind in task.measures}
    for task in tasks:
        gone = sorted(set(task.binds) - present - coming)
        if gone and task.status in (Task.Status.QUEUED, Task.Status.WAITING):
            reason = f"{', '.join(gone)} was not measured: the Sales task that should have done it ended without"
            if task.advance(
                Task.Status.SKIPPED, error=reason, waiting_on="", finished_at=timezone.now(), lease_until=None
            ):
                Event.record(run_id, "task.skipped", f"{task.workflow} skipped: {reason}", task_id=task.pk)
    return tasks
