"""Table files as shops and banks export them: encodings, delimiters, line ends, and what is no table at all."""

import csv
import io
import itertools
import json
import re
import unicodedata
from dataclasses import dataclass, field

from earnings import encodings
from earnings.encodings import refusal
from earnings.refusals import Refusal

DELIMITERS = ",;\t|"
_OFTEN_BARE = "\t;"  # programs that write these often do not quote, and a text may begin with a quotation mark

# A product description may be long; csv's own limit of 128 kB is not.
csv.field_size_limit(4_000_000)

_FORMULA = re.compile(r"""(?:%0[ad]|[\s"';,|])*[=+\-@]""", re.IGNORECASE)
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")


@dataclass(frozen=True)
class Row:
    """One record. `number` counts as a spreadsheet shows it; `problem` says what is wrong with its shape."""

    number: int
    cells: dict[str, str]
    problem: str = ""


@dataclass(frozen=True)
class Sheet:
    encoding: str
    delimiter: str
    header: list[str]
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    @property
    def columns(self):
        return self.header

    def records(self):
        """As `SheetFile.records`."""
        for row in self.rows:
            yield row.number, list(row.cells.values()), row.problem


# A small file can hold millions of empty cells; these keep one upload within a few hundred MB of memory.
MOST_COLUMNS = 1_000
MOST_CELLS = 3_000_000
_TOO_MUCH = f"More than {MOST_COLUMNS:,} columns or {MOST_CELLS:,} cells: split the file."
SAMPLE = 100_000  # characters from which the delimiter is told


class SheetFile:
    """A table in a file of any size, read from the disk anew each time that its records are asked for."""

    def __init__(self, file, is_header=None, *, keeps_repeats=False):
        """`file` is binary and can be read again; `Refusal` as for `read_sheet`, without looking at every row.

        A header that comes again is noted and left out, unless the caller has more to say to it.
        """
        self._file, self._is_header = file, is_header or (lambda cells: True)
        self._keeps_repeats = keeps_repeats
        self.notes = []
        self.total = 0  # records, once they were read to the end
        self._codec, self._has_stray_marks = encodings.find(file, self.notes)
        self.encoding = self._codec.removesuffix("-sig")
        start = self._start()
        text, delimiter = _stated_delimiter(start, self.notes)
        self._has_hint = text is not start
        self.delimiter = delimiter or _likely_delimiter(text, self._is_header)
        self._is_quoted = True
        if self.delimiter in _OFTEN_BARE and any('"' in line for line in self._lines()):
            self._is_quoted = not self._fits_bare(self._least_width_of_bare_lines())
            if not self._is_quoted:
                self.notes.append("Quotation marks of this file are a part of its texts.")
        found = next((cells for _, cells in self._parsed() if self._is_header(cells)), None)
        if found is None:
            raise refusal("The file has no header line that we know.")
        # Every column; one without a name is left out of rows.
        self.columns = _header(found, self.notes)
        self.header = [name for name in self.columns if name]
        if next(self.records(), None) is None:
            raise refusal("The file has a header and no rows.")

    def _lines(self):
        return _lines(self._file, self._codec, self._has_stray_marks)

    def _start(self):
        """The first lines. A byte order mark below an empty first line is left over from gluing files together."""
        lines, found = [], 0
        for line in itertools.islice(self._lines(), 2000):
            lines.append(line[:SAMPLE])
            found += len(line)
            if found >= SAMPLE:
                break
        start = "".join(lines)[:SAMPLE]
        if not start.strip():
            raise refusal("The file is empty.")
        _refuse_other_documents(start, self._lines)
        if self._has_stray_marks:
            self.notes.append("A byte order mark in the middle of the file was ignored.")
        return start

    def records(self):
        """(number, cells, problem) of each record below the header, as wide as `columns`."""
        wanted, width, total = None, len(self.columns), 0
        for number, cells in self._parsed():
            if cells == wanted and not self._keeps_repeats:
                self._note(
                    f"Row {number} repeats the header, as files do that were put together, and was left out."
                )
            elif wanted:
                problem = ""
                if len(cells) != width:
                    if len(cells) < width or any(cell.strip() for cell in cells[width:]):
                        problem = f"has {len(cells)} cells, the header has {width}"
                    cells += [""] * (width - len(cells))
                yield number, cells, problem
                total += 1
            elif self._is_header(cells):
                wanted = list(cells)
        self.total = total

    def _note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    @property
    def rows(self):
        for number, cells, problem in self.records():
            named = zip(self.columns, cells, strict=False)
            yield Row(number, {name: cell for name, cell in named if name}, problem)

    def _parsed(self):
        """(row number, cells) of every record that is not blank, from the beginning of the file."""
        lines, number = self._lines(), 0
        if self._has_hint:
            next(lines)
        try:
            for number, cells in _parse(lines, self.delimiter, quoted=self._is_quoted):
                if len(cells) > MOST_COLUMNS:
                    raise refusal(_TOO_MUCH, row=number)
                yield number, cells
        except csv.Error as error:
            raise refusal(_damage(error, number + 1), row=number + 1) from None

    def _least_width_of_bare_lines(self):
        """How many columns prove that quotation marks are text, if each line has as many; 0: they are none.

        Marks that do not pair are text in any table. Those that pair over several lines may be either: that all
        lines of a long text hold three tabs or more, no fewer than the header, does not happen.
        """
        try:
            over_lines = any("\n" in cell or "\r" in cell for _, cells in self._parsed() for cell in cells)
        except Refusal:
            return 2
        return 4 if over_lines and self.delimiter == "\t" else 0

    def _fits_bare(self, least):
        """Whether each line is as wide as the header if quotation marks are text, and that is wide enough."""
        self._is_quoted, width, cells = False, 0, []
        for _, cells in self._parsed() if least else ():
            if width and len(cells) != width:
                return False
            if not width and self._is_header(cells):
                width = len(cells)
        # A text at the very end that begins with a mark and has no other is cut off.
        cut = any(cell.startswith('"') and cell.count('"') % 2 for cell in cells)
        return bool(least) and width >= least and not cut


