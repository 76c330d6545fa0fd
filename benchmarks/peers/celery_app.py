"""Celery on Redis: no results, connections to the database kept."""

import os

import django
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
django.setup()

from django.conf import settings

from benchmarks.models import write

app = Celery("bench", broker=settings.BENCH_REDIS_URL)
app.conf.update(
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"global_keyprefix": f"{settings.BENCH_PREFIX}:celery:"},
    worker_hijack_root_logger=False,
)
# Its Django fixup closes the database's connections after each task unless told otherwise.
app.conf["CELERY_DB_REUSE_MAX"] = 1_000_000_000


@app.task(name="bench.part")
def part(run, number):
    write(run, number)
