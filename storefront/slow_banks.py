"""Payments for which a bank takes days: what was ordered is kept meanwhile, and its buyer is told of a no."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from storefront import order_mail
from storefront.models import Order, Payment

BANKS_TAKE = timedelta(days=14)
# To read the letter and pay in another way, over a weekend too; longer would keep the pieces from other buyers.
SECOND_TRY = timedelta(days=3)
SAID_NO = "The buyer's bank did not pay."


def wait(order):
    """The buyer has done their part: keep the order, and its pieces, as long as a bank may take."""
    later = timezone.now() + BANKS_TAKE
    Order.objects.filter(pk=order.pk, status=Order.Status.AWAITING_PAYMENT).update(reserved_until=later)


@transaction.atomic
def said_no(payment):
    """The bank does not pay: the buyer is told how to pay in another way within three days. Twice is once.

    A payment that was given up for another one, or has come, is none to write about.
    """
    order = Order.objects.select_for_update().get(pk=payment.order_id)
    if not payment.advance(Payment.Status.FAILED, problem=SAID_NO):
        return
    # Counted from the no, also where that was heard of only when the fourteen days were over.
    kept = Order.objects.filter(pk=order.pk, status=Order.Status.AWAITING_PAYMENT)
    if kept.update(reserved_until=timezone.now() + SECOND_TRY):
        order.refresh_from_db()
        order_mail.not_paid(order, payment)
