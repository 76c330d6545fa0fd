"""How the money of an order reaches the ledger: one earning a line, and one for what came on top."""

from django.db.models import Sum

from earnings import ledger
from earnings.models import Channel
from storefront import payments
from storefront.models import Payment, Product

FeeSource = Payment.FeeSource


def channel_of(payment):
    """The channel whose rate this payment costs."""
    return Channel.objects.get(pk=payments.get(payment.provider).channel)


def fee_of(payment, fee_minor):
    """(fee, where it is from): what the provider says that it kept, else what the channel's rate says."""
    if fee_minor is None:
        return ledger.fee(channel_of(payment), payment.amount_minor), FeeSource.RATE
    return min(fee_minor, payment.amount_minor), FeeSource.PROVIDER


def shares(amount_minor, weights):
    """`amount_minor` cut in proportion to `weights`: whole minor units that sum up to it, none above its weight
    while the amount is at most their sum. Largest remainders first."""
    total = sum(weights)
    if not total:
        return [0] * len(weights)
    cut = [amount_minor * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount_minor * weights[i] % total), i))
    for i in by_remainder[: amount_minor - sum(cut)]:
        cut[i] += 1
    return cut


def book(order, payment, lines):
    """Book what was paid for each line, as owed or as earned, and return {line: earning}; a free line has none."""
    channel = channel_of(payment)
    fees = shares(payment.fee_minor, [line.amount_minor for line in lines])
    paid = [(line, fee_minor) for line, fee_minor in zip(lines, fees, strict=True) if line.amount_minor]
    # The first line has the provider's id of the charge: by it a statement finds the order, and all of its lines.
    names = [_charge_of(order, payment, channel), *[""] * len(paid)]
    return {
        line: _book_line(order, payment, line, channel, fee_minor, external_id)
        for (line, fee_minor), external_id in zip(paid, names, strict=False)
    }


def _charge_of(order, payment, channel):
    """The provider's id of the charge; a statement that was booked before we heard of it must not stop a buyer."""
    if not payment.external_id or not ledger.find_sale(channel, payment.external_id, payment.kind):
        return payment.external_id
    order.note_problem(
        f"A statement told of payment {payment.external_id} before it came: it is counted twice until that "
        "import is reversed and booked again."
    )
    return ""


def is_owed(line):
    """Whether work or a parcel is still owed once the line is paid: everything but digital goods."""
    return line.is_short or line.kind not in Product.DIGITAL


def _book_line(order, payment, line, channel, fee_minor, external_id):
    run = order.run
    return ledger.record_paid(
        key=line.key,
        work=ledger.Work.OWED if is_owed(line) else ledger.Work.DONE,
        kind=payment.kind,
        title=str(line)[:200],
        gross_minor=line.amount_minor,
        fee_minor=fee_minor,
        currency=order.currency,
        channel=channel,
        source="order",
        reference=order.number,
        external_id=external_id,
        product_sku="" if line.package_id else line.sku,
        gig=line.package.gig.slug if line.package_id else "",
        client=order.name,
        run_id=order.run_id,
        intent_id=run.intent_id if run else None,
        occurred_at=payment.captured_at,
    )


def book_surplus(payment):
    """Money that came on top of what an order costs is ours to give back: booked as owed, never as earned."""
    order = payment.order
    return ledger.record_paid(
        key=payment.surplus_key,
        work=ledger.Work.OWED,
        kind=payment.kind,
        title=f"Paid on top of {order.number}",
        gross_minor=payment.amount_minor,
        fee_minor=payment.fee_minor,
        currency=payment.currency,
        channel=channel_of(payment),
        source="order",
        reference=order.number,
        client=order.name,
        occurred_at=payment.captured_at,
    )


def paid_minor(order):
    """What was captured for the order, surplus and all."""
    captured = order.payments.filter(status=Payment.Status.CAPTURED)
    return captured.aggregate(sum=Sum("amount_minor"))["sum"] or 0