def read_sheet(data: bytes, *, is_header=None) -> Sheet:
    """The table in a file, or `Refusal` (422, with `row` where one is to blame) naming why it can't be read.

    `is_header(cells) -> bool` finds the header below lines of notes; without it the first line with text is it.
    One that comes again is a row like others.
    """
    sheet = SheetFile(io.BytesIO(data), is_header, keeps_repeats=True)
    rows, cells = [], 0
    for row in sheet.rows:
        rows.append(row)
        cells += len(row.cells)
        if cells > MOST_CELLS:
            raise refusal(_TOO_MUCH, row=row.number)
    return Sheet(sheet.encoding, sheet.delimiter, sheet.header, rows, sheet.notes)


def safe_cell(value) -> str:
    """Text for a cell of an export: what a spreadsheet would run as a formula is disarmed with an apostrophe.

    Full-width signs, and signs behind quotes, blanks or separators, count too: a careless program peels those
    off. Plain numbers stay numbers. Source: OWASP, CSV injection.
    """
    text = "" if value is None else str(value)
    if _PLAIN_NUMBER.fullmatch(text):
        return text
    return f"'{text}" if _FORMULA.match(unicodedata.normalize("NFKC", text)) else text


# --- From bytes to text ----------------------------------------------------------------------------------


def _lines(file, encoding, has_stray_marks):
    """The lines as they end, CR too, without byte order marks at their beginning."""
    file.seek(0)
    # Not closed with the wrapper: the file is read again.
    text = io.TextIOWrapper(io.BufferedReader(_Unclosed(file), encodings.CHUNK), encoding=encoding, newline="")
    return (encodings.STRAY_MARK.sub("", line) for line in text) if has_stray_marks else text


