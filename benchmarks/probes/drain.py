"""A backlog of runs is there; workers start: whole runs a second, from the first effect to the last.

`python -m benchmarks.probes.drain RUNS [CLUSTERS]`. Opening the runs and starting the processes is not in it.
"""

import subprocess
import sys

from django.conf import settings
from django.db import connection, transaction
from django_q.models import OrmQ

from agency.models import Run
from benchmarks.contestants import EVERYBODY
from benchmarks.models import Effect
from benchmarks.peers.sending import send
from benchmarks.places import running, until
from benchmarks.probes import say


def main(runs, clusters=1):
    Effect.objects.all().delete()
    OrmQ.objects.all().delete()
    with transaction.atomic():
        for number in range(runs):
            send(number)
    connection.close()
    if settings.BENCH_AS.startswith("bare"):
        _by_the_bare_loop(int(settings.BENCH_AS.removeprefix("bare-")))
        Run.objects.filter(title__startswith="bench", status="queued").update(status="canceled")
    else:
        with running(*[EVERYBODY[settings.BENCH_AS].workers] * clusters) as workers:
            until(lambda: Effect.objects.count() >= 2 * runs, alive=workers)
            if not settings.BENCH_AS:
                until(lambda: _succeeded(runs), alive=workers)
    times = sorted(Effect.objects.values_list("at", flat=True))
    if len(times) != 2 * runs:
        raise SystemExit(f"{len(times)} effects of {2 * runs}: somebody lost or doubled")
    say({"runs_per_second": (runs - 0.5) / (times[-1] - times[0])})


def _succeeded(runs):
    newest = Run.objects.order_by("-pk").values_list("status", flat=True)[:runs]
    return set(newest) == {"succeeded"}


def _by_the_bare_loop(processes):
    command = [sys.executable, "-m", "benchmarks.peers.bare_loop"]
    pipe = subprocess.PIPE
    loops = [subprocess.Popen(command, stdin=pipe, stdout=pipe) for _ in range(processes)]
    for loop in loops:
        loop.stdout.readline()
    for loop in loops:
        loop.stdin.close()
    for loop in loops:
        loop.wait(120)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
