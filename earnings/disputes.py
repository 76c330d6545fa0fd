"""Sales that their buyers contest at the bank or the marketplace, from the first notice to who won.

A dispute sets apart what was not given back yet, and who loses it gives back what is left then: so a refund and a
dispute of one sale never both deduct, in whatever order they are told.
"""

from django.db import transaction

from earnings import ledger
from earnings.ledger import BUCKETS, DEFERRED, DISPUTED, FEES, REFUNDS, REVENUE, Event, Purse
from earnings.models import Earning, JournalEntry
from earnings.refusals import Refusal

WON, LOST = "won", "lost"
OF_THE_SHOP = ("order", "surplus")  # sources whose payment's provider tells of refunds and disputes itself


@transaction.atomic
def contest(earning, at, *, fee_minor=0):
    """Set apart what is left of the sale; `fee_minor` is what the channel charges for the dispute itself.

    Returns the dispute's entry: of a sale of which nothing is left, that of the fee. Told again while it is open,
    or after it was lost, it is the same dispute. `Refusal` (409) if the work is still owed, or if nothing of it is
    left and there is no fee; also for a payment of the own shop, of whose disputes its provider tells.
    """
    _hold(earning)
    entry = _latest(earning)
    end = _end_of(entry) if entry else None
    if entry is None or (end and end.key == f"{entry.key}:{WON}"):
        key = _next_key(earning)
        if fee_minor and not _is_left(earning):
            return _charge(earning, f"{key}:fee", at, fee_minor)
        entry = ledger.dispute(earning, key, at)
    if fee_minor:
        _charge(earning, f"{entry.key}:fee", at, fee_minor)
    return entry


@transaction.atomic
def win(earning, at):
    """The dispute was decided for us: what is left lies where it was. None if all was given back meanwhile."""
    entry = _decided(earning, LOST)
    return _ended(entry, WON, lambda key: ledger.release(entry, key, at, memo="The dispute was won."))


@transaction.atomic
def lose(earning, at):
    """The buyer got back what was left; the channel keeps the fee of the sale. None if nothing was left."""
    entry = _decided(earning, WON)
    return _ended(entry, LOST, lambda key: _take(earning, key, at))


def is_contested(earning):
    """Whether money of it is set apart, so that somebody has to say who won."""
    return earning.source not in OF_THE_SHOP and ledger.balances(earning)[DISPUTED] > 0


def may_be_contested(earning):
    """Whether a dispute of it may be written down now."""
    entry = _latest(earning)
    end = _end_of(entry) if entry else None
    is_free = entry is None or (end is not None and end.key == f"{entry.key}:{WON}")
    return is_free and earning.source not in OF_THE_SHOP and not ledger.balances(earning)[DEFERRED]


def _take(earning, key, at):
    held = ledger.balances(earning)
    left = -held[REVENUE] - held[REFUNDS]
    if held[FEES]:
        ledger.charge(_purse(earning), f"{key}:fee", at, held[FEES], memo="Kept of a sale that was contested")
    return ledger.refund(earning, key, at, gross_minor=left, fee_minor=held[FEES])


def _ended(entry, how, book):
    """What `book(key)` answers, once, and again for money of a refund that failed since; None if none is left."""
    if entry is None:
        return None
    if not ledger.balances(entry.earning)[DISPUTED]:
        return _end_of(entry)
    key = f"{entry.key}:{how}"
    before = entry.earning.entries.filter(key__startswith=key).count()
    return book(f"{key}:{before + 1}" if before else key)


def _decided(earning, otherwise):
    """The dispute that is decided now, None if only its fee is booked; `Refusal` (409) if there is none, or it
    ended `otherwise`."""
    _hold(earning)
    entry = _latest(earning)
    if entry is None:
        if JournalEntry.objects.filter(key=f"{_next_key(earning)}:fee").exists():
            return None
        raise Refusal(f"Nobody contests {earning.title}.", allowed=ledger.allowed(ledger.balances(earning)))
    end = _end_of(entry)
    if end and end.key == f"{entry.key}:{otherwise}":
        raise Refusal(f"This dispute was {otherwise} before.", allowed=[])
    return entry


def _hold(earning):
    if earning.source in OF_THE_SHOP:
        raise Refusal(f"{earning.title} was paid in the own shop: its provider tells of disputes.", allowed=[])
    Earning.objects.select_for_update().get(pk=earning.pk)  # who decides at the same time waits here


def _next_key(earning):
    return f"{earning.key}:dispute:{earning.entries.filter(event=Event.DISPUTED).count() + 1}"


def _is_left(earning):
    held = ledger.balances(earning)
    return bool(sum(held[bucket] for bucket in BUCKETS) or held[DEFERRED])


def _latest(earning):
    """The newest dispute of the sale that nobody took back as a mistake."""
    found = earning.entries.filter(event=Event.DISPUTED, reversed_by=None)
    return found.order_by("-pk").first()


def _end_of(entry):
    return JournalEntry.objects.filter(key__in=[f"{entry.key}:{WON}", f"{entry.key}:{LOST}"]).first()


def _charge(earning, key, at, fee_minor):
    return ledger.charge(_purse(earning), key, at, fee_minor, memo=f"Dispute of {earning.title}"[:200])


def _purse(earning):
    return Purse(earning.channel, earning.currency, earning.kind)
