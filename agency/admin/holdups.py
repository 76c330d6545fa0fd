"""What keeps a queued task from being worked on now."""

from dataclasses import dataclass

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from agency.models import Breaker, Task


@dataclass(frozen=True)
class Holdup:
    """Why a task stays where it is, and the address of a page about it, or ""."""

    text: str
    page: str = ""


def holdups(tasks):
    """The `Holdup` of each task, or None; three queries at most, however many tasks."""
    queued = [task for task in tasks if task.status == Task.Status.QUEUED]
    if not queued:
        return [None] * len(tasks)
    tripped = Breaker.objects.filter(opened_at__isnull=False, workflow__in=[task.workflow for task in queued])
    tripped = set(tripped.values_list("workflow", flat=True))
    subjects = [task.subject for task in queued if task.subject]
    working = Task.objects.filter(status=Task.Status.RUNNING, subject__in=subjects) if subjects else ()
    busy = {(other.workflow, other.subject): other for other in working}
    return [_holdup(task, tripped, busy) if task in queued else None for task in tasks]


def _holdup(task, tripped, busy):
    if task.workflow in tripped:
        is_shown = admin.site.is_registered(Breaker)
        page = reverse("admin:agency_breaker_change", args=[task.workflow]) if is_shown else ""
        return Holdup(f"held by the breaker of {task.workflow}", page)
    other = busy.get((task.workflow, task.subject))
    if other:
        page = reverse("admin:agency_run_change", args=[other.run_id])
        return Holdup(f"waits until run {other.run_id} has done with {task.subject}", page)
    if task.attempts and task.due_at > timezone.now():
        return Holdup(f"is tried again at {timezone.localtime(task.due_at):%H:%M:%S}")
    return None
