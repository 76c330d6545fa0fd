"""A client's list as upload files for several channels. No text is invented: all of it comes from the list."""

import csv
import dataclasses
import io
import re

from django.conf import settings
from django.template.loader import render_to_string

from agency.recipes import Made, Recipe, register
from agency.workflows import NewArtifact
from earnings import money
from earnings.refusals import Refusal
from earnings.sheets import write_sheet
from storefront import catalog
from storefront.recipes import client_catalog
from storefront.recipes.channels import CHANNELS, armed, cut, disarmed, item_of

MOST_PRODUCTS = {"basic": 50, "standard": 200, "premium": 1_000}
MOST_CHANNELS = {"basic": 1, "standard": 3, "premium": len(CHANNELS)}


@register
class ListingPack(Recipe):
    key = "listing_pack"
    title = "Marketplace listing pack"
    requirements = (
        *client_catalog.REQUIREMENTS,
        {
            "name": "channels",
            "label": "The channels you sell on, the most important one first",
            "required": False,
            "help": f"Of {', '.join(CHANNELS)}; without it, in this order, as many as the package has.",
        },
    )

    def problems(self, brief):
        try:
            _wanted(brief)
        except Refusal as refusal:
            return refusal.errors + client_catalog.problems(brief)
        found = client_catalog.problems(brief)
        if not found and not client_catalog.currency_is_known(brief):
            detail = "Your file does not say its currency; write it, e.g. EUR."
            return [{"pointer": "/brief/currency", "detail": detail}]
        return found

    def make(self, brief, *, tier, work, write):
        channels = _wanted(brief)[: MOST_CHANNELS[tier]]
        opened = client_catalog.open_catalog(brief)
        items = _items(opened, MOST_PRODUCTS[tier])
        files, notes, found = [], [], []
        for number, channel in enumerate(channels):
            work.progress(number, len(channels), f"Writing for {channel.title}")
            fitted = [_fitted(item, channel, notes) for item in items]
            content = _written(channel, fitted)
            found.append(check(channel, fitted, content))
            kind = "text/tab-separated-values" if channel.delimiter == "\t" else "text/csv"
            files.append(NewArtifact("listing_file", channel.file, f"{kind}; charset=utf-8", content))
        files += _papers(opened, items, channels, notes)
        work.progress(len(channels), len(channels), "All files were read back")
        facts = {
            "rows": len(items),
            "rows_covered": min(found),
            "channels": [channel.key for channel in channels],
            "changes": len(notes),
        }
        return Made(files, facts)


def _written(channel, items):
    rows = channel.rows(items)
    if channel.disarms:
        rows = ([disarmed(cell) for cell in row] for row in rows)
    return write_sheet(channel.header, rows, delimiter=channel.delimiter, for_people=False)


def _wanted(brief):
    """The channels in the client's order, the others after them. Refusal (422) for one that we don't know."""
    named = brief.get("channels") or []
    if isinstance(named, str):
        named = re.split(r"[,;\n]", named)
    if not isinstance(named, list):
        raise Refusal.of_field("/brief/channels", "The channels are a list of names.")
    keys = [str(name).strip().lower() for name in named if str(name).strip()]
    unknown = [key for key in keys if key not in CHANNELS]
    if unknown:
        detail = f"{', '.join(unknown)}: not a channel that we write for. Known: {', '.join(CHANNELS)}."
        raise Refusal.of_field("/brief/channels", detail)
    return [CHANNELS[key] for key in dict.fromkeys(keys or CHANNELS)]


def _items(opened, most):
    """Every product of the list. Refusal (422) when a row can't be read for certain: nothing is guessed."""
    if opened.reading.target != "products":
        raise Refusal.of_field(client_catalog.POINTER, f"{opened.name} lists services, not products.")
    refused = [
        f"row {entry.row}, {problem['column'] or 'whole row'}: {problem['detail']}"
        for entry in opened.reading.refused
        for problem in entry.problems
    ]
    if refused:
        more = f" and {len(refused) - 20} more" if len(refused) > 20 else ""
        detail = f"{len(refused)} cells of {opened.name} can't be read: {'; '.join(refused[:20])}{more}."
        raise Refusal.of_field(client_catalog.POINTER, detail)
    if len(opened.reading.rows) > most:
        detail = f"{opened.name} has {len(opened.reading.rows):,} products; this package covers {most:,}."
        raise Refusal.of_field(client_catalog.POINTER, detail)
    return [item_of(entry) for entry in opened.reading.rows]


