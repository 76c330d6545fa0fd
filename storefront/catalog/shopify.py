"""Shopify's product export, in all its layouts from 9 to 72 columns, and files written after it.

In the layout of 2025 many columns have other names ("URL handle", "Price"), which mean what the old ones meant.

One row is one variant; a second row of the same `Handle` leaves out what the first one said (title, text, tags,
status). A row that has only a picture is one more picture of the product. There is no column for the currency: it
is the store's. Source: help.shopify.com, "Using CSV files to import and export products".
"""

from dataclasses import dataclass, field

from storefront.catalog import cells
from storefront.catalog.entries import Entry
from storefront.catalog.formats import (
    Column,
    Format,
    Prices,
    Renamed,
    available,
    decimal_mark,
    finish,
    named_cells,
    read_columns,
    read_prices,
    without_doubles,
)
from storefront.catalog.shopify_skus import MadeUpSkus
from storefront.models import Product

# Said once for a product, by its first row.
_OF_THE_PRODUCT = (
    Column("Title", "title", cells.line(255)),
    Column("Body (HTML)", "description", cells.html),
    Column("Vendor", "vendor", cells.line(120)),
    Column("Tags", "tags", cells.tags),
)
# Shopify's own words for "there are no variants".
_NO_OPTION = {"", "default title", "default"}
# What says that a file is of the layout of 2025, and how its columns were called before.
_NEW = "url handle"
_BEFORE = {
    _NEW: "Handle",
    "description": "Body (HTML)",
    "published on online store": "Published",
    "sku": "Variant SKU",
    "price": "Variant Price",
    "compare-at price": "Variant Compare At Price",
    "inventory tracker": "Variant Inventory Tracker",
    "inventory quantity": "Variant Inventory Qty",
    "continue selling when out of stock": "Variant Inventory Policy",
    "requires shipping": "Variant Requires Shipping",
    "product image url": "Image Src",
    "variant image url": "Variant Image",
}
# The columns that tell variants apart, and from further pictures.
_TELLING = (
    "handle",
    "title",
    "variant sku",
    "variant price",
    "image src",
    *(f"option{n} value" for n in (1, 2, 3)),
)
_AFTER = {"Variant Price": "Price"}
_BODY = {"body html": "Body (HTML)"}  # as a widespread program for exports calls it


@dataclass
class _Product:
    """What the rows of one handle have in common."""

    row: int
    handle: str
    values: dict
    fields: dict = field(default_factory=dict)
    defaults: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)
    wants_listing: bool = False


class _Products:
    """The products of a file by their handles. Rows of one stand together: only the last NEAR are remembered."""

    NEAR = 2000

    def __init__(self):
        self._near, self._rows = {}, {}

    def find(self, handle):
        return self._near.get(cells.identity(handle))

    def add(self, product):
        key = cells.identity(product.handle)
        if key in self._rows:
            detail = (
                f"{product.handle!r} began in row {self._rows[key]}: rows of one handle have to stand together"
            )
            product.problems.append({"column": "Handle", "detail": detail})
        self._rows.setdefault(key, product.row)
        self._near[key] = product
        if len(self._near) > self.NEAR:
            self._near.pop(next(iter(self._near)))
        return product


class ShopifyFormat(Format):
    def missing(self, header):
        missing = super().missing([name.casefold() for name in _old_names(header)])
        return [_AFTER.get(name, name) for name in missing] if _NEW in header else missing

    def entries(self, sheet):
        names = _old_names(sheet.columns)
        called = dict(zip(names, sheet.columns, strict=True))
        for entry in without_doubles(self._variants(Renamed(sheet, names)), self.identity_column):
            for remark in (*entry.problems, *entry.flags):
                remark["column"] = called.get(remark["column"], remark["column"])
            yield entry

    def _variants(self, sheet):
        mark, products = decimal_mark(sheet, self.price_columns), _Products()
        skus = MadeUpSkus(_things(sheet))
        for row, values in named_cells(sheet):
            handle = _handle(values)
            product = products.find(handle)
            if product and not row.problem and _is_picture_only(values):
                continue
            entry = Entry(row.number, "", {})
            if row.problem:
                entry.sku = cells.prose(values.get("variant sku", "")) or handle
                entry.refuse("", row.problem)
            elif not handle:
                entry.sku = cells.code(values.get("variant sku", ""))
                entry.refuse("Handle", "is empty")
            else:
                product = product or products.add(_product(row, handle, values))
                option = _option(values)
                entry.sku = cells.code(values.get("variant sku", "")) or skus.give(product.handle, option)
                self._variant(entry, product, values, mark)
            yield entry

    def _variant(self, entry, product, values, mark):
        option = _option(values)
        if len(entry.sku) > 120:
            entry.refuse("Variant SKU", "has more than 120 characters")
        entry.fields = {"sku": entry.sku, **product.fields}
        entry.defaults = dict(product.defaults)
        entry.problems += product.problems
        entry.wants_listing = product.wants_listing
        entry.fields["family"] = cells.family_of(product.handle)
        if len(option) > 120:
            entry.refuse("Option1 Value", "has more than 120 characters together with the other options")
        entry.fields["option"] = option
        _compare_with_first_row(entry, product, values)
        _read_picture(entry, product, values)
        _read_stock(entry, values)
        read_prices(entry, self.prices, values, mark)
        finish(entry)


