"""Etsy's own download of a shop's listings: one row a listing, all variations in it.

The file has no listing number. Identity: the SKU where the listing has exactly one; else the slug of its title, so
that a renamed listing is a new product. A listing with variations is one product: the file says neither which of
its SKUs belongs to which combination, nor what that one costs.

Columns are named in the language of the shop, and stand in the same order in all of them; so a file whose
language we have not seen is known by its shape: 24 columns (27 with a third variation), ten of them one word with
the numbers 1 to 10. Source: help.etsy.com, "How to Download Your Listing Information", and the exports of shops in
English, German and Italian.
"""

import hashlib
import html

from storefront.catalog import cells
from storefront.catalog.formats import Column, Format, Prices, Renamed, note
from storefront.models import Product

_VARIATIONS = (1, 2, 3)
_PICTURES = 10


def _english(variations):
    """The columns of a whole file, in their order."""
    names = ["TITLE", "DESCRIPTION", "PRICE", "CURRENCY_CODE", "QUANTITY", "TAGS", "MATERIALS"]
    names += [f"IMAGE{n}" for n in range(1, _PICTURES + 1)]
    names += [f"VARIATION {n} {what}" for n in range(1, variations + 1) for what in ("TYPE", "NAME", "VALUES")]
    return [*names, "SKU"]


_WHOLE = {len(names): names for names in (_english(2), _english(3))}
_GERMAN = {
    "titel": "TITLE",
    "beschreibung": "DESCRIPTION",
    "preis": "PRICE",
    "währungscode": "CURRENCY_CODE",
    "stückzahl": "QUANTITY",
    "materialien": "MATERIALS",
    "bestandseinheit": "SKU",
}
_GERMAN |= {f"bild{n}": f"IMAGE{n}" for n in range(1, _PICTURES + 1)}
for _n in _VARIATIONS:
    _GERMAN |= {f"variationsname {_n}": f"VARIATION {_n} NAME", f"variationswert {_n}": f"VARIATION {_n} VALUES"}


def _by_name(columns):
    return [_GERMAN.get(name.casefold(), name) for name in columns]


def _is_known(named):
    return "currency_code" in (name.casefold() for name in named)


def _in_english(columns):
    """The names of a header's columns as an English shop has them; its own where they are no Etsy file's."""
    named = _by_name(columns)
    return named if _is_known(named) or not _has_the_shape(columns) else _WHOLE[len(columns)]


def _has_the_shape(columns):
    """Whether the ten pictures stand where they stand in every language."""
    start = _WHOLE.get(len(columns), ["IMAGE1"]).index("IMAGE1")
    pictures = [name.casefold() for name in columns[start : start + _PICTURES]]
    word = pictures[0].removesuffix("1") if start and pictures else ""
    return bool(word) and pictures == [f"{word}{n}" for n in range(1, _PICTURES + 1)]


class EtsyFormat(Format):
    def missing(self, header):
        return super().missing([name.casefold() for name in _in_english(header)])

    def entries(self, sheet):
        if not _is_known(_by_name(sheet.columns)):
            note(
                sheet,
                "The columns are named in a language that we have not seen, so their order was what counted.",
            )
        yield from super().entries(Renamed(sheet, _in_english(sheet.columns)))


def _title(cell):
    return cells.line(255)(html.unescape(cell))


def _tags(cell):
    """Etsy writes blanks inside a tag as underscores."""
    return cells.tags(html.unescape(cell).replace("_", " "))


def _identity(values):
    skus = [sku.strip() for sku in values.get("sku", "").split(",") if sku.strip()]
    if len(skus) == 1:
        return skus[0]
    title = html.unescape(values["title"])
    slug = cells.name_of(title, length=140)
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


FORMAT = EtsyFormat(
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
