"""What was earned, split: by day, week and month, by channel, and by what was sold, to whom and in which run."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from earnings import totals
from earnings.history import INCOME
from earnings.ledger import ADJUSTMENTS, EARNED_BUCKETS, REFUNDS, REVENUE
from earnings.models import Posting
from earnings.refusals import Refusal
from earnings.scopes import GROUPS, Span
from earnings.totals import ALL_TIME, NEW, Dimension, Grain

COUNTED = (*EARNED_BUCKETS, *INCOME)
TIMES = ("day", "week", "month")
MOST_SOURCES = 50  # of gigs, and of products
MOST_POINTS = 800  # of a series: a month of hours, two years of days
EARLIEST = date(1900, 1, 1)  # nobody sold here before, and no calendar ends at it
DAYS_OF_STEP = {"hour": 1 / 24, "day": 1, "week": 7, "month": 31}
SHORT_SERIES = {"hour": 1, "day": 30, "week": 12, "month": 12}  # how many days, weeks, months without a `from`


def measures(scope, sums):
    """The figures of one group, of `{account: minor}`: gross - refunds - fees + adjustments = net."""
    net = sum(sums[bucket] for bucket in EARNED_BUCKETS)
    gross, refunds, adjustments = -sums[REVENUE], sums[REFUNDS], -sums[ADJUSTMENTS]
    found = {"gross": gross, "refunds": refunds, "fees": gross - refunds + adjustments - net}
    found |= {"adjustments": adjustments, "net": net}
    return {name: scope.money(minor) for name, minor in found.items()}


# --- Groups -----------------------------------------------------------------------------------------------


def grouped(scope, span):
    """What was earned within the span: `[{key, gross, refunds, fees, adjustments, net, entries}]`.

    Keys are `2026-03-10`, `2026-W11` (ISO 8601), `2026-03`, or the name of the channel, gig, ..., oldest or
    smallest first; money that names none has the key `""`. Without a grouping there is one group for the whole
    span. `entries` are the filters that find what the group is made of.
    """
    sums = _by_time_or_channel(scope, span) if span.by in ("", "channel", *TIMES) else _by_sale(scope, span)
    return [
        {"key": str(key), **measures(scope, sums[key]), "entries": where(scope, span, key)}
        for key in sorted(sums, key=lambda key: (isinstance(key, str), key))
        if any(sums[key].values())
    ]


def within(scope, first, last):
    """The figures of the days from `first` to `last`."""
    sums = Counter()
    for row in _rows(scope, Span(first, last), Dimension.ALL):
        sums.update({account: getattr(row, account) for account in COUNTED})
    return measures(scope, sums)


def _by_time_or_channel(scope, span):
    dimension = Dimension.CHANNEL if span.by == "channel" else Dimension.ALL
    sums = {}
    for row in _rows(scope, span, dimension):
        key = label(span.by, row.starts_on) if span.by in TIMES else row.name
        held = sums.setdefault(key, Counter())
        sign = -1 if row.grain == Grain.DAY and _is_whole(span) else 1
        held.update({account: sign * getattr(row, account) for account in COUNTED})
    return sums


def _is_whole(span):
    return not (span.first or span.last) and span.by not in TIMES


def _rows(scope, span, dimension):
    """The rows of the totals whose days are in the span; of all time it is one row less what is after today."""
    money = {"kinds": scope.kinds, "currency": scope.currency}
    if _is_whole(span):
        since = {Grain.TOTAL: ALL_TIME, Grain.DAY: scope.today + timedelta(days=1)}
        rows = totals.read(dimension, since, **money)
        return [row for row in rows if row.grain != NEW or row.starts_on <= scope.today]
    rows = totals.read(dimension, {Grain.DAY: span.first or ALL_TIME}, **money)
    return [row for row in rows if row.starts_on <= scope.today and span.has(row.starts_on)]


def _by_sale(scope, span):
    rows = span.of(scope.of(Posting.objects.filter(account__in=COUNTED))).order_by()
    sums = {}
    for key, account, amount in rows.values_list(GROUPS[span.by], "account_id").annotate(sum=Sum("amount_minor")):
        sums.setdefault("" if key is None else key, Counter())[account] += amount
    return sums


def label(by, day):
    """What the day, week or month that `day` lies in is called."""
    if by == "day":
        return day.isoformat()
    if by == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{day:%Y-%m}"


def where(scope, span, key):
    """The filters of `GET earnings/entries` that find the entries of one group."""
    first, last = span.first, min(span.last or scope.today, scope.today)
    found = {} if scope.kind == "all" else {"kind": scope.kind}
    found |= {"currency": scope.currency, "figure": "earned"}
    if span.by in TIMES:
        begins, ends = _bounds(span.by, key)
        first, last = max(first or begins, begins), min(last, ends)
    elif span.by and key == "":
        found["without"] = span.by
    elif span.by:
        found[span.by] = str(key)
    return found | ({"from": first.isoformat()} if first else {}) | {"to": last.isoformat()}


def _bounds(by, key):
    """First and last day of what a label names."""
    if by == "day":
        return date.fromisoformat(key), date.fromisoformat(key)
    if by == "week":
        monday = date.fromisoformat(f"{key}-1")
        return monday, monday + timedelta(days=6)
    first = date.fromisoformat(f"{key}-01")
    return first, _month_after(first) - timedelta(days=1)


def _month_after(first):
    return (first + timedelta(days=31)).replace(day=1)


# --- Sources ----------------------------------------------------------------------------------------------

TOP = """
    SELECT name, SUM(earned) AS earned FROM (
        SELECT name, {earned} AS earned FROM earnings_runningtotal
        WHERE dimension = '{dimension}' AND grain = 'total' AND {money}
        UNION ALL
        SELECT {dimension}, {earned} FROM earnings_uncountedentry WHERE {dimension} <> '' AND {money}
        UNION ALL
        SELECT {column}, -posting.amount_minor FROM earnings_posting AS posting
        JOIN earnings_journalentry AS entry ON entry.id = posting.entry_id
        LEFT JOIN earnings_earning AS earning ON earning.id = entry.earning_id
        WHERE {money_of_posting} AND posting.account_id IN ({buckets}) AND posting.local_date > %s
          AND {column} <> ''
    ) AS parts GROUP BY name ORDER BY 2 DESC, 1 LIMIT {most}
