"""What a row of a statement says, before anybody asks the ledger about it."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from earnings.models import Meaning


@dataclass
class Line:
    """One movement. A row of a file is one line, or several where it tells several things.

    Amounts are minor units as our balance with the platform saw them: a refund is below zero. What lies between
    `gross` and `net` is the platform's. `id` is the platform's own id of the row, `sale` that of the sale it is
    about, `payout` that of the payout it was part of.
    """

    number: int
    meaning: str = Meaning.UNKNOWN
    type: str = ""
    at: datetime | None = None
    currency: str = ""
    gross: int = 0
    net: int = 0
    id: str = ""
    sale: str = ""
    payout: str = ""
    title: str = ""
    balance: int | None = None
    is_printed: bool = True
    is_pending: bool = False
    is_id_of_row: bool = True  # False for an id that we made of the sale's: several rows may have it
    remarks: list = field(default_factory=list)
    problems: list = field(default_factory=list)

    @property
    def fee(self):
        return self.gross - self.net

    def beside(self, **changed):
        """Another line of the same row, which the file does not sum up."""
        same = {
            name: getattr(self, name) for name in ("number", "type", "at", "currency", "sale", "payout", "title")
        }
        return Line(**(same | {"is_printed": False} | changed))

    @property
    def fingerprint(self):
        """Equal for rows that say the same: what identifies a row to which its platform gives no id."""
        said = (self.at, self.type, self.title, self.sale, self.currency, self.gross, self.net, self.is_printed)
        return hashlib.sha256("\x1f".join(map(str, said)).encode()).hexdigest()[:32]


@dataclass
class Reading:
    """A statement as it was understood. `own_totals` is `{currency: {"gross", "fee", "net"}}` where it says so."""

    format: str
    title: str
    channel: str
    sheet: object
    lines: list
    warnings: list = field(default_factory=list)
    own_totals: dict = field(default_factory=dict)
    cells: list = field(default_factory=list)  # of each movement's row, for what only one platform's columns tell

    @property
    def refused(self):
        return [line for line in self.lines if line.problems]


def identities(lines):
    """The identity of each line within its channel, in order; None for a row that repeats another one's id.

    Rows without an id that say the same are told apart by counting: five equal rows are five.
    """
    seen, contents, found = {}, set(), []
    for line in lines:
        if line.id:
            # Some platforms give one id to the parts of a transaction; an id with equal content repeats it.
            base = line.id
            if (base, line.fingerprint) in contents and line.is_id_of_row:
                found.append(None)
                continue
            contents.add((base, line.fingerprint))
        else:
            base = f"~{line.fingerprint}"
        seen[base] = seen.get(base, 0) + 1
        found.append(base if seen[base] == 1 and line.id else f"{base}:{seen[base]}")
    return found
