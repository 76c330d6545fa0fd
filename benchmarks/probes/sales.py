"""Sales booked a second: each an earning, an entry and three postings that sum to zero, in a transaction.

`python -m benchmarks.probes.sales WHO COUNT`: `ours` is `ledger.record_paid`, `raw` the same inserts by hand, and
`hordak` a transaction with three legs, as django-hordak documents it.
"""

import sys
import time

from django.db import connection, transaction
from django.utils import timezone

from benchmarks.probes import say


def ours():
    from earnings import ledger
    from earnings.models import Channel

    channel, prefix = Channel.objects.get(pk="fiverr"), time.time_ns()

    def book(number):
        ledger.record_paid(
            key=f"order:{prefix}:{number}",
            occurred_at=timezone.now(),
            work=ledger.Work.DONE,
            kind="real",
            title="A sale",
            gross_minor=1000,
            fee_minor=200,
            currency="USD",
            channel=channel,
            source="order",
        )

    return book


SALE = """
    INSERT INTO earnings_earning (key, kind, title, gross_minor, fee_minor, net_minor, currency, channel_id,
        source, reference, external_id, product_sku, gig, client, occurred_at, created_at)
    VALUES (%s, 'real', 'A sale', 1000, 200, 800, 'USD', 'fiverr', 'order', '', '', '', '', '', %s, %s)
    RETURNING id
"""
ENTRY = """
    INSERT INTO earnings_journalentry (key, earning_id, channel_id, event, kind, currency, memo, occurred_at,
        local_date, created_at)
    VALUES (%s, %s, 'fiverr', 'earned', 'real', 'USD', '', %s, %s, %s) RETURNING id
"""
POSTINGS = """
    INSERT INTO earnings_posting (entry_id, account_id, amount_minor, kind, currency, local_date)
    VALUES (%s, 'pending', 800, 'real', 'USD', %s), (%s, 'fees', 200, 'real', 'USD', %s),
           (%s, 'revenue', -1000, 'real', 'USD', %s)
"""


def raw():
    prefix = time.time_ns()

    def book(number):
        now = timezone.now()
        key, day = f"raw:{prefix}:{number}", now.date()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SALE, [key, now, now])
            earning = cursor.fetchone()[0]
            cursor.execute(ENTRY, [f"{key}:earned", earning, now, day, now])
            entry = cursor.fetchone()[0]
            cursor.execute(POSTINGS, [entry, day] * 3)

    return book


def hordak():
    from hordak.models import Account, Leg, Transaction
    from moneyed import Money

    accounts = [
        Account.objects.create(name=name, type=kind, currencies=["USD"])
        for name, kind in [("Pending", "AS"), ("Fees", "EX"), ("Revenue", "IN")]
    ]

    def book(number):
        with transaction.atomic():
            sale = Transaction.objects.create(description="A sale", date=timezone.now().date())
            Leg.objects.create(transaction=sale, account=accounts[0], debit=Money("8.00", "USD"))
            Leg.objects.create(transaction=sale, account=accounts[1], debit=Money("2.00", "USD"))
            Leg.objects.create(transaction=sale, account=accounts[2], credit=Money("10.00", "USD"))

    return book


def main(who, count):
    book = {"ours": ours, "raw": raw, "hordak": hordak}[who]()
    book("warm")
    began = time.perf_counter()
    for number in range(count):
        book(number)
    say({"sales_per_second": count / (time.perf_counter() - began)})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