"""
COLUMNS = {"channel": "entry.channel_id", "gig": "earning.gig", "product": "earning.product_sku"}


def sources(scope):
    """What was earned by channel, by gig and by product, the best first; of the latter two at most 50."""
    return {name: _top(scope, name) for name in COLUMNS}


def _top(scope, dimension):
    kinds = ", ".join(["%s"] * len(scope.kinds))
    query = TOP.format(
        dimension=dimension,
        column=COLUMNS[dimension],
        earned=" + ".join(EARNED_BUCKETS),
        money=f"kind IN ({kinds}) AND currency = %s",
        money_of_posting=f"posting.kind IN ({kinds}) AND posting.currency = %s",
        buckets=", ".join(f"'{bucket}'" for bucket in EARNED_BUCKETS),
        most=1000 if dimension == "channel" else MOST_SOURCES,
    )
    money = [*scope.kinds, scope.currency]
    with connection.cursor() as cursor:
        cursor.execute(query, [*money, *money, *money, scope.today.isoformat()])
        return {name: scope.money(int(earned)) for name, earned in cursor.fetchall()}


# --- Series -----------------------------------------------------------------------------------------------


def series(scope, span):
    """`[{key, gross, refunds, fees, adjustments, net}]`: each hour, day, week or month of the span, oldest first,
    those without income too. Hours are the store's, with their offset: a day has 23 or 25 of them when clocks
    change.
    """
    span = bounded(scope, span)
    if ((span.last - span.first).days + 1) / DAYS_OF_STEP[span.series] > MOST_POINTS:
        raise Refusal.of_field("/from", f"A series has at most {MOST_POINTS} points; these would be more.")
    steps = _hours(span) if span.series == "hour" else _steps(span)
    sums = _by_hour(scope, span) if span.series == "hour" else _by_step(scope, span)
    return [{"key": key, **measures(scope, sums.get(key, Counter()))} for key in steps]


def bounded(scope, span):
    """The span of a series: as far back as it goes by itself where no days are given."""
    last = max(min(span.last or scope.today, scope.today), EARLIEST)
    first = max(span.first or _back(last, span.series), EARLIEST)
    return Span(min(first, last), last, span.series if span.series in TIMES else "", span.series)


def _back(last, step):
    number = SHORT_SERIES[step] - 1
    if step == "month":
        months = last.year * 12 + last.month - 1 - number
        return date(months // 12, months % 12 + 1, 1)
    monday = last - timedelta(days=last.weekday())
    return monday - timedelta(weeks=number) if step == "week" else last - timedelta(days=number)


def _steps(span):
    days = (span.last - span.first).days + 1
    return list(dict.fromkeys(label(span.series, span.first + timedelta(days=n)) for n in range(days)))


def _by_step(scope, span):
    sums = {}
    for row in _rows(scope, span, Dimension.ALL):
        held = sums.setdefault(label(span.series, row.starts_on), Counter())
        held.update({account: getattr(row, account) for account in COUNTED})
    return sums


def _hours(span):
    zone = ZoneInfo(settings.STORE_TIMEZONE)
    begins = datetime.combine(span.first, time(), zone).timestamp()
    ends = datetime.combine(span.last + timedelta(days=1), time(), zone).timestamp()
    # Half-hour steps: there are clocks that change by half an hour.
    moments = range(int(begins), int(ends), 1800)
    return list(dict.fromkeys(hour_of(datetime.fromtimestamp(moment, zone)) for moment in moments))


def hour_of(at):
    """The store's hour of a moment, with its offset."""
    return at.astimezone(ZoneInfo(settings.STORE_TIMEZONE)).replace(minute=0, second=0, microsecond=0).isoformat()


def _by_hour(scope, span):
    rows = span.of(scope.of(Posting.objects.filter(account__in=COUNTED))).order_by()
    sums = {}
    for at, account, amount in rows.values_list("entry__occurred_at", "account_id", "amount_minor").iterator():
        sums.setdefault(hour_of(at), Counter())[account] += amount
    return sums
