"""What a worker does with a task that it claimed."""

import logging
import os
import signal
import threading
import time
import traceback
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import connection
from django.utils.functional import SimpleLazyObject

from agency import attempts, direction_board, workflows
from agency.finishing import Ending, finish
from agency.heartbeats import HOST, beat
from agency.models import Attempt, Event, Observation, Task
from agency.workflows import PermanentError
from earnings.refusals import Refusal

log = logging.getLogger(__name__)

RENEW_EVERY = attempts.LEASE.total_seconds() / 4
LOOK_EVERY = 1  # seconds
# Seconds after which what is finished of a hand is committed, before its next task begins. One that was quick up
# to now and hangs keeps the others waiting all the same; if its worker has to be killed, they are done again.
LONGEST_WAIT = 0.05
LOOK_AGAIN = 0.01  # seconds, while another worker is at the quick tasks
# By hand: every task that binds something passes here, and the ORM takes five times as long to say the same.
SEEN = "SELECT id, run_id, task_id, kind, body, sha256, measured_at FROM agency_observation WHERE run_id = %s"


class Work:
    """What a workflow sees of the task it is doing: parameters, draft, measurements, and a way to report.

    `measured` has the observations that this worker stored a moment ago, by run: they never change, so that a task
    of the same hand that is bound to them need not read them.
    """

    def __init__(self, task, measured=None):
        self.task = task
        self.params = direction_board.validated(task.workflow, task.params)
        self.draft = task.draft
        self._fence = task.attempts
        self._measured = {} if measured is None else measured.setdefault(task.run_id, {})
        self._seen = {}

    @property
    def run(self):
        return self.task.run

    def missing(self, kinds):
        """Those of `kinds` that this run has not measured yet."""
        self._seen = self._measured
        if not self._seen.keys() >= set(kinds):
            seen = Observation.objects.raw(SEEN, [self.task.run_id])
            self._seen = {observation.kind: observation for observation in seen}
        return sorted(set(kinds) - set(self._seen))

    @property
    def seen(self):
        """The observations of this run, as far as the task has needed them."""
        return list(self._seen.values())

    def observation(self, kind):
        """What this run measured of `kind`; the board has made sure that it is there."""
        if kind not in self._seen:
            self._seen[kind] = Observation.objects.get(run_id=self.task.run_id, kind=kind)
        return self._seen[kind]

    def observe(self, kind, payload):
        """Measure: store `payload` as the run's one observation of `kind`, and wake who is bound to it."""
        self._measured[kind] = attempts.observe(self.task, self._fence, kind, payload)
        return self._measured[kind]

    def hold(self):
        """Inside a transaction that changes something before the end: keep the task until it commits.

        A cancel waits for the commit, or was first, and then this raises and nothing is written.
        """
        attempts.hold_run(self.task.run_id)
        attempts.check(self.task.pk, self._fence)

    def progress(self, done, total, message=""):
        """Show progress and keep the lease; raises when the task was canceled or taken over meanwhile."""
        attempts.report_progress(self.task.pk, self._fence, done, total, message)


