"""The cart's page and its forms. They work without JavaScript, and on pages that are cached for everybody."""

from django import forms
from django.conf import settings
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from agency.models import Package
from earnings.refusals import Refusal
from storefront import cards, cart
from storefront.limits import is_too_often
from storefront.models import Cart, Product
from storefront.same_origin import from_this_site

# New carts by one caller, in seconds: a row each, from whoever sends a form.
CARTS_AT_MOST, WITHIN = 1000, 3600
TOO_OFTEN = "Many carts were begun from your network in the last hour. Wait a little, or write to us."


class QuantityForm(forms.Form):
    quantity = forms.IntegerField(min_value=0, max_value=1_000_000)


class ThingForm(forms.Form):
    """What is added: a product, or a gig's package."""

    product = forms.SlugField(required=False)
    gig = forms.SlugField(required=False)
    tier = forms.SlugField(required=False)


def cart_of(request):
    """The visitor's cart, or None."""
    return cart.find(request.COOKIES.get(cart.COOKIE, ""))


@never_cache
@require_safe
def show(request):
    return _answer(request, cart_of(request), added=request.GET.get("added", ""))


@require_POST
@from_this_site
def add(request):
    """Put a product (`product`: slug) or a package (`gig`: slug, `tier`) into the cart; `go=checkout` buys now."""
    thing = _thing(request.POST)
    known = cart_of(request)
    if known is None and is_too_often(request, "cart", at_most=CARTS_AT_MOST, within=WITHIN):
        return _answer(request, known, refusal=Refusal(TOO_OFTEN, status=429))
    try:
        with transaction.atomic():  # what is refused leaves no empty cart behind
            basket = known or Cart.objects.create()
            line = cart.add(basket, thing, _quantity(request.POST.get("quantity", "1")))
    except Refusal as refusal:
        return _answer(request, known, refusal=refusal)
    if request.POST.get("go") == "checkout":
        return _keep(redirect("storefront:checkout"), basket)
    return _keep(redirect(f"/cart/?added={line.pk}"), basket)


@require_POST
@from_this_site
def change(request):
    """Set the quantity of a line; `remove` takes it out."""
    basket = cart_of(request)
    if basket is None:
        return redirect("storefront:cart")
    try:
        quantity = 0 if "remove" in request.POST else _quantity(request.POST.get("quantity", ""))
        cart.change(basket, _line_id(request.POST.get("line", "")), quantity)
    except Refusal as refusal:
        return _answer(request, basket, refusal=refusal)
    return redirect("storefront:cart")


def _answer(request, basket, *, refusal=None, added=""):
    offer = cart.look(basket)
    context = {
        "offer": offer,
        "refusal": refusal,
        "added": next((wanted for wanted in offer.wanted if str(wanted.line.pk) == added), None),
        # Somebody added a thing, and the browser came without a cart: it keeps no cookies.
        "lost": added and basket is None,
        "suggested": [] if offer.wanted else cards.first(4),
    }
    return render(request, "storefront/cart.html", context, status=refusal.status if refusal else 200)


def _keep(response, basket):
    response.set_cookie(
        cart.COOKIE,
        basket.token,
        max_age=cart.COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


def _thing(given):
    form = ThingForm(given)
    form.is_valid()
    named = form.cleaned_data  # without what no slug can be
    if named.get("gig"):
        packages = Package.objects.select_related("gig")
        return get_object_or_404(packages, gig__slug=named["gig"], tier=named.get("tier", ""))
    return get_object_or_404(Product, slug=named.get("product", ""))


def _quantity(text):
    form = QuantityForm({"quantity": text})
    if not form.is_valid():
        raise Refusal.of_field("/quantity", "The quantity is a whole number, such as 1.")
    return form.cleaned_data["quantity"]


def _line_id(text):
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
