"""Itemized Stripe statements that overlap, in any order of rows and files, booked, reversed and sent again."""

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from earnings import audit, dashboard
from earnings.dashboard import Scope
from earnings.sheets import write_sheet
from earnings.statements import booking

HEADER = [
    "balance_transaction_id",
    "created_utc",
    "reporting_category",
    "currency",
    "gross",
    "fee",
    "net",
    "charge_id",
]
SIGNS = {"charge": 1, "refund": -1, "dispute": -1, "dispute_reversal": 1, "fee": -1, "payout": -1}


@st.composite
def pools(draw):
    """{id: row} of what happened at Stripe: some rows are about charges of the pool, some about none of it."""
    pool = {}
    for number in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from([*SIGNS, "charge", "payout_reversal"]))
        gross = draw(st.integers(1, 10**6)) * SIGNS.get(kind, 1)
        fee = draw(st.integers(0, 300)) if kind in ("charge", "dispute") else 0
        charge = f"ch_{number if kind == 'charge' else draw(st.integers(0, 8))}" if kind != "payout" else ""
        pool[f"txn_{number}"] = (
            number + 1,
            kind,
            draw(st.sampled_from(["usd", "eur", "jpy"])),
            gross,
            fee,
            charge,
        )
    return pool


def file_of(pool, ids):
    rows = []
    for name in ids:
        day, kind, currency, gross, fee, charge = pool[name]
        amounts = [
            str(minor if currency == "jpy" else Decimal(minor).scaleb(-2)) for minor in (gross, fee, gross - fee)
        ]
        rows.append([name, f"2026-01-{day:02d} 10:00:00", kind, currency, *amounts, charge])
    return write_sheet(HEADER, rows, for_people=False)


class Statements(TestCase):
    """Each row counts once while a statement that holds it is booked, wherever else it stands."""

    @hypothesis_settings(deadline=None, max_examples=15)
    @given(pools(), st.data())
    def test_what_is_booked_is_what_happened_whatever_was_sent_in_which_order(self, pool, data):
        booked, statements = {}, []
        for step in range(data.draw(st.integers(1, 4))):
            if statements and data.draw(st.booleans()) and data.draw(st.booleans()):
                statement = data.draw(st.sampled_from(statements))
                booking.reverse(statement)
                booked = {name: by for name, by in booked.items() if by != statement.pk}
            ids = data.draw(st.lists(st.sampled_from(sorted(pool)), min_size=1, max_size=10))
            statement = booking.upload(file_of(pool, ids), f"{step}.csv")
            assert [row.outcome for row in statement.rows.all() if row.outcome == "refused"] == []
            booking.book(booking.book(statement))
            statements.append(statement)
            booked = dict.fromkeys(ids, statement.pk) | booked

        available, paid_out = Counter(), Counter()
        for name in booked:
            _, kind, currency, gross, fee, _ = pool[name]
            available[currency] += gross - fee
            paid_out[currency] -= gross if kind.startswith("payout") else 0
        for currency in ("usd", "eur", "jpy"):
            buckets = dashboard.summary(Scope(currency=currency.upper()))["buckets"]
            held = (buckets["available"]["minor"], buckets["paid_out"]["minor"])
            assert held == (available[currency], paid_out[currency])
        assert audit.violations() == []
