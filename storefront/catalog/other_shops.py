"""Exports that are a plain list: Amazon's report of listings and Square's catalog."""

from storefront.catalog import cells
from storefront.catalog.formats import Column, Format, Prices, available, read_places
from storefront.models import Product


def _amazon(entry, values):
    entry.defaults["kind"] = Product.Kind.PHYSICAL
    entry.wants_listing = values.get("status", "active").strip().lower() == "active"
    quantity = values["quantity"].strip()
    if not quantity:  # Amazon's own warehouse counts
        return
    entry.fields["stock"] = available(entry, "quantity", quantity)


AMAZON = Format(
    key="amazon-listings",
    title="Amazon listings report",
    requires=("item-name", "seller-sku", "price", "quantity"),
    identity=lambda values: values["seller-sku"],
    identity_column="seller-sku",
    prices=Prices("price"),
    columns=(
        Column("item-name", "title", cells.line(255), required=True),
        Column("item-description", "description", cells.html),
        Column("image-url", "image", cells.image),
    ),
    complete=_amazon,
)


def _square(entry, values):
    """Items whose only variation is called Regular have none."""
    entry.defaults["kind"] = cells.kind_from_words(values.get("category", ""), Product.Kind.PHYSICAL)
    entry.fields["family"] = cells.name_of(values["item name"]) or "product"
    if entry.fields.get("option", "").casefold() == "regular":
        entry.fields["option"] = ""
    entry.wants_listing = values.get("archived", "").strip().lower() != "y"
    read_places(entry, values, "current quantity")


SQUARE = Format(
    key="square-catalog",
    title="Square catalog",
    requires=("Token", "Item Name", "Variation Name", "SKU", "Price"),
    identity=lambda values: values["sku"].strip() or values["token"],
    identity_column="SKU",
    prices=Prices("Price"),
    columns=(
        Column("Item Name", "title", cells.line(255), required=True),
        Column("Variation Name", "option", cells.line(120)),
        Column("Description", "description", cells.html),
        Column("Category", "category", cells.line(80)),
    ),
    complete=_square,
)