def _old_names(header):
    """The names of a header's columns as they were before 2025."""
    names = [name.casefold() for name in header]
    before = _BEFORE if _NEW in names else {} if "body (html)" in names else _BODY
    return [before.get(name, given) for name, given in zip(names, header, strict=True)]


def _things(sheet):
    """Each variant of the file as (SKU or "", handle, option)."""
    names = [name.casefold() for name in sheet.columns]
    places = [(name, names.index(name)) for name in _TELLING if name in names]
    for _, row, problem in sheet.records():
        values = {name: row[place] for name, place in places}
        if problem or _is_picture_only(values):
            continue
        sku = cells.code(values.get("variant sku", ""))
        yield (sku, "", "") if sku else ("", _handle(values), _option(values))


def _handle(values):
    """Files without the column are told apart by their titles."""
    if "handle" in values:
        return cells.code(values["handle"])
    return cells.name_of(values.get("title", "").strip()) or cells.name_of(values.get("variant sku", ""))


def _is_picture_only(values):
    said = ("title", "variant price", "option1 value")
    return bool(values.get("image src", "").strip()) and not any(values.get(name, "").strip() for name in said)


def _option(values):
    options = [" ".join(values.get(f"option{n} value", "").split()) for n in (1, 2, 3)]
    return " / ".join(option for option in options if option.lower() not in _NO_OPTION)


def _product(row, handle, values):
    product = _Product(row.number, handle, values)
    entry = Entry(row.number, handle, {})
    read_columns(entry, _OF_THE_PRODUCT, values)
    if not entry.fields.get("title") and not entry.problems:
        entry.refuse("Title", "is empty, and no row above says it for this handle")
    if "type" in values or "product category" in values or "standardized product type" in values:
        entry.fields["category"] = _category(values)
    seo = " ".join(values.get("seo description", "").split())
    if seo:
        entry.fields["summary"] = cells.shortened(seo, 300)
    entry.defaults["kind"] = _kind(values)
    try:
        published = "published" not in values or cells.yes(values["published"])
    except ValueError as error:
        entry.refuse("Published", str(error))
        published = False
    product.wants_listing = published and values.get("status", "").strip().lower() in ("", "active")
    product.fields, product.defaults, product.problems = entry.fields, entry.defaults, entry.problems
    return product


def _category(values):
    words = values.get("type", "").strip() or values.get("standardized product type", "").strip()
    words = words or values.get("product category", "").rsplit(">", 1)[-1]
    return cells.shortened(" ".join(words.split()), 80)


def _kind(values):
    """Sellers of downloads often leave "Requires Shipping" as it was, so clear words go first."""
    words = f"{values.get('type', '')} {values.get('standardized product type', '')}"
    ships = cells.says_yes(values.get("variant requires shipping", ""))
    return cells.kind_from_words(words, Product.Kind.PHYSICAL if ships else Product.Kind.DOWNLOAD)


def _compare_with_first_row(entry, product, values):
    handle = cells.code(values.get("handle", product.handle))
    if handle != product.handle:
        entry.refuse("Handle", f"{handle!r} differs from {product.handle!r} in row {product.row} only in spelling")
    title = " ".join(values.get("title", "").split())
    if title and title != product.fields.get("title", title):
        entry.flag("Title", f"differs from the title in row {product.row}, which counts for this handle")


def _read_picture(entry, product, values):
    """The variant's own picture; else the product's first one."""
    own = values.get("variant image", "").strip()
    for source in (own, values.get("image src", "").strip(), product.values.get("image src", "").strip()):
        if source:
            try:
                entry.fields["image"] = cells.image(source)
            except ValueError as error:
                entry.refuse("Image Src", str(error))
            break
    alt = values.get("image alt text", "") or product.values.get("image alt text", "")
    if alt.strip() and not own:
        entry.fields["image_alt"] = cells.shortened(" ".join(alt.split()), 300)


def _sells_on(values):
    policy = values.get("variant inventory policy", "")
    return policy.strip().lower() == "continue" or cells.says_yes(policy)


def _read_stock(entry, values):
    """Without a tracker Shopify counts nothing; with the policy "continue" it sells on when none is left."""
    if "variant inventory qty" not in values:
        return
    untracked = "variant inventory tracker" in values and not values["variant inventory tracker"].strip()
    if untracked or _sells_on(values):
        entry.fields["stock"] = None
        return
    counted = values["variant inventory qty"].strip()
    if counted:
        entry.fields["stock"] = available(entry, "Variant Inventory Qty", counted)
    elif "variant inventory tracker" in values:
        # Shops of several places: their counts are in another file.
        entry.flag("Variant Inventory Qty", "is empty, though the shop counts; say in the shop how many are left")
    else:
        entry.fields["stock"] = None


FORMAT = ShopifyFormat(
    key="shopify-products",
    title="Shopify products",
    requires=("Title", "Variant Price"),
    columns=_OF_THE_PRODUCT,
    identity=lambda values: values.get("variant sku", ""),
    identity_column="Variant SKU",
    prices=Prices("Variant Price", "Variant Compare At Price"),
)
