# ruff: noqa: E402, T201
"""Run as a program by tests/test_clusters.py and others: one accident with real processes, told as JSON.

`python -m tests.crash_scenes SCENE`, with the environment of the clusters that it starts.
"""

import json
import signal
import sys
import time
from collections import Counter
from statistics import median
from types import SimpleNamespace
from urllib.parse import urlsplit

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django_q.brokers import get_broker
from django_q.models import Failure, Success
from django_q.tasks import async_task

from agency import attempts, direction_board
from agency.direction_board import Step
from agency.models import Event, Run, Task
from earnings.models import Earning
from tests.crash_app import gone
from tests.crash_site import (
    Cluster,
    RedisServer,
    end_what_is_left,
    send,
    stopped,
    wait_briefly,
    wait_until,
)

PAST_THE_LEASE = attempts.LEASE.total_seconds() + 5


def open_run(workflow="crash_nap", **params):
    return direction_board.open_run([Step(workflow, params)], title=workflow)


def is_over(*runs):
    return not Run.objects.filter(pk__in=[run.pk for run in runs]).exclude(status__in=Run.TERMINAL).exists()


def claimed(run):
    """The run's one task, once a worker has it, and the worker's process id."""
    task = wait_until(lambda: run.tasks.filter(status=Task.Status.RUNNING).first(), every=0.005)
    return task, int(task.worker.rpartition(":")[2])


def told(run):
    """What became of a run with one task."""
    task = run.tasks.get()
    return {
        "run": Run.objects.get(pk=run.pk).status,
        "task": task.status,
        "outcomes": list(task.tries.values_list("outcome", flat=True)),
        "effects": Event.objects.filter(run=run, kind="crash.effect").count(),
        "earnings": Earning.objects.filter(run_id=run.pk).count(),
    }


def started(*clusters):
    """Start them and wait until each has workers that answer."""
    for cluster in clusters:
        cluster.start()
    for cluster in clusters:
        wait_until(cluster.workers, 30)
    first = open_run()
    wait_until(lambda: is_over(first), 60)
    return clusters


# --- Clusters --------------------------------------------------------------------------------------------


def share():
    """Two clusters work at one backlog; when half of it is done, one of them is killed whole."""
    clusters = one, two = started(Cluster("one"), Cluster("two"))
    time.sleep(1)  # both are up: their workers have answered the first sweep
    runs = [open_run(seconds=0.1) for _ in range(120)]
    done = Task.objects.filter(run__in=runs, status=Task.Status.SUCCEEDED)
    wait_until(lambda: done.count() >= 60, 60)
    shares = [by(cluster, done) for cluster in clusters]
    survivors = set(two.workers())
    one.end()
    at_the_kill = set(done.values_list("pk", flat=True))
    wait_until(lambda: is_over(*runs), 90)
    after = [int(task.worker.rpartition(":")[2]) for task in done.exclude(pk__in=at_the_kill)]
    return {
        "shares": shares,
        "runs": dict(Counter(Run.objects.filter(pk__in=[r.pk for r in runs]).values_list("status", flat=True))),
        "done_after_by_others": sum(pid not in survivors for pid in after),
        "done_after": len(after) > 0,
        "effects": Event.objects.filter(run__in=runs, kind="crash.effect").count(),
    }


def by(cluster, tasks):
    workers = set(cluster.workers())
    return sum(int(task.worker.rpartition(":")[2]) in workers for task in tasks.all())


def pause():
    """A worker sleeps past its lease and wakes; another one sleeps through a cancel and wakes."""
    wait_briefly()
    started(Cluster("cluster"))
    # Long enough for a few tries to stop each: one that waits for SQLite's lock takes PATIENCE.
    lapsed, canceled = open_run(seconds=8), open_run(seconds=8)
    first, second = (wait_until(lambda run=run: stopped(claimed(run)[0])) for run in (lapsed, canceled))
    direction_board.cancel(Run.objects.get(pk=canceled.pk))
    send(second, signal.SIGCONT)
    time.sleep(PAST_THE_LEASE)
    wait_until(lambda: is_over(lapsed), 30)
    before = told(lapsed)
    send(first, signal.SIGCONT)
    time.sleep(4)
    later = open_run()
    wait_until(lambda: is_over(later), 30)
    ended = {"lapsed": told(lapsed), "unchanged": told(lapsed) == before, "canceled": told(canceled)}
    return {**ended, "later": told(later)["run"]}


