"""Rows of a statement that are no movements: its own sums, its header once more, a sentence at its foot.

Each is told to whoever looks at the statement, so that nothing is left out in silence; whatever else does not read
as a movement is refused with its row, it may be one that was cut off.
"""

import re
from dataclasses import dataclass, field, replace

from earnings.refusals import Refusal
from earnings.statements import dates
from earnings.statements.cells import EMPTY, Cells, word

TOTALS = {
    *("total", "totals", "grand total", "sum", "subtotal", "summe", "gesamt", "gesamtsumme", "zwischensumme"),
    *(
        "toplam",
        "genel toplam",
        "ara toplam",
        "totale",
        "totali",
        "totaux",
        "sous-total",
        "suma",
        "totaal",
        "razem",
    ),
}
_WORD = re.compile(r"[^\W\d_]{2,}")
_BALANCE = re.compile(
    r"(?:beginning|starting|opening|ending|closing|final) balance ?:?|(?:anfangs|end|schluss)saldo:?"
)
_NOT_OF_SENTENCES = {"de", "di", "del", "am", "pm"}  # but of days: "26 de mayo de 2026"


@dataclass
class Sorted:
    """The rows of a sheet by what they are; `movements` and `totals` are (row, cells), the others rows."""

    movements: list = field(default_factory=list)
    totals: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    blanks: list = field(default_factory=list)
    are_all_short: str = ""  # how, where every movement lacks the same cells at its end


def sort(sheet, columns):
    """The `Sorted` rows of a sheet whose layout has these `Columns`."""
    found = Sorted()
    names = [(name, name.casefold()) for name in sheet.header]
    header = [(word(name), word(re.sub(r" \(\d+\)$", "", name))) for name in sheet.header]
    for row in sheet.rows:
        cells = Cells({folded: row.cells[name].strip() for name, folded in reversed(names)})
        if is_total(cells, columns):
            found.totals.append((row, cells))
        elif _repeats_header(row, header):
            found.headers.append(row)
        elif _is_note(row, columns) or _is_balance(cells, columns):
            found.notes.append(row)
        elif not row.problem and all(cell.casefold() in EMPTY for cell in cells.values()):
            found.blanks.append(row)
        else:
            found.movements.append((row, cells))
    _fit(found)
    return found


def is_total(cells, columns):
    """Whether a row is the file's own sum: it says so, and has no day."""
    day = word(cells.text(columns.date)).rstrip(" :")
    return day in TOTALS or (not day and any(word(cell).rstrip(" :") in TOTALS for cell in cells.values()))


def text_of(row):
    """What a note says."""
    return next(cell.strip() for cell in row.cells.values() if cell.strip())


def refuse_doubles(rows, lines):
    """`Refusal` (422) where files were put together and a row without an id stands in two of them.

    Within a file such rows are several movements; of two files nobody can tell whether they overlap.
    """
    starts, seen = [row.number for row in rows.headers], {}
    for line in lines:
        part = sum(start < line.number for start in starts)
        first = seen.setdefault(line.fingerprint, (part, line.number))
        if first[0] != part and not line.id and not line.problems:
            detail = f"Row {line.number} says the same as row {first[1]}, above a repeated header: if files that "
            detail += "overlap were put together, it would count twice. Upload the parts one by one."
            raise Refusal(detail, status=422, errors=[{"pointer": f"/file/row/{line.number}", "detail": detail}])


def _repeats_header(row, header):
    """As in files that were put together, or printed with a header on each page."""
    cells = zip(row.cells.values(), header, strict=True)
    return not row.problem and all(word(cell.replace("\ufeff", "")) in names for cell, names in cells)


def _is_note(row, columns):
    """A sentence in the first cell and nothing else, where that column has days or ids, which are no sentences."""
    (name, text), *others = row.cells.items()
    if any(cell and not cell.isspace() for _, cell in others):
        return False
    held = "|".join((columns.date, columns.id, columns.sale, columns.payout)).casefold().split("|")
    return name.casefold() in held and _is_sentence(text)


def _is_balance(cells, columns):
    """What was there before the first row, or after the last: it has no day and no amount of its own."""
    moved = [name for name in columns.amounts if name != columns.balance]
    is_still = all(cells.text(name).casefold() in EMPTY for name in moved)
    day = cells.text(columns.date)
    return is_still and any(_BALANCE.fullmatch(word(cell)) for cell in ([day] if day else cells.values()))


def _is_sentence(text):
    words = [found for found in map(str.casefold, _WORD.findall(text)) if found not in _NOT_OF_SENTENCES]
    words = [found for found in words if not dates.is_word_of_days(found)]
    return len(words) > 2 or (len(words) == 2 and ": " in text)


def _fit(found):
    """A row that is shorter than the others stays refused, the file may be cut off.

    Where every row lacks the same cells at its end, it is the header that says too much.
    """
    rows = [row for row, _ in found.movements]
    problems = {row.problem for row in rows}
    if len(problems) == 1 and len(rows) > 1 and not any(map(_overflows, rows)):
        found.are_all_short = problems.pop()
        found.movements = [(replace(row, problem=""), cells) for row, cells in found.movements]


def _overflows(row):
    numbers = [int(part) for part in row.problem.replace(",", "").split() if part.isdigit()]
    return bool(numbers) and numbers[0] > numbers[-1]
