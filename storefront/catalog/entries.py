"""What a catalog file says, after reading and before anything is done with it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from earnings.sheets import Sheet, SheetFile


@dataclass
class Entry:
    """One thing for sale in a file.

    `row` is its row in the spreadsheet; `sku` its identity (a gig's slug for gigs). `fields` holds Product or Gig
    columns by name, only those that the file states; `defaults` are for a new row only, so that a person's better
    words survive the next import. `problems` (`{"column", "detail"}`) refuse the entry, `flags` only warn.
    `wants_listing` is whether the file itself marks it as published.
    """

    row: int
    sku: str
    fields: dict
    defaults: dict = field(default_factory=dict)
    problems: list[dict] = field(default_factory=list)
    flags: list[dict] = field(default_factory=list)
    wants_listing: bool = False

    @property
    def currency(self):
        """What its prices are in; a gig's first package speaks for all."""
        packages = self.fields.get("packages") or [{}]
        return self.fields.get("currency") or packages[0].get("currency", "")

    @property
    def title(self):
        """With the option, which alone tells one variant from the next."""
        said = self.defaults | self.fields
        option = said.get("option")
        return f"{said.get('title', '')} ({option})" if option else said.get("title", "")

    @property
    def price_minor(self):
        """What it costs, a service at least; None where the file does not say."""
        packages = [package.get("price_minor") for package in self.fields.get("packages", ())]
        return min((price for price in packages if price is not None), default=self.fields.get("price_minor"))

    def refuse(self, column, detail):
        self.problems.append({"column": column, "detail": detail})

    def flag(self, column, detail):
        self.flags.append({"column": column, "detail": detail})


@dataclass
class Opened:
    """A file of any size, known by its header: `entries()` reads it from the disk, each time anew."""

    format: str
    target: str
    entries: Callable
    sheet: SheetFile


@dataclass
class Reading:
    """A file, understood: `target` is "products" or "gigs"; `sheet` tells its encoding and notes."""

    format: str
    target: str
    rows: list[Entry]
    sheet: Sheet

    @property
    def refused(self):
        return [entry for entry in self.rows if entry.problems]
