"""A client's catalog, as the brief of an order carries it."""

import re
from dataclasses import dataclass

from django.conf import settings

from agency.recipes import brief_file
from earnings import money
from earnings.refusals import Refusal
from storefront import catalog

FIELD = "catalog_csv"
POINTER = f"/brief/{FIELD}"
LARGEST = 20_000_000  # bytes
READ_AT_ONCE = 500_000  # bytes that a brief's check may take the time to read
REQUIREMENTS = (
    {
        "name": FIELD,
        "label": "Your catalog as CSV, exactly as your shop exports it",
        "required": True,
        "help": "Exports of Shopify and Shopier and simple lists are understood as they come.",
    },
    {
        "name": "currency",
        "label": "The currency of your prices",
        "required": False,
        "help": "Three letters, e.g. EUR. Only needed when the file does not say it.",
    },
)
# A whole cell that is an amount with its currency: $9.50, 9,50 €, 12 TL, EUR 9.50.
_SIGN = r"(?:[$€£₺¥]|TL|USD|EUR|GBP|TRY|JPY|CHF|CAD|AUD|SEK|NOK|DKK|PLN)"
_PRICED = re.compile(rf"\A\s*(?:{_SIGN}\s?\d[\d.,\s]*|\d[\d.,\s]*{_SIGN})\s*\Z")


@dataclass
class ClientCatalog:
    """The file's name, its `Reading`, and the cells of each row by the column's name in lower case."""

    name: str
    reading: catalog.Reading
    cells: dict[int, dict[str, str]]

    def cell(self, entry, *names):
        """The first filled cell among these columns in the entry's row, or None if the file has none of them."""
        row = self.cells.get(entry.row, {})
        present = [row[name] for name in names if name in row]
        return next((cell for cell in present if cell.strip()), present[0] if present else None)


def open_catalog(brief, most_rows=None):
    """Read the brief's file. Refusal (422, /brief/catalog_csv) if it is no catalog or has too many rows."""
    name, data = brief_file(brief, FIELD)
    if len(data) > LARGEST:
        raise Refusal.of_field(POINTER, f"{name} has {len(data):,} bytes; {LARGEST:,} are the most.")
    try:
        reading = catalog.read(data, name)
    except Refusal as refusal:
        raise Refusal.of_field(POINTER, f"{name}: {refusal.detail}") from refusal
    rows = len(reading.sheet.rows)
    if most_rows and rows > most_rows:
        raise Refusal.of_field(POINTER, f"{name} has {rows:,} rows; this package covers {most_rows:,}.")
    cells = {row.number: {key.casefold(): text for key, text in row.cells.items()} for row in reading.sheet.rows}
    opened = ClientCatalog(name, reading, cells)
    _apply_currency(opened, _currency(brief))
    return opened


def currency_is_known(brief):
    """Whether the client or the file says in which currency the prices are: a guess would be in every listing."""
    if _currency(brief):
        return True
    opened = open_catalog(brief)
    stated = catalog.FORMATS[opened.reading.format].prices.currency.casefold()
    if stated and stated in {name.casefold() for name in opened.reading.sheet.header}:
        return True
    return any(_PRICED.search(text) for cells in opened.cells.values() for text in cells.values())


def problems(brief):
    """What is wrong with the brief, without reading a large file."""
    try:
        _currency(brief)
        _, data = brief_file(brief, FIELD)
        if len(data) <= READ_AT_ONCE or len(data) > LARGEST:
            open_catalog(brief)
    except Refusal as refusal:
        return refusal.errors
    return []


def _currency(brief):
    code = str(brief.get("currency") or "").strip().upper()
    try:
        money.exponent(code or settings.STORE_CURRENCY)
    except ValueError as error:
        raise Refusal.of_field("/brief/currency", f"{error}.") from None
    return code


def _apply_currency(opened, code):
    """Take the client's word for prices that the file leaves without a currency: the reader assumed one."""
    prices = catalog.FORMATS[opened.reading.format].prices
    stated, assumed = prices.currency.casefold(), prices.fallback or settings.STORE_CURRENCY
    header = {name.casefold() for name in opened.reading.sheet.header}
    if not code or code == assumed or (stated and stated in header):
        return
    for entry in opened.reading.rows:
        fields = entry.fields
        if fields.get("currency") != assumed:
            continue
        try:
            for name in ("price_minor", "compare_at_minor"):
                if fields.get(name) is not None:
                    fields[name] = money.to_minor(money.amount_text(fields[name], fields["currency"]), code)
            fields["currency"] = code
        except ValueError as error:
            entry.refuse("price", str(error))