def _fitted(item, channel, notes):
    """The item within the channel's limits; every cut is noted as (channel, SKU, what, before, after)."""
    limits = channel.limits
    full = item.title if channel.groups_variants or not item.option else f"{item.title} ({item.option})"
    title, text = cut(full, limits.title), item.text
    if title != " ".join(full.split()):
        notes.append((channel.title, item.sku, "title cut", full, title))
    if limits.text and len(text) > limits.text:
        text = cut(text, limits.text)
        notes.append((channel.title, item.sku, "description cut", f"{len(item.text)} characters", len(text)))
    tags = [cut(tag, limits.tag) if limits.tag else tag for tag in item.tags]
    tags = list(dict.fromkeys(tag for tag in tags if tag))[: limits.tags]
    if tags != item.tags:
        notes.append((channel.title, item.sku, "tags limited", ", ".join(item.tags), ", ".join(tags)))
    return dataclasses.replace(item, title=title, text=text, tags=tags)


# --- The files are read back -------------------------------------------------------------------------------


def check(channel, items, content):
    """How many of the items stand in the file, each once and with its price, found by reading the file back.

    RuntimeError when one does not: then the pack must not reach the client.
    """
    reader = csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=channel.delimiter, strict=True)
    rows = {}
    for row in reader:
        if None in row or None in row.values() or row[channel.sku] in rows:
            raise RuntimeError(f"{channel.file}: the row of {row[channel.sku]!r} is broken or there twice")
        row = {name: armed(cell) for name, cell in row.items()} if channel.disarms else row
        rows[row[channel.sku]] = row
    for item in items:
        row = rows.get(item.sku)
        if row is None:
            raise RuntimeError(f"{channel.file}: {item.sku!r} is missing")
        if _stated(channel, row) != _expected(channel, item):
            raise RuntimeError(f"{channel.file}: the price of {item.sku!r} is {_stated(channel, row)}")
    if channel.key == "shopify":
        _check_by_import(items, content)
    return sum(item.sku in rows for item in items)


def _stated(channel, row):
    return tuple(row[column] for column in (channel.price, channel.sale) if column)


def _expected(channel, item):
    suffix = f" {item.currency}" if channel.price_with_currency else ""
    if not channel.sale:
        return (item.price,)
    return (f"{item.before}{suffix}", f"{item.price}{suffix}") if item.before else (f"{item.price}{suffix}", "")


def _check_by_import(items, content):
    """The Shopify file once more, by the reader that imports such files into our own shop."""
    entries = {entry.sku: entry for entry in catalog.read(content, format="shopify-products").rows}
    titles = {}
    for item in items:
        entry, title = entries.get(item.sku), titles.setdefault(item.family, item.title)
        if entry is None or entry.fields.get("title") != title or entry.fields.get("stock") != item.stock:
            raise RuntimeError(f"an import of the Shopify file reads {item.sku!r} differently")
        # The layout has no currency: the reader takes the store's, and decimals count only where they agree.
        if money.exponent(item.currency) == money.exponent(settings.STORE_CURRENCY):
            expected = money.to_minor(item.price, item.currency)
            if entry.problems or entry.fields["price_minor"] != expected:
                raise RuntimeError(f"an import of the Shopify file reads another price of {item.sku!r}")


# --- What goes with the files ------------------------------------------------------------------------------


def _papers(opened, items, channels, notes):
    context = {"name": opened.name, "count": len(items), "channels": channels, "notes": notes}
    context["currencies"] = ", ".join(sorted({item.currency for item in items}))
    context["without_link"] = sum(not item.link for item in items)
    readme = render_to_string("storefront/reports/listing_pack.txt", context)
    header = ("Channel", "SKU", "What", "Before", "After")
    return [
        NewArtifact("listing_notes", "notes.csv", "text/csv; charset=utf-8", write_sheet(header, notes)),
        NewArtifact("listing_readme", "README.txt", "text/plain; charset=utf-8", readme.encode()),
    ]
