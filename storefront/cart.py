"""A visitor's cart: at most 50 lines of products and packages, in one currency, at the server's prices.

A cart holds no price but the one that the visitor saw last. What it costs is looked up each time; `look` names
what changed since, and its `quote` is what the buyer says yes to.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from earnings import money
from earnings.refusals import Refusal
from storefront import articles
from storefront.models import Cart, CartLine

COOKIE = "cart"
TOKEN = re.compile(r"[A-Za-z0-9_-]{10,40}")
COOKIE_AGE = 60 * 24 * 3600  # seconds, as long as a cart is kept
MOST_LINES = 50
KEPT = timedelta(seconds=COOKIE_AGE)
FORGOTTEN_AT_ONCE = 500


@dataclass(frozen=True)
class Wanted:
    """A line of a cart as it can be bought now. `change` tells what is not as the visitor saw it last."""

    line: CartLine
    article: articles.Article
    quantity: int
    change: str = ""

    @property
    def amount_minor(self):
        return self.article.price_minor * self.quantity

    @property
    def has_choice(self):
        """Whether more or fewer of it could be bought."""
        return self.article.most > 1


@dataclass(frozen=True)
class Offer:
    """What a cart costs now: the lines that can be bought, and those that can't any more."""

    wanted: list[Wanted]
    gone: list[Wanted]
    currency: str

    @property
    def total_minor(self):
        return sum(wanted.amount_minor for wanted in self.wanted)

    @property
    def changes(self):
        """Sentences about what the buyer has to agree to first."""
        return [
            f"{wanted.article.name} {wanted.change}." for wanted in (*self.gone, *self.wanted) if wanted.change
        ]

    @property
    def needs_address(self):
        return any(wanted.article.needs_address for wanted in self.wanted)

    @property
    def count(self):
        return sum(wanted.quantity for wanted in self.wanted)

    @property
    def quote(self):
        """Names exactly these lines at these prices and terms: the yes to one offer is no yes to another."""
        said = [
            (w.article.sku, w.quantity, w.article.price_minor, w.article.currency, w.article.terms)
            for w in self.wanted
        ]
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def find(token):
    """The cart with this token, or None. A cookie may say anything, also what no database stores."""
    return Cart.objects.filter(token=token).first() if TOKEN.fullmatch(token) else None


def count(token):
    """How many lines the cart with this token has."""
    return CartLine.objects.filter(cart__token=token).count() if TOKEN.fullmatch(token) else 0


@transaction.atomic
def add(cart, thing, quantity=1):
    """Put a product or package into the cart; one that is there is counted up as far as stock and kind allow.

    Refusal (409) when it can't be bought, is priced in another currency, or the cart is full; (422) for a quantity
    that makes no sense.
    """
    if quantity < 1:
        raise Refusal.of_field("/quantity", "Choose at least 1.")
    article = articles.of(thing)
    if article.refusal:
        raise Refusal(f"{article.name} {article.refusal}.")
    _hold(cart)
    lines = list(cart.lines.all())
    line = next((line for line in lines if (line.product or line.package) == thing), None)
    if line is None:
        _refuse_full(lines)
        _refuse_other_currency(lines, article)
        line = CartLine(cart=cart, product=article.product, package=article.package, quantity=0)
    line.quantity = min(line.quantity + quantity, article.most)
    line.seen_minor, line.seen_currency = article.price_minor, article.currency
    line.save()
    return line


@transaction.atomic
def change(cart, line_id, quantity):
    """Set the quantity of a line, 0 takes it out; the visitor has seen its present price with it."""
    _hold(cart)
    line = cart.lines.filter(pk=line_id).first()
    if line is None:
        return
    article = articles.of(line.product or line.package)
    if quantity < 1 or article.most < 1:
        line.delete()
        return
    line.quantity = min(quantity, article.most)
    line.seen_minor, line.seen_currency = article.price_minor, article.currency
    line.save()


def look(cart):
    """The `Offer` of the cart as prices, stock and catalog are now. Nothing is written."""
    lines = cart.lines.select_related("product", "package__gig") if cart else []
    read = [(line, articles.of(line.product or line.package)) for line in lines]
    currency = next((article.currency for _, article in read if not article.refusal), "")
    wanted, gone = [], []
    for line, article in read:
        refusal = article.refusal
        if not refusal and article.currency != currency:
            refusal = f"is priced in {article.currency} now, the rest in {currency}: order it separately"
        if refusal:
            gone.append(Wanted(line, article, 0, refusal))
        else:
            quantity = min(line.quantity, article.most)
            wanted.append(Wanted(line, article, quantity, _change(line, article, quantity)))
    return Offer(wanted, gone, currency)


def _change(line, article, quantity):
    changes = []
    if (line.seen_minor, line.seen_currency) != (article.price_minor, article.currency):
        old = money.display(line.seen_minor, line.seen_currency)
        changes.append(f"costs {money.display(article.price_minor, article.currency)} now, not {old}")
    if quantity < line.quantity:
        changes.append(f"has {quantity} left, not {line.quantity}")
    return " and ".join(changes)


def _hold(cart):
    """Callers of one cart wait for each other. SQLite's transactions begin by taking the write lock."""
    Cart.objects.select_for_update().get(pk=cart.pk)
    Cart.objects.filter(pk=cart.pk).update(touched_at=timezone.now())


def _refuse_full(lines):
    if len(lines) >= MOST_LINES:
        raise Refusal(f"A cart holds at most {MOST_LINES} different things. Order these first.")


def _refuse_other_currency(lines, article):
    other = next((line.seen_currency for line in lines if line.seen_currency != article.currency), "")
    if other:
        raise Refusal(
            f"{article.name} is priced in {article.currency}, and your cart is in {other}. "
            "An order has one currency: order what is in your cart first, then this."
        )


def forget():
    """Delete carts that nobody touched for 60 days, some at a time."""
    old = Cart.objects.filter(touched_at__lt=timezone.now() - KEPT).order_by("touched_at")
    Cart.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])).delete()
