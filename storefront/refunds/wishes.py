"""What shall go back: proposed by us, wished by staff, and taken from what may still go back."""

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from agency.models import ServiceOrder
from earnings import money
from earnings.refusals import Refusal
from storefront import bookkeeping
from storefront.models import Dispute, Order, OrderLine, Payment, Refund, RefundLine

Status = Refund.Status
CALLED_OFF_AT_ONCE = 20
OUTDATED = "It was given back in another way."


def propose(payment, reason, lines=()):
    """Ask staff whether `lines` of the order (or, without lines, a surplus payment) shall be paid back."""
    amounts = {line: line.refundable_minor for line in lines if line.refundable_minor}
    amount_minor = sum(amounts.values()) if lines else payment.refundable_minor
    if not amount_minor:
        return None
    what = "-".join(str(line.number) for line in amounts) or "surplus"
    refund, created = Refund.objects.get_or_create(
        key=_free_key(payment, f"proposed:{payment.pk}:{what}"[:110]),
        defaults={
            "payment": payment,
            "status": Status.PROPOSED,
            "amount_minor": amount_minor,
            "reason": reason,
        },
    )
    if created:
        write_lines(refund, amounts)
    return refund


def _free_key(payment, key):
    """The proposal's key, or a numbered one after those that are over without staff saying no."""
    before = payment.refunds.filter(Q(key=key) | Q(key__startswith=f"{key}:"))
    over = Q(status__in=[Status.FAILED, Status.SUCCEEDED]) | Q(status=Status.DROPPED, problem=OUTDATED)
    count = before.filter(over).count()
    return f"{key}:{count}" if count else key


def propose_called_off():
    """Work that was sold and called off is proposed to be paid back, once; staff decide. For the sweep.

    A refund that failed decided nothing.
    """
    decided = RefundLine.objects.exclude(refund__status=Status.FAILED)
    called_off = OrderLine.objects.filter(
        service_order__status=ServiceOrder.Status.CANCELED,
        order__status=Order.Status.PAID,
        amount_minor__gt=0,
        refunded_minor=0,
    ).exclude(pk__in=decided.values("line"))
    for line in called_off.select_related("order")[:CALLED_OFF_AT_ONCE]:
        payment = line.order.payments.filter(status=Payment.Status.CAPTURED, is_surplus=False).first()
        with transaction.atomic():
            if payment and propose(payment, "The work was called off.", lines=[line]):
                line.order.note_problem(f"{line} was called off: decide on its refund.")


@transaction.atomic
def request(order, key, *, amounts=None, amount_minor=None, reason="", by=None):
    """Wish that money goes back: all of it, `amount_minor` over all lines, or `amounts` {line number: minor}.

    `key` names the wish: asked again it is the same refund. Refusal (409) where nothing was paid, the payment is
    contested or less is left; (422) for an amount that makes no sense. `carry_out` asks the provider.
    """
    order = Order.objects.select_for_update().get(pk=order.pk)
    asked = Refund.objects.filter(key=key).first()
    if asked:
        return _same(asked, order, amounts, amount_minor)
    wanted = spread(order, list(order.lines.all()), amounts, amount_minor)
    payment = order.payments.filter(status=Payment.Status.CAPTURED, is_surplus=False).first()
    if payment is None:
        raise Refusal(f"Nothing was paid for {order.number}.", allowed=[])
    if not wanted:
        raise Refusal(f"Everything of {order.number} was given back.", allowed=[])
    refund = Refund.objects.create(
        payment=payment,
        key=key,
        status=Status.REQUESTED,
        amount_minor=sum(wanted.values()),
        reason=reason[:500],
        requested_by=by,
    )
    write_lines(refund, wanted)
    _refuse_contested(payment)
    reserve(refund)
    return refund


