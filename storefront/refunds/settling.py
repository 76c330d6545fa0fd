"""What went back: the provider is asked, tells of what happened without us, and its answer is booked."""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from agency import sold_orders
from storefront import bookkeeping, library, order_mail, order_news, payments, stock
from storefront.models import Dispute, Order, OrderLine, Payment, Refund
from storefront.refunds.wishes import OUTDATED, propose, reserve, spread, write_lines

log = logging.getLogger(__name__)
Status = Refund.Status
AT_ONCE = 20
HEAD_START = timedelta(seconds=30)  # for who requested it
RETRY_AFTER = (30, 120, 600, 3600, 21600)  # seconds; the last one again and again


# --- What happened without us ------------------------------------------------------------------------------


@transaction.atomic
def told(payment, answer, *, amount_minor, pk=None):
    """The provider tells of a refund: one of ours (`pk` is what it carries), or one made there by hand.

    Told again, in whichever order, it is one refund. Refusal (409) when it gives back more than is left;
    `payments.Later` when that depends on a refund of ours which the provider has not answered.
    """
    Order.objects.select_for_update().get(pk=payment.order_id)
    refund = payment.refunds.filter(external_id=answer.external_id).first()
    if refund is None and pk and str(pk).isdigit():
        refund = payment.refunds.filter(pk=int(pk), external_id="").first()
    if refund is None and answer.status == Status.FAILED:
        return None
    if refund is None:
        _wait_for_ours(payment, amount_minor)
        key = f"{payment.provider}:{answer.external_id}"
        refund = _from_outside(payment, amount_minor, key, "Made at the provider.")
    return settle(refund, answer)


def _wait_for_ours(payment, amount_minor):
    """Both can't be: once the provider was asked for ours it refuses that, and what it holds back is free."""
    payment.refresh_from_db()
    ours = payment.refunds.filter(status=Status.REQUESTED, external_id="")
    if amount_minor > payment.refundable_minor and ours.exists():
        raise payments.Later(f"It waits for {ours.first()}, which is on its way; nobody has to do anything.")


@transaction.atomic
def note_done(payment, amount_minor, *, key, reason):
    """Money went back without anybody asking us, e.g. by a bank's decision: book it as the refund that it is."""
    Order.objects.select_for_update().get(pk=payment.order_id)
    done = Refund.objects.filter(key=key).first()
    return done or settle(_from_outside(payment, amount_minor, key, reason), payments.Answer(Status.SUCCEEDED))


def take_lost(payment):
    """The bank gave the buyer what lost disputes are about: book it, as far as it was not given back before.

    A refund that was on its way then counts as given back; once it has failed, its part is taken, too.
    """
    payment.refresh_from_db()
    if payment.disputes.filter(status=Dispute.Status.OPEN).exists():
        return  # when that one is decided
    for dispute in payment.disputes.filter(status=Dispute.Status.LOST).order_by("pk"):
        taken = _taken_by(dispute)
        done = taken.filter(status=Status.SUCCEEDED)
        missing = dispute.amount_minor - sum(done.values_list("amount_minor", flat=True))
        amount = min(missing, payment.refundable_minor)
        if amount > 0:
            key = f"dispute:{dispute.external_id}"
            key = f"{key}:{len(taken)}" if taken else key
            note_done(payment, amount, key=key, reason="The dispute was lost.")
            payment.refresh_from_db()


def undo_lost(dispute):
    """The bank decided for us after all: what it gave the buyer is ours again."""
    for refund in _taken_by(dispute).filter(status=Status.SUCCEEDED):
        settle(refund, payments.Answer(Status.FAILED, problem="The bank took its decision back."))


def _taken_by(dispute):
    """The refunds by which the bank took what `dispute` is about, also those that it took back."""
    key = f"dispute:{dispute.external_id}"
    return dispute.payment.refunds.filter(Q(key=key) | Q(key__startswith=f"{key}:"))


def _from_outside(payment, amount_minor, key, reason):
    lines = [] if payment.is_surplus else list(payment.order.lines.all())
    amounts = spread(payment.order, lines, None, amount_minor) if lines else {}
    refund = Refund.objects.create(
        payment=payment, key=key, status=Status.REQUESTED, amount_minor=amount_minor, reason=reason
    )
    write_lines(refund, amounts)
    reserve(refund)
    return refund


# --- Asking the provider -----------------------------------------------------------------------------------


def carry_out(refund):
    """Ask the provider, outside of any transaction, and book its answer. A stumble is tried again by the sweep."""
    refund.refresh_from_db()
    if refund.status != Status.REQUESTED:
        return refund
    try:
        answer = payments.get(refund.payment.provider).refund(refund)
    except Exception as error:
        log.exception("refund %s: the provider could not be asked", refund.pk)
        _try_later(refund, f"{type(error).__name__}: the provider could not be asked.")
        return refund
    try:
        return settle(refund, answer)
    except Exception as error:
        # Those behind it must not wait for somebody to mend this one; the provider gives the same answer again.
        log.exception("refund %s: the provider's answer could not be booked", refund.pk)
        _try_later(refund, f"The provider said {answer.status}, which could not be booked: {error}"[:500])
        if refund.status == Status.REQUESTED:  # nobody else has booked it meanwhile
            refund.payment.order.note_problem(_unbooked(refund))
        return refund


def _unbooked(refund):
    return f"{refund} could not be booked, and is tried again."


