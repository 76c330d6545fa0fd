"""Running totals of the ledger: by all time, month and day; for everything, by channel, by gig and by product.

An entry writes down its own sums in its own transaction (`note`), as a row that nobody else touches: sales that
are booked at once do not wait for each other, as they would for one row of today's total, and transactions that
book several lines can't deadlock over such rows. The sweep adds them to the totals (`count_up`). A reader adds
what is counted and what is not yet, in one query, so that no figure is ever late; `earnings.audit` proves both
together equal to the postings.
"""

from collections import namedtuple
from datetime import date

from django.db import connection, transaction

from earnings.models import Clearing, RunningTotal, UncountedEntry
from earnings.models.inserts import insert
from earnings.models.totals import ACCOUNTS

Grain, Dimension = RunningTotal.Grain, RunningTotal.Dimension
ALL_TIME = date.min
AT_ONCE = 1000  # entries in one transaction
MOST = 20_000  # in one call: the sweep that makes it also shows that workers answer, and must end soon
# Which totals are kept. Gigs and products are as many as one likes: by day they would be as many rows as entries.
KEPT = (
    *((dimension, grain) for dimension in (Dimension.ALL, Dimension.CHANNEL) for grain in Grain),
    (Dimension.GIG, Grain.TOTAL),
    (Dimension.PRODUCT, Grain.TOTAL),
)
KEY = ("dimension", "grain", "starts_on", "name", "kind", "currency")
SUMS = ("entries", *ACCOUNTS)
OF_ENTRY = ("kind", "currency", "local_date", "channel", "gig", "product")
Row = namedtuple("Row", ["grain", "starts_on", "name", "kind", "currency", *SUMS])
NEW = "new"  # the grain of what is not counted yet, a row for each day
TAKE = """
    DELETE FROM earnings_uncountedentry WHERE entry_id IN (
        SELECT entry_id FROM earnings_uncountedentry ORDER BY entry_id LIMIT %s {skip_locked}
    ) RETURNING {columns}
"""
ADD = """
    INSERT INTO earnings_runningtotal ({columns}) VALUES ({values})
    ON CONFLICT ({key}) DO UPDATE SET {sums}
"""


# --- Writing ----------------------------------------------------------------------------------------------


def note(entry, postings):
    """Write down what `entry` posted, to be counted later: {account: minor units}."""
    insert(_uncounted(entry, postings))


def note_all(pairs):
    """`note` for many (entry, postings) at once."""
    UncountedEntry.objects.bulk_create(_uncounted(entry, postings) for entry, postings in pairs)


def _uncounted(entry, postings):
    earning = entry.earning
    return UncountedEntry(
        entry=entry,
        kind=entry.kind,
        currency=entry.currency,
        local_date=entry.local_date,
        channel=entry.channel_id,
        gig=earning.gig if earning else "",
        product=earning.product_sku if earning else "",
        **postings,
    )


def count_up():
    """Add what is not counted yet to the totals; how many entries that were. Two at once share the work.

    Every entry passes here once: those with money that its channel holds back wait for `earnings.clearing` then.
    """
    counted = 0
    while counted < MOST and (number := _count_some()):
        counted += number
    return counted


@transaction.atomic
def _count_some():
    columns = ("entry_id", *OF_ENTRY, *ACCOUNTS)
    skip_locked = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(TAKE.format(columns=", ".join(columns), skip_locked=skip_locked), [AT_ONCE])
        taken = cursor.fetchall()
    sums = {}
    for _, kind, currency, day, channel, gig, product, *amounts in taken:
        names = {"all": "", "channel": channel, "gig": gig, "product": product}
        for dimension, grain in KEPT:
            if names[dimension] or dimension == Dimension.ALL:
                key = (dimension, grain, start_of(grain, day), names[dimension], kind, currency)
                held = sums.setdefault(key, [0] * len(SUMS))
                sums[key] = [a + b for a, b in zip(held, (1, *amounts), strict=True)]
    _add(sums)
    held_back = columns.index("pending")
    Clearing.objects.expect([row[0] for row in taken if row[held_back] > 0])
    return len(taken)


def _add(sums):
    """In the order of their keys, so that two who count up at once do not wait for each other in a circle."""
    names = (*KEY, *SUMS)
    statement = ADD.format(
        columns=", ".join(names),
        values=", ".join(["%s"] * len(names)),
        key=", ".join(KEY),
        sums=", ".join(f"{name} = earnings_runningtotal.{name} + excluded.{name}" for name in SUMS),
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, [(*map(str, key), *sums[key]) for key in sorted(sums)])


def start_of(grain, day):
    """The first day of the month or day that `day` lies in, as ISO text; of all time it is the first there is."""
    day = str(day)
    return {"day": day, "month": f"{day[:7]}-01", "total": str(ALL_TIME)}[grain]


