"""What tasks work on, where two at once would fight: the subject, and what a second task at it means.

A subject that is queued for needs nothing here: `TaskQuerySet.due` leaves its task alone while another one runs,
and the constraint `one_task_at_a_subject` decides a race. The other two policies mark their task as the sole one
that may be open, which the constraint `one_open_sole_task` keeps true whoever comes at once.
"""

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from agency.models import Task
from agency.workflows import LONGEST_SUBJECT, Concurrency
from earnings.refusals import Refusal

SOLE = (Concurrency.REJECT, Concurrency.CANCEL_RUNNING)
# With its values in the text, because SQLite uses a partial index only for a condition that it can read.
OPEN_AND_SOLE = RawSQL("is_sole AND status IN ('queued', 'running', 'waiting')", (), BooleanField())


def fields(planned):
    """`subject` and `is_sole` of the task that a planned step becomes."""
    workflow = planned.workflow
    if workflow.concurrency == Concurrency.ALLOW:
        return {}
    subject = workflow.subject(planned.values)
    if len(subject) > LONGEST_SUBJECT:
        raise ValueError(f"{workflow.key}: the subject {subject!r} has more than {LONGEST_SUBJECT} characters")
    return {"subject": subject, "is_sole": bool(subject) and workflow.concurrency in SOLE}


def holder(task):
    """The open task that a sole one would fight with, or None."""
    return Task.objects.filter(OPEN_AND_SOLE, workflow=task.workflow, subject=task.subject).first()


def taken(tasks):
    """The refusal (409) of these unsaved tasks: it names the open run that holds the subject of one of them."""
    for task in tasks:
        open_one = holder(task) if task.is_sole else None
        if open_one:
            return Refusal(
                f"Run {open_one.run_id} works on this already: {task.workflow} of {task.subject}, "
                f"{open_one.get_status_display().lower()}.",
                run=open_one.run_id,
            )
    return Refusal("Another run was opened at this moment that works on the same. Please try again.")
