"""Figures of interleaved rounds, as people read them."""

import os
import statistics

RUNS = min(int(os.environ.get("BENCH_RUNS", "300")), 900)  # below the limit of runs that may be open at once
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
HISTORY = int(os.environ.get("BENCH_HISTORY", "1000000"))
POSTINGS = int(os.environ.get("BENCH_POSTINGS", "1000000"))
SALES = int(os.environ.get("BENCH_SALES", "500"))


def rounds(measures):
    """Measure everybody in turn, A B A B, so that a busy minute hits all: `{key: [one figure a round]}`."""
    figures = {key: [] for key in measures}
    for _ in range(ROUNDS):
        for key, measure in measures.items():
            figures[key].append(measure())
    return figures


def ratio(ours, others):
    """How many times `others` `ours` is: the median of the rounds' own ratios."""
    return statistics.median(a / b for a, b in zip(ours, others, strict=True))


def line(title, figures, unit, against=None):
    """One contestant: median, lowest and highest round; `against`: the words and figures to compare ours with."""
    median = statistics.median(figures)
    said = f"  {title:<40} {median:8.1f} {unit}  ({min(figures):.1f} to {max(figures):.1f})"
    if against:
        said += f"   {against[0]} {ratio(against[1], figures):.2f}"
    print(said, flush=True)


def percentiles(times):
    """p50 and p95 of milliseconds."""
    ordered = sorted(times)
    return f"p50 {statistics.median(ordered):6.1f}, p95 {ordered[int(len(ordered) * 0.95)]:6.1f} ms"
