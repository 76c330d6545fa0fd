"""How each contestant is told to do the two parts of a run."""

from django.conf import settings
from django_q.brokers import get_broker
from django_q.tasks import async_task

from agency import direction_board
from agency.direction_board import Step

_broker = None


def ours(run):
    direction_board.open_run([Step("bench_ops")], title=f"bench {run}")


def django_q2(run):
    global _broker
    _broker = _broker or get_broker()  # kept: django-q2 would make one for each message
    for number in (1, 2):
        async_task("benchmarks.peers.jobs.part", run, number, broker=_broker)


def celery(run):
    from benchmarks.peers.celery_app import part  # only where it was asked for: it needs Redis

    for number in (1, 2):
        part.delay(run, number)


def dramatiq(run):
    from benchmarks.peers.dramatiq_app import part

    for number in (1, 2):
        part.send(run, number)


BY_KEY = {
    "": ours,
    "bare-1": ours,
    "bare-2": ours,
    "django-q2": django_q2,
    "django-q2-tuned": django_q2,
    "django-q2-redis": django_q2,
    "celery": celery,
    "dramatiq": dramatiq,
}


def send(run):
    """Hand run number `run` to whom BENCH_AS names."""
    BY_KEY[settings.BENCH_AS](run)
