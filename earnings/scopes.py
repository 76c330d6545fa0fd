"""Which money is asked about, and how it is to be split."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils import timezone

from earnings import money
from earnings.ledger import local_date
from earnings.models import Kind
from earnings.refusals import Refusal

KINDS = (*Kind.values, "all")
# What a figure can be split by, and the column of a posting that says it.
GROUPS = {
    "day": "local_date",
    "week": "local_date",
    "month": "local_date",
    "channel": "entry__channel_id",
    "gig": "entry__earning__gig",
    "product": "entry__earning__product_sku",
    "client": "entry__earning__client",
    "run": "entry__earning__run_id",
    "intent": "entry__earning__intent_id",
}
SERIES = ("hour", "day", "week", "month")


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
    """A range of store-local days, both included and both optional, what to split it by, and the steps of a series
    without gaps.
    """

    first: date | None = None
    last: date | None = None
    by: str = ""
    series: str = ""

    def __post_init__(self):
        if self.by and self.by not in GROUPS:
            known = ", ".join(GROUPS)
            raise Refusal.of_field("/group_by", f"There is no grouping {self.by!r}. Known: {known}.")
        if self.series and self.series not in SERIES:
            known = ", ".join(SERIES)
            raise Refusal.of_field("/series", f"There is no series by {self.series!r}. Known: {known}.")
        if self.first and self.last and self.first > self.last:
            raise Refusal.of_field("/from", "The range begins after it ends.")

    def of(self, rows):
        if self.first:
            rows = rows.filter(local_date__gte=self.first)
        return rows.filter(local_date__lte=self.last) if self.last else rows

    def has(self, day):
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)
