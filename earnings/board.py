"""What the earnings page of the admin shows, and where each of its figures leads."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Sum
from django.urls import reverse

from earnings import dashboard, groups, money, totals
from earnings.dashboard import SERIES, Scope, Span
from earnings.ledger import BUCKETS, EARNED_BUCKETS
from earnings.models import Posting
from earnings.refusals import Refusal

PERIOD_NAMES = {"daily": "Today", "weekly": "This week", "monthly": "This month", "yearly": "This year"}
BUCKET_MEANINGS = {
    "unearned": ("Unearned", "paid, work still owed"),
    "pending": ("Pending", "earned, not cleared yet"),
    "available": ("Available", "can be paid out"),
    "paid_out": ("Paid out", "arrived at the bank"),
    "disputed": ("Disputed", "contested by the buyer"),
}
OVERDRAWN = "below zero: taken from what comes next"
SERIES_NAMES = {"hour": "Hours of today", "day": "30 days", "week": "12 weeks", "month": "12 months"}
SPLITS = ("channel", "gig", "product", "client", "run", "intent")
MOST_GROUPS = 25


@dataclass(frozen=True)
class Asked:
    """What of the page is asked for: real or simulated money, never both; one currency; a series; a grouping."""

    scope: Scope
    series: str = "day"
    by: str = "channel"

    @classmethod
    def read(cls, query):
        """`Refusal` (422) names what does not exist."""
        scope = Scope(query.get("kind") or "real", query.get("currency", ""))
        if scope.kind == "all":
            raise Refusal.of_field("/kind", "This page shows real or simulated money, never both.")
        asked = cls(scope, query.get("series") or "day", query.get("by") or "channel")
        if asked.series not in SERIES or asked.by not in SPLITS:
            raise Refusal.of_field("/series", "This page has no such series or grouping.")
        return asked

    @property
    def fingerprint(self):
        """Changes when a figure may: with an entry, and with the store's hour."""
        return f"{totals.number()}-{groups.hour_of(self.scope.at)[:13]}"

    def address(self, **other):
        """The query of this page, with something else in it."""
        query = {"kind": self.scope.kind, "currency": self.scope.currency, "series": self.series, "by": self.by}
        return urlencode(query | other)


def _meaning(key, summary):
    """What is in the bucket. What is given back after its payout is the channel's to take of the next one."""
    if key == "available" and summary["buckets"][key]["minor"] < 0:
        return OVERDRAWN
    return BUCKET_MEANINGS[key][1]


def figures(asked):
    """Everything that the page shows, read at one moment."""
    span = groups.bounded(asked.scope, Span(series=asked.series))
    fingerprint = asked.fingerprint  # first: what comes meanwhile is seen by the next look
    summary = dashboard.summary(asked.scope, Span(span.first, span.last, asked.by, asked.series))
    made_of = summary["entries"]
    found = sorted(summary["range"]["groups"], key=lambda group: -group["net"]["minor"])
    return {
        "asked": asked,
        "summary": summary,
        "fingerprint": fingerprint,
        "periods": [(name, summary[key], entries(made_of[key])) for key, name in PERIOD_NAMES.items()],
        "earned_address": entries(made_of["earned"]),
        "total_address": entries(made_of["total"]),
        "buckets": [
            (name, summary["buckets"][key], _meaning(key, summary), entries(made_of[key]))
            for key, (name, _) in BUCKET_MEANINGS.items()
        ],
        "points": summary["series"]["points"],
        "series": [(name, asked.address(series=key), key == asked.series) for key, name in SERIES_NAMES.items()],
        "splits": [(key, asked.address(by=key), key == asked.by) for key in SPLITS],
        "groups": [group | {"address": entries(group["entries"])} for group in found[:MOST_GROUPS]],
        "more_groups": max(len(found) - MOST_GROUPS, 0),
    }


def entries(where):
    """The address of the admin's list of the entries that a figure is made of."""
    return f"{reverse('admin:earnings_journalentry_changelist')}?{urlencode(where)}"


def sums_of(found, query):
    """What the entries changed of the figure that was opened: `["Earned: $80.00 real"]`."""
    names = {"earned": EARNED_BUCKETS, "total": BUCKETS}
    opened = query.get("account") or query.get("figure", "")
    accounts = names.get(opened, (opened,))
    rows = Posting.objects.filter(entry__in=found.order_by().values("pk"), account__in=accounts).order_by()
    label = opened.replace("_", " ").capitalize()
    return [
        f"{label}: {money.display(row['sum'], row['currency'])} {row['kind']}"
        for row in rows.values("kind", "currency").annotate(sum=Sum("amount_minor")).order_by("kind", "currency")
    ]
