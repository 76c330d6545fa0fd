"""Giving money back: proposed by us or wished by staff, asked of the provider, then booked.

What may go back is taken from the line and from the payment by conditional UPDATEs when it is requested, so that
two at once never give back more than was paid. The provider is asked outside of transactions, under the refund's
own key, as often as it takes.
"""

from storefront.refunds.settling import carry_out, due, note_done, settle, sweep, take_lost, told, undo_lost
from storefront.refunds.wishes import approve, drop, propose, propose_called_off, request

__all__ = [
    "approve",
    "carry_out",
    "drop",
    "due",
    "note_done",
    "propose",
    "propose_called_off",
    "request",
    "settle",
    "sweep",
    "take_lost",
    "told",
    "undo_lost",
]