@transaction.atomic
def rebuild():
    """Count everything anew from the postings. Who books meanwhile waits."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE earnings_runningtotal, earnings_uncountedentry IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM earnings_runningtotal")
        cursor.execute("DELETE FROM earnings_uncountedentry")
        for dimension, grain in KEPT:
            columns = ", ".join((*KEY, *SUMS))
            cursor.execute(f"INSERT INTO earnings_runningtotal ({columns}) {from_postings(dimension, grain)}")


def from_postings(dimension, grain):
    """SQL of the totals of one dimension and grain as the postings have them, in the order of `KEY` and `SUMS`."""
    name = {"all": "''", "channel": "entry.channel_id", "gig": "earning.gig", "product": "earning.product_sku"}
    day = "posting.local_date"
    starts_on = {
        ("sqlite", "month"): f"SUBSTR({day}, 1, 7) || '-01'",
        ("postgresql", "month"): f"DATE_TRUNC('month', {day})::date",
        (connection.vendor, "day"): day,
        (connection.vendor, "total"): f"CAST('{ALL_TIME}' AS {'date' if _is_postgresql() else 'text'})",
    }[connection.vendor, grain]
    accounts = ", ".join(
        f"COALESCE(SUM(CASE WHEN posting.account_id = '{account}' THEN posting.amount_minor END), 0)"
        for account in ACCOUNTS
    )
    named = "" if dimension == Dimension.ALL else f"WHERE {name[dimension]} <> ''"
    return f"""
        SELECT '{dimension}', '{grain}', {starts_on}, {name[dimension]}, posting.kind, posting.currency,
               COUNT(DISTINCT posting.entry_id), {accounts}
        FROM earnings_posting AS posting
        JOIN earnings_journalentry AS entry ON entry.id = posting.entry_id
        LEFT JOIN earnings_earning AS earning ON earning.id = entry.earning_id
        {named} GROUP BY 3, 4, 5, 6
    """  # noqa: S608  names of our own columns only


# --- Reading ----------------------------------------------------------------------------------------------


def read(dimension, since, kinds=(), currency=""):
    """`Row`s of one dimension, in one query: of each grain in `since` those that start on its day or later, and
    what is not counted yet by day, whatever its day is.
    """
    of_money, values = ["TRUE"], []
    if kinds:
        of_money.append(f"kind IN ({', '.join(['%s'] * len(kinds))})")
        values += kinds
    if currency:
        of_money.append("currency = %s")
        values.append(currency)
    money = " AND ".join(of_money)
    grains = " OR ".join(["(grain = %s AND starts_on >= %s)"] * len(since))
    name = "''" if dimension == Dimension.ALL else str(dimension)
    fresh = ", ".join(f"CAST(SUM({account}) AS bigint)" for account in ACCOUNTS)
    query = f"""
        SELECT grain, starts_on, name, kind, currency, {", ".join(SUMS)} FROM earnings_runningtotal
        WHERE dimension = %s AND ({grains}) AND {money}
        UNION ALL
        SELECT '{NEW}', local_date, {name}, kind, currency, COUNT(*), {fresh} FROM earnings_uncountedentry
        WHERE {name} {"=" if dimension == Dimension.ALL else "<>"} '' AND {money}
        GROUP BY 2, 3, 4, 5
    """  # noqa: S608  names of our own columns only
    asked = [text for grain, first in since.items() for text in (str(grain), str(first))]
    with connection.cursor() as cursor:
        cursor.execute(query, [str(dimension), *asked, *values, *values])
        return [Row(grain, _as_date(day), *rest) for grain, day, *rest in cursor.fetchall()]


def number():
    """How many entries the ledger has; it only grows, and while it stays the same no figure changes."""
    query = """
        SELECT COALESCE((SELECT SUM(entries) FROM earnings_runningtotal
                         WHERE dimension = 'all' AND grain = 'total'), 0)
             + (SELECT COUNT(*) FROM earnings_uncountedentry)
    """
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


def currencies():
    """The currencies that the ledger has, in order."""
    return sorted({row.currency for row in read(Dimension.ALL, {Grain.TOTAL: ALL_TIME})})


def balances(account):
    """[(kind, currency, minor units)] of an account, in order; debit positive."""
    at = SUMS.index(account)
    return [(*key[-2:], sums[at]) for key, sums in sorted(kept(Dimension.ALL, Grain.TOTAL).items())]


def posted(dimension, grain):
    """{key: sums} as the postings have them."""
    with connection.cursor() as cursor:
        cursor.execute(from_postings(dimension, grain))
        return {tuple(map(str, row[:6])): [int(number) for number in row[6:]] for row in cursor.fetchall()}


def kept(dimension, grain):
    """{key: sums} as they are kept, with what is not counted yet."""
    found = {}
    for row in read(dimension, {grain: ALL_TIME}):
        starts_on = start_of(grain, row.starts_on)
        key = (str(dimension), str(grain), starts_on, row.name, row.kind, row.currency)
        held = found.get(key, [0] * len(SUMS))
        found[key] = [a + b for a, b in zip(held, row[-len(SUMS) :], strict=True)]
    return found


def _as_date(value):
    return value if isinstance(value, date) else date.fromisoformat(value)


def _is_postgresql():
    return connection.vendor == "postgresql"
