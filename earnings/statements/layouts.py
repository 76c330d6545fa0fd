"""What a statement's layout is: its columns, its sign of fees, its words, and how a row becomes lines."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.utils import timezone

from earnings import money
from earnings.models import BOOKED_MEANINGS, Meaning
from earnings.statements import cautions, dates
from earnings.statements.lines import Line, Reading

EMPTY = {"", "-", "--", "—", "–", "n/a", "null"}
# Words of a status column that say that no money has moved, blanks as hyphens.
_NOT_YET = """
pending denied failed canceled cancelled voided expired removed unclaimed placed draft active created unconfirmed
on-hold temporary-hold in-progress processing pending-clearance in-clearing upcoming rejected declined uncaptured
incomplete blocked unpaid uncleared refused ausstehend offen abgelehnt storniert fehlgeschlagen iptal beklemede
"""
NOT_YET = frozenset(_NOT_YET.split())
TOTALS = {"total", "totals", "grand total", "sum", "summe", "gesamt", "toplam", "genel toplam", "totale", "totaux"}
ADDRESS = re.compile(r"\S+@\S+")  # whoever it belongs to, it is not kept


class Cells(dict):
    """A row by casefolded column name. "A|B" is the first of the columns A and B that the file has."""

    def text(self, names):
        return next((self[name] for name in names.casefold().split("|") if name in self), "")

    def has(self, names):
        return any(name in self for name in names.casefold().split("|"))


@dataclass(frozen=True)
class Columns:
    """Column names, each perhaps with alternatives ("A|B"). `fees` are added up, `title` joined."""

    date: str
    time: str = ""
    zone: str = ""
    type: str = ""
    title: tuple = ()
    id: str = ""
    sale: str = ""
    payout: str = ""
    status: str = ""
    available: str = ""  # the day from which the money can be paid out
    currency: str = ""
    gross: str = ""
    fees: tuple = ()
    net: str = ""
    balance: str = ""

    @property
    def amounts(self):
        return [name for name in (self.gross, *self.fees, self.net, self.balance) if name]


@dataclass(frozen=True)
class Choices:
    """What a person said about one file: its order of day and month, and what its words mean.

    `above` are the lines over its header.
    """

    date_order: str = ""
    words: Mapping = field(default_factory=dict)
    above: tuple = ()


def _nothing_more(line, cells):
    return [line]


@dataclass(frozen=True)
class Layout:
    """A layout of statements with one row for each movement.

    `requires` are columns without which a file is something else, `excludes` columns with which it is. `sign` is
    -1 where net = gross - fee, +1 where net = gross + fee, 0 where the file prints no fee. `means(line, cells)`
    says what a row tells where its type's word alone does not; `complete(line, cells)` answers with the row's
    lines; `conclude(reading)` looks at all of them together.
    """

    key: str
    title: str
    channel: str
    requires: tuple
    columns: Columns
    sign: int = 0
    words: Mapping = field(default_factory=dict)
    positive: str = Meaning.UNKNOWN
    negative: str = Meaning.UNKNOWN
    currency: str = ""
    zone: str = ""
    date_order: str = ""
    mark: str = ""
    excludes: tuple = ()
    means: Callable | None = None
    complete: Callable = _nothing_more
    conclude: Callable = lambda reading: None
    fees_apart: bool = False  # a sale's fees stand in rows of their own
    sums_payouts: bool = False  # a row sums up a payout whose transactions another file lists
    note: str = ""

    def matches(self, header):
        return not self.missing(header) and not {name.casefold() for name in self.excludes} & header

    def missing(self, header):
        """The columns that a file with this (casefolded) header lacks."""
        return [name.split("|")[0] for name in self.requires if not set(name.casefold().split("|")) & header]

    def read(self, sheet, choices=None):
        """The `Reading` of a sheet, each line with what is wrong with it."""
        choices = choices or Choices()
        rows = _fitting(sheet)
        reading = Reading(self.key, self.title, self.channel, sheet, [], list(sheet.notes))
        if self.note:
            reading.warnings.insert(0, self.note)
        asked = replace(
            self,
            words=self.words | choices.words,
            date_order=self._order(rows, choices, reading),
            currency=self.currency or self._unstated(sheet, choices, reading),
        )
        marks = self._marks(rows)
        for row, cells in rows:
            if is_total(cells, self.columns):
                asked._note_total(reading, cells, marks)
            else:
                reading.lines += asked._lines(row, cells, marks)
        cautions.of_the_file(sheet, reading)
        self.conclude(reading)
        cautions.of_its_rows(reading)
        return reading

    def _marks(self, rows):
        """The decimal mark of each column: as its own cells tell, else those of the other columns, else `mark`."""
        by_column = {name: [cells.text(name) for _, cells in rows] for name in self.columns.amounts}
        whole = money.decimal_mark(itertools.chain(*by_column.values())) or self.mark
        return {name: money.decimal_mark(cells) or whole for name, cells in by_column.items()}

    def _unstated(self, sheet, choices, reading):
        """The currency of a file whose columns name none: from its notes, or the store's own, said aloud."""
        names = {name.casefold() for name in sheet.header}
        if set(self.columns.currency.casefold().split("|")) & names:
            return ""
        found = re.search(r"amounts in ([A-Z]{3})\b", "\n".join(choices.above))
        if found:
            return found.group(1)
        reading.warnings.append(f"The file names no currency: {settings.STORE_CURRENCY}, the store's, was taken.")
        return settings.STORE_CURRENCY

    def _order(self, rows, choices, reading):
        cells = [cells.text(self.columns.date) for _, cells in rows]
        found = dates.order_of(cells)
        if found == "mixed":
            if not choices.date_order:
                reading.warnings.append("Dates in the file disagree about what stands first, day or month.")
            return choices.date_order or self.date_order
        if not found and not choices.date_order and any(dates.is_ambiguous(cell) for cell in cells):
            first = "month" if self.date_order != "dmy" else "day"
            reading.warnings.append(
                f"No date of the file tells day and month apart; the {first} was taken to stand first. "
                "If that is wrong, upload it again and say so."
            )
        return choices.date_order or found or self.date_order

    def _note_total(self, reading, cells, marks):
        """The file's own sum of its rows: no movement, but something to compare with."""
        line = Line(0)
        self._read_amounts(line, cells, marks)
        says_something = any(cells.text(name) for name in self.columns.amounts)
        if line.currency and says_something and not line.problems:
            reading.own_totals[line.currency] = {"gross": line.gross, "fee": line.fee, "net": line.net}

    def _lines(self, row, cells, marks):
        line = Line(row.number, type=cells.text(self.columns.type)[:80] if self.columns.type else "")
        line.title = ADDRESS.sub("", " · ".join(filter(None, map(cells.text, self.columns.title))))[:200]
        for part in ("id", "sale", "payout"):
            name = getattr(self.columns, part)
            setattr(line, part, cells.text(name)[:120] if name else "")
        if row.problem:
            line.problems.append(row.problem)
            return [line]
        self._read_moment(line, cells)
        line.is_pending = self._is_to_come(cells)
        self._read_amounts(line, cells, marks)
        if line.problems:
            return [line]
        line.meaning = self._meaning(line, cells)
        apart = _fee_of_payout(line)
        settle(line)
        try:
            return [*self.complete(line, cells), *apart]
        except ValueError as error:  # in a column that only this platform has
            line.problems.append(f"an amount {error}")
            return [line]

    def _read_moment(self, line, cells):
        columns = self.columns
        text = " ".join(filter(None, (cells.text(columns.date), cells.text(columns.time) if columns.time else "")))
        zone = cells.text(columns.zone) if columns.zone else ""
        try:
            line.at = dates.read_moment(text, self.date_order, zone or self.zone)
        except ValueError as error:
            line.problems.append(f"{columns.date.split('|')[0]} {error}")

    def _is_to_come(self, cells):
        text = cells.text(self.columns.available) if self.columns.available else ""
        try:
            return bool(text) and dates.read_moment(text, self.date_order, self.zone) > timezone.now()
        except ValueError:
            return False

    def _read_amounts(self, line, cells, marks):
        columns = self.columns
        stated = cells.text(columns.currency) if columns.currency else ""
        line.currency = stated.upper() or self.currency
        line.currency = {"TL": "TRY"}.get(line.currency, line.currency)
        try:
            money.exponent(line.currency)
        except ValueError as error:
            line.problems.append(str(error) if line.currency else "names no currency")
            return
        found = {}
        for name in columns.amounts:
            try:
                found[name] = amount(cells.text(name), line.currency, marks[name])
            except ValueError as error:
                line.problems.append(f"{name.split('|')[0]} {cells.text(name)[:40]!r} {error}")
        if not line.problems:
            self._weigh(line, found)

    def _weigh(self, line, found):
        columns = self.columns
        fees = [found[name] for name in columns.fees if found.get(name) is not None]
        gross, net = found.get(columns.gross), found.get(columns.net)
        line.balance = found.get(columns.balance)
        if gross is None and net is None and not fees:
            return
        expected = (gross or 0) + self.sign * sum(fees)
        line.gross = gross if gross is not None else (0 if fees else net)
        line.net = net if net is not None else expected
        if net is not None and gross is not None and self.sign and net != expected:
            rule = "less" if self.sign < 0 else "plus"
            line.remarks.append(f"Net is not {columns.gross.split('|')[0]} {rule} fee; net is what was taken.")

    def _meaning(self, line, cells):
        said = self.words.get(word(line.type))
        meaning = said or (self.means(line, cells) if self.means else None)
        if meaning is None and (not self.columns.type or not line.type):
            meaning = self.positive if line.net >= 0 else self.negative
        status = word(cells.text(self.columns.status)) if self.columns.status else ""
        if status.replace(" ", "-") in NOT_YET and meaning in (*BOOKED_MEANINGS, None):
            line.remarks.append(f"{status.capitalize()}: no money has moved.")
            meaning = Meaning.NOTHING
        line.is_printed = meaning != Meaning.NOTHING
        return meaning or Meaning.UNKNOWN


