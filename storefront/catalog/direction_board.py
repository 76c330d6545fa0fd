"""Our own format for products, the one that `make run` imports the demo shop from."""

import re

from storefront.catalog import cells
from storefront.catalog.formats import Column, Format, Prices
from storefront.models import Product

_STATUSES = Product.Status.values


def _language(cell):
    value = cell.strip() or "en"
    if not re.fullmatch(r"[a-zA-Z]{2,3}(-[a-zA-Z]{2,4})?", value):
        raise ValueError(f"{value!r} is not a language code such as en")
    return value


def _position(cell):
    return cells.whole(cell) if cell.strip() else 1000


def _complete(entry, values):
    if values.get("family", "").strip():
        entry.fields["family"] = cells.name_of(values["family"])
    status = values.get("status", "").strip().lower()
    if status and status not in _STATUSES:
        entry.refuse("status", f"{status!r} is not one of {', '.join(_STATUSES)}")
    entry.wants_listing = status == Product.Status.LISTED


FORMAT = Format(
    key="direction-board",
    title="Direction Board products",
    requires=("sku", "title", "price", "currency"),
    identity=lambda values: values["sku"],
    identity_column="sku",
    prices=Prices("price", "compare_at_price", "currency", by_hand=True),
    columns=(
        Column("option", "option", cells.line(120)),
        Column("title", "title", cells.line(255), required=True),
        Column("summary", "summary", cells.line(300)),
        Column("description", "description", cells.html),
        Column("category", "category", cells.line(80)),
        Column("kind", "kind", cells.kind),
        Column("tags", "tags", cells.tags),
        Column("stock", "stock", cells.stock),
        Column("image", "image", cells.image),
        Column("image_alt", "image_alt", cells.line(300)),
        Column("external_url", "external_url", cells.link),
        Column("language", "language", _language),
        Column("position", "position", _position),
        Column("vendor", "vendor", cells.line(120)),
    ),
    complete=_complete,
)
