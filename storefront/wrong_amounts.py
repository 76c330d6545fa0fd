"""Money that came for an order, but another amount than it costs, or another currency.

It is ours to give back: booked as owed, proposed to be refunded by the machinery of all refunds, and nothing is
handed over for it. The order goes on waiting for its price.
"""

from django.db import transaction
from django.utils import timezone

from earnings import money
from storefront import bookkeeping, refunds
from storefront.models import Order, Payment

Status = Payment.Status


@transaction.atomic
def keep_apart(payment, *, external_id, amount_minor, currency, fee_minor=None):
    """Write down what came instead of `payment`, and return the payment that it is. Twice is once."""
    order = Order.objects.select_for_update().get(pk=payment.order_id)
    found = Payment.objects.filter(provider=payment.provider, external_id=external_id).first()
    if found:
        return found
    came, wanted = money.display(amount_minor, currency), money.display(payment.amount_minor, payment.currency)
    said = f"{came} ({currency}) came for {order.number}, not {wanted} ({payment.currency})"
    payment.advance(Status.FAILED, problem=f"{said}.")
    other = Payment(
        order=order,
        provider=payment.provider,
        kind=payment.kind,
        status=Status.CAPTURED,
        amount_minor=amount_minor,
        currency=currency,
        external_id=external_id,
        is_surplus=True,
        captured_at=timezone.now(),
    )
    other.fee_minor, other.fee_source = bookkeeping.fee_of(other, fee_minor)
    other.save()
    bookkeeping.book_surplus(other, title=f"Paid for {order.number}, but not its price")
    refund = refunds.propose(other, f"{said}.")
    order.note_problem(f"{said}. Nothing was handed over; refund {refund.pk} waits for your yes to give it back.")
    return other
