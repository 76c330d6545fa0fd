"""How runs and POSTs change from one worker to two, and to two clusters of two on one PostgreSQL."""

from functools import partial

from benchmarks.contestants import QCLUSTER
from benchmarks.places import place
from benchmarks.posts import posted, serving
from benchmarks.report import line, rounds
from benchmarks.runs import drained
from benchmarks.servers import web

SHAPES = {"one worker": (1, 1), "two workers": (2, 1), "two clusters of two workers": (2, 2)}


def main(database_url, redis_url):
    shapes = {title: shape for title, shape in SHAPES.items() if database_url or shape[1] == 1}
    with place(database_url) as here:
        print(f"\nWorkers, {here.vendor}: runs")
        drains = {
            title: partial(drained, here, "", clusters, Q_WORKERS=str(workers))
            for title, (workers, clusters) in shapes.items()
        }
        _said(rounds(drains), "runs/s")
        print(f"\nWorkers, {here.vendor}: POSTs while these work off what is posted")
        _said(rounds({title: partial(_posted, here, *shape) for title, shape in shapes.items()}), "POSTs/s")


def _said(figures, unit):
    one, *more = figures
    line(one, figures[one], unit)
    for title in more:
        line(title, figures[title], unit, (f"{one} /", figures[one]))


def _posted(here, workers, clusters):
    here.env["Q_WORKERS"] = str(workers)
    with serving(here, web, *[QCLUSTER] * clusters) as port:
        return posted(here, port)
