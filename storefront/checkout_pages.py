"""The pages from the cart to the payment. They are one visitor's own: never cached, with Django's CSRF token."""

import logging
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from earnings.refusals import Refusal
from storefront import attribution, cart, checkout, payments
from storefront.cart_pages import cart_of
from storefront.checkout_forms import KEY, CheckoutForm, WayForm
from storefront.limits import is_too_often
from storefront.models import Order, Payment

log = logging.getLogger(__name__)
# Orders keep stock and write to the address that is given: enough for a family behind one address, and no more.
ORDERS_AT_MOST, WITHIN = 30, 3600  # by one caller, in seconds
TOO_OFTEN = "Many orders came from your network in the last hour. Wait a little, or write to us."
WHY = {
    "away": "The payment page can't be reached just now. Your order is kept; try again, or pay in another way.",
    "not-taken": "This way to pay does not take your order. It is kept; choose another way.",
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def checkout_page(request):
    """Ask who buys and how they pay, and place the order."""
    basket = cart_of(request)
    if basket is None:
        return redirect("storefront:cart")
    if request.method == "POST":
        return _place(request, basket)
    offer = cart.look(basket)
    if not offer.wanted:
        return redirect("storefront:cart")
    return _ask(request, CheckoutForm(offer=offer))


def _place(request, basket):
    form = CheckoutForm(request.POST, offer=cart.look(basket))
    key = request.POST.get("checkout_key", "")
    placed = KEY.fullmatch(key) and checkout.placed_before(basket, key)
    if placed:
        return to_payment(placed)
    if not form.is_valid():
        return _ask(request, form, status=422)
    if is_too_often(request, "order", at_most=ORDERS_AT_MOST, within=WITHIN):
        return _refuse(request, basket, Refusal(TOO_OFTEN, status=429))
    try:
        order = checkout.place_order(basket, form.buyer, form.wish, attribution.of_visitor(request))
    except Refusal as refusal:
        if refusal.extra.get("code") == "empty":
            return redirect("storefront:cart")
        return _refuse(request, basket, refusal)
    return to_payment(order)


def _refuse(request, basket, refusal):
    form = CheckoutForm(request.POST, offer=cart.look(basket))  # what it costs now
    form.is_valid()
    form.blame(refusal)
    return _ask(request, form, status=refusal.status)


def _ask(request, form, status=200):
    return render(request, "storefront/checkout.html", {"form": form, "offer": form.offer}, status=status)


# --- Paying --------------------------------------------------------------------------------------------------


def to_payment(order):
    """The answer that leads a buyer to where the order is paid, or to the order when there is nothing to pay."""
    waiting = [payment for payment in order.payments.all() if payment.status == Payment.Status.PENDING]
    if not waiting or not order.is_open:
        return redirect(order)
    payment = waiting[-1]
    try:
        page = payments.get(payment.provider).page_of(payment)
    except payments.Over:  # its time was over, or it was paid: to the order, which says so or offers another try
        return redirect("storefront:pay", order.token)
    except payments.NotTaken:
        return redirect(f"/checkout/pay/{order.token}/?why=not-taken")
    except Exception:
        log.exception("payment %s: its provider has no page for it", payment.pk)
        return redirect(f"/checkout/pay/{order.token}/?why=away")
    # A form's answer may not lead to another site under our Content-Security-Policy; a page of ours may.
    return redirect("storefront:to_provider", payment.token) if urlsplit(page).netloc else redirect(page)


@never_cache
@require_safe
def to_provider(request, token):
    """Lead on to the provider's page, which is on another site."""
    payment = get_object_or_404(Payment.objects.select_related("order"), token=token)
    if payment.status != Payment.Status.PENDING or not payment.checkout_url:
        return redirect(payment.order)
    return render(request, "storefront/to_provider.html", {"payment": payment, "order": payment.order})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request, token):
    """Pay an order that is placed: again, or in another way."""
    order = get_object_or_404(Order, token=token)
    if not order.is_open:
        return redirect(order)
    form = WayForm(request.POST if request.method == "POST" else None, order=order)
    if form.is_bound and form.is_valid():
        try:
            checkout.choose_payment(order, form.cleaned_data["provider"])
        except Refusal:  # it was paid or given up at this moment
            return redirect(order)
        checkout.close_sessions(order)
        return to_payment(order)
    context = {"order": order, "form": form, "why": WHY.get(request.GET.get("why"), "")}
    return render(request, "storefront/pay.html", context, status=422 if form.errors else 200)


@never_cache
@require_POST
def back_to_cart(request, token):
    """Give an unpaid order up and put its things back into the cart."""
    order = get_object_or_404(Order, token=token)
    basket = cart_of(request)
    try:
        checkout.cancel(order)
    except Refusal:  # it was paid at this moment
        return redirect(order)
    checkout.close_sessions(order)
    if basket:
        checkout.refill(basket, order)
    return redirect("storefront:cart")


@never_cache
@require_safe
def paid_elsewhere(request, token):
    """Where a provider sends the buyer back to: ask it how the payment stands, then show the order."""
    payment = get_object_or_404(Payment.objects.select_related("order"), token=token)
    try:
        payments.get(payment.provider).look(payment)
    except Exception:  # its message comes as well, and the sweep asks again
        log.exception("payment %s: its provider could not be asked", payment.pk)
    return redirect(payment.order)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def demo_payment(request, token):
    """The demo provider's page: pay without money, or don't."""
    payment = get_object_or_404(Payment.objects.select_related("order"), token=token, provider="demo")
    if not settings.DEMO_PAYMENTS:
        raise Http404("Demo payments are switched off.")
    if payment.status != Payment.Status.PENDING or not payment.order.is_open:
        return redirect(payment.order)
    if request.method == "POST":
        return redirect(checkout.mark_paid(payment))
    return render(request, "storefront/demo_payment.html", {"payment": payment, "order": payment.order})


@never_cache
@require_safe
def invoice(request, token):
    """The invoice of an order, to print or to keep."""
    order = get_object_or_404(Order, token=token)
    payment = order.payments.filter(provider="manual").last()
    if payment is None:
        raise Http404("This order has no invoice.")
    context = {
        "order": order,
        "payment": payment,
        "store_address": settings.STORE_ADDRESS,
        "invoice_note": settings.INVOICE_NOTE,
    }
    return render(request, "storefront/invoice.html", context)
