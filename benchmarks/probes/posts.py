"""POSTs a second, four kept connections.

`python -m benchmarks.probes.posts PORT COUNT OWNERS` asks the real endpoint; with 0 OWNERS, the bare view. Opened
runs are closed by plain SQL afterwards: every count begins with an empty backlog, below the limit of open runs.
"""

import sys

from django.db import connection

from benchmarks.probes import say
from benchmarks.probes.tokens import tokens
from benchmarks.wire import Line, rate

BODY = {"operation": "bench_sales"}
CLOSE = [
    "UPDATE agency_task SET status = 'canceled' WHERE status = 'queued'",
    "UPDATE agency_run SET status = 'canceled' WHERE status = 'queued'",
    "DELETE FROM django_q_ormq",
]


def main(port, count, owners):
    keys = tokens(owners)

    def post(number, line):
        if keys:
            return line.post("/api/v1/orchestrate/sales", BODY, keys[number % len(keys)])
        return line.post("/insert", BODY)

    lines = [Line(port) for _ in range(4)]
    rate(post, 20, lines)  # warm
    measured = rate(post, count, lines)
    with connection.cursor() as cursor:
        for statement in CLOSE:
            cursor.execute(statement)
    say({"posts_per_second": measured})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
