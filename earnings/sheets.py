"""Table files as shops and banks export them: encodings, delimiters, line ends, and what is no table at all."""

import codecs
import csv
import io
import json
import re
import unicodedata
from dataclasses import dataclass, field

from earnings.refusals import Refusal

DELIMITERS = ",;\t|"

# A product description may be long; csv's own limit of 128 kB is not.
csv.field_size_limit(4_000_000)

_BOMS = (
    # UTF-32's mark begins with UTF-16's, so it is asked first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"PK\x03\x04", "an Excel workbook or another zip file: save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as CSV"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file: unpack it first"),
)
# The six places where Windows-1254 has Turkish letters and Windows-1252 has Icelandic ones ...
_TURKISH = re.compile(rb"[\xd0\xdd\xde\xf0\xfd\xfe]")
# ... and the accents of Icelandic, which Turkish does not use.
_ICELANDIC = re.compile(rb"[\xc1\xc6\xcd\xd3\xda\xe1\xe6\xed\xf3\xfa]")
_FORMULA = re.compile(r"""[\s"';,|]*(?:%0[ad]|[\s"';,|])*[=+\-@]""", re.IGNORECASE)
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


# A small file can hold millions of empty cells; these keep one upload within a few hundred MB of memory.
MOST_COLUMNS = 1_000
MOST_CELLS = 3_000_000


def read_sheet(data: bytes, *, is_header=None) -> Sheet:
    """The table in a file, or `Refusal` (422, with `row` where one is to blame) naming why it can't be read.

    `is_header(cells) -> bool` finds the header below lines of notes; without it the first line with text is it.
    """
    notes = []
    text, encoding = _decode(data, notes)
    if not text.strip():
        raise _refusal("The file is empty.")
    _refuse_other_documents(text)
    text, delimiter = _stated_delimiter(text, notes)
    is_header = is_header or (lambda cells: True)
    delimiter = delimiter or _likely_delimiter(text, is_header)
    records = _records(text, delimiter)
    header_at = next((at for at, (_, cells) in enumerate(records) if is_header(cells)), None)
    if header_at is None:
        raise _refusal("The file has no header line that we know.")
    header = _header(records[header_at][1], notes)
    rows = [_row(number, cells, header) for number, cells in records[header_at + 1 :]]
    if not rows:
        raise _refusal("The file has a header and no rows.")
    named = [name for name in header if name]
    return Sheet(encoding, delimiter, named, rows, notes)


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


def _refusal(detail, **extra):
    return Refusal.of_field("/file", detail, **extra)


def _decode(data, notes):
    if not data.strip(b" \t\r\n\x00"):
        raise _refusal("The file is empty.")
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            raise _refusal(f"This is not a table but {kind}.")
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), None) or _unmarked_utf16(data)
    if encoding is None:
        encoding = _without_mark(data, notes)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        row = _row_at(data[: error.start].decode(encoding, "replace"))
        if _is_cut(error):
            raise _refusal(
                f"The file is cut off in row {row}: it ends in the middle of a character.", row=row
            ) from None
        raise _refusal(f"Row {row} holds bytes that are no text in {encoding}.", row=row) from None
    if "\x00" in text:
        row = _row_at(text[: text.index("\x00")])
        raise _refusal(f"Row {row} holds a NUL byte: the file is damaged or no text.", row=row)
    return _without_stray_marks(text, notes), encoding.removesuffix("-sig")


def _is_cut(error):
    return error.end >= len(error.object) and ("unexpected end" in error.reason or "truncated" in error.reason)


