"""How each channel wants a list of products: its columns, its limits, its way of writing prices and tags.

Sources: help.shopify.com "Using CSV files to import and export products"; woocommerce.com "Product CSV Importer
and Exporter"; help.etsy.com on titles (140), tags (13 of at most 20 characters) and quantities (1 to 999);
support.google.com/merchants "Product data specification" (title 150, description 5000). Gumroad and Etsy import no
CSV themselves: theirs are the layouts of the tools that sellers upload with.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape

from django.utils.html import strip_tags

from earnings import money


@dataclass(frozen=True)
class Limits:
    """Characters of a title and a text, number of tags, characters of a tag; None = none."""

    title: int
    text: int | None = None
    tags: int | None = None
    tag: int | None = None


@dataclass(frozen=True)
class Channel:
    """`rows(items)` gives the cells of the file, in the order of `header`.

    `sku`, `price` and `sale` say in which columns a self-check finds an item again; with a `sale` column the price
    before stands under `price`. `groups_variants`: one listing holds all variants, so titles name no option.
    `disarms`: the importer takes the apostrophe off again that disarms a formula; elsewhere it would end up in a
    title. `how` tells the client what to do with the file.
    """

    key: str
    title: str
    file: str
    header: tuple[str, ...]
    rows: Callable
    limits: Limits
    sku: str
    price: str
    how: str
    sale: str = ""
    delimiter: str = ","
    price_with_currency: bool = False
    groups_variants: bool = False
    disarms: bool = False


def disarmed(cell):
    """As WooCommerce's own exporter writes a cell that would be a formula."""
    text = str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def armed(text):
    """What WooCommerce's importer makes of such a cell."""
    return text[1:] if text[:2] in ("'=", "'+", "'-", "'@") else text


@dataclass
class Item:
    """One product or variant of the client, as one channel may show it."""

    sku: str
    family: str
    title: str
    option: str
    html: str
    text: str
    category: str
    vendor: str
    tags: list[str]
    price: str
    before: str
    currency: str
    stock: int | None
    image: str
    image_alt: str
    link: str
    is_digital: bool
    is_published: bool


def item_of(entry):
    """The item of a catalog entry, before any channel's limits. Prices are plain text in the entry's currency."""
    fields, currency = entry.fields, entry.fields["currency"]
    html = fields.get("description") or ""
    before = fields.get("compare_at_minor")
    return Item(
        sku=entry.sku,
        family=fields.get("family") or entry.sku,
        title=fields["title"],
        option=fields.get("option", ""),
        html=html,
        text=plain(html),
        category=fields.get("category", ""),
        vendor=fields.get("vendor", ""),
        tags=list(fields.get("tags") or []),
        price=money.amount_text(fields["price_minor"], currency),
        before="" if before is None else money.amount_text(before, currency),
        currency=currency,
        stock=fields.get("stock"),
        image=fields.get("image", ""),
        image_alt=fields.get("image_alt", ""),
        link=fields.get("external_url", ""),
        is_digital=(fields.get("kind") or entry.defaults.get("kind") or "download") != "physical",
        is_published=entry.wants_listing,
    )