class LeaseKeeper(threading.Thread):
    """Renews the lease of the task that this process works at, until the task's timeout; then it ends the attempt.

    One thread for the life of the process, so that a workflow that waits for a slow server keeps its task without
    knowing of leases, and a short one pays nothing: it looks once a second, and renews every five.
    """

    may_end_process = False  # true in a worker of the cluster, where somebody starts another

    def __init__(self):
        super().__init__(daemon=True, name="lease keeper")
        self._held = None  # (task, monotonic time of its timeout, timeout in seconds)
        self._hand = ()  # tasks that were claimed together with it
        self._renewed_at = 0.0

    @contextmanager
    def keeping(self, task, timeout):
        """Keep the lease while the block runs."""
        now = time.monotonic()
        self._renewed_at = now
        self._held = (task, now + timeout, timeout)
        try:
            yield
        finally:
            self._held = None

    @contextmanager
    def waiting(self, hand):
        """Keep the leases of tasks that were claimed together while the block does one after the other."""
        self._hand = hand
        try:
            yield
        finally:
            self._hand = ()

    def run(self):
        while True:
            time.sleep(LOOK_EVERY)
            self.look(time.monotonic())

    def look(self, now):
        """Renew when it is time to, and end the attempt when its time is over."""
        held = self._held
        if held is None:
            return
        task, until, timeout = held
        if now >= until:
            self._time_out(task, timeout)
            if self.may_end_process and self._held is held:
                log.error("task %s hangs in %s: this worker ends and is replaced", task.pk, task.workflow)
                os.kill(os.getpid(), signal.SIGKILL)
            self._held = None
        elif now - self._renewed_at >= RENEW_EVERY:
            self._renewed_at = now
            self._renew(task)

    def _renew(self, task):
        """A database that is away for a moment is no reason to give up; a lost attempt is."""
        try:
            for other in self._hand:
                with suppress(attempts.Lost):  # it is done, or this is the one that is looked at next
                    attempts.renew(other.pk, other.attempts)
            attempts.renew(task.pk, task.attempts)
            beat()
        except attempts.Lost:
            self._held = None
        except Exception:
            log.exception("could not renew the lease of task %s; trying again", task.pk)
        finally:
            connection.close()

    def _time_out(self, task, timeout):
        """The attempt is over, whatever its code still does. A worker process that hangs in it is replaced."""
        message = f"It took longer than its workflow may take, {timeout} seconds."
        try:
            attempts.fail(task, task.attempts, message, outcome=Attempt.Outcome.TIMED_OUT)
        except attempts.Lost:
            log.info("task %s: its attempt was over before its timeout", task.pk)
        except Exception:
            log.exception("could not end task %s at its timeout; its lease will run out", task.pk)
        finally:
            connection.close()


_keeper = None


def keeper():
    """This process's lease keeper; a forked worker gets its own."""
    global _keeper
    if _keeper is None or not _keeper.is_alive():
        _keeper = LeaseKeeper()
        _keeper.start()
    return _keeper


def perform(task):
    """Do one attempt of a claimed task and commit what came of it."""
    ending = _attempt(task, {})
    if ending:
        _commit([ending])


def _attempt(task, measured):
    """Do one attempt up to its end: an `Ending` to commit, or None when it waits, asks or failed."""
    workflow = workflows.find(task.workflow)
    if workflow is None:
        with _too_late_changes_nothing(task):
            message = f"There is no workflow {task.workflow!r} any more."
            attempts.fail(task, task.attempts, message, may_retry=False)
        return None
    with _watched(task, workflow):
        return _done(task, workflow, measured)
    return None


@contextmanager
def _watched(task, workflow):
    """Keep the task's lease while the block works at it; what the block raises is how the attempt failed."""
    fence = task.attempts
    with _too_late_changes_nothing(task), keeper().keeping(task, workflow.timeout):
        try:
            yield
        except attempts.Lost:
            raise
        except (PermanentError, Refusal) as error:
            attempts.fail(task, fence, _said(error), may_retry=False)
        except Exception as error:
            log.exception("task %s (%s), attempt %s", task.pk, task.workflow, fence)
            message = f"{type(error).__name__}: {error}"
            attempts.fail(task, fence, message, traceback=traceback.format_exc())


def _done(task, workflow, measured):
    work = Work(task, measured)
    if task.draft is None:
        task.draft = work.draft = workflow.prepare(work)
        if task.draft is not None:
            Task.objects.filter(pk=task.pk, attempts=task.attempts).update(draft=task.draft)
    missing = work.missing(workflow.binds) if workflow.binds else []
    if missing:
        attempts.wait(task, task.attempts, missing)
        return None
    what = _question(task, workflow, work.params)
    if what:
        attempts.ask(task, task.attempts, what, workflow)
        return None
    return Ending(task, task.attempts, workflow.perform(work), work.seen if workflow.binds else ())


