"""One try of a task: claimed under a lease, renewed, and ended by exactly one of wait, ask, finish and fail.

Every change is one conditional UPDATE on status and fence (the attempt's number). A worker that was paused past
its lease, a second delivery and a result after a cancel find that condition false and change nothing.

What every task of every run passes through is raw SQL: the ORM took ten times as long for the same statements.
"""

import hashlib
import json
import random
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial

from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Greatest
from django.utils import timezone

from agency import breakers, settling, webhooks, workflows
from agency.models import Artifact, Attempt, Event, Observation, Run, Task
from agency.models.inserts import insert, inserting
from agency.models.round_trips import Statement, together
from agency.models.runs import Note, canonical_json

LEASE = timedelta(seconds=20)
ASKED_OF = "agency.approve_task"  # the right of a person whom a task waits for


HOLD = "SELECT id FROM agency_run WHERE id = %s FOR NO KEY UPDATE"


class Lost(Exception):
    """This attempt is no longer the task's newest, or the task was canceled: nothing of it may be kept."""


def hold_run(run_id, *, wait=True):
    """Lock the run's row until the transaction ends: first of all, in every transaction that changes a task.

    One order of locks for claim, finish, cancel and the rest, so that none of them can deadlock with another on
    PostgreSQL; it also keeps a run's events in order. SQLite's transactions exclude each other anyway.
    """
    if not connection.features.has_select_for_update:
        return True
    with connection.cursor() as cursor:
        cursor.execute(HOLD if wait else f"{HOLD} SKIP LOCKED", [run_id])
        return cursor.fetchone() is not None


def _must_be_mine(task, mine, *others):
    """Hold the task's run, and execute the statement that finds a row only while the attempt is the task's own;
    the rows of the `others`. Raises Lost, and the caller's transaction takes back whatever they did."""
    holding = [Statement(HOLD, [task.run_id])] if connection.features.has_select_for_update else []
    rows, *answers = together(*holding, mine, *others)[len(holding) :]
    if not rows:
        raise Lost
    return answers


# --- Claiming ------------------------------------------------------------------------------------------

# What TaskQuerySet.due says of queued tasks.
_FREE = """
    SELECT t.id, t.run_id, t.workflow, t.subject FROM agency_task t
    WHERE t.status = 'queued' AND t.due_at <= %(now)s
      AND (t.subject = '' OR NOT EXISTS (
        SELECT 1 FROM agency_task busy WHERE busy.workflow = t.workflow AND busy.subject = t.subject
          AND busy.status = 'running' AND NOT (busy.subject = '')))
      AND NOT EXISTS (
        SELECT 1 FROM agency_breaker b WHERE b.workflow = t.workflow AND b.opened_at IS NOT NULL)
"""
NEXT = f"{_FREE} ORDER BY t.due_at, t.id LIMIT %(most)s"
DUE = f"SELECT COUNT(*) FROM ({_FREE} LIMIT %(most)s) free"  # noqa: S608  a constant
LAPSED = "SELECT COUNT(*) FROM agency_task WHERE status = 'running' AND lease_until < %(now)s"
CLAIM = """
    UPDATE agency_task SET status = 'running', attempts = attempts + 1, lease_until = %s, worker = %s,
      claimed_at = %s, started_at = COALESCE(started_at, %s), waiting_on = ''
    WHERE id IN ({}) AND status = 'queued' AND due_at <= %s
    RETURNING id, run_id, pipeline, workflow, status, params, attempts, lease_until, worker, claimed_at, measures,
      binds, draft, approved_at
"""
HOLD_FREE = "SELECT id FROM agency_run WHERE id IN ({}) FOR NO KEY UPDATE SKIP LOCKED"
STARTED = """
    UPDATE agency_run SET event_count = event_count + %s, started_at = COALESCE(started_at, %s),
      status = CASE WHEN status IN ('queued', 'waiting') THEN 'running' ELSE status END
    WHERE id = %s
"""
MOST_AT_ONCE = 10
PAUSES = (0.003, 0.01, 0.03)  # seconds: a run is held for no longer than a claim or a finish takes


def claim(worker):
    """Take the next due task under a lease, or None. The attempt's number is its fence."""
    return next(iter(claim_some(worker)), None)


def claim_some(worker, *, sharers=1, is_quick=lambda workflow: False):
    """Take the next due task, or some if their workflows are quick; a list in the order in which to do them.

    Of a long backlog a worker takes its part at once, one for each of the `sharers` who claim beside it: a claim
    is a transaction, and the tasks of a quick workflow are hardly more. Long ones are taken one by one.
    """
    for pause in (*PAUSES, None):
        # The unique index refused a second task at one subject: somebody took the first at this moment.
        with suppress(IntegrityError):
            tasks, is_any_left = _take(worker, timezone.now(), sharers, is_quick)
            if tasks or not is_any_left:
                return tasks or _recovered(worker)
        if pause is None:
            return []
        time.sleep(pause)
    return []


