"""dramatiq on Redis with its default middleware; a thread keeps its connection to the database."""

import os

import django
import dramatiq
from dramatiq.brokers.redis import RedisBroker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
django.setup()

from django.conf import settings

from benchmarks.models import write

broker = RedisBroker(url=settings.BENCH_REDIS_URL, namespace=f"{settings.BENCH_PREFIX}:dramatiq")
dramatiq.set_broker(broker)


@dramatiq.actor
def part(run, number):
    write(run, number)
