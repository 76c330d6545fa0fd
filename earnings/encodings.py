"""In which encoding a table file is written, found by looking at every byte; a damaged file is refused by row."""

import codecs
import re

from earnings.refusals import Refusal

CHUNK = 1 << 20  # bytes
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
    (b"{\\rtf", "a text document: save it as CSV"),
    (b"\x1f\x8b", "a compressed file: unpack it first"),
)
# The six places where Windows-1254 has Turkish letters and Windows-1252 has Icelandic ones ...
_TURKISH = re.compile(rb"[\xd0\xdd\xde\xf0\xfd\xfe]")
# ... and the accents of Icelandic, which Turkish does not use.
_ICELANDIC = re.compile(rb"[\xc1\xc6\xcd\xd3\xda\xe1\xe6\xed\xf3\xfa]")
# Signs of no width that come along when text is copied from a page or a chat: joiners, soft hyphens, marks of
# direction, byte order marks. Inside titles some of them have a meaning, in names, codes and numbers none.
INVISIBLE = dict.fromkeys(
    [0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), *range(0x2066, 0x206A), 0xFEFF]
)
STRAY_MARK = re.compile(r"^[ \t]*\ufeff[ \t]*", re.MULTILINE)
# What only UTF-8 writes like this: letters beyond ASCII as two to four bytes.
_UTF8_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
# Five letters with accents in a row are no word of a Western language; "ışığı" is one of Turkish.
_MANY_ACCENTS = re.compile(rb"[\xc0-\xff]{5,}")
_TURKISH_LETTERS = "çğıöşüâîûÇĞİÖŞÜÂÎÛ".encode("cp1254")


def refusal(detail, **extra):
    return Refusal.of_field("/file", detail, **extra)


def find(file, notes):
    """(encoding, whether a byte order mark stands inside), after every byte was looked at."""
    file.seek(0)
    head = file.read(4096)
    if not head.strip(b" \t\r\n\x00") and not file.read().strip(b" \t\r\n\x00"):
        raise refusal("The file is empty.")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            raise refusal(f"This is not a table but {kind}.")
    encoding = next((name for bom, name in _BOMS if head.startswith(bom)), None) or _unmarked_utf16(head)
    named = encoding or "utf-8"
    try:
        return named, _has_stray_marks(file, named)
    except ValueError:  # a broken file is small enough to be explained in memory
        file.seek(0)
        data = file.read()
    encoding = encoding or _without_mark(data, notes)
    _explain(data, encoding)
    return encoding, False


def _has_stray_marks(file, encoding):
    """Whether a line begins with a byte order mark; ValueError where the bytes are no text in this encoding."""
    file.seek(0)
    decoder, tail, found = codecs.getincrementaldecoder(encoding)(), "\n", False
    while True:
        chunk = file.read(CHUNK)
        text = tail + decoder.decode(chunk, final=not chunk)
        if "\x00" in text:
            raise ValueError("NUL")
        found = found or ("\ufeff" in text and bool(STRAY_MARK.search(text)))
        if not chunk:
            return found
        tail = text[-200:] if "\ufeff" in text[-200:] else text[-1:]


def _explain(data, encoding):
    """Refuse bytes that are no text, and say in which row."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        row = _row_at(data[: error.start].decode(encoding, "replace"))
        if _is_cut(error):
            raise refusal(
                f"The file is cut off in row {row}: it ends in the middle of a character.", row=row
            ) from None
        raise refusal(f"Row {row} holds bytes that are no text in {encoding}.", row=row) from None
    if "\x00" in text:
        row = _row_at(text[: text.index("\x00")])
        raise refusal(f"Row {row} holds a NUL byte: the file is damaged or no text.", row=row)


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
    # Mostly UTF-8 with some bytes of another program: read as Windows text, all its other letters would break.
    if len(_UTF8_LETTER.findall(data)) > len(_BEYOND_ASCII.findall(_UTF8_LETTER.sub(b"", data))):
        return "utf-8"
    words = (word for word in _MANY_ACCENTS.finditer(data) if word.group().translate(None, _TURKISH_LETTERS))
    foreign = next(words, None)
    if foreign:
        row = _row_at(data[: foreign.start()].decode("cp1252", "replace"))
        raise refusal(
            f"Row {row} holds letters of another alphabet, and the file does not say which: save it as UTF-8.",
            row=row,
        )
    turkish = len(_TURKISH.findall(data))
    encoding = "cp1254" if turkish and turkish >= len(_ICELANDIC.findall(data)) else "cp1252"
    language = "Turkish letters" if encoding == "cp1254" else "Western European letters"
    notes.append(f"The encoding is not stated; {language} suggest {encoding}. Check a name with accents.")
    return encoding


def _row_at(text):
    """The spreadsheet row that follows on `text`, counting a cell of several lines once."""
    text = re.sub(r'"[^"]*"', "", text)
    return len(re.findall(r"\r\n|\r|\n", text)) + 1
