"""Etsy's own download of a shop's listings: one row a listing, all variations in it.

The file has no listing number. Identity: the SKU where the listing has exactly one; else the slug of its title, so
that a renamed listing is a new product. A listing with variations is one product: the file says neither which of
its SKUs belongs to which combination, nor what that one costs.
"""

import hashlib
import html

from storefront.catalog import cells
from storefront.catalog.formats import Column, Format, Prices
from storefront.models import Product

_VARIATIONS = (1, 2, 3)


def _title(cell):
    return cells.line(255)(html.unescape(cell))


def _tags(cell):
    """Etsy writes blanks inside a tag as underscores."""
    return cells.tags(cell.replace("_", " "))


def _identity(values):
    skus = [sku.strip() for sku in values.get("sku", "").split(",") if sku.strip()]
    if len(skus) == 1:
        return skus[0]
    title = html.unescape(values["title"])
    slug = cells.slug_of(title, length=140)
    if len(slug) > 120:
        # Two long titles may differ at their ends only.
        slug = f"{slug[:110].strip('-')}-{hashlib.sha256(slug.encode()).hexdigest()[:8]}"
    return slug


def _complete(entry, values):
    words = f"{values.get('materials', '')} {values['title']}"
    entry.defaults["kind"] = cells.kind_from_words(words, Product.Kind.PHYSICAL)
    entry.wants_listing = True
    said = []
    for number in _VARIATIONS:
        name = values.get(f"variation {number} name", "").strip()
        options = cells.tags(values.get(f"variation {number} values", ""))
        if options:
            said.append(f"<p>{cells.html(name or 'Option')}: {cells.html(', '.join(options))}</p>")
    if said:
        entry.fields["description"] = entry.fields.get("description", "") + "".join(said)
        entry.flag(
            "VARIATION 1 VALUES", "and their SKUs are told in the text: the file does not say what each costs"
        )


FORMAT = Format(
    key="etsy-listings",
    title="Etsy listings",
    requires=("TITLE", "DESCRIPTION", "PRICE", "CURRENCY_CODE", "QUANTITY", "TAGS"),
    identity=_identity,
    identity_column="SKU",
    prices=Prices("PRICE", currency="CURRENCY_CODE"),
    columns=(
        Column("TITLE", "title", _title, required=True),
        Column("DESCRIPTION", "description", cells.html),
        Column("TAGS", "tags", _tags),
        Column("QUANTITY", "stock", cells.stock),
        Column("IMAGE1", "image", cells.image),
    ),
    complete=_complete,
)
