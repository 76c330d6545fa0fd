"""BigCommerce's product export by its template "Bulk Edit": a row of Item Type `Product`, then its `SKU`s and
`Rule`s.

A product with SKU rows is sold by these: each is a variant, whose `Product Name` holds its options as
`[RB]Size=Large,[CS]Color=Red:#ff0000` (the letters say how a page shows the choice). What an option costs more
stands in rules: `[ADD]5` for the SKU or the options that the rule names, `[REMOVE]` and `[FIXED]` likewise.
Identity: the SKU; without one, `bc-` and the product's number. Source: support.bigcommerce.com, "Importing and
Exporting Products (v2)" and "Importing Product Options", and files that sellers wrote for it.
"""

import re
from dataclasses import dataclass, field

from storefront.catalog import cells
from storefront.catalog.entries import Entry
from storefront.catalog.formats import (
    Column,
    Format,
    Prices,
    available,
    decimal_mark,
    finish,
    named_cells,
    read_columns,
    read_price,
    read_prices,
    without_doubles,
)
from storefront.models import Product

SKU, NAME, PRICE = "product code/sku", "product name", "price"
_OPTION = re.compile(r"\[([A-Z]{1,3})\]")  # begins an option of a name
_CHANGE = re.compile(r"\[(ADD|REMOVE|FIXED)\]\s*(.*)", re.DOTALL)
_SWATCH = re.compile(r":(?:https?://.*|[^:]*)$")

_OF_THE_PRODUCT = (
    Column("Product Name", "title", cells.line(255), required=True),
    Column("Product Description", "description", cells.html),
    Column("Brand Name", "vendor", cells.line(120)),
    Column("Search Keywords", "tags", cells.tags),
)


@dataclass
class _Group:
    """A product's row and the rows below it."""

    row: object = None
    values: dict = field(default_factory=dict)
    skus: list = field(default_factory=list)
    rules: list = field(default_factory=list)
    pictures: list = field(default_factory=list)


class BigCommerceFormat(Format):
    below = {"sku": "skus", "rule": "rules"}  # what stands below a product -> where its group keeps it

    def entries(self, sheet):
        yield from without_doubles(self._products(sheet), self.identity_column)

    def groups(self, sheet):
        """The products of a file with their rows; a row that can't be read is an entry by itself."""
        group = None
        for row, values in named_cells(sheet):
            kind = values["item type"].strip().casefold()
            if row.problem or kind not in ("product", *self.below) or (group is None and kind != "product"):
                yield self._unreadable(row, values, kind)
            elif kind == "product":
                if group:
                    yield group
                group = _Group(row, values)
            else:
                getattr(group, self.below[kind]).append((row, values))
        if group:
            yield group

    def _unreadable(self, row, values, kind):
        entry = _begun(row, _identity(values))
        if row.problem:
            entry.refuse("", row.problem)
        elif kind in self.below:
            entry.refuse("Item Type", "stands below no product")
        else:
            known = ", ".join(["Product", *({"sku": "SKU"}.get(name, name.title()) for name in self.below)])
            entry.refuse("Item Type", f"{values['item type'].strip()!r} is not one of {known}")
        return entry

    def _products(self, sheet):
        mark = decimal_mark(sheet, self.price_columns)
        for group in self.groups(sheet):
            if isinstance(group, Entry):
                yield group
            elif not group.skus:
                yield self._entry(group, group.row, group.values, mark)
            else:
                for row, values in group.skus:
                    yield self._variant(group, row, values, mark)

    def _entry(self, group, row, values, mark):
        entry = _begun(row, _identity(values))
        if not entry.sku:
            entry.refuse("Product Code/SKU", "is empty, and so is the Product ID")
        _describe(entry, group.values)
        self._price(entry, group.values, mark)
        _read_stock(entry, group.values, group.values)
        if values.get("variants", "").strip():
            entry.flag("Variants", "names options that the file has no rows of; this is one product")
        finish(entry)
        return entry

    def _variant(self, group, row, values, mark):
        entry = _begun(row, cells.code(values[SKU]))
        options = self.options(values)
        if not entry.sku:
            entry.refuse("Product Code/SKU", "is empty")
        if not options:
            entry.refuse(*self.no_option)
        _describe(entry, group.values)
        option = " / ".join(value for _, found in options for value in found)
        if len(option) > 120:
            entry.refuse("Product Name", "has options of more than 120 characters")
        # A product whose variants alone have SKUs is called after the first of them: no other product has it.
        name = _identity(group.values) or group.skus[0][1][SKU]
        entry.fields["option"], entry.fields["family"] = option, cells.family_of(name) or "product"
        self._price(entry, self.own_prices(group, values) or group.values, mark)
        for rule_row, rule in group.rules:
            if not entry.problems and _applies(rule, entry.sku, options):
                self._change(entry, rule_row, rule, mark)
        _read_stock(entry, group.values, values)
        finish(entry)
        return entry

    no_option = ("Product Name", "names no option, such as [RB]Size=Large")

    def options(self, values):
        """[(option, values)] of a variant's row."""
        return _options(values[NAME])

    def own_prices(self, group, values):
        """The cells that say a variant's price, None where its product says all."""
        # Exports write 0.00 where nothing was said. What a page strikes through is the product's alone.
        return {PRICE: values[PRICE]} if set(values[PRICE].strip()) - set("0.,") else None

    def _price(self, entry, values, mark):
        """The price with the recommended one struck through; of a sale, its price with the usual one."""
        sale = values.get("sale price", "").strip()
        on_sale = bool(set(sale) - set("0.,"))
        prices = Prices("Sale Price", "Price") if on_sale else Prices("Price", "Retail Price")
        read_prices(entry, prices, values, mark)
        entry.fields.setdefault("compare_at_minor", None)

    def _change(self, entry, row, rule, mark):
        """What a rule makes of a variant's price."""
        said = _CHANGE.fullmatch(rule[PRICE].strip())
        if not said:
            entry.refuse(
                "Price", f"depends on row {row.number}, whose {rule[PRICE].strip()!r} we do not understand"
            )
            return
        kind, cell = said.groups()
        of_the_rule = Entry(row.number, "", {})
        currency = entry.fields["currency"]
        amount = read_price(of_the_rule, "Price", {PRICE: cell}, currency=currency, prices=self.prices, mark=mark)
        if amount is None:
            entry.refuse("Price", f"depends on row {row.number}: {of_the_rule.problems[0]['detail']}")
            return
        by = {"ADD": amount.minor, "REMOVE": -amount.minor}.get(kind)
        for name in ("price_minor", "compare_at_minor"):
            if by is not None and entry.fields.get(name) is not None:
                entry.fields[name] += by
        if by is None:
            entry.fields |= {"price_minor": amount.minor, "compare_at_minor": None}
        if entry.fields["price_minor"] < 0:
            entry.refuse("Price", f"would be negative by row {row.number}")


