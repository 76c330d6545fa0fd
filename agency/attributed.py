"""What was sold after a promotion's link was followed: attribution, and no claim that it was the cause.

The shop writes the run whose link led to an order on what it books; so the ledger alone tells.
"""

from dataclasses import dataclass

from django.db.models import Count, Sum

from earnings import ledger
from earnings.models import Posting

SOURCE = "order"
PRICE = (ledger.DEFERRED, ledger.REVENUE, ledger.REFUNDS)


@dataclass(frozen=True)
class Attributed:
    """Paid orders of one kind of money in one currency, and what was paid for them less what was given back."""

    kind: str
    currency: str
    orders: int
    amount_minor: int


def to_run(run):
    """What is attributed to the links of a run's promotion, a row for each kind of money and currency."""
    return _of(entry__earning__run_id=run.pk)


def to_intent(intent):
    """The same over all runs of a wish."""
    return _of(entry__earning__intent_id=intent.pk)


def _of(**whose):
    booked = Posting.objects.filter(**whose, entry__earning__source=SOURCE, account__in=PRICE)
    rows = booked.values("kind", "currency").order_by("kind", "currency")
    sums = rows.annotate(orders=Count("entry__earning__reference", distinct=True), sum=Sum("amount_minor"))
    return [Attributed(row["kind"], row["currency"], row["orders"], -row["sum"]) for row in sums]
