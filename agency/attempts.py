"""One try of a task: claimed under a lease, renewed, and ended by exactly one of wait, ask, fail and finish.

Every change is one conditional UPDATE on status and fence (the attempt's number). A worker that was paused past
its lease, a second delivery and a result after a cancel find that condition false and change nothing.

What every task of every run passes through is raw SQL: the ORM took ten times as long for the same statements.
"""

import random
import time
from contextlib import suppress
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Greatest
from django.utils import timezone

from agency import breakers, settling, webhooks, workflows
from agency.models import Attempt, Event, Observation, Run, Task
from agency.models.events import Note, by_length
from agency.models.inserts import insert
from agency.models.round_trips import Statement, places, together
from agency.models.runs import canonical_json
from earnings import storable

LEASE = timedelta(seconds=20)
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
# Runs first (hold_run), and not those that somebody holds at this moment.
FREE = "WITH free AS (SELECT id FROM agency_run WHERE id IN ({}) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED) "
CLAIM_FREE = FREE + CLAIM.replace("RETURNING", "AND run_id IN (SELECT id FROM free) RETURNING")
STARTED = """
    UPDATE agency_run SET event_count = event_count + %s, started_at = COALESCE(started_at, %s),
      status = CASE WHEN status IN ('queued', 'waiting') THEN 'running' ELSE status END
    WHERE id IN ({})
"""
# Not what was claimed in the future: when a clock is set back, its worker may be gone long before that comes.
IN_HAND = """
    SELECT workflow FROM agency_task WHERE status = 'running' AND worker <> %s AND claimed_at BETWEEN %s AND %s
"""
A_MOMENT = timedelta(milliseconds=100)  # who claimed earlier is not so quick after all, or is gone
MOST_AT_ONCE = 20
PAUSES = (0.003, 0.01, 0.03)  # seconds: a run is held for no longer than a claim or a finish takes


def claim(worker):
    """Take the next due task under a lease, or None. The attempt's number is its fence."""
    return next(iter(claim_some(worker)), None)