def is_total(cells, columns):
    """Whether a row is the file's own sum: it says so, and has no day."""
    day = word(cells.text(columns.date)).rstrip(" :")
    return day in TOTALS or (not day and any(word(cell).rstrip(" :") in TOTALS for cell in cells.values()))


def word(text):
    """A type's word as it is looked up: blanks and case do not count, nor what "İ" leaves of its dot."""
    return " ".join(text.split()).casefold().replace("i\u0307", "i")


def amount(cell, currency, mark=""):
    """Minor units of a cell, None where it is empty; ValueError with the reason where it can't be read."""
    text = cell.strip()
    if text.casefold() in EMPTY:
        return None
    # "1200.00" yen are 1200: zeros beyond a currency's decimals say nothing.
    whole, found, decimals = text.rpartition(mark or ".")
    digits = money.exponent(currency)
    if mark and found and decimals.isdigit() and not decimals[digits:].strip("0"):
        text = f"{whole}{mark}{decimals[:digits]}".removesuffix(mark)
    return money.parse(text.removeprefix("+"), currency, mark=mark, negative=True).minor


def _fee_of_payout(line):
    """[what the platform took for paying out], a line of its own: the bank gets the gross, the fee is a cost."""
    fee = line.fee
    if line.meaning != Meaning.PAYOUT or not line.gross or not fee or line.remarks:
        return []
    line.net = line.gross
    identity = f"{line.id}:fee" if line.id else ""
    return [line.beside(meaning=Meaning.COST, net=-fee, id=identity, is_printed=True)]


