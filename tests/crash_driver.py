"""Run as a program by tests/test_crash.py: opens runs, kills what runs them, prints what is left as JSON."""

import json
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit
from urllib.request import urlopen

import django

django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from agency import attempts, direction_board
from agency.direction_board import Step
from agency.models import Attempt, Event, Observation, Run, Task
from earnings import audit
from earnings.models import Earning, JournalEntry
from tests.crash_app.workload import SLOW_ONES
from tests.crash_site import (
    Cluster,
    RedisServer,
    end_what_is_left,
    send,
    stopped,
    wait_briefly,
    wait_until,
)

RUNS, SECONDS, SEED = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
LONGEST = SECONDS + 150  # what is opened last may lose its worker, wait for the lease, and lose the next one
# One round of what is killed. A pool is two workers, a monitor and the process that fills their queue.
DECK = ["pool"] * 14 + ["main", "sentinel", "keeper", "web", "supervisor", "cluster", "pause", "redis", "redis"]
PAUSED_FOR = attempts.LEASE.total_seconds() + 5


class Fire:
    """Kills something at random every half second or so."""

    def __init__(self, clusters, redis):
        self._clusters, self._redis = clusters, redis
        self._chance = random.Random(SEED)
        self._deck = []
        self._paused = {}  # pid -> when it is woken
        self._redis_again_at = 0.0
        self.hits = Counter()
        self.woken = []  # tasks whose worker slept past their lease

    def tend(self, now):
        """Start again what was killed, and wake who slept long enough."""
        for cluster in self._clusters:
            cluster.revive()
        if self._redis and not self._redis.is_running and now >= self._redis_again_at:
            self._redis.start()
        for pid, (until, task) in list(self._paused.items()):
            if now >= until:
                del self._paused[pid]
                if send(pid, signal.SIGCONT):
                    self.woken.append(task)

    @property
    def is_over(self):
        """Whether everything was hit at least once, and nobody sleeps any more."""
        wanted = {kind for kind in DECK if kind != "redis" or self._redis}
        return wanted <= set(self.hits) and not self._paused

    def strike(self, now):
        """One hit: the next kind of this round of which something is there to be hit."""
        if not self._deck:
            self._deck = [kind for kind in DECK if kind != "redis" or self._redis]
            self._chance.shuffle(self._deck)
        special = {"redis": self._lose_redis, "pause": self._pause, "cluster": self._lose_cluster}
        for kind in list(dict.fromkeys(self._deck)):
            if special.get(kind, self._kill)(kind, now):
                self._deck.remove(kind)
                self.hits[kind] += 1
                return

    def _targets(self):
        """What runs, without a cluster where somebody sleeps: what is tried there is that he wakes up."""
        running = [(cluster, cluster.processes) for cluster in self._clusters]
        return [(cluster, roles) for cluster, roles in running if roles and not self._paused.keys() & roles.keys()]

    def _kill(self, kind, now):
        victims = [pid for _, roles in self._targets() for pid, role in roles.items() if role == kind]
        return victims and send(self._chance.choice(sorted(victims)), signal.SIGKILL)

    def _lose_cluster(self, kind, now):
        targets = self._targets()
        if targets:
            self._chance.choice(targets)[0].kill()
        return bool(targets)

    def _lose_redis(self, kind, now):
        if not self._redis.is_running:
            return False
        self._redis.kill()
        self._redis_again_at = now + self._chance.uniform(0, 4)
        return True

    def _pause(self, kind, now):
        """A worker in the middle of a slow task, and so in no transaction that all others would wait for."""
        if self._paused:
            return False
        since = timezone.now() - timedelta(seconds=0.1)
        for task in Task.objects.filter(status=Task.Status.RUNNING, claimed_at__lt=since):
            if task.run_id % SLOW_ONES == 0 and (pid := stopped(task)):
                self._paused[pid] = (now + PAUSED_FOR, task)
                return True
        return False


def open_runs(number):
    with suppress(OperationalError):  # somebody was killed with the database in his hands: again later
        for _ in range(number):
            direction_board.open_run([Step("crash_ops")], title="crash")


