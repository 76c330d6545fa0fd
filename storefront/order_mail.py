"""What buyers are written about their orders, in the transaction that made it true."""

import hashlib

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from agency import mail
from earnings import money
from earnings.models import Kind
from earnings.refusals import Refusal
from storefront.models import Entitlement, LicenseKey, Order

INVOICE = "manual"
Status = Order.Status


def placed(order):
    """How to pay an order on invoice. Who pays at once needs no letter about it."""
    payment = _invoice(order)
    if payment:
        _write(order, "placed", "order_placed", **_bill(payment))


def paid(order):
    """The receipt, with the way to the files and to each brief."""
    lines = list(order.lines.select_related("service_order"))
    _write(
        order,
        "paid",
        "order_paid",
        has_files=Entitlement.objects.filter(order_line__order=order).exists(),
        has_keys=LicenseKey.objects.filter(entitlement__order_line__order=order).exists(),
        has_parcel=any(line.kind == "physical" for line in lines),
        short=[str(line) for line in lines if line.is_short],
        briefs=[
            {"title": str(line), "url": settings.PUBLIC_URL + line.service_order.portal_path}
            for line in lines
            if line.service_order
        ],
    )


def not_paid(order, payment):
    """The bank took its time and said no: until when the order is kept, and where it is paid again."""
    kept_until = date_format(timezone.localtime(order.reserved_until), "j F Y, H:i e")
    pay_url = settings.PUBLIC_URL + reverse("storefront:pay", args=[order.token])
    _write(order, f"not_paid:{payment.pk}", "order_not_paid", kept_until=kept_until, pay_url=pay_url)


def canceled(order):
    """An invoice that was not paid was given up. Who left a checkout unpaid is not written to."""
    if _invoice(order):
        _write(order, "canceled", "order_canceled")


def handed_over(order, line):
    """A parcel is on its way, or work is done."""
    _write(order, f"sent:{line.number}", "order_sent", title=str(line), is_parcel=line.kind == "physical")


def key_is_there(order, line):
    """The license key that was missing when the line was paid is on the order's page."""
    _write(order, f"key:{line.number}", "order_key", title=str(line))


def new_version(file):
    """Whoever bought the product may fetch this version of its file: one mail to each address, about its latest
    order. Returns how many are written to. Told again, only those are who have not been.
    """
    letters = {}
    for right in rights_to(file).order_by("pk"):
        order = right.order_line.order
        context = {
            "number": order.number,
            "name": order.name,
            "title": str(right.order_line),
            "file": file.name,
            "version": file.version,
            "note": file.note,
            "url": f"{settings.PUBLIC_URL}{order.get_absolute_url()}",
            "is_demo": is_demo(order),
        }
        named = hashlib.sha256(order.email.encode()).hexdigest()[:32]
        letters[order.email] = (f"file:{file.pk}:{named}", order.email, context)
    return mail.write_to_many("new_version", list(letters.values()))


def rights_to(file):
    """The rights by which the file may be downloaded now."""
    rights = Entitlement.objects.filter(product=file.product_id, status=Entitlement.Status.ACTIVE)
    return rights.select_related("order_line__order").prefetch_related("order_line__order__payments")


def refunded(order, refund):
    """Money is on its way back, and what that ends. What a bank took back by itself is no news to its buyer."""
    if refund.key.startswith("dispute:"):
        return
    _write(
        order,
        f"refund:{refund.pk}",
        "order_refunded",
        amount=money.display(refund.amount_minor, refund.currency),
        is_whole=order.status == Status.REFUNDED,
    )


def receipt_again(order):
    """The receipt once more, on request of staff; asked twice on one day it is one mail."""
    key = f"again:{timezone.localdate():%Y%m%d}"
    payment = _invoice(order)
    if payment and order.status == Status.AWAITING_PAYMENT:
        return _write(order, key, "order_placed", **_bill(payment))
    return _write(order, key, "order_again")


def _write(order, what, template, **more):
    prefetch_related_objects([order], "lines", "payments")  # asked for four times in a moment
    context = {
        "number": order.number,
        "name": order.name,
        "lines": [
            {
                "title": str(line),
                "quantity": line.quantity,
                "amount": money.display(line.amount_minor, order.currency),
            }
            for line in order.lines.all()
        ],
        "total": money.display(order.total_minor, order.currency),
        "url": f"{settings.PUBLIC_URL}{order.get_absolute_url()}",
        "is_demo": is_demo(order),
    }
    try:
        return mail.write(f"order:{order.pk}:{what}", order.email, template, context | more)
    except Refusal:  # an address that nobody can write to must not undo a payment
        return order.note_problem("Its e-mail address can't be written to.")


def is_demo(order):
    """Whether what paid it, or is to pay it, is no money; not what was only tried before."""
    tried = [payment for payment in order.payments.all() if not payment.is_surplus]
    counting = [payment for payment in tried if payment.is_what_paid] or tried[-1:]
    return any(payment.kind == Kind.SIMULATED for payment in counting)


def _bill(payment):
    """When and how an invoice is to be paid."""
    due_on = date_format(payment.due_on, "j F Y") if payment.due_on else ""
    return {"due_on": due_on, "note": settings.INVOICE_NOTE}


def _invoice(order):
    prefetch_related_objects([order], "payments")
    return next((payment for payment in order.payments.all() if payment.provider == INVOICE), None)
