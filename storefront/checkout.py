"""From a cart to an order, and from a payment to what was bought.

Verbs may be called twice and by two at once. Who buys the last piece is decided by one conditional UPDATE when
the order is placed, before anybody is charged; an unpaid order gives its pieces back when its time is over.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, prefetch_related_objects
from django.utils import timezone

from agency import sold_orders
from earnings.refusals import Refusal
from storefront import attribution, bookkeeping, cart, library, order_mail, order_news, payments, refunds, stock
from storefront.models import Cart, Order, OrderLine, Payment

log = logging.getLogger(__name__)
Status = Order.Status
DUPLICATE_WITHIN = timedelta(hours=2)
# How long stock is kept for an order that is not paid: a Checkout Session lives half an hour at least.
HELD_FOR = timedelta(hours=1)
AT_ONCE = 50
ASK_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Buyer:
    name: str
    email: str
    shipping_address: str = ""


@dataclass(frozen=True)
class Wish:
    """What a buyer sent: the form's own key, the offer agreed to, how to pay, and whether to buy again."""

    checkout_key: str
    quote: str
    provider: str = ""
    buys_again: bool = False


# --- Placing -------------------------------------------------------------------------------------------------


@transaction.atomic
def place_order(basket, buyer, wish, source=attribution.NOWHERE):
    """Make an order of the cart `basket`, take its pieces out of stock, and empty the cart. Returns the order.

    The same form sent again answers with its first order. A free order is complete at once; for any other a
    payment waits. Nothing is written with a `Refusal`: (409) where the cart is no longer what the buyer agreed to,
    a piece was sold to somebody else, or the same was bought within two hours, `code` tells which; (422) naming a
    bad value.
    """
    Cart.objects.select_for_update().get(pk=basket.pk)
    placed = placed_before(basket, wish.checkout_key)
    if placed:
        return placed
    offer = cart.look(basket)
    _refuse_unless_agreed(offer, wish)
    if offer.needs_address and not buyer.shipping_address.strip():
        raise Refusal.of_field("/shipping_address", "Say where the parcel goes.")
    provider = _chosen(offer, wish)
    if not wish.buys_again:
        _refuse_duplicate(offer, buyer)
    order = _write(offer, buyer, _key(basket, wish.checkout_key), provider, source)
    basket.lines.all().delete()
    order_news.tell(order, "placed")
    order_mail.placed(order)
    if provider is None:
        _complete(order, None, timezone.now())
    return order


def placed_before(basket, checkout_key):
    """The order that this form of this cart made, or None."""
    return Order.objects.filter(checkout_key=_key(basket, checkout_key)).first()


def _key(basket, checkout_key):
    return f"{basket.pk}:{checkout_key}"


def _refuse_unless_agreed(offer, wish):
    if not offer.wanted:
        raise Refusal("There is nothing in your cart that can be ordered.", code="empty")
    if wish.quote != offer.quote:
        raise Refusal("Your cart has changed. Look at it again before you order.", code="changed")


def _chosen(offer, wish):
    """The provider that the buyer chose; None for an order that costs nothing."""
    if not offer.total_minor:
        return None
    provider = payments.get(wish.provider)
    if not provider.is_offered(offer.currency):
        raise Refusal.of_field("/provider", f"{provider.label} is not offered here.")
    return provider


def _refuse_duplicate(offer, buyer):
    """The same product for the same address within two hours is often a mistake: ask first."""
    products = [wanted.article.product.pk for wanted in offer.wanted if wanted.article.product]
    packages = [wanted.article.package.pk for wanted in offer.wanted if wanted.article.package]
    same = OrderLine.objects.filter(
        Q(product__in=products) | Q(package__in=packages),
        order__email=buyer.email,
        order__placed_at__gte=timezone.now() - DUPLICATE_WITHIN,
    )
    bought = same.filter(
        Q(order__status=Status.PAID) | Q(order__status=Status.AWAITING_PAYMENT, order__payments__provider="manual")
    ).first()
    if bought:
        raise Refusal(
            f"{bought} was ordered with this e-mail address within the last two hours.",
            code="duplicate",
            errors=[{"pointer": "/buys_again", "detail": "Say that you want to order it again."}],
        )


