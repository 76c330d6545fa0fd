"""What can be found in a client's catalog: row by row, and across rows.

Limits of length are those of the marketplaces' own help pages: search results show about 70 characters of a title,
Shopify takes 255.
"""

import math
import re
from collections import defaultdict
from statistics import median

from django.utils.html import strip_tags

from earnings import money
from earnings.sheets import safe_cell
from storefront.findings import found
from storefront.inventory import amount
from storefront.recipes.html_faults import faults

TITLE = (10, 70)  # characters that say what it is, and that search results show
DESCRIPTION = 80  # characters below which a text convinces nobody
MANY_TAGS = 13  # Etsy's limit, the lowest of the large marketplaces
# What a buyer or a shop needs, and how the known formats call its column, also in the languages that we know.
COLUMNS = {
    "an SKU": ("variant sku", "sku", "product code/sku", "seller-sku", "artikelnummer", "bestandseinheit", "id"),
    "a description": (
        *("body (html)", "description", "product description", "item-description"),
        *("beschreibung", "descripción", "описание", "açıklama"),
    ),
    "an image": (
        *("variant image", "image src", "image", "cover image", "image1", "images", "image-url"),
        *("product image url - 1", "product image file - 1", "bilder", "bild1", "imágenes", "изображения"),
        *("variant image url", "product image url", "internal image url (export)", "resim url"),
    ),
}
FEW_PRICES = 8  # below this, no price can be called unusual
FAR = 3.5  # modified z-score, Iglewicz and Hoaglin (1993)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060\ufffd]")
_MOJIBAKE = re.compile("Ã[\x80-\xbf©¼¶¤¨]|â€[™œ\x9d“”]|Ä[±Ÿ]|Å[Ÿž]")


def findings(opened, work):
    """(findings, number of rows that were looked at). `opened` is a `ClientCatalog`."""
    rows = opened.reading.sheet.rows
    entries = defaultdict(list)
    for entry in opened.reading.rows:
        entries[entry.row].append(entry)
    found_here = [found("file_note", "", note) for note in opened.reading.sheet.notes]
    if opened.reading.target == "products":
        found_here += _absent_columns(opened.reading.sheet.header)
    covered = 0
    for number, row in enumerate(rows):
        if number % 500 == 0:
            work.progress(number, len(rows), f"Row {row.number}")
        own = entries.get(row.number, [])
        sku = own[0].sku if own else ""
        found_here += _cells(row, sku)
        for entry in own:
            found_here += _entry(opened, entry)
        covered += 1
    found_here += _across(opened.reading.rows)
    work.progress(len(rows), len(rows), "All rows were looked at")
    return found_here, covered


def _absent_columns(header):
    present = {name.casefold() for name in header}
    for what, names in COLUMNS.items():
        if not present & set(names):
            yield found(
                "column_absent",
                "",
                f"No column says {what}.",
                expected=what,
                seen=", ".join(header),
                fix="Export the file with all columns.",
            )


def _row(entry):
    return entry.sku or f"row {entry.row}"


def _cells(row, sku):
    for column, cell in row.cells.items():
        where = f"Row {row.number}, {column}"
        if not cell:
            continue
        if safe_cell(cell) != cell and not _is_harmless(cell):
            fix = "Put an apostrophe before it, or begin the text with a letter."
            yield found(
                "formula_cell", sku or f"row {row.number}", f"{where} begins a formula.", seen=cell, fix=fix
            )
        if _CONTROL.search(cell):
            fix = "Type the text again, or paste it without formatting."
            yield found(
                "hidden_characters",
                sku or f"row {row.number}",
                f"{where} holds characters that nobody sees.",
                fix=fix,
            )
        if _MOJIBAKE.search(cell):
            fix = "Export the file again as UTF-8."
            yield found(
                "broken_letters", sku or f"row {row.number}", f"{where} shows wrong letters.", seen=cell, fix=fix
            )


def _is_harmless(cell):
    """A list or a dash begins like a formula, and no spreadsheet can run it."""
    return bool(re.fullmatch(r"\s*[-+–]+\s*", cell)) or bool(re.match(r"\s*[-•]\s", cell))


def _entry(opened, entry):
    name, fields = _row(entry), entry.fields
    for problem in entry.problems:
        message = f"Row {entry.row}, {problem['column'] or 'whole row'}: {problem['detail']}"
        yield found("file_row_refused", name, message, fix=f"Correct row {entry.row}.")
    for flag in entry.flags:
        message = f"Row {entry.row}, {flag['column'] or 'whole row'}: {flag['detail']}"
        yield found("file_row_flagged", name, message, fix=f"Check row {entry.row}.")
    if "title" in fields and not _is_further_variant(opened, entry):
        yield from _title(entry, fields["title"])
    yield from _texts(opened, entry)
    yield from _images(opened, entry)
    yield from _price(entry)
    if opened.cell(entry, *COLUMNS["an SKU"]) == "":
        fix = "Give every variant an SKU, so that stock and orders can be matched."
        yield found("sku_missing", name, f"Row {entry.row} has no SKU.", fix=fix)


def _title(entry, title):
    least, most = TITLE
    where = f"Row {entry.row}: the title"
    if len(title) > most:
        cut = title[:most].rsplit(" ", 1)[0]
        yield found(
            "title_long",
            _row(entry),
            f"{where} has {len(title)} characters.",
            expected=cut,
            seen=title,
            fix=f"Keep to {most} characters, the noun first.",
        )
    elif 0 < len(title) < least:
        yield found(
            "title_short",
            _row(entry),
            f"{where} has {len(title)} characters.",
            seen=title,
            fix="Say what it is and for whom.",
        )
    letters = [letter for letter in title if letter.isalpha()]
    if len(letters) > 9 and all(letter.isupper() for letter in letters):
        yield found(
            "title_shouts",
            _row(entry),
            f"{where} is in capitals.",
            expected=title.capitalize(),
            seen=title,
            fix="Write it as in a sentence; Google refuses capitals.",
        )