def _try_later(refund, problem):
    wait = RETRY_AFTER[min(refund.attempts, len(RETRY_AFTER) - 1)]
    Refund.objects.filter(pk=refund.pk, status=Status.REQUESTED).update(
        attempts=F("attempts") + 1, problem=problem, due_at=timezone.now() + timedelta(seconds=wait)
    )
    refund.refresh_from_db()


@transaction.atomic
def settle(refund, answer):
    """Book what the provider answered. It may say it again, and may take a success back."""
    order = Order.objects.select_for_update().get(pk=refund.payment.order_id)
    refund.refresh_from_db()
    if answer.external_id and not refund.external_id:
        refund.external_id = answer.external_id
        refund.save(update_fields=["external_id"])
    now = timezone.now()
    if answer.status == Status.SUCCEEDED:
        if refund.advance(Status.SUCCEEDED, finished_at=now, problem=""):
            _book(refund, now)
            _follow(order, refund)
            _drop_outdated(refund.payment)
            order.forget_problem(_unbooked(refund))
            _propose_rest(refund.payment, "A part of it went back, and the rest is not ours.")
    elif answer.status == Status.FAILED:
        was_booked = refund.status == Status.SUCCEEDED
        if refund.advance(Status.FAILED, finished_at=now, problem=answer.problem[:500]):
            _undo(order, refund, now, was_booked)
    else:
        _try_later(refund, answer.problem)
    return refund


def _keys(refund):
    """What names each part of the refund's money in the ledger, with its amount."""
    parts = [(part.line.key, part.amount_minor) for part in refund.lines.select_related("line__order")]
    return parts or [(refund.payment.surplus_key, refund.amount_minor)]


def _book(refund, at):
    for key, amount_minor in _keys(refund):
        bookkeeping.book_refund(refund, key, amount_minor, at)


def _follow(order, refund):
    """What is given back in full is called off: its service order, its pieces, and at last the order itself."""
    for line in OrderLine.objects.filter(refund_lines__refund=refund).select_related("service_order", "order"):
        if _returned_minor(line) == line.amount_minor:
            library.revoke_refunded(line)
            _call_off(line)
    paid = [line for line in order.lines.all() if line.amount_minor]
    if all(_returned_minor(line) == line.amount_minor for line in paid) and refund.lines.exists():
        order.advance(Order.Status.REFUNDED)
    order.refresh_from_db()
    order_news.tell(order, "refunded")
    order_mail.refunded(order, refund)


def _drop_outdated(payment):
    """Proposals of what was given back in another way meanwhile: nobody could say yes to them."""
    payment.refresh_from_db()
    for refund in payment.refunds.filter(status=Status.PROPOSED):
        is_left = refund.amount_minor <= payment.refundable_minor and all(
            part.amount_minor <= part.line.refundable_minor for part in refund.lines.select_related("line")
        )
        if not is_left:
            refund.advance(Status.DROPPED, finished_at=timezone.now(), problem=OUTDATED)


def _propose_rest(payment, reason):
    """Of a surplus payment nobody can wish a refund: what is left of it is proposed, unless staff said no."""
    payment.refresh_from_db()
    waiting = payment.refunds.filter(status__in=[Status.PROPOSED, Status.REQUESTED])
    if payment.is_surplus and payment.refundable_minor and not waiting.exists():
        propose(payment, reason)


def _returned_minor(line):
    done = line.refund_lines.filter(refund__status=Status.SUCCEEDED)
    return done.aggregate(sum=Sum("amount_minor"))["sum"] or 0


def _call_off(line):
    if line.service_order:
        sold_orders.call_off(line.service_order)
    if line.fulfilled_at is None:
        stock.release([line])


def _undo(order, refund, at, was_booked):
    """It did not reach the buyer: the money is ours to give back once more, and a person has to look."""
    called_off = []
    for part in refund.lines.select_related("line__order"):
        OrderLine.objects.filter(pk=part.line_id).update(refunded_minor=F("refunded_minor") - part.amount_minor)
        if was_booked and _returned_minor(part.line) + part.amount_minor == part.line.amount_minor:
            called_off.append(part.line)
    if was_booked:
        for key, _ in _keys(refund):
            bookkeeping.unbook_refund(refund, key, at)
    Payment.objects.filter(pk=refund.payment_id).update(refunded_minor=F("refunded_minor") - refund.amount_minor)
    if order.status == Order.Status.REFUNDED and refund.lines.exists():
        order.advance(Order.Status.PAID)  # what is not the order's price never paid it
    take_lost(refund.payment)
    _take_up_again(called_off)
    _propose_rest(refund.payment, f"Refund {refund.pk} failed, and the money is not ours.")
    order.note_problem(f"Refund {refund.pk} failed: {refund.problem or 'the provider gave no reason'}.")


def _take_up_again(lines):
    """What a refund of all their money had ended, unless a lost dispute has taken it since: a license key that is
    handed out stays away, pieces may be gone to others, and about work a person decides."""
    for line in lines:
        if _returned_minor(line) < line.amount_minor:
            library.restore_refunded(line)
            if line.service_order and sold_orders.take_up_again(line.service_order):
                line.order.note_problem(f"{line} is on hold: resume the work, or call it off and pay it back.")
            if line.fulfilled_at is None:
                stock.retake([line])


def due():
    """What the provider has not answered: a stumble, or a process that died in between."""
    return Refund.objects.filter(status=Status.REQUESTED, due_at__lte=timezone.now() - HEAD_START)


def sweep():
    """Ask again for what is due, oldest first."""
    for refund in due().select_related("payment__order").order_by("due_at")[:AT_ONCE]:
        carry_out(refund)
