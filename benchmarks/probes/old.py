"""A database with history: so many finished tasks, two a run, each with its attempt.

`python -m benchmarks.probes.old TASKS`. Events, eight a run, are there for every tenth run only: all of them would
be four million rows. Written by INSERT ... SELECT from a model's own columns, so it follows the models.
"""

import sys
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from agency.models import Attempt, Event, Run, Task
from benchmarks.probes import say

EVENTS = 8
SERIES = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n + 1 < {count})",
    "postgresql": "WITH s(n) AS (SELECT generate_series(0, {count} - 1))",
}


def main(tasks):
    if Run.objects.exists():
        raise SystemExit("history comes first")
    runs, then = tasks // 2, timezone.now() - timedelta(days=30)
    ended = {"started_at": then, "finished_at": then}
    run = Run(status="succeeded", title="old", deadline_at=then, created_at=then, event_count=EVENTS, **ended)
    _copies(run, runs, {"id": "n + 1"})
    for part, (pipeline, workflow) in enumerate([("sales", "bench_sales"), ("ops", "bench_ops")]):
        task = Task(pipeline=pipeline, workflow=workflow, status="succeeded", attempts=1, due_at=then, **ended)
        _copies(task, runs, {"id": f"2 * n + {1 + part}", "run_id": "n + 1"})
    attempt = Attempt(number=1, worker="old", outcome="succeeded", **ended)
    _copies(attempt, tasks, {"id": "n + 1", "task_id": "n + 1"})
    event = Event(kind="task.started", message="old", created_at=then)
    number = f"n %% {EVENTS} + 1"
    _copies(event, runs // 10 * EVENTS, {"id": "n + 1", "run_id": f"n / {EVENTS} + 1", "number": number})
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            tables = [model._meta.db_table for model in (Run, Task, Attempt, Event)]
            for table in tables:
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    say({"tasks": Task.objects.count()})


def _copies(row, count, varying):
    """`count` rows like `row`; `varying` gives SQL over n = 0, 1, ... for the columns that differ."""
    columns, values, constants = [], [], []
    for field in row._meta.concrete_fields:
        columns.append(connection.ops.quote_name(field.column))
        if field.column in varying:
            values.append(varying[field.column])
        else:
            values.append("%s")
            constants.append(field.get_db_prep_save(getattr(row, field.attname), connection))
    series = SERIES[connection.vendor].format(count=count)
    table = connection.ops.quote_name(row._meta.db_table)
    with connection.cursor() as cursor:
        statement = f"INSERT INTO {table} ({', '.join(columns)}) {series} SELECT {', '.join(values)} FROM s"
        cursor.execute(statement, constants)


if __name__ == "__main__":
    main(int(sys.argv[1]))
