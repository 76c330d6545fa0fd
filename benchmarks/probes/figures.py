"""Milliseconds of the dashboard's summary, and of plain SQL that gives its figures.

`python -m benchmarks.probes.figures WHO TIMES`: `summary` is `dashboard.summary()` with its sources and its ten
newest entries; `postings` are the nine figures alone as one query over the postings; `totals` is one over the
totals that are kept.
"""

import sys
import time
from statistics import median

from django.db import connection

from benchmarks.probes import say
from earnings import dashboard
from earnings.dashboard import Scope

EARNED = "account_id IN ('pending', 'available', 'paid_out', 'disputed')"
OVER_POSTINGS = """
    SELECT SUM(CASE WHEN account_id = 'unearned' THEN amount_minor ELSE 0 END),
           SUM(CASE WHEN account_id = 'pending' THEN amount_minor ELSE 0 END),
           SUM(CASE WHEN account_id = 'available' THEN amount_minor ELSE 0 END),
           SUM(CASE WHEN account_id = 'paid_out' THEN amount_minor ELSE 0 END),
           SUM(CASE WHEN account_id = 'disputed' THEN amount_minor ELSE 0 END),
           SUM(CASE WHEN local_date >= %s AND {earned} THEN amount_minor ELSE 0 END),
           SUM(CASE WHEN local_date >= %s AND {earned} THEN amount_minor ELSE 0 END),
           SUM(CASE WHEN local_date >= %s AND {earned} THEN amount_minor ELSE 0 END),
           SUM(CASE WHEN local_date >= %s AND {earned} THEN amount_minor ELSE 0 END)
    FROM earnings_posting WHERE kind = 'real' AND currency = 'USD'
      AND account_id IN ('unearned', 'pending', 'available', 'paid_out', 'disputed')
"""
OVER_TOTALS = """
    SELECT grain, starts_on, unearned, pending, available, paid_out, disputed FROM earnings_runningtotal
    WHERE dimension = 'all' AND kind = 'real' AND currency = 'USD' AND (grain = 'total'
       OR (grain = 'month' AND starts_on >= %s) OR (grain = 'day' AND starts_on >= %s))
"""


def asked(query, *days):
    with connection.cursor() as cursor:
        cursor.execute(query, [str(day) for day in days])
        return cursor.fetchall()


def main(who, times):
    starts = dashboard.starts_of(Scope().today)
    do = {
        "summary": dashboard.summary,
        "postings": lambda: asked(OVER_POSTINGS.format(earned=EARNED), *starts.values()),
        "totals": lambda: asked(OVER_TOTALS, starts["yearly"], min(starts["weekly"], starts["monthly"])),
    }[who]
    do()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        do()
        taken.append(1000 * (time.perf_counter() - began))
    say({"ms": median(taken)})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