class _Unclosed(io.RawIOBase):
    """Another reader's file, which stays open when this one is let go."""

    def __init__(self, file):
        self._file = file

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _refuse_other_documents(text, lines):
    start = text.lstrip()[:2000]
    if re.match(r"<(!doctype|html|\?xml|head|body|table|meta|style|!--)", start, re.IGNORECASE):
        raise refusal("This is not a table but a web page or XML, perhaps a login page saved by mistake.")
    if start.startswith(("{", "[")):
        try:
            json.loads("".join(lines()))
        except RecursionError:  # brackets in brackets in brackets: JSON, or meant to look like it
            pass
        except ValueError:
            if not re.match(r'\{\s*"', start):
                return
        raise refusal("This is not a table but JSON.")


# --- From text to records --------------------------------------------------------------------------------


def _stated_delimiter(text, notes):
    """Excel's own hint in the first line; a spreadsheet does not count that line."""
    hint = re.match(r'"?sep=(.)"?[ \t]*(\r\n|\r|\n)', text, re.IGNORECASE)
    if not hint:
        return text, ""
    notes.append(f'The first line "sep={hint.group(1)}" names the delimiter.')
    return text[hint.end() :], hint.group(1)


def _likely_delimiter(text, is_header):
    """The delimiter under which most of the first records are as wide as the header."""
    best, best_score = "", 0
    for delimiter, quoted in [*((delimiter, True) for delimiter in DELIMITERS), ("\t", False)]:
        lines = io.StringIO(text, newline="")  # keeps line breaks inside cells, ends lines at a bare CR too
        sample = [cells for _, cells in _parse(lines, delimiter, limit=60, strict=False, quoted=quoted)]
        header = next((cells for cells in sample if is_header(cells)), [])
        if len(header) < 2:
            continue
        alike = sum(len(cells) == len(header) for cells in sample) / len(sample)
        if alike * len(header) > best_score:
            best, best_score = delimiter, alike * len(header)
    if not best:
        first = text.strip().splitlines()[0][:80]
        raise refusal(f"This is not a table: its lines have no columns. It begins with {first!r}.")
    return best


def _damage(error, row):
    if "unexpected end of data" in str(error):
        return f"The file is cut off: a quoted cell that begins in row {row} or later never ends."
    if "field larger" in str(error):
        return f"Row {row} has a cell of more than 4 million characters: a quote is missing."
    return f"Row {row} has a stray quotation mark inside a quoted cell."


def _parse(lines, delimiter, *, limit=None, strict=True, quoted=True):
    """(row number, cells) of every record that is not blank."""
    quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    for number, cells in enumerate(
        csv.reader(lines, delimiter=delimiter, strict=strict, quoting=quoting), start=1
    ):
        if limit and number > limit:
            return
        if not quoted:
            cells = [_bare(cell) for cell in cells]
        if cells and (cells[0].strip() or any(map(str.strip, cells))):
            yield number, cells


def _bare(cell):
    """A cell whose quotation marks are text, but for a pair around all of it: "15"" screen" is 15" screen."""
    if len(cell) < 2 or not cell.startswith('"') or not cell.endswith('"'):
        return cell
    inside = cell[1:-1].replace('""', "\0")
    odd = inside.count('"')
    # "Big" and "small" has no pair around all of it.
    return cell if odd and odd % 2 == 0 else inside.replace("\0", '"')


def _header(cells, notes):
    """Column names: trimmed, a second one of the same name numbered, a nameless one left out of the rows."""
    names, seen = [], {}
    for cell in cells:
        name = " ".join(unicodedata.normalize("NFC", cell.translate(encodings.INVISIBLE)).split())
        seen[name] = seen.get(name, 0) + 1
        if name and seen[name] > 1:
            notes.append(f"The column {name} is there {seen[name]} times; the first one counts.")
            name = f"{name} ({seen[name]})"
        names.append(name)
    while names and not names[-1]:
        names.pop()
    return names


def write_sheet(header, rows, *, delimiter=",", for_people=True):
    """A table as bytes in UTF-8, the way back from `read_sheet`.

    `for_people`: with a byte order mark, so that Excel shows accents, and with formulas disarmed. Files that a
    marketplace imports get neither: both would end up in titles.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    for row in (header, *rows):
        writer.writerow([safe_cell(cell) for cell in row] if for_people else row)
    return text.getvalue().encode("utf-8-sig" if for_people else "utf-8")
