"""ikas (Turkey): the shop's product export, one row a variant, columns named in Turkish.

Rows of one `Ürün Grup ID` are the variants of one product. Identity: the SKU; without one, `ikas-` and the number
in `Varyant ID`. Stock is counted by warehouse, a column each (`Stok:Ana Depo`). No column names a currency: it is
the lira for all shops that we saw. Source: files that ikas's sellers and programs wrote and read.
"""

from storefront.catalog import cells
from storefront.catalog.entries import Entry
from storefront.catalog.formats import (
    Column,
    Format,
    Prices,
    decimal_mark,
    finish,
    named_cells,
    note,
    read_columns,
    read_places,
    read_prices,
    without_doubles,
)
from storefront.models import Product

_GROUP, _VARIANT = "ürün grup id", "varyant id"
_TITLE, _PRICE, _SALE = "İsim", "Satış Fiyatı", "İndirimli Fiyatı"
_CURRENCY = "TRY"
# What a variant leaves out is its product's first row's.
_OF_THE_PRODUCT = (
    Column(_TITLE, "title", cells.line(255), required=True),
    Column("Açıklama", "description", cells.html),
    Column("Marka", "vendor", cells.line(120)),
    Column("Etiketler", "tags", cells.tags),
)
_SHARED = (*(column.key for column in _OF_THE_PRODUCT), "metadata açıklama", "kategoriler", "resim url", "tip")


class IkasFormat(Format):
    def entries(self, sheet):
        note(sheet, f"The file names no currency: where nobody says another, its prices are {_CURRENCY}.")
        yield from without_doubles(self._variants(sheet), self.identity_column)

    def _variants(self, sheet):
        mark, firsts = decimal_mark(sheet, self.price_columns), {}
        for row, values in named_cells(sheet):
            if not row.problem and _says_yes(values, "silindi mi?"):
                note(sheet, "Rows that are marked as deleted (Silindi mi?) were left out.")
                continue
            yield self._variant(row, values, firsts, mark)

    def _variant(self, row, values, firsts, mark):
        entry = Entry(row.number, self.identity(values), {})
        if row.problem:
            entry.refuse("", row.problem)
            return entry
        if not entry.sku:
            entry.refuse("SKU", "is empty, and so is the Varyant ID")
        elif len(entry.sku) > 120:
            entry.refuse("SKU", "has more than 120 characters")
        entry.fields["sku"] = entry.sku
        group = cells.code(values[_GROUP])
        first = (
            firsts.setdefault(group, {name: values[name] for name in _SHARED if name in values}) if group else {}
        )
        whole = values | {name: values[name] if values[name].strip() else said for name, said in first.items()}
        _describe(entry, whole, group)
        _price(entry, values, mark)
        _read_stock(entry, values)
        finish(entry)
        return entry


def _says_yes(values, name):
    cell = values.get(name.casefold(), "")
    return cells.says_yes(cell) or cell.strip().casefold() == "aktif"


def _identity(values):
    number = cells.code(values.get(_VARIANT, ""))
    return cells.code(values.get("sku", "")) or (f"ikas-{number}" if number else "")


def _describe(entry, values, group):
    if group:
        entry.fields["family"] = cells.family_of(f"ikas-{group}")
    options = [" ".join(values.get(f"varyant değer {n}", "").split()) for n in (1, 2, 3)]
    entry.fields["option"] = " / ".join(filter(None, options))
    if len(entry.fields["option"]) > 120:
        entry.refuse("Varyant Değer 1", "has more than 120 characters together with the other options")
    read_columns(entry, _OF_THE_PRODUCT, values)
    text = " ".join(values.get("metadata açıklama", "").split())
    if text:
        entry.fields["summary"] = cells.shortened(text, 300)
    if "kategoriler" in values:
        path = values["kategoriler"].split(";")[0].rsplit(">", 1)[-1]
        entry.fields["category"] = cells.shortened(" ".join(path.split()), 80)
    try:
        entry.fields["image"] = cells.image(values.get("resim url", "").split(";")[0])
    except ValueError as error:
        entry.refuse("Resim URL", str(error))
    kind = values.get("tip", "").replace("İ", "i").casefold()
    digital = kind.startswith("dij")
    entry.defaults["kind"] = (
        Product.Kind.DOWNLOAD if digital else cells.kind_from_words(kind, Product.Kind.PHYSICAL)
    )
    channels = [cell.strip().upper() for name, cell in values.items() if name.startswith("satış kanalı:")]
    active = not values.get("varyant aktiflik", "").strip() or _says_yes(values, "varyant aktiflik")
    entry.wants_listing = active and (not channels or "VISIBLE" in channels)


def _price(entry, values, mark):
    """The reduced price with the usual one struck through, if it is below; else the usual one."""
    usual = Prices(_PRICE, fallback=_CURRENCY)
    reduced = values.get(_SALE.casefold(), "").strip()
    if not set(reduced) - set("0.,"):  # 0 where nothing was said
        read_prices(entry, usual, values, mark)
        entry.fields["compare_at_minor"] = None
        return
    flags = list(entry.flags)
    read_prices(entry, Prices(_SALE, _PRICE, fallback=_CURRENCY), values, mark)
    if entry.flags != flags:
        entry.flags = flags
        entry.flag(_SALE, "is not below the usual price, which was taken")
        read_prices(entry, usual, values, mark)


def _read_stock(entry, values):
    if _says_yes(values, "stoğu tükenince satmaya devam et"):
        entry.fields["stock"] = None
    else:
        read_places(entry, values, "stok:")


FORMAT = IkasFormat(
    key="ikas-products",
    title="ikas products",
    requires=("Ürün Grup ID", _TITLE, _PRICE),
    columns=_OF_THE_PRODUCT,
    identity=_identity,
    identity_column="SKU",
    prices=Prices(_PRICE, _SALE, fallback=_CURRENCY),
)