def _write(offer, buyer, key, provider, source):
    now = timezone.now()
    order = Order.objects.create(
        checkout_key=key,
        name=buyer.name,
        email=buyer.email.lower(),
        shipping_address=buyer.shipping_address if offer.needs_address else "",
        currency=offer.currency,
        placed_at=now,
        reserved_until=now + _patience(provider),
        **source.columns,
    )
    # By product, so that two orders take the same pieces in the same order and can't block each other.
    taken = {
        wanted.line.pk: stock.take(wanted.article, wanted.quantity)
        for wanted in sorted(offer.wanted, key=lambda w: w.line.product_id or 0)
    }
    OrderLine.objects.bulk_create(
        _line(order, number, wanted, taken[wanted.line.pk]) for number, wanted in enumerate(offer.wanted, start=1)
    )
    prefetch_related_objects([order], "lines")
    if provider:
        open_payment(order, provider.key)
    return order


def _line(order, number, wanted, reserved):
    article = wanted.article
    return OrderLine(
        order=order,
        number=number,
        product=article.product,
        package=article.package,
        sku=article.sku,
        title=article.title,
        option=article.option,
        kind=article.kind,
        quantity=wanted.quantity,
        unit_price_minor=article.price_minor,
        amount_minor=wanted.amount_minor,
        tax_note=settings.STORE_TAX_NOTE,
        terms=article.terms,
        reserved=reserved,
    )


def _patience(provider):
    is_invoice = provider is not None and provider.key == "manual"
    return timedelta(days=settings.INVOICE_DAYS + 7) if is_invoice else HELD_FOR


def open_payment(order, provider_key):
    """A payment of the whole order by that provider, which waits to be made."""
    provider = payments.get(provider_key)
    payment = Payment(
        order=order,
        provider=provider.key,
        kind=provider.kind,
        amount_minor=order.total_minor,
        currency=order.currency,
    )
    for name, value in provider.begin(payment).items():
        setattr(payment, name, value)
    payment.save()
    return payment


@transaction.atomic
def choose_payment(order, provider_key):
    """The buyer wants to pay an unpaid order by that provider: its waiting payment, or a new one.

    Refusal (422) for a provider that is not offered, (409) once the order is paid or given up.
    """
    order = Order.objects.select_for_update().get(pk=order.pk)
    provider = payments.get(provider_key)
    if not provider.is_offered(order.currency):
        raise Refusal.of_field("/provider", f"{provider.label} is not offered here.")
    if not order.is_open:
        raise Refusal(f"{order.number} is {order.get_status_display()}.", allowed=order.allowed)
    waiting = order.payments.filter(status=Payment.Status.PENDING)
    # One payment waits at a time; what is paid by an old one all the same is not lost, see `mark_paid`.
    waiting.exclude(provider=provider_key).update(status=Payment.Status.CANCELED)
    payment = waiting.filter(provider=provider_key).last() or open_payment(order, provider_key)
    later = timezone.now() + _patience(provider)
    Order.objects.filter(pk=order.pk, reserved_until__lt=later).update(reserved_until=later)
    return payment


def refill(basket, order):
    """Put the things of a given-up order back into a cart, as far as they can still be bought."""
    for line in order.lines.select_related("product", "package__gig"):
        with suppress(Refusal):
            cart.add(basket, line.product or line.package, line.quantity)


# --- Being paid ----------------------------------------------------------------------------------------------


@transaction.atomic
def mark_paid(payment, *, at=None, external_id="", fee_minor=None, by=None):
    """The money of `payment` is here: book it, hand over what was bought, and return the order. Twice is once.

    `fee_minor` is what the provider kept, None while it does not say. `by` is the member of staff who saw it.
    Pieces that were sold to others meanwhile are short: staff are told, with a proposed refund, and the rest is
    handed over. Money for an order that was paid before is booked as owed back, and proposed to be refunded.
    """
    order = Order.objects.select_for_update().get(pk=payment.order_id)
    payment.refresh_from_db()
    if payment.status == Payment.Status.CAPTURED:
        return order
    fee, fee_source = bookkeeping.fee_of(payment, fee_minor)
    is_surplus = order.status not in (Status.AWAITING_PAYMENT, Status.CANCELED)
    payment.advance(
        Payment.Status.CAPTURED,
        captured_at=at or timezone.now(),
        external_id=external_id,
        fee_minor=fee,
        fee_source=fee_source,
        is_surplus=is_surplus,
        marked_by=by,
        problem="",
    )
    if is_surplus:
        bookkeeping.book_surplus(payment)
        refunds.propose(payment, "The order was paid before: this payment came on top.")
        order.note_problem(f"Paid twice: payment {payment.pk} ({payment.provider}) came on top.")
    else:
        order.payments.filter(status=Payment.Status.PENDING).update(status=Payment.Status.CANCELED)
        _complete(order, payment, payment.captured_at)
    return order


