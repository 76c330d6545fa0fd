"""The only writer of the ledger: what happened to money, as balanced entries that are never changed.

`earnings.batches` writes by the same rules, for statements of thousands of rows.

Debits are positive and credits negative. Five *buckets* hold our net money by how far it has come:

    unearned -> pending -> available -> paid_out        and beside them: disputed

`deferred` is the gross price of work that was paid for and is still owed, `revenue` what was earned (gross),
`fees` what marketplaces keep, `refunds` what was earned and given back, `adjustments` what a channel added to our
balance or took of it for no reason that we know.

What belongs to no sale (a listing fee, a payout, a refund of a sale that we never saw) moves the `Purse` that we
have with its channel. A purse may stand below zero. The money of an earning may not, with one exception: what is
given back after it was paid out makes `available` negative, as our bank keeps what it got and the channel takes it
out of what it owes us next. Together `available` and `paid_out` are never below zero.

Every verb may be called twice: a key that is there already answers with the entry that it names, and if the
second call asks for something else it raises `KeyConflict`. Verbs join the caller's transaction, so that an
entry stands or falls with the order, task or payment that caused it.
"""

from earnings.ledger.entries import (
    ADJUSTMENTS,
    AVAILABLE,
    BUCKETS,
    DEFERRED,
    DISPUTED,
    EARNED_BUCKETS,
    FEES,
    KEY,
    PAID_OUT,
    PENDING,
    REFUND_ORDER,
    REFUNDS,
    REVENUE,
    UNEARNED,
    Event,
    KeyConflict,
    Unbalanced,
    completed,
    local_date,
    postings_of,
)
from earnings.ledger.held import OF_SALES, allowed, impossible, moved_on
from earnings.ledger.purses import OF_PURSES, Purse, adjust, charge, credit, take_back, transfer
from earnings.ledger.sales import (
    Work,
    balances,
    booked_again,
    checked,
    clear,
    correct_fee,
    dispute,
    fee,
    find_sale,
    opening,
    pay_out,
    record_earned,
    record_paid,
    refund,
    release,
    reverse,
    spellings,
    standing,
)

__all__ = [
    "ADJUSTMENTS",
    "AVAILABLE",
    "BUCKETS",
    "DEFERRED",
    "DISPUTED",
    "EARNED_BUCKETS",
    "FEES",
    "KEY",
    "OF_PURSES",
    "OF_SALES",
    "PAID_OUT",
    "PENDING",
    "REFUNDS",
    "REFUND_ORDER",
    "REVENUE",
    "UNEARNED",
    "Event",
    "KeyConflict",
    "Purse",
    "Unbalanced",
    "Work",
    "adjust",
    "allowed",
    "balances",
    "booked_again",
    "charge",
    "checked",
    "clear",
    "completed",
    "correct_fee",
    "credit",
    "dispute",
    "fee",
    "find_sale",
    "impossible",
    "local_date",
    "moved_on",
    "opening",
    "pay_out",
    "postings_of",
    "record_earned",
    "record_paid",
    "refund",
    "release",
    "reverse",
    "spellings",
    "standing",
    "take_back",
    "transfer",
]
