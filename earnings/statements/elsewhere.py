"""Sales of a statement that look as if another platform had told of them: a shop's and its payment provider's file
tell of one sale each, and neither knows the other's ids.
"""

from collections import Counter

from django.db.models import F

from earnings import ledger
from earnings.models import Channel, JournalEntry, Kind, Meaning, StatementRow

FEWEST = 3  # sales; of one or two, equal amounts on one day say nothing
SHARE = 0.8  # of the file's sales: what sells at one price on two platforms seldom sells on the same days
MOST = 5000  # sales that are looked at, the first of a long file


def told(statement):
    """Sentences about other channels where nearly all of this import's new sales have their like, by day and
    amount."""
    rows = statement.rows.filter(meaning=Meaning.SALE, outcome=StatementRow.Outcome.WAITING)
    sales = list(rows.values_list("occurred_at", "currency", "gross_minor")[:MOST])
    if len(sales) < FEWEST:
        return []
    said = Counter((ledger.local_date(at), currency, gross) for at, currency, gross in sales)
    found = []
    for channel, booked in sorted(_booked(statement, sales).items()):
        alike = (said & booked).total()
        if alike >= FEWEST and alike >= SHARE * len(sales):
            found.append(
                f"{alike} of {len(sales)} sales have day and amount of sales that are booked at "
                f"{Channel.objects.get(pk=channel)}. If both tell of the same sales, book only one of them."
            )
    return found


def _booked(statement, sales):
    """{channel: how many real sales by day, currency and amount} of the others, in the days of the file."""
    days = [at for at, _, _ in sales]
    entries = JournalEntry.objects.exclude(channel=statement.channel_id).filter(
        kind=Kind.REAL,
        currency__in={currency for _, currency, _ in sales},
        local_date__range=(ledger.local_date(min(days)), ledger.local_date(max(days))),
        event__in=(ledger.Event.PAID, ledger.Event.EARNED),
        occurred_at=F("earning__occurred_at"),  # the opening; work is accepted later
        reversed_by=None,
    )
    names = ("channel", "local_date", "currency", "earning__gross_minor")
    found = {}
    for channel, *sale in entries.order_by().values_list(*names).iterator():
        found.setdefault(channel, Counter())[tuple(sale)] += 1
    return found
