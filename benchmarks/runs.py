"""Whole runs a second, and from POST to done; beside the peers and the bare loop."""

from functools import partial

from benchmarks.contestants import LIMITS, OURS, peers
from benchmarks.places import place
from benchmarks.report import RUNS, line, percentiles, rounds

PER_SECOND = 20


def main(database_url, redis_url):
    with place(database_url, BENCH_REDIS_URL=redis_url) as here:
        throughput(here, [*peers(redis_url), *LIMITS])
        latency(here, peers(redis_url))


def throughput(here, others):
    everybody = [OURS, *others]
    print(f"\nRuns, {here.vendor}: {RUNS} waiting runs of a Sales and an Ops task; two worker processes")
    figures = rounds({who.key: partial(drained, here, who.key) for who in everybody})
    for who in everybody:
        word = "this project reaches" if who in LIMITS else "this project / peer"
        line(who.title, figures[who.key], "runs/s", None if who is OURS else (word, figures[""]))


def drained(here, key, clusters=1, **env):
    """Runs a second of one drained backlog."""
    return here.probe("drain", RUNS, clusters, BENCH_AS=key, **env)["runs_per_second"]


def latency(here, others):
    idle, load = max(RUNS // 10, 5), max(RUNS // 3, 10)
    print(f"\nPOST to done, {here.vendor}: {idle} runs one at a time, then {load} at {PER_SECOND} a second")
    for who in [OURS, *others]:
        said = here.probe("latency", idle, load, PER_SECOND, BENCH_AS=who.key)
        print(f"  {who.title:<40} idle {percentiles(said['idle'])}   load {percentiles(said['load'])}", flush=True)
