"""Payments that a buyer contests at the bank: the money is set apart, until the bank decides.

A lost dispute is booked as a refund that the bank made, out of what was not given back before, so that a dispute
and a refund never both deduct.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from earnings import ledger
from earnings.ledger import Purse
from earnings.models import Earning, JournalEntry, Posting
from earnings.refusals import Refusal
from storefront import bookkeeping, order_news, refunds
from storefront.models import Dispute, Order, Payment

Status = Dispute.Status


@dataclass(frozen=True)
class Told:
    """What a provider says of a dispute: its status is inquiry, dismissed (an inquiry that is over), open, won or
    lost; `fee_minor` its own cost."""

    external_id: str
    status: str
    amount_minor: int
    reason: str = ""
    fee_minor: int = 0


@transaction.atomic
def told(payment, said):
    """Book what the provider says of a dispute, in whichever order it says it. Returns the dispute.

    An inquiry moves no money: it is noted for staff as long as it waits for them, and None is returned.
    """
    order = Order.objects.select_for_update().get(pk=payment.order_id)
    payment.refresh_from_db()
    if said.status in ("inquiry", "dismissed"):
        asked = f"The bank asks about the payment ({said.external_id}): answer it at the provider."
        order.note_problem(asked) if said.status == "inquiry" else order.forget_problem(asked)
        return None
    if payment.status != Payment.Status.CAPTURED:
        raise Refusal(f"The payment of {order.number} is {payment.get_status_display()}: nothing to contest.")
    dispute, created = Dispute.objects.get_or_create(
        external_id=said.external_id,
        defaults={"payment": payment, "amount_minor": said.amount_minor, "reason": said.reason[:80]},
    )
    now = timezone.now()
    was_open = dispute.status == Status.OPEN
    if was_open:
        _set_apart(dispute, now)
    if created:
        order.note_problem(f"Disputed by the buyer's bank ({said.external_id}): answer it at the provider.")
        order_news.tell(order, "disputed")
    if said.status in (Status.WON, Status.LOST):
        # One that was decided before holds nothing: what is set apart then is another one's.
        if dispute.advance(said.status, closed_at=now) and was_open:
            _put_back(dispute, now)
        if dispute.status == Status.WON:
            refunds.undo_lost(dispute)
        refunds.take_lost(payment)
    _book_fee(dispute, said.fee_minor, now)
    return dispute


def sweep():
    """Work that is accepted, or sent, while its payment is contested is earned: it waits for the bank, too."""
    contested = Dispute.objects.filter(status=Status.OPEN).select_related("payment__order").order_by("pk")
    for dispute in contested:
        for earning in _free(dispute.payment):
            with transaction.atomic():
                Order.objects.select_for_update().get(pk=dispute.payment.order_id)
                dispute.refresh_from_db()
                if dispute.status == Status.OPEN:
                    bookkeeping.set_apart(earning, dispute, timezone.now())


def _free(payment):
    """The earnings of a payment of which something was earned and is not set apart."""
    earned = Q(entries__postings__account__in=[ledger.PENDING, ledger.AVAILABLE, ledger.PAID_OUT])
    free = Sum("entries__postings__amount_minor", filter=earned)
    return _earnings(payment).annotate(free=free).filter(free__gt=0)


def _earnings(payment):
    keys = (
        [payment.surplus_key] if payment.is_surplus else [line.key for line in bookkeeping.lines_of(payment.order)]
    )
    return Earning.objects.filter(key__in=keys)


def _set_apart(dispute, at):
    for earning in _earnings(dispute.payment):
        bookkeeping.set_apart(earning, dispute, at)


def _put_back(dispute, at):
    for earning in _earnings(dispute.payment):
        bookkeeping.put_back(earning, dispute, at)
    for other in dispute.payment.disputes.filter(status=Status.OPEN):
        _set_apart(other, at)  # as long as this one was open, there was nothing to set apart


def _book_fee(dispute, fee_minor, at):
    """What the dispute costs beside its amount, as it stands now: it may grow, and a dispute that is won gives it
    back."""
    payment = dispute.payment
    purse = Purse(bookkeeping.channel_of(payment), payment.currency, payment.kind)
    key = f"dispute:{dispute.external_id}:fee"
    booked = JournalEntry.objects.filter(channel=purse.channel, earning=None, key__startswith=key)
    fees = Posting.objects.filter(entry__in=booked, account=ledger.FEES)
    missing = fee_minor - fees.aggregate(sum=Sum("amount_minor", default=0))["sum"]
    key = f"{key}:{booked.count() + 1}" if booked else key
    if missing > 0:
        ledger.charge(purse, key, at, missing, memo=f"Dispute of {payment.order.number}")
    elif missing < 0 and dispute.status == Status.WON:
        ledger.credit(purse, key, at, -missing, memo="The dispute was won.")
