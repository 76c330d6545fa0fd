"""Waking workers. A bell carries nothing: the backlog is the Task table."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from agency.models import Task

MOST_BELLS = settings.Q_CLUSTER["workers"] * 2


def ring():
    """Wake workers when the present transaction commits: a bell for each due task, up to a few."""
    transaction.on_commit(_ring)


def _ring():
    waiting = OrmQ.objects.filter(lock__lte=timezone.now()).count()
    due = Task.objects.due()[: MOST_BELLS - waiting].count() if waiting < MOST_BELLS else 0
    for _ in range(due):
        async_task("agency.jobs.work")