def _recovered(worker):
    """Nothing is queued; what a lost worker held may be."""
    if not recover():
        return []
    tasks, _ = _take(worker, timezone.now(), 1, lambda workflow: False)
    return tasks


@transaction.atomic
def _take(worker, now, sharers, is_quick):
    """The tasks taken, and whether any was free."""
    at = _stored(now)
    with connection.cursor() as cursor:
        cursor.execute(NEXT, {"now": at, "most": MOST_AT_ONCE * sharers})
        free = cursor.fetchall()
        wanted = _hand(free, sharers, is_quick)
        if connection.features.has_select_for_update and wanted:
            # Runs first (hold_run), and not those that somebody holds at this moment.
            runs = sorted({run_id for _, run_id in wanted})
            cursor.execute(HOLD_FREE.format(_places(runs)), runs)
            held = {pk for (pk,) in cursor.fetchall()}
            wanted = [row for row in wanted if row[1] in held]
        if not wanted:
            return [], bool(free)
        ids = [pk for pk, _ in wanted]
        values = [_stored(now + LEASE), worker[:80], at, at, *ids, at]
        tasks = sorted(Task.objects.raw(CLAIM.format(_places(ids)), values), key=lambda task: ids.index(task.pk))
    started = []
    for run_id in sorted({task.run_id for task in tasks}):
        notes = [_started(task) for task in tasks if task.run_id == run_id]
        started += [Statement(STARTED, [len(notes), at, run_id]), Event.writing(run_id, notes)]
    if started:
        together(*started)
    return tasks, True


