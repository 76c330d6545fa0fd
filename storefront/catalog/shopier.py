"""Shopier (Turkey): the shop's own export, and the list with checkout links that its sellers keep.

The export has no SKU: the number in `id`, which is also the last part of the product's address, stays the same.
"""

from storefront.catalog import cells
from storefront.catalog.formats import Column, Format, Prices


def _complete(entry, values):
    entry.defaults["kind"] = cells.kind_from_words(values.get("type", ""))
    entry.wants_listing = True


EXPORT = Format(
    key="shopier-products",
    title="Shopier product export",
    requires=("id", "title", "type", "price", "currency", "url"),
    identity=lambda values: values["id"],
    identity_column="id",
    prices=Prices("price", currency="currency"),
    columns=(
        Column("title", "title", cells.line(255), required=True),
        Column("url", "external_url", cells.link),
    ),
    complete=_complete,
)

CHANNEL = Format(
    key="channel-shopier",
    title="Shopier list with checkout links",
    requires=("SKU", "Title", "Price", "Currency", "Checkout URL"),
    identity=lambda values: values["sku"],
    identity_column="SKU",
    prices=Prices("Price", currency="Currency", by_hand=True),
    columns=(
        Column("Title", "title", cells.line(255), required=True),
        Column("Description", "description", cells.html),
        Column("Image", "image", cells.image),
        Column("Checkout URL", "external_url", cells.link),
    ),
    complete=_complete,
)