def _question(task, workflow, params):
    """What a person has to say yes to before this is done, or "".

    A yes is one to what was asked. What would be done instead, days later, is asked anew: a price list may have
    been replaced meanwhile. Not once an attempt has begun after the yes: a part of it may be done.
    """
    if task.approved_at:
        asks = Event.objects.filter(run_id=task.run_id, task_id=task.pk, kind="task.asks").order_by("number")
        asked = asks.values_list("data__what", flat=True).last()
        if not asked or task.tries.filter(started_at__gte=task.approved_at).exists():
            return ""
    what = workflow.approval(params, SimpleLazyObject(lambda: task.run))
    return "" if task.approved_at and what == asked else what


def _commit(endings):
    """Commit the endings, together if that can be, and else each on its own."""
    began = time.monotonic()
    if len(endings) < 2 or not _can_commit_together(endings):
        for ending in endings:
            with _watched(ending.task, workflows.get(ending.task.workflow)):
                finish(ending)
    for ending in endings:
        _pace.took(ending.task.workflow, (time.monotonic() - began) / len(endings))


def _can_commit_together(endings):
    """Commit them all, or nothing of them: one came too late, or its effect failed."""
    last = endings[-1].task
    try:
        with keeper().keeping(last, workflows.get(last.workflow).timeout):
            finish(*endings)
    except (attempts.Lost, PermanentError, Refusal) as error:
        log.info("%s tasks can't end together (%s): each on its own", len(endings), type(error).__name__)
    except Exception:
        log.warning("%s tasks can't end together: each on its own", len(endings), exc_info=True)
    else:
        return True
    return False


def _said(error):
    details = "; ".join(f"{e['pointer']}: {e['detail']}" for e in getattr(error, "errors", ()))
    return f"{error} ({details})" if details else str(error)


@contextmanager
def _too_late_changes_nothing(task):
    try:
        yield
    except attempts.Lost:
        log.info("task %s: attempt %s came too late", task.pk, task.attempts)


def work_off(seconds=None, worker=None):
    """Claim and do due tasks until none is left or the time slice is over. True if some may be left."""
    worker = worker or f"{HOST}:{os.getpid()}"
    until = None if seconds is None else time.monotonic() + seconds
    attempts.recover()
    while until is None or time.monotonic() < until:
        if attempts.are_in_another_hand(worker, is_quick=_pace.is_quick):
            time.sleep(LOOK_AGAIN)
            continue
        hand = attempts.claim_some(worker, sharers=settings.Q_WORKERS, is_quick=_pace.is_quick)
        if not hand:
            return False
        with keeper().waiting(hand):
            _work_off(hand)
    return True


def _work_off(hand):
    """Do tasks that were claimed together. Those that were quick end together, the others on their own."""
    ready, measured, since = [], {}, time.monotonic()
    try:
        for task in hand:
            began = time.monotonic()
            ending = _attempt(task, measured)
            if ending is None:  # it failed or waits: what it measured may have been rolled back
                measured.pop(task.run_id, None)
            now = time.monotonic()
            _pace.took(task.workflow, now - began)
            if ending and ending.can_be_among_others and now - since < LONGEST_WAIT:
                ready.append(ending)
                continue
            done, ready = ready, []
            _commit(done)
            _commit([ending] if ending else [])
            since = time.monotonic()
    finally:
        _commit(ready)  # whatever ended this worker's turn, what was done is done


class Pace:
    """How long workflows took in this process lately, to tell the quick ones, whose tasks are claimed together.

    It is told of a task's work and of its commit.
    """

    QUICK = 0.02  # seconds

    def __init__(self):
        self._seconds = {}

    def took(self, workflow, seconds):
        # One slow task is remembered for a while: the next may be as slow.
        self._seconds[workflow] = max(seconds, 0.9 * self._seconds.get(workflow, 0))

    def is_quick(self, workflow):
        return self._seconds.get(workflow, 1) < self.QUICK


_pace = Pace()