def _begun(row, sku):
    entry = Entry(row.number, sku, {"sku": sku})
    if len(sku) > 120:
        entry.refuse("Product Code/SKU", "has more than 120 characters")
    return entry


def _identity(values):
    sku, number = cells.code(values[SKU]), values.get("product id", "").strip()
    return sku or (f"bc-{number}" if number else "")


def _options(name):
    """[(option, values)] of a bracketed name: "[RB]Size=9,Size=10,[CS]Color=Red:#f00" has two sizes, one color."""
    parts, found = _OPTION.split(name)[1:], []
    for kind, part in zip(parts[::2], parts[1::2], strict=True):
        option, _, rest = part.strip().rstrip(",").partition("=")
        values = [value.strip() for value in rest.split(f",{option}=")]
        if kind == "CS":  # a swatch has its color or picture behind its name
            values = [_SWATCH.sub("", value) for value in values]
        if option.strip() and any(values):
            found.append((option.strip(), values))
    return found


def _applies(rule, sku, options):
    """Whether a rule with a price means this variant: by its SKU, else by all options that it names."""
    if not rule[PRICE].strip():
        return False
    named = cells.code(rule[SKU])
    if named:
        return cells.identity(named) == cells.identity(sku)
    wanted, has = _options(rule[NAME]), dict(options)
    return bool(wanted) and all(set(values) & set(has.get(option, ())) for option, values in wanted)


def _describe(entry, values):
    """What the product's row says about it and its variants."""
    read_columns(entry, _OF_THE_PRODUCT, values)
    text = " ".join(values.get("meta description", "").split())
    if text:
        entry.fields["summary"] = cells.shortened(text, 300)
    if "category" in values:
        path = values["category"].split(";")[0].replace("\\/", "\0").strip().strip("/")
        entry.fields["category"] = cells.shortened(path.rsplit("/", 1)[-1].replace("\0", "/").strip(), 80)
    digital = values.get("product type", "").strip().casefold() in ("d", "digital")
    entry.defaults["kind"] = Product.Kind.DOWNLOAD if digital else Product.Kind.PHYSICAL
    picture = values.get("product image url - 1", "").strip() or values.get("product image file - 1", "").strip()
    try:
        entry.fields["image"] = cells.image(picture) if picture.startswith("http") else cells.link(picture)
    except ValueError:
        entry.flag(
            "Product Image File - 1", f"{picture[:60]!r} is a file of the old shop; give the product a picture"
        )
    said = [values.get(name, "Y").strip().casefold() for name in ("product visible?", "allow purchases?")]
    entry.wants_listing = "n" not in said


def _read_stock(entry, of_the_product, of_the_row):
    """Counted for the product, for each of its SKUs, or not at all."""
    tracked = of_the_product.get("track inventory", "").strip().casefold()
    if not tracked:
        return
    if tracked in ("n", "none"):
        entry.fields["stock"] = None
        return
    by_option = tracked == "by option"
    values = of_the_row if by_option else of_the_product
    name = "Current Stock Level" if "current stock level" in values else "Stock Level"
    if not by_option and of_the_row is not of_the_product:
        entry.flag(name, "is counted for all variants together; each of them got the whole of it")
    entry.fields["stock"] = available(entry, name, values.get(name.casefold(), "").strip() or "0")


FORMAT = BigCommerceFormat(
    key="bigcommerce-products",
    title="BigCommerce products",
    requires=("Item Type", "Product Name", "Product Code/SKU", "Price"),
    columns=_OF_THE_PRODUCT,
    identity=_identity,
    identity_column="Product Code/SKU",
    prices=Prices("Price", "Retail Price"),
)
