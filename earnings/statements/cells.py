"""The cells of a statement's rows: words, amounts, and the decimal mark that the file's own cells tell."""

import itertools
import re
from functools import cache

from earnings import money

ADDRESS = re.compile(r"\S+@\S+")  # whoever it belongs to, it is not kept
EMPTY = {"", "-", "--", "—", "–", "n/a", "null"}


class Marks:
    """The decimal mark of each column: as its own cells tell, else those of the layout's columns of amounts.

    `usual` is what the platform prints in files whose cells tell nothing.
    """

    def __init__(self, rows, amounts, usual):
        self._rows, self.usual, self._found = rows, usual, {}
        every = {name: [cells.text(name) for _, cells in rows] for name in amounts}
        self._whole = money.decimal_mark(itertools.chain(*every.values()))
        for name, texts in every.items():
            self._found[name] = money.decimal_mark(texts) or self._whole

    def __getitem__(self, names):
        if names not in self._found:
            own = money.decimal_mark(cells.text(names) for _, cells in self._rows)
            self._found[names] = own or self._whole
        return self._found[names]


class Cells(dict):
    """A row by casefolded column name. "A|B" is the first of the columns A and B that the file has."""

    marks = None

    def text(self, names):
        return next((self[name] for name in _split(names) if name in self), "")

    def has(self, names):
        return any(name in self for name in _split(names))

    def amount(self, names, currency):
        """Minor units, read with the mark that the file tells; as `amount`."""
        cell = self.text(names)
        return amount(cell, currency, self.marks[names] or _usual(cell, currency, self.marks.usual))


@cache  # a few hundred names of our own, asked for each row anew
def _split(names):
    return names.casefold().split("|")


def _usual(cell, currency, mark):
    """No mark where the usual one would read "1.000" as one: nobody prints three decimals of a dollar or a yen.

    Then a yen's can only group thousands, and a dollar's is refused.
    """
    groups = mark and re.search(rf"[0-9]{re.escape(mark)}[0-9]{{3}}(?![0-9])", cell)
    return "" if groups and money.exponent(currency) != 3 else mark


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