def claim_some(worker, *, sharers=1, is_quick=lambda workflow: False):
    """Take the next due task, or some if their workflows are quick; a list in the order in which to do them.

    A claim is a transaction, and the tasks of a quick workflow are hardly more: those of one run are taken
    together, and of a long backlog a worker's part, one for each of the `sharers` who claim beside it. Long ones
    are taken one by one.
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


def are_in_another_hand(worker, *, is_quick):
    """Whether another worker is at quick tasks at this moment, where a second one could only slow it down.

    SQLite has one writer at a time, and who writes after another process has to read anew what it had in memory:
    two workers finished a third less than one. Long tasks don't keep anybody; PostgreSQL's workers never wait.
    """
    if connection.features.has_select_for_update:
        return False
    with connection.cursor() as cursor:
        now = timezone.now()
        cursor.execute(IN_HAND, [worker[:80], stored(now - A_MOMENT), stored(now)])
        return any(is_quick(workflow) for (workflow,) in cursor.fetchall())


def _recovered(worker):
    """Nothing is queued; what a lost worker held may be."""
    if not recover():
        return []
    tasks, _ = _take(worker, timezone.now(), 1, lambda workflow: False)
    return tasks


@transaction.atomic
def _take(worker, now, sharers, is_quick):
    """The tasks taken, and whether any was free."""
    at = stored(now)
    with connection.cursor() as cursor:
        cursor.execute(NEXT, {"now": at, "most": MOST_AT_ONCE * sharers})
        free = cursor.fetchall()
        wanted = _hand(free, sharers, is_quick)
    if not wanted:
        return [], bool(free)
    ids, runs = [pk for pk, _ in wanted], sorted({run_id for _, run_id in wanted})
    text, values = CLAIM.format(places(ids)), [stored(now + LEASE), worker[:80], at, at, *ids, at]
    if connection.features.has_select_for_update:
        text, values = CLAIM_FREE.format(places(runs), places(ids)), [*runs, *values]
    tasks = sorted(Task.objects.raw(text, values), key=lambda task: ids.index(task.pk))
    notes = {}
    for task in tasks:
        notes.setdefault(task.run_id, []).append(_started(task))
    if notes:
        alike = by_length(notes).items()
        started = [Statement(STARTED.format(places(some)), [more, at, *some]) for more, some in alike]
        together(*started, Event.writing(notes))
    return tasks, True


def _hand(free, sharers, is_quick):
    """Which of the free tasks one worker takes: `(id, run)` of the first, and of quick ones its share.

    The quick tasks of one run stay in one hand: what one measures is there when the next one asks for it, while a
    second worker would be too early, and have to put its task back to wait. They end in one transaction, too.
    """
    share = max(1, min(MOST_AT_ONCE, len(free) // (2 * sharers)))
    hand = []
    for pk, run_id, workflow, subject in free[:MOST_AT_ONCE]:
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


def count_due(most):
    """How many tasks a worker could take up now, queued or lost by another worker, counted up to `most`."""
    values = {"now": stored(timezone.now())}
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
        cursor.execute(NEXT, {"now": stored(timezone.now()), "most": 1})
        oldest = cursor.fetchone()
    return Task.objects.values_list("due_at", flat=True).get(pk=oldest[0]) if oldest else None


def recover(now=None):
    """Queue again what lost workers held, once its lease ran out; end what keeps losing its workers.

    True if there was any.
    """
    now = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(LAPSED, {"now": stored(now)})
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

OBSERVED = """
    INSERT INTO agency_observation (run_id, task_id, kind, body, sha256, measured_at)
    SELECT run_id, id, %s, %s, %s, %s FROM agency_task WHERE id = %s AND attempts = %s AND status = 'running'
    ON CONFLICT (run_id, kind) DO NOTHING RETURNING id
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
    holding = [Statement(HOLD, [task.run_id])] if connection.features.has_select_for_update else []
    values = [kind, new.body, new.sha256, stored(now), task.pk, fence]
    *_, inserted = together(*holding, Statement(OBSERVED, values))
    if not inserted:
        check(task.pk, fence)
        return Observation.objects.get(run_id=task.run_id, kind=kind)
    new.pk, new._state.adding = inserted[0][0], False
    data = {"kind": kind, "sha256": new.sha256}
    note = Note("observation.measured", f"{task.workflow} measured {kind}", task.pk, data)
    *_, waiting = together(*Event.recording({task.run_id: [note]}), settling.waking(task.run_id))
    settling.wake(waiting)
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
        approved_at=None,
        approved_by=None,
    ):
        raise Lost
    close_attempt(task, Attempt.Outcome.WAITING)
    # The run's deadline is for work that goes on; people get their time on top of it.
    Run.objects.filter(pk=task.run_id).update(
        deadline_at=Greatest("deadline_at", now + workflow.answer_within + workflows.SHORTEST_RUN)
    )
    said = f"{task.workflow} waits for a person: {what}"
    note = Note("task.asks", said, task.pk, {"right": workflow.approval_right, "what": what})
    webhooks.announce_task(task, Task.Status.NEEDS_HUMAN)
    settling.settle(task.run_id, [note])


@transaction.atomic
def fail(task, fence, message, *, traceback="", may_retry=True, outcome=Attempt.Outcome.FAILED):
    """Note a failed attempt: again later with backoff and jitter, or the end of the task."""
    hold_run(task.run_id)
    # Errors quote what clients wrote. One that can't be stored would end the worker's turn and not the attempt.
    message, traceback = storable.kept(message), storable.kept(traceback)
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
    insert([closed(task, outcome, error=error, traceback=traceback)])


def closed(task, outcome, *, error="", traceback=""):
    """How the task's newest attempt ended, as a row that is not written yet."""
    now = timezone.now()
    tried = Attempt(task=task, number=task.attempts, worker=task.worker, started_at=task.claimed_at or now)
    tried.finished_at, tried.outcome, tried.error, tried.traceback = now, outcome, error, traceback
    return tried


def stored(moment):
    """A time as this database stores it."""
    return connection.ops.adapt_datetimefield_value(moment)
