"""What a statement's layout is: its columns, its sign of fees, its words, and how a row becomes lines."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.utils import timezone

from earnings import money
from earnings.models import BOOKED_MEANINGS, Meaning
from earnings.refusals import Refusal
from earnings.statements import asides, cautions, dates
from earnings.statements.cells import ADDRESS, EMPTY, Marks, word
from earnings.statements.lines import Line, Reading

# Words of a status column that say that no money has moved, blanks as hyphens.
_NOT_YET = """
pending denied failed canceled cancelled voided expired removed unclaimed placed draft active created unconfirmed
on-hold temporary-hold in-progress processing pending-clearance in-clearing upcoming rejected declined uncaptured
incomplete blocked unpaid uncleared refused ausstehend offen abgelehnt storniert abgebrochen fehlgeschlagen
iptal iptal-edildi iptal-edilmiş beklemede bekliyor onay-bekliyor ödeme-bekleniyor reddedildi başarısız
"""
NOT_YET = frozenset(_NOT_YET.split())


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
    is_one_piece: bool = False  # files put together would not be read as each of them is
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
        rows = asides.sort(sheet, self.columns)
        self._refuse_what_is_glued(rows)
        reading = Reading(self.key, self.title, self.channel, sheet, [], list(sheet.notes))
        if self.note:
            reading.warnings.insert(0, self.note)
        asked = replace(
            self,
            words=self.words | choices.words,
            date_order=self._order(rows.movements, choices, reading),
            currency=self.currency or self._unstated(sheet, choices, reading),
        )
        marks = Marks([*rows.movements, *rows.totals], self.columns.amounts, self.mark)
        for row, cells in rows.movements:
            cells.marks = marks
            reading.cells.append(cells)
            reading.lines += asked._lines(row, cells)
        for _, cells in rows.totals:
            cells.marks = marks
        asked._note_totals(reading, rows.totals)
        if rows.headers:
            asides.refuse_doubles(rows, reading.lines)
        if not reading.lines:
            raise Refusal.of_field("/file", "The file has a header and no rows, beside totals or notes.")
        cautions.of_the_file(rows, reading)
        self.conclude(reading)
        cautions.of_its_rows(reading)
        return reading

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

    def _refuse_what_is_glued(self, rows):
        if self.is_one_piece and rows.headers:
            number = rows.headers[0].number
            detail = f"Row {number} repeats the header: each file is a whole. Upload the parts one by one."
            raise Refusal(detail, status=422, errors=[{"pointer": f"/file/row/{number}", "detail": detail}])

    def _note_totals(self, reading, totals):
        """The file's own sums of its rows: no movements, but something to compare with.

        Where one names no currency, it is in the only one that the rows name. Of several, as of the pages of a
        file, either the last sums up all rows, or all of them do.
        """
        currencies = {line.currency for line in reading.lines if line.currency}
        named = replace(self, currency=self.currency or (currencies.pop() if len(currencies) == 1 else ""))
        sums = {}
        for row, cells in totals:
            line = Line(row.number)
            named._read_amounts(line, cells)
            says_something = any(cells.text(name).casefold() not in EMPTY for name in self.columns.amounts)
            if line.currency and says_something and not line.problems:
                sums.setdefault(line.currency, []).append(line)
            else:
                reading.warnings.append(f"Row {row.number} is a total that can't be compared, and was left out.")
        for currency, lines in sums.items():
            moved = sum(line.net for line in reading.lines if line.is_printed and line.currency == currency)
            said = lines if moved == sum(line.net for line in lines) else lines[-1:]
            reading.own_totals[currency] = {
                name: sum(getattr(line, name) for line in said) for name in ("gross", "fee", "net")
            }

    def _lines(self, row, cells):
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
        self._read_amounts(line, cells)
        if cautions.NO_AMOUNT in line.remarks and not line.type and not self._says_not_yet(cells):
            line.problems.append("names no amount")
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

    def currency_of(self, cells):
        """As the row states it, else as all rows have it."""
        stated = cells.text(self.columns.currency).upper() if self.columns.currency else ""
        return {"TL": "TRY"}.get(stated, stated) or self.currency

    def _read_amounts(self, line, cells):
        columns = self.columns
        line.currency = self.currency_of(cells)
        try:
            money.exponent(line.currency)
        except ValueError as error:
            line.problems.append(str(error) if line.currency else "names no currency")
            return
        found = {}
        for name in columns.amounts:
            try:
                found[name] = cells.amount(name, line.currency)
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
            line.remarks.append(cautions.NO_AMOUNT)
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
        status = self._says_not_yet(cells)
        if status and meaning in (*BOOKED_MEANINGS, None):
            line.remarks.append(f"{status.capitalize()}: no money has moved.")
            meaning = Meaning.NOTHING
        line.is_printed = meaning != Meaning.NOTHING
        return meaning or Meaning.UNKNOWN

    def _says_not_yet(self, cells):
        """The status that says that no money has moved, else ""."""
        status = word(cells.text(self.columns.status)) if self.columns.status else ""
        return status if status.replace(" ", "-") in NOT_YET else ""


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
