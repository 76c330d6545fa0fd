"""Rows for tests: plain functions with defaults for what a test does not care about."""

from datetime import timedelta
from itertools import count

from django.utils import timezone

from agency.models import Gig, Mail, Package, Run, ServiceOrder, Task, WebhookDelivery, WebhookEndpoint
from earnings.models import Channel, Kind
from storefront.models import Product

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