@transaction.atomic
def note_fee(payment, fee_minor):
    """The provider says what it kept of a payment that was booked with an estimate. Twice is once."""
    Order.objects.select_for_update().get(pk=payment.order_id)
    payment.refresh_from_db()
    if payment.status == Payment.Status.CAPTURED and payment.fee_source == Payment.FeeSource.RATE:
        fee, source = bookkeeping.fee_of(payment, fee_minor)
        bookkeeping.correct_fee(payment, fee, timezone.now())
        Payment.objects.filter(pk=payment.pk).update(fee_minor=fee, fee_source=source)
        payment.refresh_from_db()


@transaction.atomic
def mark_order_paid(order, by):
    """Staff saw the money of an order: its waiting invoice, or one that is written now, is paid. Twice is once.

    Refusal (409) for an order that was given back.
    """
    order = Order.objects.select_for_update().get(pk=order.pk)
    if order.status == Status.PAID:
        return order
    if order.status == Status.REFUNDED:
        raise Refusal(f"{order.number} is {order.get_status_display()}.", allowed=order.allowed)
    payment = order.payments.filter(provider="manual").last() or open_payment(order, "manual")
    return mark_paid(payment, by=by)


def _complete(order, payment, at):
    """Book and hand over everything, in the transaction of the payment. `payment` is None for a free order."""
    lines = list(order.lines.select_related("product", "package__gig"))
    if order.status == Status.CANCELED:
        stock.retake(lines)
    order.advance(Status.PAID, paid_at=at)
    earnings = bookkeeping.book(order, payment, lines) if payment else {}
    for line in lines:
        _hand_over(order, line, earnings.get(line), at)
    short = [line for line in lines if line.is_short]
    if short:
        refunds.propose(payment, "Sold out before the payment came.", lines=short)
        names = ", ".join(str(line) for line in short)
        order.note_problem(f"Paid, but sold out meanwhile: {names}. Refund it, or restock and hand it over.")
    waiting = library.lines_without_files(order)
    if waiting:
        names = ", ".join(str(line) for line in waiting)
        order.note_problem(f"No file yet: {names}. Upload it, and the buyer finds it on the order's page.")
    order_news.tell(order, "paid")
    order_mail.paid(order)


def _hand_over(order, line, earning, at):
    """What a buyer gets at once: digital goods. A service is handed to the Fulfillment Engine, and waits there for
    the brief; a parcel waits for staff."""
    if line.package_id:
        line.service_order = sold_orders.take_sold(
            line.package,
            external_id=f"{order.number}:{line.number}",
            client=order.name,
            email=order.email,
            earning=earning,
            terms=line.terms,
        )
        line.save(update_fields=["service_order"])
    elif not bookkeeping.is_owed(line):
        library.grant(line, at)
        line.fulfilled_at = at
        line.save(update_fields=["fulfilled_at"])


# --- Giving up -----------------------------------------------------------------------------------------------


@transaction.atomic
def cancel(order):
    """Give an unpaid order up and put its pieces back into stock. Twice is once; Refusal (409) once it is paid."""
    if order.advance(Status.CANCELED):
        order.payments.filter(status=Payment.Status.PENDING).update(status=Payment.Status.CANCELED)
        stock.release(order.lines.all())
        order_news.tell(order, "canceled")
        order_mail.canceled(order)
    elif order.status != Status.CANCELED:
        raise Refusal(
            f"{order.number} is {order.get_status_display()}; it can't be canceled.", allowed=order.allowed
        )
    return order


def due():
    """Unpaid orders whose time is over."""
    return Order.objects.filter(status=Status.AWAITING_PAYMENT, reserved_until__lt=timezone.now())


def sweep():
    """Give up what is due, some at a time; what their provider knows better counts."""
    for order in due().order_by("reserved_until")[:AT_ONCE]:
        try:
            _give_up_unless_paid(order)
        except Exception:  # those behind it must not wait for it
            log.exception("%s: it could not be asked whether it was paid, or not be given up", order.number)
            Order.objects.filter(pk=order.pk).update(reserved_until=timezone.now() + ASK_AGAIN)


def _give_up_unless_paid(order):
    for payment in order.payments.filter(status=Payment.Status.PENDING):
        payments.get(payment.provider).look(payment)
    order.refresh_from_db()
    if order.is_open and order.reserved_until < timezone.now():
        with suppress(Refusal):  # it was paid at this moment
            cancel(order)
        close_sessions(order)


def close_sessions(order):
    """Tell providers that nobody is to pay the order's canceled payments any more. Outside of transactions."""
    for payment in order.payments.filter(status=Payment.Status.CANCELED):
        try:
            payments.get(payment.provider).give_up(payment)
        except Exception:  # what is paid all the same is not lost, see `mark_paid`
            log.exception("payment %s: its provider could not be told that it is given up", payment.pk)
