"""What is held of one earning, as a `Counter` of minor units by account: what each event does to it, which events
it allows next, and what no history of an earning can lead to.
"""

from earnings.ledger.entries import (
    AVAILABLE,
    BUCKETS,
    DEFERRED,
    DISPUTED,
    FEES,
    PAID_OUT,
    PENDING,
    REFUND_ORDER,
    REFUNDS,
    REVENUE,
    UNEARNED,
    Event,
)
from earnings.refusals import Refusal

# What each event of a sale moves: one of the first at least, and of the second what it likes.
OF_SALES = {
    Event.PAID: ({DEFERRED}, {UNEARNED, FEES}),
    Event.EARNED: ({REVENUE}, {UNEARNED, PENDING, AVAILABLE, DEFERRED, FEES}),
    Event.CLEARED: ({PENDING, DISPUTED}, {AVAILABLE, PAID_OUT}),
    Event.PAID_OUT: ({PAID_OUT}, {AVAILABLE}),
    Event.REFUNDED: ({DEFERRED, REFUNDS}, {*BUCKETS, FEES}),
    Event.DISPUTED: ({DISPUTED}, {PENDING, AVAILABLE}),
    Event.COST: ({FEES}, {*BUCKETS}),
    Event.CREDITED: ({FEES}, {*BUCKETS}),
}


def allowed(held):
    """The events that balances like `held` allow next."""
    contestable = held[PENDING] + cleared(held)
    rules = {
        Event.EARNED: held[DEFERRED] < 0,
        Event.CLEARED: held[PENDING] > 0,
        Event.PAID_OUT: held[AVAILABLE] != 0,
        Event.REFUNDED: sum(held[bucket] for bucket in BUCKETS) > 0,
        Event.DISPUTED: contestable > 0 and held[DEFERRED] == 0,
    }
    return [str(event) for event, possible in rules.items() if possible]


def impossible(held):
    """The accounts whose balance no history of an earning can have, e.g. a bucket below zero.

    Of what was cleared only the sum is sure: a refund after the payout makes `available` negative, the next payout
    sets that off, and if the first one then comes back it is `paid_out` that is below zero until it is sent again.
    """
    wrong = [bucket for bucket in REFUND_ORDER if held[bucket] < 0]
    if cleared(held) < 0:
        wrong.append(AVAILABLE)
    if held[DEFERRED] > 0:
        wrong.append(DEFERRED)
    if held[REVENUE] + held[REFUNDS] > 0:
        wrong.append(REFUNDS)
    if held[FEES] < 0:
        wrong.append(FEES)
    return wrong


def moved_on(held, after):
    """Whether what leads from `held` to `after` would undo what later entries rest on."""
    return bool(impossible(after)) or (after[AVAILABLE] < 0 and cleared(after) < cleared(held))


def cleared(held):
    """What has come through, at the channel and at our bank."""
    return held[AVAILABLE] + held[PAID_OUT]


# --- What each event does --------------------------------------------------------------------------------------


def earn(held):
    return {PENDING: held[UNEARNED], UNEARNED: -held[UNEARNED], DEFERRED: -held[DEFERRED], REVENUE: held[DEFERRED]}


def contest(held):
    # Unearned money stays where it is: in `disputed` it would be counted as earned.
    if held[DEFERRED]:
        return {}
    return {DISPUTED: held[PENDING] + cleared(held), PENDING: -held[PENDING], AVAILABLE: -cleared(held)}


def give_back(held, gross_minor, fee_minor, from_bank=False):
    owed = -held[DEFERRED]
    limits = {
        "gross_minor": (gross_minor, owed or -held[REVENUE] - held[REFUNDS]),
        "fee_minor": (fee_minor, held[FEES]),
        "net": (gross_minor - fee_minor, sum(held[bucket] for bucket in BUCKETS)),
    }
    for name, (asked, at_most) in limits.items():
        if asked > at_most:
            what = {"gross_minor": "the buyer paid", "fee_minor": "the channel kept", "net": "we hold of it"}[name]
            raise Refusal(f"{asked} minor units cannot be refunded: {what} only {at_most}.", allowed=allowed(held))
    price = {DEFERRED if owed else REFUNDS: gross_minor, FEES: -fee_minor}
    return _taken(held, gross_minor - fee_minor, from_bank) | price


def kept(held, more_minor):
    """A fee comes out of what has come least far; what was too much of it goes there."""
    ours = sum(held[bucket] for bucket in BUCKETS)
    if ours <= 0 or more_minor > ours or -more_minor > held[FEES]:
        raise Refusal(f"A fee of {more_minor} minor units more does not fit this sale.", allowed=allowed(held))
    if more_minor < 0:
        least_far = next((bucket for bucket in REFUND_ORDER if held[bucket] > 0), AVAILABLE)
        return {FEES: more_minor, least_far: -more_minor}
    return _taken(held, more_minor) | {FEES: more_minor}


def _taken(held, amount_minor, from_bank=False):
    """The postings that take this of an earning. What was paid out stays at our bank, unless it is taken there:
    the channel takes it back out of `available`, which then stands below zero."""
    postings = {}
    for bucket in REFUND_ORDER:
        part = min(amount_minor, held[bucket])
        postings[bucket] = -part
        amount_minor -= part
    at_channel = min(amount_minor, max(held[AVAILABLE], 0)) if from_bank else amount_minor
    return postings | {AVAILABLE: -at_channel, PAID_OUT: at_channel - amount_minor}
