"""What waits for a person: the two answers, and what no answer means.

Two kinds of task wait: one that `needs_human` (something has to be done or looked at first), and one that is
`waiting` with `asked_at` set: it wants to publish, mail, reprice or spend, and asks before it does. Only the
second kind ends by itself: no answer until `expires_at` means no.
"""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from agency import subjects, workflows
from agency.attempts import hold_run
from agency.bells import ring
from agency.models import Event, Run, Task
from agency.settling import settle
from earnings.refusals import Refusal

ANSWERED = {"waiting_on": "", "asked_at": None, "asked_of": "", "expires_at": None}
Status = Task.Status


@transaction.atomic
def approve(task, by=None):
    """A person said yes, or did what the task waited for: it goes on. Twice is once.

    `by` is who decided it, if that is known. Raises Refusal: 403 when they lack the right that the task asks for,
    409 when it does not wait for a person, when the time to answer is over, or when another run took up what only
    one may work on.
    """
    hold_run(task.run_id)
    task.refresh_from_db()
    if task.status in (Status.QUEUED, Status.RUNNING, Status.SUCCEEDED) or _went_on(task):
        return task
    _check(task, by)
    now = timezone.now()
    # The clock ends it within seconds, but not while every cluster is down.
    if task.expires_at and task.expires_at < now:
        raise Refusal("Nobody answered in time: this task is not done.", allowed=[Status.FAILED])
    try:
        with transaction.atomic():
            task.advance(Status.QUEUED, due_at=now, approved_by=by, approved_at=now, finished_at=None, **ANSWERED)
    except IntegrityError:
        raise subjects.taken([task]) from None
    waiting = Run.objects.filter(pk=task.run_id, status__in=[Run.Status.NEEDS_HUMAN, Run.Status.WAITING])
    waiting.update(status=Run.Status.RUNNING)
    Run.objects.filter(pk=task.run_id).update(deadline_at=_deadline(task.run_id, now))
    said = f"{task.workflow}: a person said go on"
    Event.record(task.run_id, "task.approved", said, task_id=task.pk, data=_by(by))
    ring()
    return task


@transaction.atomic
def reject(task, by=None, reason="A person rejected it."):
    """A person said no: the task ends as failed, with the reason. Twice is once.

    `by` and the refusals are those of `approve`.
    """
    hold_run(task.run_id)
    task.refresh_from_db()
    if task.status == Status.FAILED:
        return task
    _check(task, by)
    _end(task, reason, _by(by))
    return task


def expire(now):
    """End what nobody answered in time. Safe to run anywhere, any time."""
    for late in Task.objects.filter(asked_at__isnull=False, status=Status.WAITING, expires_at__lt=now).order_by(
        "asked_at"
    )[:100]:
        with transaction.atomic():
            if not hold_run(late.run_id, wait=False):  # its holder is at work: met again in five seconds
                continue
            late.refresh_from_db()
            if late.status == Status.WAITING and late.expires_at and late.expires_at < now:
                hours = (late.expires_at - late.asked_at).total_seconds() / 3600
                _end(late, f"Nobody answered within {hours:.0f} hours.")


def _went_on(task):
    """Approved before, and waiting for something else by now."""
    return task.status == Status.WAITING and task.asked_at is None and task.approved_at is not None


def _check(task, by):
    asks = task.status == Status.NEEDS_HUMAN or (task.status == Status.WAITING and task.asked_at is not None)
    if not asks:
        raise Refusal(
            f"This task is {task.get_status_display()}; nothing waits for a person.", allowed=task.allowed
        )
    if by is not None and task.asked_of and not by.has_perm(task.asked_of):
        raise Refusal(f"This needs the right {task.asked_of}.", status=403)


def _end(task, reason, data=None):
    task.advance(Status.FAILED, error=reason, finished_at=timezone.now(), **ANSWERED)
    Event.record(task.run_id, "task.rejected", f"{task.workflow}: {reason}", task_id=task.pk, data=data)
    settle(task.run_id)


def _by(user):
    return {"by": user.pk} if user else {}


def _deadline(run_id, now):
    """Until when the run may go on: people may take days, the deadline is for the work that follows.

    Another task of the run that still asks keeps its own time.
    """
    opened = Event.objects.filter(run_id=run_id, number=1).values_list("data", flat=True).first() or {}
    tasks = Task.objects.filter(run_id=run_id)
    usual = workflows.usual_deadline(tasks.values_list("workflow", flat=True))
    if "deadline_seconds" in opened:
        usual = timedelta(seconds=opened["deadline_seconds"])
    asking = tasks.filter(status=Status.WAITING, expires_at__isnull=False).values_list("expires_at", flat=True)
    return max([now, *asking]) + usual
