"""`make bench`: the engine, beside plain django-q2 and beside a bare loop on the same tables.

SQLite by default; set DATABASE_URL for PostgreSQL. Everything happens in a temporary folder or in a database
that must be empty.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress

os.environ.setdefault("VAR_DIR", tempfile.mkdtemp(prefix="direction-board-bench-"))
os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
if "--as-peer" in sys.argv:
    os.environ["BENCH_PEER"] = "1"

import django

django.setup()

from django.core.management import call_command
from django.db import connection, transaction
from django_q.tasks import async_task

from agency import attempts, direction_board
from agency.direction_board import Step
from agency.models import Event, Run, Task
from agency.workflows import Outcome
from benchmarks.workload import PROOF, write

RUNS = int(os.environ.get("BENCH_RUNS", "300"))


@contextmanager
def cluster():
    process = subprocess.Popen([sys.executable, "manage.py", "qcluster"], start_new_session=True)
    time.sleep(4)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def until(condition, seconds=300):
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise SystemExit("the benchmark did not end in time")
        time.sleep(0.001)


def open_run():
    return direction_board.open_run([Step("bench_ops")], title="bench")


def latency(rounds=60):
    """Milliseconds from opening a run to its end, one at a time on an idle system."""
    times = []
    for _ in range(rounds):
        started = time.monotonic()
        run = open_run()
        until(lambda pk=run.pk: Run.objects.filter(pk=pk, status="succeeded").exists())
        times.append((time.monotonic() - started) * 1000)
        time.sleep(0.05)
    return times


def ours():
    """Whole runs a second, all opened before: two tasks, an observation, two artifacts, two effects each."""
    with cluster():
        times = latency()
        before = Run.objects.filter(status="succeeded").count()
        committed = []
        with transaction.atomic():
            transaction.on_commit(lambda: committed.append(time.monotonic()))
            for _ in range(RUNS):
                open_run()
        until(lambda: Run.objects.filter(status="succeeded").count() >= before + RUNS)
        return RUNS / (time.monotonic() - committed[0]), times


def peer():
    """The same two writes as two django-q2 messages, with its defaults: no lease, run, event or artifact."""
    runs = [Run.objects.create(title="peer", deadline_at="2100-01-01T00:00:00Z") for _ in range(RUNS)]
    with cluster():
        started = time.monotonic()
        for run in runs:
            async_task("benchmarks.workload.write", run.pk, 1)
            async_task("benchmarks.workload.write", run.pk, 2)
        wanted = 2 * RUNS
        until(lambda: Event.objects.filter(run__title="peer", kind="bench.effect").count() >= wanted)
        return RUNS / (time.monotonic() - started)


def limit():
    """The same rows by a bare loop in one process: claim, observe, finish, nothing between."""
    with transaction.atomic():
        for _ in range(RUNS):
            open_run()
    started = time.monotonic()
    while task := attempts.claim("bare"):
        if task.workflow == "bench_sales":
            attempts.observe(task, task.attempts, "bench", {"n": 1})
        elif not task.run.observations.exists():
            Task.objects.filter(pk=task.pk).update(status="queued", lease_until=None)
            continue
        effects = [lambda t: write(t.run_id, t.pk)]
        attempts.finish(task, task.attempts, Outcome({}, artifacts=[PROOF], effects=effects))
    return RUNS / (time.monotonic() - started)


def main():
    call_command("migrate", verbosity=0)
    if "--as-peer" in sys.argv:
        print(f"{peer():.1f}")
        return
    bare = limit()
    rate, times = ours()
    as_peer = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--as-peer"], check=True, capture_output=True, text=True
    )
    other = float(as_peer.stdout.split()[-1])
    times.sort()
    print(f"database: {connection.vendor}; runs of one Sales and one Ops task: {RUNS}; workers: 2")
    print(f"  this project            {rate:7.1f} runs/s")
    print(f"  peer: plain django-q2   {other:7.1f} runs/s   this project is {rate / other:.2f} times as fast")
    print(f"  limit: bare loop        {bare:7.1f} runs/s   this project reaches {rate / bare:.2f} of it")
    p50, p95 = statistics.median(times), times[int(len(times) * 0.95)]
    print(f"  idle, opened to done    p50 {p50:.1f} ms, p95 {p95:.1f} ms")


if __name__ == "__main__":
    main()
