"""Every figure of the business, as it was at one moment: from the running totals and, for what they do not split,
from the postings.

What counts is what was *earned*, after fees: money that came into the buckets pending, available, paid out or
disputed. Money for work that is still owed is in `unearned`, so it is in `total` and in nothing else.
Refunds, reversals and a channel's costs without a sale are deducted on the day on which they happened.
"""

import json
from collections import Counter
from datetime import UTC, timedelta
from hashlib import sha256

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from earnings import totals
from earnings.groups import grouped, series, sources
from earnings.history import as_row, history
from earnings.ledger import BUCKETS, EARNED_BUCKETS
from earnings.models import Kind
from earnings.scopes import GROUPS, KINDS, SERIES, Scope, Span
from earnings.snapshots import snapshot
from earnings.totals import ALL_TIME, NEW, Dimension, Grain

__all__ = ["GROUPS", "KINDS", "SERIES", "Scope", "Span", "earnings_file", "fingerprint", "summary"]

PERIODS = ("daily", "weekly", "monthly", "yearly")
RECENT = 10


def summary(scope=None, span=None):
    """The dashboard, as the API answers it (`GET dashboard/earnings`), read at one moment."""
    with snapshot():
        return _summary(scope or Scope(), span or Span())


def _summary(scope, span):
    figures, currencies, sequence = _figures(scope)
    groups = grouped(scope, span)
    answer = {
        "as_of": scope.at.astimezone(UTC),
        "sequence": sequence,
        "timezone": settings.STORE_TIMEZONE,
        "currency": scope.currency,
        "currencies": currencies,
        "kind": scope.kind,
        **_as_money(scope, _together(figures)),
        "entries": _made_of(scope),
        "sources": sources(scope),
        "recent": [as_row(entry) for entry in history(scope)[:RECENT]],
        "range": {
            "from": span.first,
            "to": min(span.last or scope.today, scope.today),
            "group_by": span.by or None,
            "earned": scope.money(sum(group["net"]["minor"] for group in groups)),
            "groups": groups if span.by else [],
        },
        "series": {"by": span.series, "points": series(scope, span)} if span.series else None,
    }
    if scope.kind == "all":
        answer["parts"] = {kind: _as_money(scope, figures[kind]) for kind in scope.kinds}
    return answer


def fingerprint(answer):
    """A short text that changes when a figure does: `as_of` differs each time and so has no part in it."""
    timeless = {name: value for name, value in answer.items() if name != "as_of"}
    text = json.dumps(timeless, cls=DjangoJSONEncoder, sort_keys=True)
    return sha256(text.encode()).hexdigest()[:32]


def starts_of(today):
    """The first day of each period."""
    return {
        "daily": today,
        "weekly": today - timedelta(days=today.weekday()),
        "monthly": today.replace(day=1),
        "yearly": today.replace(month=1, day=1),
    }


def _figures(scope):
    """`{kind: Counter of minor units by figure}` of the scope, the other currencies with money in them, and how
    many entries the ledger has in all.
    """
    starts = starts_of(scope.today)
    since = {
        Grain.TOTAL: ALL_TIME,
        Grain.MONTH: starts["yearly"],
        Grain.DAY: min(starts["weekly"], starts["monthly"]),
    }
    figures = {kind: Counter(dict.fromkeys((*BUCKETS, *PERIODS), 0)) for kind in Kind.values}
    others, sequence = set(), 0
    for row in totals.read(Dimension.ALL, since):
        if row.grain in (Grain.TOTAL, NEW):
            sequence += row.entries
            if row.kind in scope.kinds:
                others.add(row.currency)
        if row.currency == scope.currency:
            _add(figures[row.kind], row, starts)
    return {kind: figures[kind] for kind in scope.kinds}, sorted(others - {scope.currency}), sequence


def _add(held, row, starts):
    """Add a row of the totals to the figures that it is a part of."""
    earned = sum(getattr(row, bucket) for bucket in EARNED_BUCKETS)
    if row.grain == Grain.MONTH:
        # The current month by its days: some of them may be after today.
        held["yearly"] += earned if row.starts_on < starts["monthly"] else 0
        return
    is_later = row.starts_on > starts["daily"]
    # All time, what is not counted yet, less the days after today.
    sign = {Grain.TOTAL: 1, NEW: not is_later, Grain.DAY: -is_later}[row.grain]
    held.update({bucket: sign * getattr(row, bucket) for bucket in BUCKETS})
    if row.grain != Grain.TOTAL and not is_later:
        from_day = starts | ({} if row.grain == NEW else {"yearly": starts["monthly"]})
        held.update({period: earned for period, first in from_day.items() if row.starts_on >= first})


def _together(figures):
    both = Counter()
    for sums in figures.values():
        both.update(sums)  # not `+`, which would drop what is below zero
    return both


def _as_money(scope, figures):
    total = sum(figures[bucket] for bucket in BUCKETS)
    return {
        **{period: scope.money(figures[period]) for period in PERIODS},
        "total": scope.money(total),
        "earned": scope.money(sum(figures[bucket] for bucket in EARNED_BUCKETS)),
        "buckets": {bucket: scope.money(figures[bucket]) for bucket in BUCKETS},
    }


def _made_of(scope):
    """The filters of `GET earnings/entries` that find what each figure is made of."""
    whole = {} if scope.kind == "all" else {"kind": scope.kind}
    whole |= {"currency": scope.currency, "to": scope.today.isoformat()}
    periods = {
        period: whole | {"from": first.isoformat(), "figure": "earned"}
        for period, first in starts_of(scope.today).items()
    }
    sums = {name: whole | {"figure": name} for name in ("total", "earned")}
    return periods | sums | {bucket: whole | {"account": bucket} for bucket in BUCKETS}


def earnings_file(scope, limit):
    """`earnings.json`: what was earned in all and today, and the history behind it, newest first."""
    with snapshot():
        figures, _, sequence = _figures(scope)
        rows = list(history(scope)[: limit + 1])
    figures = _as_money(scope, _together(figures))
    return {
        "as_of": scope.at.astimezone(UTC),
        "sequence": sequence,
        "currency": scope.currency,
        "kind": scope.kind,
        "total_earnings": figures["earned"],
        "daily": figures["daily"],
        "history_complete": len(rows) <= limit,
        "history": [as_row(entry) for entry in rows[:limit]],
    }
