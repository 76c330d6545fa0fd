"""Who does a run's two writes, and how each is started. Read without Django."""

import sys
from dataclasses import dataclass

PY = sys.executable
QCLUSTER = (PY, "manage.py", "qcluster")


@dataclass(frozen=True)
class Contestant:
    """`key` is also BENCH_AS; `workers` is the command that starts two worker processes."""

    key: str
    title: str
    workers: tuple = QCLUSTER
    needs_redis: bool = False


OURS = Contestant("", "this project")
DJANGO_Q2 = Contestant("django-q2", "bare django-q2, its defaults")
DJANGO_Q2_TUNED = Contestant("django-q2-tuned", "bare django-q2, tuned")
DJANGO_Q2_REDIS = Contestant("django-q2-redis", "bare django-q2, tuned, on Redis", needs_redis=True)
CELERY = Contestant(
    "celery",
    "Celery on Redis",
    (PY, "-m", "celery", "-A", "benchmarks.peers.celery_app", "worker", "-c", "2", "-l", "ERROR"),
    needs_redis=True,
)
DRAMATIQ = Contestant(
    "dramatiq",
    "dramatiq on Redis",
    (
        PY,
        "-m",
        "dramatiq",
        "benchmarks.peers.dramatiq_app",
        "--processes",
        "2",
        "--threads",
        "1",
        "--skip-logging",
    ),
    needs_redis=True,
)
BARE_1 = Contestant("bare-1", "claim-and-commit loop, one process")
BARE_2 = Contestant("bare-2", "claim-and-commit loop, two processes")

PEERS = [DJANGO_Q2, DJANGO_Q2_TUNED, DJANGO_Q2_REDIS, CELERY, DRAMATIQ]
LIMITS = [BARE_1, BARE_2]
EVERYBODY = {each.key: each for each in [OURS, *PEERS, *LIMITS]}


def peers(redis_url):
    """The peers that can run here."""
    return [peer for peer in PEERS if redis_url or not peer.needs_redis]
