"""Reading catalogs as marketplaces export them."""

from dataclasses import dataclass, field

from earnings.sheets import Sheet


@dataclass
class Entry:
    """One thing for sale in a file.

    `row` is its row in the spreadsheet, `fields` are values of Product (or gig) columns by name, `problems` are
    `{"column", "detail"}`; `wants_listing` is whether the file itself marks it as published.
    """

    row: int
    sku: str
    fields: dict
    problems: list[dict] = field(default_factory=list)
    flags: list[dict] = field(default_factory=list)
    wants_listing: bool = False


@dataclass
class Reading:
    """A file, understood: `target` is "products" or "gigs"; `sheet` tells encoding, delimiter, header and notes."""

    format: str
    target: str
    rows: list[Entry]
    sheet: Sheet

    @property
    def problems(self):
        return [entry for entry in self.rows if entry.problems]


def read(data: bytes, name="", format="auto") -> Reading:
    """The entries of a catalog file; `Refusal` (422) if it is no table or no format that we know."""
    raise NotImplementedError
