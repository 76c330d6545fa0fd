"""What a worker does with a task that it claimed."""

import logging
import threading
import time
import traceback
from contextlib import contextmanager
from os import getpid

from django.db import connection

from agency import attempts, direction_board, workflows
from agency.heartbeats import HOST, beat
from agency.models import Observation, Task
from agency.workflows import PermanentError
from earnings.refusals import Refusal

log = logging.getLogger(__name__)

RENEW_EVERY = attempts.LEASE.total_seconds() / 4


class Work:
    """What a workflow sees of the task it is doing: parameters, draft, measurements, and a way to report."""

    def __init__(self, task):
        self.task = task
        self.run = task.run
        self.params = direction_board.validated(task.workflow, task.params)
        self.draft = task.draft
        self._fence = task.attempts

    def observation(self, kind):
        """What this run measured of `kind`; the board has made sure that it is there."""
        return Observation.objects.get(run_id=self.task.run_id, kind=kind)

    def observe(self, kind, payload):
        """Measure: store `payload` as the run's one observation of `kind`, and wake who is bound to it."""
        return attempts.observe(self.task, self._fence, kind, payload)

    def hold(self):
        """Inside a transaction that changes something before the end: keep the task until it commits.

        A cancel waits for the commit, or was first, and then this raises and nothing is written.
        """
        attempts.hold_run(self.task.run_id)
        attempts.check(self.task.pk, self._fence)

    def progress(self, done, total, message=""):
        """Show progress and keep the lease; raises when the task was canceled or taken over meanwhile."""
        attempts.report_progress(self.task.pk, self._fence, done, total, message)


class _LeaseKeeper(threading.Thread):
    """Renews the lease while a workflow is busy, until its timeout; then the task may be taken over.

    A thread, so that a workflow that waits for a slow server keeps its task without knowing of leases. Short
    tasks end before its first turn, and then it never opens a database connection.
    """

    def __init__(self, task, timeout):
        super().__init__(daemon=True)
        self._task_id, self._fence = task.pk, task.attempts
        self._until = time.monotonic() + timeout
        self._done = threading.Event()

    def run(self):
        try:
            while not self._done.wait(RENEW_EVERY) and time.monotonic() < self._until:
                if not self._renew():
                    break
        finally:
            connection.close()

    def _renew(self):
        """False once the attempt is lost. A database that is away for a moment is no reason to give up."""
        try:
            attempts.renew(self._task_id, self._fence)
            beat()
        except attempts.Lost:
            return False
        except Exception:
            log.exception("could not renew the lease of task %s; trying again", self._task_id)
            connection.close()
        return True

    def stop(self):
        self._done.set()


def perform(task):
    """Do one attempt of a claimed task and commit what came of it."""
    fence = task.attempts
    workflow = workflows.find(task.workflow)
    if workflow is None:
        with _too_late_changes_nothing(task):
            message = f"There is no workflow {task.workflow!r} any more."
            attempts.fail(task, fence, message, may_retry=False)
        return
    keeper = _LeaseKeeper(task, workflow.timeout)
    keeper.start()
    with _too_late_changes_nothing(task):
        try:
            _attempt(task, workflow)
        except attempts.Lost:
            raise
        except (PermanentError, Refusal) as error:
            attempts.fail(task, fence, _said(error), may_retry=False)
        except Exception as error:
            log.exception("task %s (%s), attempt %s", task.pk, task.workflow, fence)
            message = f"{type(error).__name__}: {error}"
            attempts.fail(task, fence, message, traceback=traceback.format_exc())
        finally:
            keeper.stop()


def _attempt(task, workflow):
    work = Work(task)
    if task.draft is None:
        task.draft = work.draft = workflow.prepare(work)
        if task.draft is not None:
            Task.objects.filter(pk=task.pk, attempts=task.attempts).update(draft=task.draft)
    present = Observation.objects.filter(run_id=task.run_id).values_list("kind", flat=True)
    missing = sorted(set(workflow.binds) - set(present))
    if missing:
        attempts.wait(task, task.attempts, missing)
    else:
        attempts.finish(task, task.attempts, workflow.perform(work))


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
    worker = worker or f"{HOST}:{getpid()}"
    until = None if seconds is None else time.monotonic() + seconds
    while until is None or time.monotonic() < until:
        task = attempts.claim(worker)
        if task is None:
            return False
        perform(task)
    return True
