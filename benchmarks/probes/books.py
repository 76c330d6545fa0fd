"""A ledger of so many postings: sales of three years, at three channels, of 500 products and 20 gigs.

`python -m benchmarks.probes.books POSTINGS`. Every second sale was cleared; each entry has three postings or two.
"""

import sys
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from benchmarks.probes import say
from benchmarks.probes.old import SERIES
from earnings import audit, totals
from earnings.models import Posting

OF_A_SALE = 4  # postings: three of it, and half of the two of its clearing
DAY = {"sqlite": "DATE('{first}', '+' || {n} || ' days')", "postgresql": "DATE '{first}' + ({n})::int"}
MOMENT = {"sqlite": "DATETIME({day})", "postgresql": "({day})::timestamp AT TIME ZONE 'UTC'"}  # its first
SALE = """
    INSERT INTO earnings_earning (id, key, kind, title, gross_minor, fee_minor, net_minor, currency, channel_id,
        source, reference, external_id, product_sku, gig, client, occurred_at, created_at)
    {series} SELECT n + 1, 'order:' || n, 'real', 'A sale', 1000 + n %% 900, 100, 900 + n %% 900, 'USD', {channel},
        'order', '', '', {product}, {gig}, 'Client ' || (n %% 1000), {moment}, %s FROM s
"""
ENTRY = """
    INSERT INTO earnings_journalentry (id, key, earning_id, channel_id, event, kind, currency, memo,
        occurred_at, local_date, created_at)
    {series} SELECT {id}, 'order:' || n || ':{event}', n + 1, {channel}, '{event}', 'real', 'USD', '',
        {moment}, {day}, %s FROM s WHERE {which}
"""
POSTING = """
    INSERT INTO earnings_posting (entry_id, account_id, amount_minor, kind, currency, local_date)
    {series} SELECT {id}, '{account}', {amount}, 'real', 'USD', {day} FROM s WHERE {which}
"""
NET = "(900 + n %% 900)"
POSTINGS = {
    "earned": {"pending": NET, "fees": "100", "revenue": "-(1000 + n %% 900)"},
    "cleared": {"available": NET, "pending": f"-{NET}"},
}


def main(postings):
    sales, now = postings // OF_A_SALE, timezone.now()
    day = DAY[connection.vendor].format(first=(now - timedelta(days=1095)).date(), n="(n %% 1096)")
    words = {
        "series": SERIES[connection.vendor].format(count=sales),
        "day": day,
        "moment": MOMENT[connection.vendor].format(day=day),
        "channel": "CASE n %% 3 WHEN 0 THEN 'direct' WHEN 1 THEN 'fiverr' ELSE 'etsy' END",
        "product": "CASE n %% 3 WHEN 1 THEN '' ELSE 'SKU-' || (n %% 500) END",
        "gig": "CASE n %% 3 WHEN 1 THEN 'gig-' || (n %% 20) ELSE '' END",
    }
    with transaction.atomic(), connection.cursor() as cursor:  # PostgreSQL asks at the end whether all is balanced
        cursor.execute(SALE.format(**words), [now])
        for event, number, which in [("earned", "2 * n + 1", "TRUE"), ("cleared", "2 * n + 2", "n %% 2 = 0")]:
            one = words | {"event": event, "id": number, "which": which}
            cursor.execute(ENTRY.format(**one), [now])
            for account, amount in POSTINGS[event].items():
                cursor.execute(POSTING.format(account=account, amount=amount, **one), [])
        if connection.vendor == "postgresql":
            for table in ("earnings_earning", "earnings_journalentry", "earnings_posting"):
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
    totals.rebuild()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    say({"postings": Posting.objects.count(), "violations": len(audit.violations())})


if __name__ == "__main__":
    main(int(sys.argv[1]))