def burn(fire):
    """Open the runs evenly while the fire burns; then only tend what is left, until every run has ended."""
    began = time.monotonic()
    next_strike = began + 4
    chance = random.Random(SEED + 1)
    while (now := time.monotonic()) < began + LONGEST:
        fire.tend(now)
        opened = Run.objects.count()
        is_burning = now < began + SECONDS or not fire.is_over
        if opened < RUNS:
            open_runs(min(RUNS - opened, int(RUNS * (now - began) / SECONDS) + 5 - opened))
        elif not is_burning and not Run.objects.exclude(status__in=Run.TERMINAL).exists():
            break
        if is_burning and now >= next_strike:
            fire.strike(now)
            next_strike = now + chance.uniform(0.2, 1.0)
        time.sleep(0.05)
    return time.monotonic() - began


def answers(cluster):
    """Whether the website of a cluster is up again after all."""
    with suppress(OSError), urlopen(f"http://127.0.0.1:{cluster.port}/healthz", timeout=5) as answer:
        return answer.status == 200
    return False


def main():
    redis = RedisServer(urlsplit(settings.REDIS_URL).port) if settings.REDIS_URL else None
    if redis:
        redis.start()
    call_command("migrate", verbosity=0)
    wait_briefly()
    site = Cluster("site", is_site=True)
    clusters = [Cluster("cluster"), site]
    for cluster in clusters:
        cluster.start()
    fire = Fire(clusters, redis)
    try:
        seconds = burn(fire)
        is_up = wait_until(lambda: site.revive() or answers(site), 60, every=0.5)
    finally:
        for cluster in clusters:
            cluster.end()
        # A keeper and the supervisor above it may have died in the same half second.
        end_what_is_left()
    print("REPORT " + json.dumps({"seconds": round(seconds), "site_is_up": is_up, **report(fire)}))


def report(fire):
    effects = Counter(Event.objects.filter(kind="crash.effect").values_list("run_id", "message"))
    return {
        "runs": dict(Counter(Run.objects.values_list("status", flat=True))),
        "hits": dict(sorted(fire.hits.items())),
        "earnings": Earning.objects.count(),
        "entries": JournalEntry.objects.count(),
        "effects": len(effects),
        "doubled": sum(count - 1 for count in effects.values()),
        "violations": [str(violation) for violation in audit.violations()],
        "observations": Observation.objects.count(),
        "false_hashes": sum(seen.recomputed_sha256 != seen.sha256 for seen in Observation.objects.all()),
        "false_refs": sum(not _names_its_observation(task) for task in Task.objects.filter(workflow="crash_ops")),
        "runs_with_gaps": sum(not _is_complete(run) for run in Run.objects.all()),
        "open_tasks": Task.objects.exclude(status__in=Task.TERMINAL).count(),
        "false_attempts": sum(not _fits_its_attempts(task) for task in Task.objects.all()),
        "lost_attempts": Attempt.objects.filter(outcome="lost").count(),
        "outcomes": dict(Counter(Attempt.objects.values_list("outcome", flat=True))),
        "woken": len(fire.woken),
        "database": connection.vendor,
    }


def _names_its_observation(task):
    seen = Observation.objects.filter(run_id=task.run_id, kind="crash").first()
    return bool(seen and task.result and task.result["ref"] == seen.ref)


def _is_complete(run):
    numbers = list(run.events.values_list("number", flat=True))
    return numbers == list(range(1, run.event_count + 1)) and run.events.last().kind == f"run.{run.status}"


def _fits_its_attempts(task):
    """Every attempt that was claimed has a row of how it ended; only the newest one may have succeeded.

    Whose worker slept past its lease counts if nobody was there to take the task over, never beside another.
    """
    tries = list(task.tries.values_list("number", "outcome"))
    wins = [number for number, outcome in tries if outcome == "succeeded"]
    return [number for number, _ in tries] == list(range(1, task.attempts + 1)) and wins == [task.attempts]


if __name__ == "__main__":
    main()