def _unmarked_utf16(data):
    """Text in a Western script saved as UTF-16 without a mark: every second byte is NUL."""
    sample = data[:2000]
    half = len(sample) // 2
    if half < 4:
        return None
    if sample[1::2].count(0) > 0.7 * half and sample[::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if sample[::2].count(0) > 0.7 * half and sample[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return None


def _without_mark(data, notes):
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        # Good UTF-8 up to a last half character is a truncated UTF-8 file, not Windows text.
        if _is_cut(error):
            return "utf-8"
    turkish = len(_TURKISH.findall(data))
    encoding = "cp1254" if turkish and turkish >= len(_ICELANDIC.findall(data)) else "cp1252"
    language = "Turkish letters" if encoding == "cp1254" else "Western European letters"
    notes.append(f"The encoding is not stated; {language} suggest {encoding}. Check a name with accents.")
    return encoding


def _without_stray_marks(text, notes):
    """A byte order mark below an empty first line is left over from gluing files together."""
    cleaned = re.sub(r"^[ \t]*\ufeff[ \t]*", "", text, flags=re.MULTILINE)
    if cleaned != text:
        notes.append("A byte order mark in the middle of the file was ignored.")
    return cleaned


def _row_at(text):
    """The spreadsheet row that follows on `text`, counting a cell of several lines once."""
    text = re.sub(r'"[^"]*"', "", text)
    return len(re.findall(r"\r\n|\r|\n", text)) + 1


def _refuse_other_documents(text):
    start = text.lstrip()[:2000]
    if re.match(r"<(!doctype|html|\?xml|head|body|!--)", start, re.IGNORECASE):
        raise _refusal("This is not a table but a web page or XML, perhaps a login page saved by mistake.")
    if start.startswith(("{", "[")):
        try:
            json.loads(text)
        except ValueError:
            if not re.match(r'\{\s*"', start):
                return
        raise _refusal("This is not a table but JSON.")


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
    for delimiter in DELIMITERS:
        sample = [cells for _, cells in _parse(text[:100_000], delimiter, limit=60, strict=False)]
        header = next((cells for cells in sample if is_header(cells)), [])
        if len(header) < 2:
            continue
        alike = sum(len(cells) == len(header) for cells in sample) / len(sample)
        if alike * len(header) > best_score:
            best, best_score = delimiter, alike * len(header)
    if not best:
        first = text.strip().splitlines()[0][:80]
        raise _refusal(f"This is not a table: its lines have no columns. It begins with {first!r}.")
    return best


def _records(text, delimiter):
    records, cells = [], 0
    try:
        for record in _parse(text, delimiter):
            records.append(record)
            cells += len(record[1])
            if len(record[1]) > MOST_COLUMNS or cells > MOST_CELLS:
                detail = f"More than {MOST_COLUMNS:,} columns or {MOST_CELLS:,} cells: split the file."
                raise _refusal(detail, row=record[0])
    except csv.Error as error:
        row = records[-1][0] + 1 if records else 1
        if "unexpected end of data" in str(error):
            detail = f"The file is cut off: a quoted cell that begins in row {row} or later never ends."
        elif "field larger" in str(error):
            detail = f"Row {row} has a cell of more than 4 million characters: a quote is missing."
        else:
            detail = f"Row {row} has a stray quotation mark inside a quoted cell."
        raise _refusal(detail, row=row) from None
    return records


def _parse(text, delimiter, *, limit=None, strict=True):
    """(row number, cells) of every record that is not blank."""
    # newline="" keeps line breaks inside cells as they are and still ends lines at a bare CR.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    for number, cells in enumerate(reader, start=1):
        if limit and number > limit:
            return
        if any(cell.strip() for cell in cells):
            yield number, cells


def _header(cells, notes):
    """Column names: trimmed, a second one of the same name numbered, a nameless one left out of the rows."""
    names, seen = [], {}
    for cell in cells:
        name = " ".join(cell.replace("\ufeff", "").split())
        seen[name] = seen.get(name, 0) + 1
        if name and seen[name] > 1:
            notes.append(f"The column {name} is there {seen[name]} times; the first one counts.")
            name = f"{name} ({seen[name]})"
        names.append(name)
    while names and not names[-1]:
        names.pop()
    return names


def _row(number, cells, header):
    fits = len(cells) >= len(header) and not any(cell.strip() for cell in cells[len(header) :])
    problem = "" if fits else f"has {len(cells)} cells, the header has {len(header)}"
    padded = cells + [""] * (len(header) - len(cells))
    return Row(number, {name: cell for name, cell in zip(header, padded, strict=False) if name}, problem)


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
