"""What a catalog format is: the columns that tell it apart, what each column means, and a row's identity."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings

from earnings import money
from earnings.sheets import Row
from storefront.catalog import cells
from storefront.catalog.entries import Entry

_SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]{2}", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """`header` as the marketplace writes it, the Product column that it fills, and how its cells are read."""

    header: str
    field: str
    read: Callable[[str], Any]
    required: bool = False

    @cached_property
    def key(self):
        """The header as it names a row's cells."""
        return self.header.casefold()


@dataclass(frozen=True)
class Prices:
    """The columns that hold money. Without a `currency` column, `fallback` or the store's own currency counts.

    `by_hand` says that people write them, who call a product "Free"; in a shop's own export that is a broken cell.
    """

    price: str = "Price"
    compare_at: str = ""
    currency: str = ""
    fallback: str = ""
    by_hand: bool = False


@dataclass(frozen=True)
class Format:
    """A layout of products with one row for each.

    `requires` are columns without which a file is something else, `excludes` columns with which it is. `identity`
    turns a row's cells into its SKU; `complete` may add what the columns alone do not say.
    """

    key: str
    title: str
    requires: tuple[str, ...]
    columns: tuple[Column, ...]
    identity: Callable[[dict], str]
    identity_column: str
    prices: Prices = Prices()
    excludes: tuple[str, ...] = ()
    complete: Callable[[Entry, dict], None] = lambda entry, cells: None
    target: str = "products"

    def matches(self, header):
        return not self.missing(header) and not {name.casefold() for name in self.excludes} & set(header)

    def missing(self, header):
        """The columns that a file with this header (casefolded, in its order) lacks."""
        return [name for name in self.requires if name.casefold() not in header]

    @property
    def price_columns(self):
        return [name for name in (self.prices.price, self.prices.compare_at) if name]

    def entries(self, sheet):
        """The entries of a `Sheet` or `SheetFile` one by one, each with what is wrong with it."""
        mark = decimal_mark(sheet, self.price_columns)
        found = (self.entry(row, values, mark) for row, values in named_cells(sheet))
        yield from without_doubles(found, self.identity_column)

    def entry(self, row, values, mark):
        entry = Entry(row.number, cells.code(self.identity(values)), {})
        if row.problem:
            entry.refuse("", row.problem)
            return entry
        if not entry.sku:
            entry.refuse(self.identity_column, "is empty")
        elif len(entry.sku) > 120:
            entry.refuse(self.identity_column, "has more than 120 characters")
        entry.fields["sku"] = entry.sku
        read_columns(entry, self.columns, values)
        read_prices(entry, self.prices, values, mark)
        self.complete(entry, values)
        finish(entry)
        return entry


class Renamed:
    """A sheet whose columns have other names."""

    def __init__(self, sheet, columns):
        self.columns, self.records, self.notes = columns, sheet.records, sheet.notes


def note(sheet, text):
    """Say something about the whole file, once, however often it is read."""
    if text not in sheet.notes:
        sheet.notes.append(text)


def named_cells(sheet):
    """(row, cells by casefolded column name): marketplaces change the case of their headers."""
    # Of two columns that differ in case only, the first one counts; a column without a name says nothing.
    names = [name.casefold() for name in sheet.columns]
    places = [place for place, name in enumerate(names) if name and name not in names[:place]]
    kept = [names[place] for place in places]
    as_it_is = places == list(range(len(names)))
    for number, row, problem in sheet.records():
        # Of a row that is too long, the cells behind the header's last are left out.
        values = dict(zip(kept, row if as_it_is else [row[place] for place in places], strict=False))
        yield Row(number, values, problem), values


def decimal_mark(sheet, columns):
    """One convention for the whole file: a price that can be read in one way only decides for the others."""
    names = [name.casefold() for name in sheet.columns]
    places = [names.index(column.casefold()) for column in columns if column.casefold() in names]
    return money.decimal_mark(row[place] for _, row, _ in sheet.records() for place in places if row[place])


def read_columns(entry, columns, values):
    """Fill the entry's fields from the columns that the file has; an unreadable cell is a problem of the entry."""
    for column in columns:
        cell = values.get(column.key)
        if cell is None:
            continue
        try:
            value = column.read(cell)
        except ValueError as error:
            entry.refuse(column.header, str(error))
            continue
        if column.required and not value:
            entry.refuse(column.header, "is empty")
        else:
            entry.fields[column.field] = value


