"""Journal entries with what each changed, and which of them a figure is made of."""

from django.db.models import Exists, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from earnings import money
from earnings.ledger import ADJUSTMENTS, BUCKETS, EARNED_BUCKETS, REFUNDS, REVENUE
from earnings.models import JournalEntry, Posting

Event = JournalEntry.Event

INCOME = (REVENUE, REFUNDS, ADJUSTMENTS)
# These move money between buckets, or bring in what is still owed; and so does who undoes one.
NEVER_EARN = (Event.PAID, Event.CLEARED, Event.PAID_OUT, Event.DISPUTED)

# What an earning may name, and its column.
NAMES = {"gig": "gig", "product": "product_sku", "client": "client", "run": "run_id", "intent": "intent_id"}


def entries():
    """Journal entries with what each changed of income: `gross`, and `net` of fees."""
    entries = JournalEntry.objects.select_related("earning").order_by("-pk")
    return entries.annotate(gross=-_change(*INCOME), net=_change(*EARNED_BUCKETS))


def moves():
    """The same with the change of each bucket."""
    return entries().annotate(**{bucket: _change(bucket) for bucket in BUCKETS})


def _change(*accounts):
    postings = Posting.objects.filter(entry=OuterRef("pk"), account__in=accounts).order_by().values("entry")
    return Coalesce(Subquery(postings.annotate(sum=Sum("amount_minor")).values("sum")), 0)


def history(scope):
    """The entries that changed what was earned, newest first: their `net` sums to `earned`."""
    return earning(scope.of(entries()))


def earning(entries):
    """Of these entries those that changed what was earned."""
    earned = Posting.objects.filter(entry=OuterRef("pk"), account__in=(*INCOME, *EARNED_BUCKETS))
    entries = entries.exclude(event__in=NEVER_EARN).exclude(reverses__event__in=NEVER_EARN)
    # What gives back money that was still owed moves none of these accounts.
    return entries.filter(Exists(earned))


def receiving(entries):
    """Of these entries those that changed how much we hold, earned or not."""
    return entries.alias(_held=_change(*BUCKETS)).filter(~Q(_held=0))


FIGURES = {"earned": earning, "total": receiving}


def without(name):
    """The condition of entries whose earning names no such thing, or that have none."""
    column = f"earning__{NAMES[name]}"
    return Q(**{f"{column}__isnull": True}) | (Q() if name in ("run", "intent") else Q(**{column: ""}))


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
