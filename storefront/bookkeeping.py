"""How the money of an order reaches the ledger: one earning a line, and one for what came on top."""

from contextlib import suppress

from django.db.models import Q

from earnings import ledger
from earnings.models import Channel, Earning, JournalEntry
from earnings.refusals import Refusal
from storefront import payments
from storefront.models import Dispute, Payment, Product

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


def lines_of(order):
    """The order's lines, with what their keys in the ledger need."""
    return order.lines.select_related("order")


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


def book_surplus(payment, title=""):
    """Money that is not the price of an order is ours to give back: booked as owed, never as earned."""
    order = payment.order
    return ledger.record_paid(
        key=payment.surplus_key,
        work=ledger.Work.OWED,
        kind=payment.kind,
        title=title or f"Paid on top of {order.number}",
        gross_minor=payment.amount_minor,
        fee_minor=payment.fee_minor,
        currency=payment.currency,
        channel=channel_of(payment),
        source="surplus",
        reference=order.number,
        external_id=payment.external_id,
        client=order.name,
        occurred_at=payment.captured_at,
    )


def book_refund(refund, key, amount_minor, at):
    """Book that `amount_minor` of the earning `key` went back, and its part of the fee.

    Where the provider keeps its fee of a refund, that part is a cost of ours that belongs to no sale any more.
    """
    payment = refund.payment
    earning = Earning.objects.get(key=key)
    held = ledger.balances(earning)
    sold = -held[ledger.DEFERRED] or -held[ledger.REVENUE] - held[ledger.REFUNDS]
    fee_minor = held[ledger.FEES] * amount_minor // sold if sold else 0
    entry = f"{key}:refund:{refund.pk}"
    provider = payments.get(payment.provider)
    from_bank = provider.refunds_from_bank
    ledger.refund(earning, entry, at, gross_minor=amount_minor, fee_minor=fee_minor, from_bank=from_bank)
    if fee_minor and not provider.returns_fees:
        purse = ledger.Purse(earning.channel, earning.currency, earning.kind)
        ledger.charge(purse, f"{entry}:fee", at, fee_minor, memo=f"Fee kept of a refund of {earning.reference}")


def correct_fee(payment, fee_minor, at):
    """The provider said only now what it kept of `payment`: book how that differs from what is booked.

    What a sale does not hold any more, because it was given back, is a matter between us and the provider.
    """
    lines = [] if payment.is_surplus else list(lines_of(payment.order))
    weights = [line.amount_minor for line in lines] or [payment.amount_minor]
    keys = [line.key for line in lines] or [payment.surplus_key]
    cuts = zip(keys, shares(payment.fee_minor, weights), shares(fee_minor, weights), strict=True)
    memo = f"Fee of {payment.order.number}, as {payments.get(payment.provider).label} says"
    purse = ledger.Purse(channel_of(payment), payment.currency, payment.kind)
    for key, booked, told in cuts:
        more = told - booked
        if not more:
            continue
        try:
            ledger.correct_fee(Earning.objects.get(key=key), f"{key}:fee", at, more, memo)
        except Refusal:
            verb = ledger.charge if more > 0 else ledger.credit
            verb(purse, f"{key}:fee", at, abs(more), memo)


def dispute_key(earning, dispute):
    """The ledger's key of what `dispute` sets apart of `earning`."""
    return f"{earning.key}:dispute:{dispute.pk}"


def set_apart(earning, dispute, at):
    """What is free of a contested sale waits for the bank's decision, also what a failed refund brings back.

    What is still owed stays where it is: in the disputed bucket it would be counted as earned.
    """
    key = dispute_key(earning, dispute)
    before = earning.entries.filter(Q(key=key) | Q(key__startswith=f"{key}:"), event=ledger.Event.DISPUTED).count()
    with suppress(Refusal):  # nothing is free
        ledger.dispute(earning, f"{key}:{before + 1}" if before else key, at)


def put_back(earning, dispute, at):
    """The dispute is over: what is left of what it set apart lies where it was before, also what a refund took
    that fails only now."""
    contested = JournalEntry.objects.filter(key=dispute_key(earning, dispute)).first()
    if contested and ledger.balances(earning)[ledger.DISPUTED]:
        key = f"{contested.key}:over"
        before = earning.entries.filter(key__startswith=key).count()
        memo = f"The dispute was {dispute.get_status_display()}."
        ledger.release(contested, f"{key}:{before + 1}" if before else key, at, memo)


def unbook_refund(refund, key, at):
    """The refund did not reach the buyer: its entries are undone."""
    entry = f"{key}:refund:{refund.pk}"
    for booked in JournalEntry.objects.filter(key__in=[entry, f"{entry}:fee"]).select_related("earning"):
        ledger.reverse(booked, f"{booked.key}:failed", at, memo="The refund did not reach the buyer.")
    earning = Earning.objects.get(key=key)
    contested = refund.payment.disputes.filter(status=Dispute.Status.OPEN).order_by("pk")  # as they are put back
    if not contested.exists():
        for dispute in refund.payment.disputes.all():
            put_back(earning, dispute, at)
    held = ledger.balances(earning)
    if held[ledger.DEFERRED] and held[ledger.REVENUE]:
        # The client accepted the work while this was on its way: what came back of its price is earned, too.
        ledger.record_earned(earning, f"{entry}:earned", at)
    for dispute in contested:
        set_apart(earning, dispute, at)