def _hand(free, sharers, is_quick):
    """Which of the free tasks one worker takes: `(id, run)` of the first, and of quick ones its share.

    In a long backlog the quick tasks of one run stay in one hand: what one measures is there when the next one
    asks for it, while a second worker would be too early, and have to put its task back to wait.
    """
    share = max(1, min(MOST_AT_ONCE, len(free) // (2 * sharers)))
    hand = []
    for pk, run_id, workflow, subject in free[: MOST_AT_ONCE if share > 1 else 1]:
        is_light = not subject and is_quick(workflow)
        if hand and not (is_light and (len(hand) < share or run_id == hand[-1][1])):
            break
        hand.append((pk, run_id))
        if not is_light:
            break
    return hand


def _started(task):
    message = f"{task.workflow}: attempt {task.attempts}"
    return Note("task.started", message, task.pk, {"attempt": task.attempts})


def _places(values):
    return ", ".join(["%s"] * len(values))


def count_due(most):
    """How many tasks a worker could take up now, queued or lost by another worker, counted up to `most`."""
    values = {"now": _stored(timezone.now())}
    with connection.cursor() as cursor:
        cursor.execute(DUE, values | {"most": most})
        queued = cursor.fetchone()[0]
        if queued == most:
            return queued
        cursor.execute(LAPSED, values)
        return queued + cursor.fetchone()[0]


def oldest_due():
    """Since when the task that a worker should take up next has been due (datetime), or None."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT, {"now": _stored(timezone.now()), "most": 1})
        oldest = cursor.fetchone()
    return Task.objects.values_list("due_at", flat=True).get(pk=oldest[0]) if oldest else None


def recover(now=None):
    """Queue again what lost workers held, once its lease ran out; end what keeps losing its workers.

    True if there was any.
    """
    now = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(LAPSED, {"now": _stored(now)})
        if not cursor.fetchone()[0]:
            return False
    for task in Task.objects.filter(status=Task.Status.RUNNING, lease_until__lt=now)[:20]:
        with transaction.atomic(), suppress(Lost):
            if hold_run(task.run_id, wait=False):
                _take_back(task, now)
    return True


def _take_back(task, now):
    workflow = workflows.find(task.workflow)
    if workflow and 1 + _failures(task) >= workflow.max_attempts:
        # Whatever kills its workers would go on killing.
        message = f"Its worker was lost {task.attempts} times."
        _end_attempt(task, task.attempts, message, Attempt.Outcome.LOST, lease_until=task.lease_until)
        breakers.failed(task.workflow, message, run_id=task.run_id)
        return
    lost = _mine(task.pk, task.attempts).filter(lease_until=task.lease_until)
    if lost.update(status=Task.Status.QUEUED, due_at=now, lease_until=None):
        close_attempt(task, Attempt.Outcome.LOST)
        message = f"{task.workflow}: the worker of attempt {task.attempts} was lost"
        Event.record(task.run_id, "task.lost", message, task_id=task.pk, data={"attempt": task.attempts})


def _failures(task):
    broken = (Attempt.Outcome.FAILED, Attempt.Outcome.TIMED_OUT, Attempt.Outcome.LOST)
    return task.tries.filter(outcome__in=broken).count()


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


# --- Ends of an attempt --------------------------------------------------------------------------------

RENEWED = """
    UPDATE agency_task SET lease_until = %s WHERE id = %s AND attempts = %s AND status = 'running' RETURNING id
"""
SUCCEEDED = """
    UPDATE agency_task SET status = 'succeeded', result = %s, waiting_on = '', error = '', lease_until = NULL,
      finished_at = %s WHERE id = %s AND attempts = %s AND status = 'running' RETURNING id
"""
NEEDS_HUMAN = """
    UPDATE agency_task SET status = 'needs_human', result = %s, waiting_on = %s, error = '', lease_until = NULL,
      asked_at = %s, asked_of = %s WHERE id = %s AND attempts = %s AND status = 'running' RETURNING id
"""
BOUND = "INSERT INTO agency_task_bound_to (task_id, observation_id) VALUES {} ON CONFLICT DO NOTHING"
OBSERVED = """
    INSERT INTO agency_observation (run_id, task_id, kind, body, sha256, measured_at)
    VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (run_id, kind) DO NOTHING RETURNING id
"""


@transaction.atomic
def observe(task, fence, kind, payload):
    """Store what a Sales task measured, once, and wake the tasks that are bound to it.

    A second attempt gets the observation that the first one committed: a run has one truth of each kind.
    """
    if kind not in task.measures:
        raise ValueError(f"{task.workflow} does not measure {kind}")
    now = timezone.now()
    new = Observation(
        run_id=task.run_id, task_id=task.pk, kind=kind, body=canonical_json(payload), measured_at=now
    )
    new.sha256 = new.recomputed_sha256
    values = [new.run_id, new.task_id, kind, new.body, new.sha256, _stored(now)]
    renewed = Statement(RENEWED, [_stored(now + LEASE), task.pk, fence])
    (inserted,) = _must_be_mine(task, renewed, Statement(OBSERVED, values))
    if not inserted:
        return Observation.objects.get(run_id=task.run_id, kind=kind)
    new.pk, new._state.adding = inserted[0][0], False
    data = {"kind": kind, "sha256": new.sha256}
    note = Note("observation.measured", f"{task.workflow} measured {kind}", task.pk, data)
    _, _, *waiting = together(*Event.recording(task.run_id, [note]), *settling.waking(task.run_id))
    settling.wake(*waiting)
    return new


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
    settling.wake_bound(task.run_id)
    settling.settle(task.run_id)


@transaction.atomic
def ask(task, fence, what, workflow):
    """Free the worker: the task goes on when a person who has the workflow's right says yes to `what`."""
    hold_run(task.run_id)
    now = timezone.now()
    if not _mine(task.pk, fence).update(
        status=Task.Status.WAITING,
        lease_until=None,
        waiting_on=what[:200],
        asked_at=now,
        asked_of=workflow.approval_right,
        expires_at=now + workflow.answer_within,
    ):
        raise Lost
    close_attempt(task, Attempt.Outcome.WAITING)
    # The run's deadline is for work that goes on; people get their time on top of it.
    Run.objects.filter(pk=task.run_id).update(
        deadline_at=Greatest("deadline_at", now + workflow.answer_within + workflows.SHORTEST_RUN)
    )
    said = f"{task.workflow} waits for a person: {what}"
    note = Note("task.asks", said, task.pk, {"right": workflow.approval_right})
    webhooks.announce_task(task, Task.Status.NEEDS_HUMAN)
    settling.settle(task.run_id, [note])


def finish(task, fence, outcome, seen=None):
    """Commit an attempt's success with its artifacts and effects, all or nothing. Raises Lost when too late.

    `seen` are the observations that the task is bound to, where the caller has them.
    """
    needs_human = outcome.needs_human
    if not needs_human and not any(artifact.content for artifact in outcome.artifacts):
        needs_human = "The workflow ended without an artifact that proves its work."
    # The files first: the transaction, which keeps other writers waiting, stays short.
    stored = []
    try:
        names = [artifact.name for artifact in outcome.artifacts]
        if len(set(names)) < len(names):
            raise workflows.PermanentError(f"Two files of one task have the same name: {', '.join(names)}.")
        for artifact in outcome.artifacts:
            stored.append(_written(task, artifact))
        with transaction.atomic():
            notes = _hand_over(task, fence, outcome, stored, seen, needs_human)
            for effect in outcome.effects if not needs_human else ():
                effect(task)
            settling.settle(task.run_id, notes)
    except BaseException:
        for artifact in stored:
            artifact.file.delete(save=False)
        raise


def _hand_over(task, fence, outcome, stored, seen, needs_human):
    """The task's new status with all that proves it, in as few messages as can be; what is to be told of it."""
    if task.attempts > 1:
        hold_run(task.run_id)
        _give_way(task, [artifact.name for artifact in stored])
    ended = Attempt.Outcome.NEEDS_HUMAN if needs_human else Attempt.Outcome.SUCCEEDED
    statements = [inserting([_closed(task, ended)]), breakers.succeeding(task.workflow)]
    if stored:
        statements.append(inserting(stored))
    notes = []
    bound = _bound(task, seen) if task.binds else []
    if bound:
        statements.append(_binding(task, bound))
        kinds = ", ".join(observation.kind for observation in bound)
        data = {"observations": [observation.sha256 for observation in bound]}
        notes.append(Note("task.bound", f"{task.workflow} is bound to {kinds}", task.pk, data))
    to, at, result = task.Status.SUCCEEDED, _stored(timezone.now()), json.dumps(outcome.result)
    mine = Statement(SUCCEEDED, [result, at, task.pk, fence])
    if needs_human:
        to = task.Status.NEEDS_HUMAN
        mine = Statement(NEEDS_HUMAN, [result, needs_human[:200], at, ASKED_OF, task.pk, fence])
    _must_be_mine(task, mine)
    together(*statements)
    task.status, task.result, task.lease_until = to, outcome.result, None
    if needs_human:
        webhooks.announce_task(task, to)
    return [*notes, Note(f"task.{to}", f"{task.workflow}: {needs_human or 'done'}", task.pk)]


def _bound(task, seen):
    """The observations that the task is bound to, in one order for all."""
    if seen is None:
        seen = Observation.objects.filter(run_id=task.run_id, kind__in=task.binds)
    return sorted((observation for observation in seen if observation.kind in task.binds), key=lambda o: o.pk)


def _binding(task, bound):
    pairs = [value for observation in bound for value in (task.pk, observation.pk)]
    return Statement(BOUND.format(", ".join(["(%s, %s)"] * len(bound))), pairs)


def _written(task, new):
    """An artifact whose file is stored and whose row is not."""
    artifact = Artifact(run_id=task.run_id, task=task, kind=new.kind, name=new.name, created_at=timezone.now())
    artifact.content_type = new.content_type
    artifact.size = len(new.content)
    artifact.sha256 = hashlib.sha256(new.content).hexdigest()
    # A name of its own: the storage would look for a free one among all files of the month.
    artifact.file.save(f"{task.pk}-{task.attempts}-{new.name}", ContentFile(new.content), save=False)
    return artifact


def _give_way(task, names):
    """The files of an earlier attempt that ended with a person make room for newer ones of their names."""
    replaced = Artifact.objects.filter(task=task, name__in=names, deliveries=None)
    for old in replaced:
        transaction.on_commit(partial(old.file.storage.delete, old.file.name))
    replaced.delete()


@transaction.atomic
def fail(task, fence, message, *, traceback="", may_retry=True, outcome=Attempt.Outcome.FAILED):
    """Note a failed attempt: again later with backoff and jitter, or the end of the task."""
    hold_run(task.run_id)
    workflow = workflows.find(task.workflow)
    failures = 1 + _failures(task)
    if not (may_retry and workflow and failures < workflow.max_attempts):
        _end_attempt(task, fence, message, outcome, traceback=traceback)
        if may_retry:  # what no try can help, like a refused parameter, says nothing about the workflow
            breakers.failed(task.workflow, message, run_id=task.run_id)
        return
    delay = 2**failures * random.uniform(0.5, 1.5)  # noqa: S311  jitter, not a secret
    if not _mine(task.pk, fence).update(
        status=Task.Status.QUEUED,
        due_at=timezone.now() + timedelta(seconds=delay),
        lease_until=None,
        error=message,
    ):
        raise Lost
    close_attempt(task, outcome, error=message, traceback=traceback)
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
    settling.settle(task.run_id, [Note("task.failed", f"{task.workflow} failed: {message}", task.pk)])


def close_attempt(task, outcome, *, error="", traceback=""):
    """Write how the task's newest attempt ended; what it was while it went on stands in the task's row."""
    insert([_closed(task, outcome, error=error, traceback=traceback)])


def _closed(task, outcome, *, error="", traceback=""):
    now = timezone.now()
    tried = Attempt(task=task, number=task.attempts, worker=task.worker, started_at=task.claimed_at or now)
    tried.finished_at, tried.outcome, tried.error, tried.traceback = now, outcome, error, traceback
    return tried


def _stored(moment):
    """A time as this database stores it."""
    return connection.ops.adapt_datetimefield_value(moment)
