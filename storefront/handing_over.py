"""What staff hand over by hand: parcels, services that are no package, and files whose line was short."""

from django.db import transaction
from django.utils import timezone

from earnings import ledger
from earnings.models import Earning
from earnings.refusals import Refusal
from storefront import library, order_mail, stock
from storefront.models import Dispute, Order, OrderLine, Product, Refund


@transaction.atomic
def hand_over(line, *, although_contested=False):
    """The parcel is on its way, or the work is done: its money is earned, and the buyer is told. Twice is once.

    Pieces that were missing when the line was paid are taken out of stock now. Refusal (409) where nothing was
    paid, everything was given back, none is in stock, or a package's own service order does it; also while the
    bank contests the payment, unless that is known: goods and money may both be gone then.
    """
    order = Order.objects.select_for_update().get(pk=line.order_id)
    line = order.lines.select_related("product").get(pk=line.pk)
    if line.fulfilled_at:
        return line
    _refuse(order, line)
    if not although_contested:
        _refuse_contested(order)
    if line.is_short and line.product.stock is not None:
        stock.retake([line])
        if not line.reserved:
            raise Refusal(f"{line} is still out of stock.", allowed=[])
    now = timezone.now()
    OrderLine.objects.filter(pk=line.pk).update(fulfilled_at=now, is_short=False)
    line.refresh_from_db()
    if line.kind in Product.DIGITAL:
        library.grant(line, now)
    earning = Earning.objects.filter(key=line.key).first()
    if earning and ledger.balances(earning)[ledger.DEFERRED]:
        ledger.record_earned(earning, f"{line.key}:earned", now)
    # What was proposed to be given back is handed over instead.
    proposed = Refund.objects.filter(lines__line=line, status=Refund.Status.PROPOSED)
    proposed.update(status=Refund.Status.DROPPED, finished_at=now)
    order_mail.handed_over(order, line)
    return line


def _refuse(order, line):
    if line.package_id:
        raise Refusal(f"{line} is delivered by its service order.", allowed=[])
    if order.status != Order.Status.PAID:
        raise Refusal(f"{order.number} is {order.get_status_display()}: nothing is handed over.", allowed=[])
    if line.amount_minor and not line.refundable_minor:
        raise Refusal(f"{line} was given back.", allowed=[])


def _refuse_contested(order):
    if is_contested(order):
        raise Refusal(
            f"The buyer's bank contests the payment of {order.number}: if it decides against us, goods and money "
            "are both gone. Wait for its decision, or say that you hand it over all the same.",
            code="contested",
            errors=[{"pointer": "/although_contested", "detail": "Say that you know of the dispute."}],
            allowed=[],
        )


def is_contested(order):
    """Whether a bank still decides about what paid the order."""
    return Dispute.objects.filter(
        payment__order=order, payment__is_surplus=False, status=Dispute.Status.OPEN
    ).exists()


def open_lines(order):
    """The lines of a paid order that staff still have to hand over."""
    if order.status != Order.Status.PAID:
        return []
    owed = order.lines.filter(fulfilled_at=None, package=None)
    return [line for line in owed if line.refundable_minor or not line.amount_minor]
