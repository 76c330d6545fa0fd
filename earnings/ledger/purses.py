"""What belongs to no sale: costs, payouts, refunds of sales that we never saw."""

from dataclasses import dataclass

from django.db import transaction

from earnings import money
from earnings.ledger.entries import ADJUSTMENTS, AVAILABLE, FEES, PAID_OUT, REFUNDS, Event, post
from earnings.models import Channel, JournalEntry, Kind
from earnings.refusals import Refusal

# What an entry of a purse may be, and the accounts beside `available` that it moves.
OF_PURSES = {
    Event.COST: {FEES},
    Event.CREDITED: {FEES},
    Event.PAID_OUT: {PAID_OUT},
    Event.REFUNDED: {REFUNDS, FEES},
    Event.ADJUSTED: {ADJUSTMENTS},
}


@dataclass(frozen=True)
class Purse:
    """Our money with a channel in one currency, as far as it belongs to no sale."""

    channel: Channel
    currency: str
    kind: str = Kind.REAL
    batch: object = None  # a `batches.Batch` that takes the entries up, to be written together


@transaction.atomic
def charge(purse, key, at, amount_minor, memo=""):
    """The channel took a cost that belongs to no sale: a listing fee, ads, a subscription, a payout's fee."""
    _refuse_unless_positive(amount_minor, "A cost")
    return _move(purse, Event.COST, key, at, {FEES: amount_minor, AVAILABLE: -amount_minor}, memo)


@transaction.atomic
def credit(purse, key, at, amount_minor, memo=""):
    """The channel gave us a fee back that belongs to no sale that we know."""
    _refuse_unless_positive(amount_minor, "A credit")
    return _move(purse, Event.CREDITED, key, at, {FEES: -amount_minor, AVAILABLE: amount_minor}, memo)


@transaction.atomic
def transfer(purse, key, at, amount_minor, memo=""):
    """The channel sent `amount_minor` to our bank, which is never income; below zero it came back."""
    _refuse_unless_moved(amount_minor)
    return _move(purse, Event.PAID_OUT, key, at, {PAID_OUT: amount_minor, AVAILABLE: -amount_minor}, memo)


@transaction.atomic
def take_back(purse, key, at, *, gross_minor, fee_minor=0, memo=""):
    """A buyer of a sale that we do not know got `gross_minor` back, and we `fee_minor` of its fee.

    Below zero it is the other way round: a chargeback that we won, a fee that it cost.
    """
    _refuse_unless_moved(gross_minor, fee_minor)
    postings = {REFUNDS: gross_minor, FEES: -fee_minor, AVAILABLE: fee_minor - gross_minor}
    return _move(purse, Event.REFUNDED, key, at, postings, memo)


@transaction.atomic
def adjust(purse, key, at, amount_minor, memo=""):
    """The channel changed our balance by `amount_minor` for a reason that is neither sale, cost nor payout."""
    _refuse_unless_moved(amount_minor)
    return _move(purse, Event.ADJUSTED, key, at, {AVAILABLE: amount_minor, ADJUSTMENTS: -amount_minor}, memo)


def _move(purse, event, key, at, postings, memo):
    try:
        money.exponent(purse.currency)
    except ValueError as error:
        raise Refusal.of_field("/currency", f"{error}.") from None
    entry = JournalEntry(key=key, event=event, occurred_at=at, memo=memo[:200])
    entry.channel, entry.currency, entry.kind = purse.channel, purse.currency, purse.kind
    return purse.batch.add(entry, postings) if purse.batch else post(entry, postings)


def _refuse_unless_positive(amount_minor, what):
    if type(amount_minor) is not int or amount_minor <= 0:
        raise Refusal.of_field("/amount_minor", f"{what} is an integer of minor units, more than zero.")


def _refuse_unless_moved(*amounts):
    if any(type(amount) is not int for amount in amounts) or not any(amounts):
        raise Refusal.of_field("/amount_minor", "What moves is an integer of minor units other than zero.")
