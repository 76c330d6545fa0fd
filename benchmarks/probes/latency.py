"""From POST to done, in milliseconds: one run at a time on an idle system, then so many POSTs a second.

`python -m benchmarks.probes.latency IDLE_RUNS LOAD_RUNS RATE`. Done is when another connection can see both of
the run's effects; for this project, that its run has succeeded. It looks every 2 ms: so blurred are the figures.
"""

import random
import sys
import threading
import time
from queue import SimpleQueue

from django.conf import settings
from django.db import connection

from benchmarks.contestants import EVERYBODY
from benchmarks.models import Effect
from benchmarks.places import free_port, running, until
from benchmarks.probes import say
from benchmarks.probes.tokens import tokens
from benchmarks.servers import bare_web, shipped
from benchmarks.wire import Line, is_up

LOOK_EVERY = 0.002
OURS_DONE = "SELECT id FROM agency_run WHERE id >= %s AND status = 'succeeded'"
PEERS_DONE = "SELECT run FROM benchmarks_effect WHERE run >= %s GROUP BY run HAVING COUNT(*) = 2"


class Clock:
    """Notes when runs are done, as another connection sees it."""

    def __init__(self, statement):
        self._statement = statement
        self._cursor = connection.cursor()
        self._version = None
        self.done = {}

    def look(self, oldest):
        """Note what is done by now among runs from number `oldest` on."""
        if connection.vendor == "sqlite":  # microseconds, unless somebody has committed
            version = self._cursor.execute("PRAGMA data_version").fetchone()
            if version == self._version:
                return
            self._version = version
        self._cursor.execute(self._statement, [oldest])
        now = time.monotonic()
        for (number,) in self._cursor.fetchall():
            self.done.setdefault(number, now)


def main(idle, load, per_second):
    Effect.objects.all().delete()
    port, is_ours = free_port(), not settings.BENCH_AS
    keys = tokens(4) if is_ours else []

    def post(number, line):
        if is_ours:
            body = {"workflow": "bench_ops"}
            status, answer = line.post("/api/v1/orchestrate/service", body, keys[number % len(keys)])
        else:
            status, answer = line.post("/send", {"run": number})
        if status != 202:
            raise SystemExit(f"the server said {status} {answer[:300]}")
        return _id(answer) if is_ours else number

    commands = [shipped(port)] if is_ours else [bare_web(port), EVERYBODY[settings.BENCH_AS].workers]
    with running(*commands, patience=15) as processes:
        until(lambda: is_up(port), alive=processes)
        time.sleep(3)  # the workers are there, too
        clock = Clock(OURS_DONE if is_ours else PEERS_DONE)
        line = Line(port)
        _one_by_one(range(5), post, clock, line)  # warm
        said = {"idle": _one_by_one(range(5, 5 + idle), post, clock, line)}
        numbers = range(5 + idle, 5 + idle + load)
        said["load"] = _at_a_rate(numbers, post, clock, [Line(port) for _ in range(4)], per_second)
    say(said)


def _id(answer):
    """The run's number, without reading the whole answer."""
    return int(answer.split(b'"id":', 1)[1].split(b",", 1)[0])


def _one_by_one(numbers, post, clock, line):
    times = []
    for number in numbers:
        sent = time.monotonic()
        run = post(number, line)
        _wait_for({run}, clock)
        times.append((clock.done[run] - sent) * 1000)
        time.sleep(random.uniform(0.02, 0.08))  # not in step with anybody's polling
    return times


def _at_a_rate(numbers, post, clock, lines, per_second):
    """An open loop: a POST is sent, and its time runs, at its moment, however busy the server is."""
    due, sent, runs = SimpleQueue(), {}, {}

    def client(line):
        while (number := due.get()) is not None:
            runs[number] = post(number, line)

    clients = [threading.Thread(target=client, args=[line], daemon=True) for line in lines]
    for thread in clients:
        thread.start()
    began = time.monotonic()
    for count, number in enumerate(numbers):
        while time.monotonic() < began + count / per_second:
            clock.look(min(runs.values(), default=0))
            time.sleep(LOOK_EVERY)
        sent[number] = time.monotonic()
        due.put(number)
    for _ in clients:
        due.put(None)
    while any(thread.is_alive() for thread in clients):
        clock.look(min(runs.values(), default=0))
        time.sleep(LOOK_EVERY)
    _wait_for(set(runs.values()), clock)
    return [(clock.done[runs[number]] - sent[number]) * 1000 for number in numbers]


def _wait_for(runs, clock):
    ends = time.monotonic() + 60
    while not runs <= clock.done.keys():
        if time.monotonic() > ends:
            raise SystemExit("a run did not end")
        clock.look(min(runs))
        time.sleep(LOOK_EVERY)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