def read_prices(entry, prices, values, mark):
    """Fill price_minor, currency and compare_at_minor. A price that can't be read for certain is refused."""
    stated = ""
    if prices.currency and prices.currency.casefold() in values:
        stated = cells.code(values[prices.currency.casefold()]).upper()
        stated = {"TL": "TRY"}.get(stated, stated)
        try:
            money.exponent(stated)
        except ValueError:
            entry.refuse(prices.currency, f"{stated!r} is not a currency code" if stated else "is empty")
            return
    amount = read_price(entry, prices.price, values, currency=stated, prices=prices, mark=mark)
    if amount is None:
        return
    entry.fields["price_minor"], entry.fields["currency"] = amount.minor, amount.currency
    before = values.get(prices.compare_at.casefold()) if prices.compare_at else None
    if before is None:
        return
    entry.fields["compare_at_minor"] = None
    if before.strip():
        compare = read_price(entry, prices.compare_at, values, currency=amount.currency, prices=prices, mark=mark)
        if compare and compare.minor > amount.minor:
            entry.fields["compare_at_minor"] = compare.minor
        elif compare and compare.minor:
            entry.flag(prices.compare_at, "is not above the price, so it is not shown")


def read_price(entry, column, values, *, currency, prices, mark):
    """The money in one cell, or None after naming the problem."""
    cell = values.get(column.casefold(), "")
    default = prices.fallback or settings.STORE_CURRENCY
    try:
        if prices.by_hand:
            return _priced_by_hand(cell, currency, default, mark)
        return money.parse(cell, currency, default=default, mark=mark)
    except ValueError as error:
        text = " ".join(cell.split())[:40]
        entry.refuse(column, f"{text!r} {error}" if text else str(error))
        return None


def _priced_by_hand(cell, currency, default, mark):
    if cells.says_free(cell):
        return money.parse("0", currency, default=default)
    # Gumroad shows a least price, from which buyers pay what they want, as "$5+".
    least = cell.rstrip().removesuffix("+").strip()
    price = money.parse(least or cell, currency, default=default, mark=mark)
    if price.minor and least != cell.strip():
        raise ValueError("leaves the price to the buyer; write the one price that it costs here")
    return price


def available(entry, column, cell):
    """How many a stated number leaves to sell, or None after naming the problem.

    A shop that sold more than it had counts below zero, which is a caution and no error: there are none left.
    """
    # A spreadsheet's apostrophe keeps -3 from being taken for a formula.
    text = cells.code(cell).removeprefix("'").replace("\u2212", "-")
    try:
        count = cells.whole(text.removeprefix("-"))
    except ValueError:
        entry.refuse(column, f"{text!r} is not a whole number from 0 to {cells.LARGEST_STOCK}")
        return None
    if text.startswith("-") and count:
        entry.flag(column, f"{text} means oversold; there are none left")
        return 0
    return count


def read_places(entry, values, prefix):
    """Fill `stock` of a shop that counts by place, a column each: their sum. Nothing said = not counted."""
    counted = {name: cell for name, cell in values.items() if name.startswith(prefix)}
    if not counted:
        return
    numbers = [available(entry, name, cell) for name, cell in counted.items() if cell.strip()]
    numbers = [number for number in numbers if number is not None]
    if sum(numbers) > cells.LARGEST_STOCK:
        entry.refuse(next(iter(counted)), f"is more than {cells.LARGEST_STOCK} with the other places")
    else:
        entry.fields["stock"] = sum(numbers) if numbers else None


def finish(entry):
    """What every new product needs and most formats do not say."""
    fields = entry.fields
    if _SHORTENED.fullmatch(entry.sku):
        entry.flag("SKU", "looks like a number that a spreadsheet has shortened; export the file anew")
    if "family" not in fields:
        entry.defaults["family"] = cells.family_of(entry.sku) or "product"
    if not fields.get("image_alt", "") and fields.get("image"):
        fields.pop("image_alt", None)
        entry.defaults["image_alt"] = fields.get("title", "")
    if not fields.get("summary", "") and fields.get("description"):
        fields.pop("summary", None)
        entry.defaults["summary"] = cells.excerpt(fields["description"])


def without_doubles(entries, column):
    """The entries; refused is an SKU that an earlier row has, also in other case, blanks or width of letters."""
    first = {}
    for entry in entries:
        key = cells.identity(entry.sku)
        if key in first:
            row, sku = first[key]
            spelled = "" if sku == entry.sku else f" as {sku!r}"
            entry.refuse(column, f"{entry.sku!r} is already in row {row}{spelled}")
        elif key:
            first[key] = (entry.row, entry.sku)
        yield entry