@transaction.atomic
def approve(refund, by=None):
    """Staff say yes to a proposal: it is requested. Twice is once."""
    Order.objects.select_for_update().get(pk=refund.payment.order_id)
    if refund.advance(Status.REQUESTED, requested_by=by, due_at=timezone.now()):
        _refuse_contested(refund.payment)
        reserve(refund)
    elif refund.status not in (Status.REQUESTED, Status.SUCCEEDED):
        raise Refusal(f"This refund is {refund.get_status_display()}.", allowed=refund.allowed)
    return refund


def drop(refund):
    """Staff say no to a proposal. Twice is once."""
    if not refund.advance(Status.DROPPED, finished_at=timezone.now()) and refund.status != Status.DROPPED:
        raise Refusal(f"This refund is {refund.get_status_display()}.", allowed=refund.allowed)
    return refund


def spread(order, lines, amounts, amount_minor):
    """{line: minor units} that shall go back."""
    if amounts:
        return _by_line(order, lines, amounts)
    left = {line: line.refundable_minor for line in lines if line.refundable_minor}
    if amount_minor is None:
        return left
    if amount_minor < 1:
        raise Refusal.of_field("/amount", "A refund is more than zero.")
    if amount_minor > sum(left.values()):
        raise _too_much("/amount", amount_minor, sum(left.values()), order)
    parts = bookkeeping.shares(amount_minor, list(left.values()))
    return {line: part for line, part in zip(left, parts, strict=True) if part}


def _by_line(order, lines, amounts):
    by_number = {line.number: line for line in lines}
    wanted, errors = {}, []
    for number, amount in amounts.items():
        line = by_number.get(number)
        if line is None:
            errors.append(f"{order.number} has no line {number}.")
        elif amount < 1:
            errors.append(f"Line {number}: a refund is more than zero.")
        else:
            wanted[line] = amount
    if errors:
        raise Refusal.of_field("/lines", " ".join(errors))
    return wanted


def write_lines(refund, amounts):
    RefundLine.objects.bulk_create(
        RefundLine(refund=refund, line=line, amount_minor=amount) for line, amount in amounts.items()
    )


def _refuse_contested(payment):
    if payment.disputes.filter(status=Dispute.Status.OPEN).exists():
        raise Refusal(f"The payment of {payment.order.number} is contested: the bank decides first.", allowed=[])


def reserve(refund):
    """Take what goes back from what may still go back; Refusal (409) when there is less."""
    payment = refund.payment
    order = payment.order
    for part in refund.lines.select_related("line"):
        left = OrderLine.objects.filter(pk=part.line_id, amount_minor__gte=F("refunded_minor") + part.amount_minor)
        if not left.update(refunded_minor=F("refunded_minor") + part.amount_minor):
            part.line.refresh_from_db()
            raise _too_much("/lines", part.amount_minor, part.line.refundable_minor, order)
    left = Payment.objects.filter(
        pk=payment.pk,
        status=Payment.Status.CAPTURED,
        amount_minor__gte=F("refunded_minor") + refund.amount_minor,
    )
    if not left.update(refunded_minor=F("refunded_minor") + refund.amount_minor):
        payment.refresh_from_db()
        raise _too_much("/amount", refund.amount_minor, payment.refundable_minor, order, payment.currency)


def _too_much(pointer, asked, left, order, currency=None):
    currency = currency or order.currency
    detail = (
        f"{money.display(asked, currency)} can't go back: of {order.number} only "
        f"{money.display(left, currency)} are left."
    )
    return Refusal(detail, errors=[{"pointer": pointer, "detail": detail}], allowed=[])


def _same(refund, order, amounts, amount_minor):
    """`refund` if it is what is wished. What is left may be less by now, so that is not looked at."""
    found = dict(refund.lines.values_list("line__number", "amount_minor"))
    other = (amounts and found != amounts) or (amount_minor is not None and refund.amount_minor != amount_minor)
    if refund.payment.order_id != order.pk or other:
        raise Refusal("This key was used for another refund.", allowed=[])
    return refund
