"""Run as a program by tests/test_crash.py: opens runs, kills workers at random, prints what is left as JSON."""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import django

django.setup()

from django.core.management import call_command

from agency import direction_board
from agency.direction_board import Step
from agency.models import Observation, Run, Task
from agency.supervisor import Child
from earnings import audit
from earnings.models import Earning, JournalEntry

MOST_KILLS = int(os.environ.get("CRASH_KILLS", "8"))
RUNS, CLUSTERS, SECONDS = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


def members(child):
    """The processes of a cluster's group, its keeper left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != child.pid:
            try:
                if os.getpgid(int(entry.name)) == child.pid:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def main():
    call_command("migrate", verbosity=0)
    command = [sys.executable, "manage.py", "qcluster"]
    clusters = [Child(f"cluster {n}", command, Path.cwd()) for n in range(CLUSTERS)]
    for cluster in clusters:
        cluster.start()
    for number in range(RUNS):
        direction_board.open_run([Step("crash_ops")], title=f"crash {number}")
    chance = random.Random(os.environ.get("CRASH_SEED", "1"))
    kills = 0
    ends = time.monotonic() + SECONDS
    next_kill = time.monotonic() + 3
    while Run.objects.exclude(status__in=Run.TERMINAL).exists() and time.monotonic() < ends:
        now = time.monotonic()
        for cluster in clusters:
            cluster.revive(now)
        if now >= next_kill and kills < MOST_KILLS:
            running = [cluster for cluster in clusters if cluster.is_running]
            victims = members(chance.choice(running)) if running else []
            if victims:
                os.kill(chance.choice(victims), signal.SIGKILL)
                kills += 1
            next_kill = now + chance.uniform(0.3, 1.5)
        time.sleep(0.05)
    for cluster in clusters:
        cluster.end(0)
    report(kills)


def report(kills):
    seen = Observation.objects.all()
    statuses = {}
    for status in Run.objects.values_list("status", flat=True):
        statuses[status] = statuses.get(status, 0) + 1
    ended = {
        "runs": statuses,
        "kills": kills,
        "earnings": Earning.objects.count(),
        "entries": JournalEntry.objects.count(),
        "lost_attempts": Task.objects.filter(tries__outcome="lost").distinct().count(),
        "false_hashes": sum(o.recomputed_sha256 != o.sha256 for o in seen),
        "violations": [str(v) for v in audit.violations()],
    }
    print("REPORT " + json.dumps(ended))


if __name__ == "__main__":
    main()
