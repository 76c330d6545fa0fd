"""Rows for tests: plain functions with defaults for what a test does not care about."""

from datetime import timedelta
from itertools import count

from django.utils import timezone

from agency.models import Gig, Mail, Package, Run, ServiceOrder, Task, WebhookDelivery, WebhookEndpoint
from earnings.models import Channel, Kind
from storefront import cart, checkout
from storefront.models import Cart, Product

_numbers = count(1)


def make_product(sku=None, **fields):
    n = next(_numbers)
    sku = sku or f"SKU-{n}"
    defaults = {
        "slug": f"product-{n}",
        "family": f"product-{n}",
        "title": f"Product {n}",
        "summary": "A useful thing.",
        "price_minor": 2900,
        "currency": "USD",
        "status": Product.Status.LISTED,
        "image": "/static/demo/example.svg",
        "image_alt": "A useful thing on a desk",
    }
    return Product.objects.create(sku=sku, **(defaults | fields))


def make_gig(slug=None, *, price_minor=10000, currency="USD", tier="basic", **fields):
    """A listed gig with one package."""
    n = next(_numbers)
    slug = slug or f"gig-{n}"
    defaults = {"name": f"Gig {n}", "title": f"I will do thing {n} for you", "is_listed": True}
    gig = Gig.objects.create(slug=slug, **(defaults | fields))
    Package.objects.create(
        gig=gig, tier=tier, name=tier.title(), price_minor=price_minor, currency=currency, delivery_days=3
    )
    return gig


def make_channel(key="fiverr", **fields):
    defaults = {"name": key.title(), "fee_basis_points": 2000, "clearing_days": 14}
    return Channel.objects.get_or_create(key=key, defaults=defaults | fields)[0]


def make_service_order(gig=None, **fields):
    gig = gig or make_gig()
    package = gig.packages.first()
    defaults = {
        "channel": make_channel(),
        "external_id": f"FO{next(_numbers)}",
        "kind": Kind.REAL,
        "amount_minor": package.price_minor,
        "fee_minor": package.price_minor // 5,
        "currency": package.currency,
    }
    return ServiceOrder.objects.create(gig=gig, package=package, **(defaults | fields))


def make_run(**fields):
    defaults = {"title": "A run", "deadline_at": timezone.now() + timedelta(minutes=15)}
    if "restart_of" in fields:
        defaults["origin"] = Run.Origin.REPLAYED
    return Run.objects.create(**(defaults | fields))


def make_task(run=None, **fields):
    defaults = {"pipeline": "ops", "workflow": f"workflow_{next(_numbers)}"}
    if fields.get("status") == Task.Status.NEEDS_HUMAN:
        defaults |= {"asked_at": timezone.now(), "asked_of": "agency.approve_task"}
    return Task.objects.create(run=run or make_run(), **(defaults | fields))


def make_endpoint(url=None, **fields):
    return WebhookEndpoint.objects.create(url=url or f"https://receiver-{next(_numbers)}.example/hook", **fields)


def make_webhook(endpoint=None, **fields):
    """A message that waits to be sent."""
    defaults = {
        "message_id": f"msg_{next(_numbers)}",
        "event_type": "run.succeeded",
        "body": '{"type":"run.succeeded","timestamp":"2026-01-02T03:04:05Z","data":{"id":1}}',
    }
    return WebhookDelivery.objects.create(endpoint=endpoint or make_endpoint(), **(defaults | fields))


def make_mail(to="buyer@example.com", **fields):
    """A mail that waits to be sent. Its template is a test's own."""
    defaults = {"key": f"test:{next(_numbers)}", "template": "note", "context": {"title": "a desk"}}
    return Mail.objects.create(to=to, **(defaults | fields))


def make_cart(*things):
    """A cart with a piece of each product or package; (product, 3) puts three into it."""
    basket = Cart.objects.create()
    for thing in things:
        product, quantity = thing if isinstance(thing, tuple) else (thing, 1)
        cart.add(basket, product, quantity)
    return basket


def make_wish(basket, **fields):
    """What a buyer sends who agrees to the cart as it is now."""
    defaults = {
        "checkout_key": f"form-{next(_numbers)}",
        "quote": cart.look(basket).quote,
        "provider": "demo",
        "buys_again": True,
    }
    return checkout.Wish(**(defaults | fields))


def make_buyer(**fields):
    defaults = {
        "name": "Ada Byron",
        "email": f"ada{next(_numbers)}@example.com",
        "shipping_address": "1 Lane, Town",
    }
    return checkout.Buyer(**(defaults | fields))


def make_order(*things, buyer=None, **wish):
    """An order of the things as `place_order` makes it; it waits for a payment if it costs anything."""
    basket = make_cart(*(things or (make_product(),)))
    wish = {"provider": "manual"} | wish
    return checkout.place_order(basket, buyer or make_buyer(), make_wish(basket, **wish))


def make_paid_order(*things, **fields):
    """An order that was paid: real money by invoice, or `provider="demo"`."""
    order = make_order(*things, **fields)
    for payment in order.payments.all():
        checkout.mark_paid(payment)
    order.refresh_from_db()
    return order
