"""The limit: claim, commit, write, commit, on the engine's own table and by plain SQL.

No run to settle, no event, attempt, observation or artifact. It says when it is ready, begins when its standard
input ends, so that several begin at once, and ends when nothing is left to claim.
"""

import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
django.setup()

from django.db import connection, transaction
from django.utils import timezone

from benchmarks.models import write

CLAIM = """
    UPDATE agency_task SET status = 'running', attempts = attempts + 1, lease_until = %s, worker = 'bare'
    WHERE id = (
        SELECT id FROM agency_task WHERE status = 'queued' AND due_at <= %s ORDER BY due_at, id LIMIT 1 {lock}
    )
    RETURNING id, attempts, run_id, CASE pipeline WHEN 'sales' THEN 1 ELSE 2 END
"""
FINISH = """
    UPDATE agency_task SET status = 'succeeded', lease_until = NULL, finished_at = %s
    WHERE id = %s AND attempts = %s AND status = 'running'
"""


def main():
    claim = CLAIM.format(lock="FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else "")
    with connection.cursor() as cursor:
        print("ready", flush=True)
        sys.stdin.read()
        while True:
            now = timezone.now()
            cursor.execute(claim, [_stored(now + timedelta(seconds=20)), _stored(now)])
            row = cursor.fetchone()
            if row is None:
                return
            task, fence, run, part = row
            with transaction.atomic():
                write(run, part)
                cursor.execute(FINISH, [_stored(timezone.now()), task, fence])


def _stored(moment):
    return connection.ops.adapt_datetimefield_value(moment)


if __name__ == "__main__":
    main()
