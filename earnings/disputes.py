"""Sales that their buyers contest at the bank or the marketplace, from the first notice to who won.

A dispute sets apart what was not given back yet, and who loses it gives back what is left then: so a refund and a
dispute of one sale never both deduct, in whatever order they are told.
"""

from django.db import transaction

from earnings import ledger
from earnings.ledger import DISPUTED, FEES, REFUNDS, REVENUE, Purse
from earnings.models import Earning, JournalEntry
from earnings.refusals import Refusal

WON, LOST = "won", "lost"


@transaction.atomic
def contest(earning, at, *, fee_minor=0):
    """Set apart what is left of the sale; `fee_minor` is what the channel charges for the dispute itself.

    Told again while it is open it is the same dispute. `Refusal` (409) if the work is still owed, or nothing of it
    is left.
    """
    _hold(earning)
    entry = _latest(earning)
    if entry is None or _end_of(entry):
        number = earning.entries.filter(event=ledger.Event.DISPUTED).count() + 1
        entry = ledger.dispute(earning, f"{earning.key}:dispute:{number}", at)
    if fee_minor:
        ledger.charge(_purse(earning), f"{entry.key}:fee", at, fee_minor, memo=f"Dispute of {earning.title}"[:200])
    return entry


@transaction.atomic
def win(earning, at):
    """The dispute was decided for us: what is left of the money is ours. None if all was given back meanwhile."""
    entry = _decided(earning, LOST)
    if not _end_of(entry) and not ledger.balances(earning)[DISPUTED]:
        return None
    return ledger.release(earning, f"{entry.key}:{WON}", at, memo="The dispute was won.")


@transaction.atomic
def lose(earning, at):
    """The buyer got back what was left; the channel keeps the fee of the sale. None if nothing was left."""
    entry = _decided(earning, WON)
    key, end = f"{entry.key}:{LOST}", _end_of(entry)
    held = ledger.balances(earning)
    if end or not held[DISPUTED]:
        return end
    left = -held[REVENUE] - held[REFUNDS]
    if held[FEES]:
        ledger.charge(_purse(earning), f"{key}:fee", at, held[FEES], memo="Kept of a sale that was contested")
    return ledger.refund(earning, key, at, gross_minor=left, fee_minor=held[FEES])


def _decided(earning, otherwise):
    """The dispute that is decided now; `Refusal` (409) if there is none, or it ended `otherwise`."""
    _hold(earning)
    entry = _latest(earning)
    if entry is None:
        raise Refusal(f"Nobody contests {earning.title}.", allowed=ledger.allowed(ledger.balances(earning)))
    end = _end_of(entry)
    if end and end.key.endswith(f":{otherwise}"):
        raise Refusal(f"This dispute was {otherwise} before.", allowed=[])
    return entry


def _hold(earning):
    Earning.objects.select_for_update().get(pk=earning.pk)  # who decides at the same time waits here


def _latest(earning):
    """The newest dispute of the sale that nobody took back as a mistake."""
    found = earning.entries.filter(event=ledger.Event.DISPUTED, reversed_by=None)
    return found.order_by("-pk").first()


def _end_of(entry):
    return JournalEntry.objects.filter(key__in=[f"{entry.key}:{WON}", f"{entry.key}:{LOST}"]).first()


def _purse(earning):
    return Purse(earning.channel, earning.currency, earning.kind)
