"""BigCommerce's newer product export: a row of Item `Product`, then its `Variant`s, `Image`s and `Video`s.

It means what the older one means, by other names. A variant's options stand in one cell, without anything between
two of them: `Type=Swatch|Name=Color|Value=Red[#FF0000]Type=Rectangle|Name=Size|Value=Small`. Prices that a variant
leaves out are its product's; one with a price of its own takes no part in the product's sale. Identity: the SKU;
without one, `bc-` and the product's number, for variants `bc-v-` and their own. Source: support.bigcommerce.com,
"Supported Product Fields" and "Complex Attributes" of the modern import, and files that programs wrote for it.
"""

import re

from storefront.catalog import cells
from storefront.catalog.bigcommerce import SKU, BigCommerceFormat
from storefront.catalog.formats import Prices, Renamed

_BEFORE = {
    "item": "Item Type",
    "id": "Product ID",
    "name": "Product Name",
    "type": "Product Type",
    "sku": "Product Code/SKU",
    "inventory tracking": "Track Inventory",
    "current stock": "Current Stock Level",
    "categories": "Category",
    "description": "Product Description",
    "is visible": "Product Visible?",
}
_TRACKED = {"variant": "by option", "product": "by product"}
_OPTION = re.compile(
    r"Type=(?P<type>[^|]*)\|Name=(?P<name>.*?)\|Value=(?P<value>.*?)(?=Type=[^|=]*\|Name=|$)", re.DOTALL
)
_SWATCH = re.compile(r"\[(?:#|https?:)[^\]]*\]\s*$")
_PICTURES = ("image url (import)", "internal image url (export)")


class ModernFormat(BigCommerceFormat):
    no_option = ("Options", "names no option, such as Type=Rectangle|Name=Size|Value=Large")
    below = {"variant": "skus", "image": "pictures", "video": "rules"}

    def entries(self, sheet):
        names = [_BEFORE.get(name.casefold(), name) for name in sheet.columns]
        called = dict(zip(names, sheet.columns, strict=True))
        for entry in super().entries(Renamed(sheet, names)):
            for remark in (*entry.problems, *entry.flags):
                remark["column"] = called.get(remark["column"], remark["column"])
            yield entry

    def groups(self, sheet):
        for group in super().groups(sheet):
            if hasattr(group, "values"):
                _complete(group)
            yield group

    def options(self, values):
        found = []
        for option in _OPTION.finditer(values["options"].strip()):
            value = option["value"].strip().rstrip("|")
            if option["type"].casefold() == "swatch":  # its color or picture stands behind its name
                value = _SWATCH.sub("", value).strip()
            if option["name"].strip() and value:
                found.append((option["name"].strip(), [value]))
        return found

    def _variant(self, group, row, values, mark):
        entry = super()._variant(group, row, values, mark)
        own = values.get("variant image url", "").strip()
        if own:
            try:
                entry.fields["image"] = cells.link(own)
            except ValueError as error:
                entry.refuse("Variant Image URL", str(error))
        return entry

    def own_prices(self, group, values):
        """The cells that say a variant's price, None where its product says all."""
        if _says(values, "price"):
            return values
        if _says(values, "sale price"):
            return values | {"price": group.values["price"]}
        return None


def _says(values, name):
    """Exports write 0 where nothing was said."""
    return bool(set(values.get(name, "").strip()) - set("0.,"))


def _complete(group):
    """Say a product and its variants in the words of the older export."""
    product = group.values
    tracked = product.get("track inventory", "").strip().casefold()
    product["track inventory"] = _TRACKED.get(tracked, tracked)
    visible = product.get("product visible?", "").strip()
    product["product visible?"] = "Y" if not visible or cells.says_yes(visible) else "N"
    if product.get("category", "").split(";")[0].strip().isdecimal():
        del product["category"]  # a number of the old shop
    shown = sorted(group.pictures, key=lambda each: not cells.says_yes(each[1].get("image is thumbnail", "")))
    addresses = [values.get(name, "").strip() for _, values in shown for name in _PICTURES]
    product["product image url - 1"] = next((each for each in addresses if each.startswith("http")), "")
    for _, values in group.skus:
        number = values.get("product id", "").strip()
        values[SKU] = cells.code(values[SKU]) or (f"bc-v-{number}" if number else "")
    group.rules = []


FORMAT = ModernFormat(
    key="bigcommerce-modern",
    title="BigCommerce products (newer export)",
    requires=("Item", "Name", "SKU", "Options", "Price"),
    columns=(),
    identity=lambda values: values[SKU],
    identity_column="Product Code/SKU",
    prices=Prices("Price", "Sale Price"),
)
