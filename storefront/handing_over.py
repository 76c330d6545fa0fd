"""What staff hand over by hand: parcels, services that are no package, and files whose line was short."""

from django.db import transaction
from django.utils import timezone

from earnings import ledger
from earnings.models import Earning
from earnings.refusals import Refusal
from storefront import library, order_mail, stock
from storefront.models import Order, OrderLine, Product, Refund


@transaction.atomic
def hand_over(line):
    """The parcel is on its way, or the work is done: its money is earned, and the buyer is told. Twice is once.

    Pieces that were missing when the line was paid are taken out of stock now. Refusal (409) where nothing was
    paid, everything was given back, none is in stock, or a package's own service order does it.
    """
    order = Order.objects.select_for_update().get(pk=line.order_id)
    line = order.lines.select_related("product").get(pk=line.pk)
    if line.fulfilled_at:
        return line
    _refuse(order, line)
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


def open_lines(order):
    """The lines of a paid order that staff still have to hand over."""
    if order.status != Order.Status.PAID:
        return []
    owed = order.lines.filter(fulfilled_at=None, package=None)
    return [line for line in owed if line.refundable_minor or not line.amount_minor]
