"""The same in an empty database and in one with a long history: it must not slow down by more than a tenth."""

import time
from functools import partial

from benchmarks.places import place
from benchmarks.posts import posted, serving
from benchmarks.report import HISTORY, line, ratio, rounds
from benchmarks.runs import drained

MOST_SLOWER = 0.9


def main(database_url, redis_url):
    with place(database_url) as new, place(database_url) as old:
        began = time.monotonic()
        old.probe("old", HISTORY)
        print(
            f"\nHistory, {new.vendor}: {HISTORY:,} old tasks with an attempt each, events for a tenth of the runs "
            f"(written in {time.monotonic() - began:.0f} s)"
        )
        runs = rounds({"new": partial(drained, new, ""), "old": partial(drained, old, "")})
        _said(runs, "runs/s")
        with serving(new) as on_new, serving(old) as on_old:
            posts = rounds({"new": partial(posted, new, on_new), "old": partial(posted, old, on_old)})
        _said(posts, "POSTs/s")


def _said(figures, unit):
    line("empty database", figures["new"], unit)
    line("with history", figures["old"], unit)
    kept = ratio(figures["old"], figures["new"])
    verdict = (
        "within a tenth" if kept >= MOST_SLOWER else "SLOWER BY MORE THAN A TENTH, unless the rounds say noise"
    )
    print(f"  with history / empty: {kept:.2f}, {verdict}", flush=True)