def hang():
    """The only worker's code never ends."""
    (cluster,) = started(Cluster("cluster"))
    hanging = open_run("crash_hang")
    _, hung = claimed(hanging)
    behind = open_run()
    wait_until(lambda: is_over(hanging, behind), 60)
    tries = hanging.tasks.get().tries.values_list("worker", flat=True)
    workers = [int(worker.rpartition(":")[2]) for worker in tries]
    return {
        "hanging": told(hanging),
        "behind": told(behind),
        "was_replaced": workers[0] == hung != workers[-1],
        "is_gone": not send(hung, 0) or hung not in cluster.workers(),
    }


def wedge():
    """Every worker is killed while it waits, with the lock of the queue in its hands."""
    (cluster,) = started(Cluster("cluster"))
    time.sleep(3)  # the workers wait now
    for pid in cluster.workers()[:2]:
        send(pid, signal.SIGKILL)
    has_ended = wait_until(lambda: not cluster.processes, 60)
    cluster.revive()
    run = open_run()
    wait_until(lambda: is_over(run), 60)
    return {"has_ended": bool(has_ended), "run": told(run)["run"]}


def terminate():
    """The database ends every connection of ours, again and again."""
    started(Cluster("cluster"))
    runs, seconds = [], []
    for _ in range(5):
        runs += [open_run(seconds=0.05) for _ in range(20)]
        time.sleep(0.3)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        began = time.monotonic()
        probe = open_run()
        runs.append(probe)
        wait_until(lambda probe=probe: is_over(probe), 60, every=0.01)
        seconds.append(round(time.monotonic() - began, 2))
    wait_until(lambda: is_over(*runs), 90)
    return {
        "runs": dict(Counter(Run.objects.values_list("status", flat=True))),
        "effects": Event.objects.filter(kind="crash.effect").count(),
        "opened": len(runs) + 1,
        "seconds": seconds,
    }


# --- Messages --------------------------------------------------------------------------------------------


def poison():
    """Messages that can't be unpacked or called, and a task whose workflow is gone; behind them something good."""
    redis = own_redis()
    broker = get_broker()
    packed = []
    async_task("agency.jobs.work", broker=SimpleNamespace(enqueue=packed.append, list_key="x"))
    lost = open_run()
    Task.objects.filter(run=lost).update(workflow="crash_gone")
    unreadable = gone.message()
    for payload in (unreadable, *([b"\xff\xfe\x00garbage", "not signed"] if redis else ["not signed"])):
        broker.enqueue(payload)
    async_task("agency.jobs.no_such_job")
    for _ in range(10):
        broker.enqueue(packed[0])  # one message, delivered ten times
    async_task("math.factorial", 5, save=True)
    run = open_run()
    started(Cluster("cluster"))
    wait_until(lambda: is_over(run, lost) and Success.objects.exists() and Failure.objects.count() >= 3, 60)
    time.sleep(1)
    failed = [(row.func, str(row.result).partition(":")[0]) for row in Failure.objects.all()]
    ended = {
        "failed": sorted(failed),
        "succeeded": [(row.func, row.result) for row in Success.objects.all()],
        "waiting": broker.queue_size() + (broker.lock_size() or 0),
        "run": told(run),
        "lost": told(lost) | {"error": lost.tasks.get().error},
    }
    return ended


def lose_redis():
    """A Redis that is not there at the start, comes, stands still, is killed and comes back."""
    redis = RedisServer(urlsplit(settings.REDIS_URL).port)
    started(Cluster("cluster"))
    asked = {"down at start": asked_and_done(10)}
    redis.start()
    time.sleep(2)
    asked["up"] = asked_and_done(20)
    redis.signal(signal.SIGSTOP)
    asked["standing still"] = asked_and_done(6)
    redis.signal(signal.SIGCONT)
    redis.kill()
    asked["killed"] = asked_and_done(10)
    redis.start()
    time.sleep(2)
    asked["back"] = asked_and_done(20)
    return {"asked": asked, "runs": dict(Counter(Run.objects.values_list("status", flat=True)))}


def asked_and_done(number):
    """Seconds that opening a run took with its bell, at most, and until it had ended, in the middle."""
    opened, ended = [], []
    for _ in range(number):
        began = time.monotonic()
        run = open_run()
        opened.append(time.monotonic() - began)
        wait_until(lambda run=run: is_over(run), 30, every=0.002)
        ended.append(time.monotonic() - began)
    return {"longest_to_open": round(max(opened), 3), "median_to_done": round(median(ended), 3)}


def own_redis():
    if settings.Q_BROKER != "redis":
        return None
    redis = RedisServer(urlsplit(settings.REDIS_URL).port)
    redis.start()
    return redis


SCENES = {scene.__name__: scene for scene in (share, pause, hang, wedge, terminate, poison, lose_redis)}


def main(name):
    call_command("migrate", verbosity=0)
    ended = SCENES[name]()
    end_what_is_left()
    print("REPORT " + json.dumps(ended))


if __name__ == "__main__":
    main(sys.argv[1])
