"""Transfers to our bank that a person wrote down, as the rows of statements tell them, too."""

from datetime import timedelta

from django.db.models import Max, Q, Sum

from earnings import ledger, money
from earnings.models import Kind, Meaning, Payout, Posting, StatementImport, StatementRow

Outcome = StatementRow.Outcome
Status = StatementImport.Status
TAKEN = (Outcome.WAITING, Outcome.BOOKED)
EARLY = timedelta(days=7)  # a person may write a payout down before its platform dates it,
LATE = timedelta(days=31)  # or when the month is over
CAME_BACK = timedelta(days=60)  # how long a bank may take to send one back
OVERDRAWN = "Overdrawn: "
UNBOOKED = (Meaning.CONVERSION, Meaning.OWN, Meaning.SPENT, Meaning.HOLD)


class ByHand:
    """What payouts by hand say of these rows. A payout is told by one row, and its coming back by another."""

    def __init__(self, statement, rows):
        rows = [row for row in rows if row.meaning == Meaning.PAYOUT and row.occurred_at and row.identity]
        self._channel = statement.channel_id
        self._payouts = self._recorded(rows) if rows else []
        self._sent, self._returned = self._told() if self._payouts else ({}, {})
        self._of = {}
        # What was sent first: a file may have its newest rows on top.
        for row in sorted(rows, key=lambda row: (row.net_minor > 0, row.occurred_at)):
            tells = self._sent if row.net_minor < 0 else self._returned
            payout = self._told_by(row, tells) or self._nearest(row)
            if payout:
                self._of[row.identity] = payout
                tells[payout.pk] = row.identity

    def judge(self, row):
        """(outcome, why); sets the payout that the row tells of."""
        row.by_hand = payout = self._of.get(row.identity)
        if payout and row.net_minor < 0:
            return Outcome.MATCHED, f"{payout} was recorded by hand, with this amount."
        if payout and payout.returned_at:
            return Outcome.MATCHED, f"{payout} was taken back by hand."
        if payout:
            return Outcome.WAITING, f"{payout}, which was recorded by hand, came back."
        return Outcome.WAITING, self._doubt(row)

    def _recorded(self, rows):
        days = [row.occurred_at for row in rows]
        span = (min(days) - max(CAME_BACK, EARLY), max(days) + LATE)
        found = Payout.objects.filter(channel=self._channel, kind=Kind.REAL, occurred_at__range=span)
        return list(found.order_by("occurred_at", "pk"))

    def _told(self):
        """({payout: identity of the row that tells of it}, the same for its coming back), as it is booked."""
        rows = StatementRow.objects.filter(
            by_hand__in=self._payouts,
            outcome__in=[Outcome.MATCHED, Outcome.BOOKED],
            statement__status__in=[Status.BOOKING, Status.BOOKED],
        ).values_list("by_hand", "identity", "net_minor")
        sent = {payout: identity for payout, identity, net in rows if net < 0}
        return sent, {payout: identity for payout, identity, net in rows if net > 0}

    def _told_by(self, row, tells):
        return next((each for each in self._payouts if tells.get(each.pk) == row.identity), None)

    def _nearest(self, row):
        free = [payout for payout in self._payouts if self._fits(payout, row)]
        return min(free, key=lambda payout: abs(payout.occurred_at - row.occurred_at), default=None)

    def _fits(self, payout, row):
        if (payout.amount_minor, payout.currency) != (abs(row.net_minor), row.currency):
            return False
        if row.net_minor < 0:
            return self._is_open(payout, row)
        # What no row told of before was never out in the eyes of the statements: both its rows are booked.
        came = row.occurred_at - payout.occurred_at
        return payout.pk in self._sent and payout.pk not in self._returned and -EARLY <= came <= CAME_BACK

    def _is_open(self, payout, row):
        """Whether the row may tell of it. One that was taken back was a mistake, or has come back."""
        later = payout.occurred_at - row.occurred_at
        return payout.returned_at is None and payout.pk not in self._sent and -EARLY <= later <= LATE

    def _doubt(self, row):
        near = [payout for payout in self._payouts if row.net_minor < 0 and self._is_open(payout, row)]
        same = [money.display(each.amount_minor, each.currency) for each in near if each.currency == row.currency]
        if not same:
            return ""
        return (
            f"{' and '.join(same[:3])} was recorded by hand in these days, another amount: if it is this payout, "
            "take it back first, or both are booked."
        )


def _moved_unbooked(statement, currency):
    """What changed the balance at the channel and is no income of ours, so that no entry tells of it: currencies
    exchanged, own money, what we spent and got back, holds. Files that overlap tell each once."""
    rows = StatementRow.objects.filter(
        Q(statement=statement) | Q(statement__status__in=[Status.BOOKING, Status.BOOKED]),
        statement__channel=statement.channel_id,
        outcome=Outcome.LEFT,
        meaning__in=UNBOOKED,
        currency=currency,
        is_pending=False,
        is_printed=True,
    ).exclude(identity="")
    each = rows.order_by("identity").values("identity").annotate(net=Max("net_minor"))
    return each.aggregate(sum=Sum("net", default=0))["sum"]


def overdrawn(statement):
    """Sentences about currencies of which this import's payouts leave less than nothing at the channel."""
    rows = statement.rows.filter(outcome__in=TAKEN, is_pending=False).order_by("currency").values("currency")
    sums = rows.annotate(out=Sum("net_minor", filter=Q(meaning=Meaning.PAYOUT), default=0), net=Sum("net_minor"))
    found = []
    for row in sums:
        booked = Posting.objects.filter(
            account=ledger.AVAILABLE, kind=Kind.REAL, currency=row["currency"], entry__channel=statement.channel_id
        ).aggregate(sum=Sum("amount_minor", default=0))["sum"]
        left = booked if statement.status == Status.BOOKED else booked + row["net"]
        if row["out"] < 0 and left < 0:
            # More than nothing of it explains a payout; less can't make one too large.
            left += max(_moved_unbooked(statement, row["currency"]), 0)
        if row["out"] < 0 and left < 0:
            text = money.display(left, row["currency"])
            found.append(
                f"{OVERDRAWN}{text} are left at {statement.channel}, so it paid out more than the books know of. "
                "Sales may be missing, or a payout is booked twice."
            )
    return found
