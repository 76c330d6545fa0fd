"""Exports that are a plain list: Amazon's report of listings and Square's catalog."""

import re

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
    """Items whose only variation is called Regular have none. Since 2024 an item is in several categories."""
    several = re.split(r"[,(]", values.get("categories", ""))[0]
    category = values.get("category", "").strip() or values.get("reporting category", "").strip() or several
    if {"category", "categories", "reporting category"} & values.keys():
        entry.fields["category"] = cells.shortened(" ".join(category.rsplit(">", 1)[-1].split()), 80)
    words = f"{values.get('item type', '')} {category}"
    entry.defaults["kind"] = cells.kind_from_words(words, Product.Kind.PHYSICAL)
    entry.fields["family"] = cells.name_of(values["item name"]) or "product"
    if entry.fields.get("option", "").casefold() == "regular":
        entry.fields["option"] = ""
    archived = values.get("archived", "").strip().lower() == "y"
    shown = values.get("square online item visibility", "").strip().lower() not in ("hidden", "unavailable")
    entry.wants_listing = shown and not archived
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
    ),
    complete=_square,
)
