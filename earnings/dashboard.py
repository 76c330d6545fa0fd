"""Every figure of the business, asked of the postings each time: no figure is stored.

What counts is what was *earned*, after fees: money that came into the buckets pending, available, paid out or
disputed. Money for work that is still owed is in `unearned`, so it is in `total` and in nothing else.
Refunds, reversals and a channel's costs without a sale are deducted on the day on which they happened.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from hashlib import sha256

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Exists, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from earnings import money
from earnings.ledger import ADJUSTMENTS, BUCKETS, EARNED_BUCKETS, REFUNDS, REVENUE, local_date
from earnings.models import JournalEntry, Kind, Posting
from earnings.refusals import Refusal

KINDS = (*Kind.values, "all")
PERIODS = ("daily", "weekly", "monthly", "yearly")
RECENT = 10
INCOME = (REVENUE, REFUNDS, ADJUSTMENTS)
# What a figure can be split by, and the column that says it.
GROUPS = {
    "day": "local_date",
    "week": "local_date",
    "month": "local_date",
    "channel": "entry__channel_id",
    "gig": "entry__earning__gig",
    "product": "entry__earning__product_sku",
    "run": "entry__earning__run_id",
    "intent": "entry__earning__intent_id",
}


@dataclass(frozen=True)
class Scope:
    """Which money is asked about: `kind` real, simulated or all; one currency (the store's own if empty);
    booked until the end of the store's day of `at` (now if empty).

    `Refusal` (422) names a value that is unknown.
    """

    kind: str = "real"
    currency: str = ""
    at: object = None

    def __post_init__(self):
        object.__setattr__(self, "currency", self.currency or settings.STORE_CURRENCY)
        object.__setattr__(self, "at", self.at or timezone.now())
        if self.kind not in KINDS:
            raise Refusal.of_field("/kind", f"There is no kind {self.kind!r}. Known: {', '.join(KINDS)}.")
        try:
            money.exponent(self.currency)
        except ValueError as error:
            raise Refusal.of_field("/currency", f"{error}.") from None

    @property
    def today(self):
        return local_date(self.at)

    @property
    def kinds(self):
        return tuple(Kind.values) if self.kind == "all" else (self.kind,)

    def of(self, rows):
        """The rows of this scope, of a queryset that has kind, currency and local_date."""
        return rows.filter(kind__in=self.kinds, currency=self.currency, local_date__lte=self.today)

    def money(self, minor):
        return money.as_json(minor, self.currency)


@dataclass(frozen=True)
class Span:
    """A range of store-local days, both included and both optional, and what to split it by."""

    first: date | None = None
    last: date | None = None
    by: str = ""

    def __post_init__(self):
        if self.by and self.by not in GROUPS:
            known = ", ".join(GROUPS)
            raise Refusal.of_field("/group_by", f"There is no grouping {self.by!r}. Known: {known}.")
        if self.first and self.last and self.first > self.last:
            raise Refusal.of_field("/from", "The range begins after it ends.")

    def of(self, rows):
        if self.first:
            rows = rows.filter(local_date__gte=self.first)
        return rows.filter(local_date__lte=self.last) if self.last else rows


def summary(scope=None, span=None):
    """The dashboard, as the API answers it (`GET dashboard/earnings`).

    Every figure comes from one query, the sources and the range from a second, the recent list from a third.
    """
    scope, span = scope or Scope(), span or Span()
    figures, currencies = _figures(scope)
    groups = grouped(scope, span)
    recent = list(history(scope)[:RECENT])
    answer = {
        "as_of": scope.at.astimezone(UTC),
        "timezone": settings.STORE_TIMEZONE,
        "currency": scope.currency,
        "currencies": currencies,
        "kind": scope.kind,
        **_as_money(scope, _together(figures)),
        "sources": _sources(scope),
        "recent": [as_row(entry) for entry in recent],
        "range": {
            "from": span.first,
            "to": min(span.last or scope.today, scope.today),
            "group_by": span.by or None,
            "earned": scope.money(sum(group["earned"]["minor"] for group in groups)),
            "groups": groups if span.by else [],
        },
    }
    if scope.kind == "all":
        answer["parts"] = {kind: _as_money(scope, figures[kind]) for kind in scope.kinds}
    return answer


def fingerprint(answer):
    """A short text that changes when a figure does: `as_of` differs each time and so has no part in it."""
    timeless = {name: value for name, value in answer.items() if name != "as_of"}
    text = json.dumps(timeless, cls=DjangoJSONEncoder, sort_keys=True)
    return sha256(text.encode()).hexdigest()[:32]


def _figures(scope):
    """`{kind: Counter of minor units by figure}` of the scope, and the other currencies with money in them."""
    today = scope.today
    starts = {
        "daily": today,
        "weekly": today - timedelta(days=today.weekday()),
        "monthly": today.replace(day=1),
        "yearly": today.replace(month=1, day=1),
    }
    sums = {bucket: _sum(Q(account=bucket)) for bucket in BUCKETS} | {
        period: _sum(Q(account__in=EARNED_BUCKETS, local_date__gte=start)) for period, start in starts.items()
    }
    rows = Posting.objects.filter(
        account__in=BUCKETS, kind__in=scope.kinds, local_date__lte=today
    ).order_by()  # one currency more costs nothing here, and a second query would
    figures = {kind: Counter(dict.fromkeys(sums, 0)) for kind in scope.kinds}
    others = set()
    for row in rows.values("kind", "currency").annotate(**sums):
        if row["currency"] == scope.currency:
            figures[row["kind"]].update({name: row[name] for name in sums})
        else:
            others.add(row["currency"])
    return figures, sorted(others)


def _together(figures):
    both = Counter()
    for sums in figures.values():
        both.update(sums)  # not `+`, which would drop what is below zero
    return both


def _sum(condition):
    return Sum("amount_minor", filter=condition, default=0)


def _as_money(scope, figures):
    total = sum(figures[bucket] for bucket in BUCKETS)
    return {
        **{period: scope.money(figures[period]) for period in PERIODS},
        "total": scope.money(total),
        "earned": scope.money(sum(figures[bucket] for bucket in EARNED_BUCKETS)),
        "buckets": {bucket: scope.money(figures[bucket]) for bucket in BUCKETS},
    }


def _sources(scope):
    """What was earned by channel, by gig and by product; a sale names at most one gig or product."""
    columns = {name: GROUPS[name] for name in ("channel", "gig", "product")}
    rows = scope.of(Posting.objects.filter(account__in=EARNED_BUCKETS)).order_by()
    found = {name: Counter() for name in columns}
    for row in rows.values(*columns.values()).annotate(earned=Sum("amount_minor")):
        for name, column in columns.items():
            if row[column]:
                found[name][row[column]] += row["earned"]
    return {
        name: {key: scope.money(minor) for key, minor in sorted(sums.items(), key=lambda one: (-one[1], one[0]))}
        for name, sums in found.items()
    }


def grouped(scope, span):
    """What was earned within the span: `[{key, gross, fee, earned}]`, oldest or smallest key first.

    Keys are `2026-03-10`, `2026-W11` (ISO 8601), `2026-03`, or the name of the channel, gig, ...; money that
    names none has the key `""`. Without a grouping there is one group for the whole span.
    """
    column = GROUPS.get(span.by, "kind")
    rows = span.of(scope.of(Posting.objects.filter(account__in=EARNED_BUCKETS + INCOME))).order_by()
    sums = rows.values(column).annotate(
        earned=_sum(Q(account__in=EARNED_BUCKETS)), income=_sum(Q(account__in=INCOME))
    )
    earned, gross = Counter(), Counter()
    for row in sums:
        key = _label(row[column], span.by)
        earned[key] += row["earned"]
        gross[key] -= row["income"]
    return [
        {
            "key": str(key),
            "gross": scope.money(gross[key]),
            "fee": scope.money(gross[key] - earned[key]),
            "earned": scope.money(earned[key]),
        }
        for key in sorted(earned, key=lambda key: (isinstance(key, str), key))
        if earned[key] or gross[key]
    ]


def _label(value, by):
    if value is None:
        return ""
    if by == "day":
        return value.isoformat()
    if by == "week":
        year, week, _ = value.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{value:%Y-%m}" if by == "month" else value


def by_day(scope, days=30):
    """`[(date, earned minor)]` of the last days, today included, oldest first, days without income too."""
    first = scope.today - timedelta(days=days - 1)
    found = {group["key"]: group["earned"]["minor"] for group in grouped(scope, Span(first, scope.today, "day"))}
    every = [first + timedelta(days=number) for number in range(days)]
    return [(day, found.get(day.isoformat(), 0)) for day in every]


# --- Entries, with what each did ------------------------------------------------------------------------


def entries():
    """Journal entries with the change of each bucket, `gross` income, `net` of fees, and `fee` between them."""
    entries = JournalEntry.objects.select_related("earning").order_by("-pk")
    entries = entries.annotate(**{bucket: _change(bucket) for bucket in BUCKETS})
    return entries.annotate(gross=-_change(*INCOME), net=_change(*EARNED_BUCKETS))


def _change(*accounts):
    postings = Posting.objects.filter(entry=OuterRef("pk"), account__in=accounts).order_by().values("entry")
    return Coalesce(Subquery(postings.annotate(sum=Sum("amount_minor")).values("sum")), 0)


def history(scope):
    """The entries that changed what was earned, newest first: their `net` sums to `earned`."""
    income = Posting.objects.filter(entry=OuterRef("pk"), account__in=INCOME)
    return scope.of(entries()).filter(Exists(income) | ~Q(net=0))


def as_row(entry):
    """An entry of `history` for programs."""
    earning = entry.earning
    amounts = {"amount": entry.gross, "fee": entry.gross - entry.net, "net": entry.net}
    return {
        "timestamp": entry.occurred_at,
        "event": entry.event,
        "title": entry.title,
        **{name: money.as_json(minor, entry.currency) for name, minor in amounts.items()},
        "source": earning.source if earning else "channel",
        "channel": entry.channel_id,
        "reference": earning.reference if earning else "",
        "kind": entry.kind,
        "key": entry.key,
    }


def earnings_file(scope, limit):
    """`earnings.json`: what was earned in all and today, and the history behind it, newest first."""
    figures, _ = _figures(scope)
    figures = _as_money(scope, _together(figures))
    rows = list(history(scope)[: limit + 1])
    return {
        "as_of": scope.at.astimezone(UTC),
        "currency": scope.currency,
        "kind": scope.kind,
        "total_earnings": figures["earned"],
        "daily": figures["daily"],
        "history_complete": len(rows) <= limit,
        "history": [as_row(entry) for entry in rows[:limit]],
    }
