"""Pieces in stock: counted out to an order by one conditional UPDATE, and back when it is given up."""

from django.db.models import F
from django.utils import timezone

from earnings.refusals import Refusal
from storefront.models import OrderLine, Product


def take(article, quantity):
    """Take pieces out of stock and return how many were counted out; 0 where nobody counts.

    Refusal (409) when somebody else was first.
    """
    product = article.product
    if product is None or product.stock is None:
        return 0
    if not _taken(product.pk, quantity):
        raise Refusal(f"{article.name} was sold to somebody else at this moment.", code="changed")
    return quantity


def release(lines):
    """Put what the lines hold back into stock, each once."""
    for line in _by_product(lines):
        held = OrderLine.objects.filter(pk=line.pk, reserved=line.reserved)
        if line.reserved and held.update(reserved=0):
            _add(line.product_id, line.reserved)
            line.reserved = 0


def retake(lines):
    """Take the pieces of what was given up again; a line that finds too few left is short."""
    for line in _by_product(lines):
        if line.product_id and line.product.stock is not None and not line.reserved:
            if _taken(line.product_id, line.quantity):
                line.reserved = line.quantity
            else:
                line.is_short = True
            line.save(update_fields=["reserved", "is_short"])


def _by_product(lines):
    """Two orders that take the same pieces take them in the same order, and can't block each other."""
    return sorted(lines, key=lambda line: line.product_id or 0)


def _taken(product_id, quantity):
    enough = Product.objects.filter(pk=product_id, stock__gte=quantity)
    return bool(enough.update(stock=F("stock") - quantity, updated_at=timezone.now()))


def _add(product_id, quantity):
    counted = Product.objects.filter(pk=product_id, stock__isnull=False)
    counted.update(stock=F("stock") + quantity, updated_at=timezone.now())