def _texts(opened, entry):
    raw = opened.cell(entry, *COLUMNS["a description"])
    # A second variant of a product leaves the text to the first row.
    if raw is None or _is_further_variant(opened, entry):
        return
    plain = " ".join(strip_tags(raw).split())
    if not plain and entry.fields.get("description"):
        return  # said by the row of the whole product
    if not plain:
        yield found(
            "description_missing",
            _row(entry),
            f"Row {entry.row} has no description.",
            fix="Write what is in it, for whom, and how it is delivered.",
        )
    elif len(plain) < DESCRIPTION:
        yield found(
            "description_short",
            _row(entry),
            f"Row {entry.row}: {len(plain)} characters of description.",
            expected=f"at least {DESCRIPTION}",
            seen=plain,
            fix="Answer what a buyer would ask first.",
        )
    for fault in faults(raw):
        yield found(
            "html_fault", _row(entry), f"Row {entry.row}: {fault}.", fix="Correct the HTML of the description."
        )
    tags = entry.fields.get("tags")
    if tags == []:
        yield found("tags_missing", _row(entry), f"Row {entry.row} has no tags.", fix="Add 5 to 10 search words.")
    elif tags and len(tags) > MANY_TAGS:
        yield found(
            "tags_many",
            _row(entry),
            f"Row {entry.row} has {len(tags)} tags.",
            expected=f"at most {MANY_TAGS}",
            seen=", ".join(tags),
            fix="Keep the words that buyers type.",
        )


def _is_further_variant(opened, entry):
    return opened.reading.format == "shopify-products" and opened.cell(entry, "title") == ""


def _images(opened, entry):
    cell = opened.cell(entry, *COLUMNS["an image"])
    if cell is None or _is_further_variant(opened, entry):
        return
    if not cell.strip() and entry.fields.get("image"):
        return  # as above
    if not cell.strip():
        yield found(
            "image_missing",
            _row(entry),
            f"Row {entry.row} has no image.",
            fix="Add one of at least 1200 pixels on the longer side.",
        )
        return
    if cell.strip().lower().startswith("http:"):
        yield found(
            "image_insecure",
            _row(entry),
            f"Row {entry.row}: the image comes over http:.",
            seen=cell,
            fix="Use its https: address.",
        )
    if opened.cell(entry, "image alt text", "image_alt") == "":
        yield found(
            "alt_missing",
            _row(entry),
            f"Row {entry.row}: the image has no alternative text.",
            fix="Say in one sentence what the image shows.",
        )


def _price(entry):
    price, currency = entry.fields.get("price_minor"), entry.fields.get("currency", "")
    if price is None:
        return
    if price == 0 and "free" not in str(entry.fields.get("title", "")).casefold():
        yield found(
            "price_zero",
            _row(entry),
            f"Row {entry.row} costs nothing.",
            seen=amount(0, currency),
            fix="Set the price, or call it free in the title.",
        )
    before = entry.fields.get("compare_at_minor")
    if before is not None and before <= price:
        yield found(
            "compare_at_low",
            _row(entry),
            expected=f"more than {amount(price, currency)}",
            seen=amount(before, currency),
            fix="Clear the price before.",
        )


def _across(entries):
    good = [entry for entry in entries if not entry.problems]
    yield from _shared_titles(good)
    priced = defaultdict(list)
    for entry in good:
        if entry.fields.get("price_minor"):
            priced[entry.fields["currency"]].append(entry)
    if len(priced) > 1:
        seen = ", ".join(f"{currency} {len(own)}" for currency, own in sorted(priced.items()))
        yield found("currency_mixed", "", seen=seen, fix="Keep one file for each currency.")
    for currency, own in sorted(priced.items()):
        yield from _unusual(own, currency)


def _shared_titles(entries):
    titles = defaultdict(list)
    for entry in entries:
        title = entry.fields.get("title", "")
        titles[(title.casefold(), entry.fields.get("option", ""))].append(entry)
    for (title, _), own in titles.items():
        for entry in own[1:] if title else ():
            message = f"Row {entry.row} has the title of row {own[0].row}."
            yield found(
                "title_shared",
                _row(entry),
                message,
                seen=entry.fields["title"],
                fix="Say in the title what sets it apart.",
            )


def _unusual(entries, currency):
    """Prices far from the others on a logarithmic scale: most often a lost decimal mark."""
    if len(entries) < FEW_PRICES:
        return
    logs = [math.log(entry.fields["price_minor"]) for entry in entries]
    middle = median(logs)
    # Where half of all prices are equal the spread is 0; a factor of 1.5 is then the least spread.
    spread = max(median(abs(log - middle) for log in logs) / 0.6745, math.log(1.5))
    usual = money.display(round(math.exp(middle)), currency)
    for entry, log in zip(entries, logs, strict=True):
        if abs(log - middle) / spread > FAR:
            price = money.display(entry.fields["price_minor"], currency)
            yield found(
                "price_unusual",
                _row(entry),
                f"Row {entry.row}: {price} is far from the others.",
                expected=f"around {usual}",
                seen=price,
                fix="Check the decimal mark and the currency.",
            )