def settle(line):
    """A negative sale is a refund; a cost or payout has no price; a row of zeros moves nothing."""
    if line.meaning == Meaning.SALE and (line.gross < 0 or (line.gross == 0 and line.net)):
        line.meaning = Meaning.REFUND if line.gross else Meaning.COST
    if line.meaning == Meaning.COST:
        line.gross = 0
    elif line.meaning in (Meaning.PAYOUT, Meaning.TAX, Meaning.ADJUSTMENT):
        line.gross = line.net
    if line.meaning in BOOKED_MEANINGS and not line.gross and not line.net:
        line.meaning = Meaning.NOTHING


def _fitting(sheet):
    """(row, cells) of a sheet; a row that is shorter than the others is refused, the file may be cut off.

    Where every row lacks the same cells at its end, it is the header that says too much.
    """
    problems = {row.problem for row in sheet.rows}
    alike = len(problems) == 1 and len(sheet.rows) > 1 and not any(_overflows(row) for row in sheet.rows)
    names = [(name, name.casefold()) for name in sheet.header]
    found = []
    for row in sheet.rows:
        cells = Cells({folded: row.cells[name].strip() for name, folded in reversed(names)})
        found.append((replace(row, problem="") if alike and row.problem else row, cells))
    return found


def _overflows(row):
    numbers = [int(part) for part in row.problem.replace(",", "").split() if part.isdigit()]
    return bool(numbers) and numbers[0] > numbers[-1]
