"""POST orchestrate/sales, beside a bare Django view that inserts the same rows: no DRF, rights or throttle."""

import time
from contextlib import contextmanager
from functools import partial

from benchmarks.places import free_port, place, running, until
from benchmarks.report import RUNS, line, rounds
from benchmarks.servers import bare_web, web
from benchmarks.wire import is_up

OWNERS = 40


def main(database_url, redis_url):
    print(
        f"\nPOSTs, {'PostgreSQL' if database_url else 'SQLite'}: {RUNS} a round, four kept connections, no workers"
    )
    with place(database_url) as here, serving(here) as ours, serving(here, bare_web) as bare:
        figures = rounds({"ours": partial(posted, here, ours), "bare": partial(posted, here, bare, owners=0)})
    line("this project", figures["ours"], "POSTs/s")
    line(
        "bare Django view, the same inserts", figures["bare"], "POSTs/s", ("this project reaches", figures["ours"])
    )


@contextmanager
def serving(here, server=web, *beside):
    """A web server in a place, and perhaps workers; gives the port."""
    port = free_port()
    with running(server(port), *beside, env=here.env) as processes:
        until(lambda: is_up(port), alive=processes)
        time.sleep(3 if beside else 1)
        yield port


def posted(here, port, owners=OWNERS):
    """POSTs a second of one round."""
    return here.probe("posts", port, RUNS, owners)["posts_per_second"]