def cut(text, limit):
    """At most `limit` characters, cut between words; a single longer word is cut inside."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    head = text[: limit + 1].rsplit(" ", 1)[0] if " " in text[: limit + 1] else text[:limit]
    return head[:limit].rstrip(" ,;:.-–—|/")


def plain(html):
    """The text of a description: block elements end lines, nothing else is left of the markup."""
    for tag in ("</p>", "</li>", "</h2>", "</h3>", "</tr>", "<br>", "<br/>", "<br />"):
        html = html.replace(tag, f"{tag}\n")
    lines = (" ".join(line.split()) for line in unescape(strip_tags(html)).splitlines())
    return "\n".join(line for line in lines if line)


def _families(items):
    """Items by family, in the order of each first item: variants stand together, each with its own option."""
    families = {}
    for item in items:
        families.setdefault(item.family, []).append(item)
    for variants in families.values():
        options = [item.option for item in variants]
        if len(variants) > 1 and (len(set(options)) < len(options) or not all(options)):
            variants[:] = [replace(item, option=f"{item.option} {item.sku}".strip()) for item in variants]
    return families


# --- Shopify -------------------------------------------------------------------------------------------------

_SHOPIFY = (
    *("Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", "Option1 Name", "Option1 Value"),
    *("Variant SKU", "Variant Inventory Tracker", "Variant Inventory Qty", "Variant Inventory Policy"),
    *("Variant Fulfillment Service", "Variant Price", "Variant Compare At Price", "Variant Requires Shipping"),
    *("Variant Taxable", "Image Src", "Image Alt Text", "SEO Description", "Status"),
)


def _shopify(items):
    for handle, variants in _families(items).items():
        for place, item in enumerate(variants):
            first, tracked = place == 0, item.stock is not None
            yield (
                *(handle, item.title if first else "", item.html if first else "", item.vendor if first else ""),
                *(item.category if first else "", ", ".join(item.tags) if first else ""),
                *(_word(item.is_published) if first else "", "Option" if item.option else "Title"),
                *(item.option or "Default Title", item.sku, "shopify" if tracked else ""),
                *(item.stock if tracked else "", "deny", "manual", item.price, item.before),
                *(_word(not item.is_digital), "TRUE", item.image, item.image_alt if item.image else ""),
                *(cut(item.text, 320) if first else "",),
                ("active" if item.is_published else "draft") if first else "",
            )


def _word(yes):
    return "TRUE" if yes else "FALSE"


# --- WooCommerce ---------------------------------------------------------------------------------------------

_WOOCOMMERCE = (
    *("ID", "Type", "SKU", "Name", "Published", "Is featured?", "Visibility in catalog", "Short description"),
    *(
        "Description",
        "In stock?",
        "Stock",
        "Sale price",
        "Regular price",
        "Categories",
        "Tags",
        "Images",
        "Parent",
    ),
    *("Attribute 1 name", "Attribute 1 value(s)", "Attribute 1 visible", "Attribute 1 global"),
)


def _woocommerce(items):
    for family, variants in _families(items).items():
        if len(variants) == 1:
            yield _woocommerce_row(variants[0], "simple", parent="", option=variants[0].option)
            continue
        head = variants[0]
        parent = f"{family}-all"
        options = ", ".join(item.option.replace(",", "\\,") for item in variants)
        yield (
            *("", "variable", parent, head.title, int(head.is_published), 0, "visible", _first_line(head)),
            *(head.html, 1, "", "", "", head.category, ", ".join(head.tags), head.image, ""),
            *("Option", options, 1, 0),
        )
        for item in variants:
            yield _woocommerce_row(item, "variation", parent=parent, option=item.option)


def _woocommerce_row(item, kind, *, parent, option):
    types = f"{kind}, downloadable, virtual" if item.is_digital else kind
    in_stock = int(item.stock is None or item.stock > 0)
    alone = kind == "simple"
    return (
        *(
            "",
            types,
            item.sku,
            item.title,
            int(item.is_published),
            0,
            "visible",
            _first_line(item) if alone else "",
        ),
        *(item.html if alone else "", in_stock, "" if item.stock is None else item.stock),
        *(item.price if item.before else "", item.before or item.price),
        *(item.category if alone else "", ", ".join(item.tags) if alone else "", item.image, parent),
        *(("Option", option, 1, 0) if option else ("", "", "", "")),
    )


def _first_line(item):
    return item.text.split("\n", 1)[0]


# --- Etsy, Gumroad, Google -----------------------------------------------------------------------------------

_ETSY = ("TITLE", "DESCRIPTION", "PRICE", "CURRENCY_CODE", "QUANTITY", "TAGS", "MATERIALS", "IMAGE1", "SKU")


def _etsy(items):
    for item in items:
        left = 999 if item.stock is None else min(item.stock, 999)
        materials = "Digital download" if item.is_digital else ""
        tags = ",".join(tag.replace(" ", "_") for tag in item.tags)
        yield (item.title, item.text, item.price, item.currency, left, tags, materials, item.image, item.sku)


_GUMROAD = ("Name", "Description", "Price", "Currency", "Tags", "Cover Image", "Product Type", "Custom ID")


def _gumroad(items):
    for item in items:
        kind = "digital" if item.is_digital else "physical"
        yield (item.title, item.text, item.price, item.currency, ", ".join(item.tags), item.image, kind, item.sku)


_GOOGLE = (
    *("id", "title", "description", "link", "image_link", "availability", "price", "sale_price", "brand"),
    *("condition", "identifier_exists", "item_group_id", "product_type"),
)


def _google(items):
    families = _families(items)
    for item in items:
        stock = "out_of_stock" if item.stock == 0 else "in_stock"
        group = item.family if len(families[item.family]) > 1 else ""
        price, sale = (item.before, item.price) if item.before else (item.price, "")
        money_of = [f"{text} {item.currency}" if text else "" for text in (price, sale)]
        # A tab-separated file has no quotes: a line break in a cell would end the row.
        cells = (item.sku, item.title, item.text, item.link, item.image, stock, *money_of, item.vendor)
        yield tuple(" ".join(str(c).split()) for c in (*cells, "new", "no", group, item.category))


CHANNELS = {
    channel.key: channel
    for channel in (
        Channel(
            "shopify",
            "Shopify",
            "shopify_products.csv",
            _SHOPIFY,
            _shopify,
            Limits(255, tags=250, tag=255),
            "Variant SKU",
            "Variant Price",
            "Products > Import, then choose the file.",
            groups_variants=True,
        ),
        Channel(
            "etsy",
            "Etsy",
            "etsy_listings.csv",
            _ETSY,
            _etsy,
            Limits(140, tags=13, tag=20),
            "SKU",
            "PRICE",
            "Give it to your listing tool; Etsy itself takes no CSV. A line is one listing.",
        ),
        Channel(
            "woocommerce",
            "WooCommerce",
            "woocommerce_products.csv",
            _WOOCOMMERCE,
            _woocommerce,
            Limits(200),
            "SKU",
            "Regular price",
            "Products > Import, columns are matched by their names.",
            sale="Sale price",
            groups_variants=True,
            disarms=True,
        ),
        Channel(
            "google",
            "Google Merchant Center",
            "google_merchant.tsv",
            _GOOGLE,
            _google,
            Limits(150, 5000),
            "id",
            "price",
            "Products > Add products > From a file.",
            sale="sale_price",
            delimiter="\t",
            price_with_currency=True,
        ),
        Channel(
            "gumroad",
            "Gumroad",
            "gumroad_products.csv",
            _GUMROAD,
            _gumroad,
            Limits(255, tags=5, tag=20),
            "Custom ID",
            "Price",
            "Give it to your upload tool; Gumroad itself takes no CSV.",
        ),
    )
}
