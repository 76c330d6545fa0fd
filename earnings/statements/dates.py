"""Dates and times as platforms print them: in the file's own order of day and month, in its own time zone."""

import calendar
import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings

from earnings.statements import months

# Abbreviations that mean one offset wherever they are printed, in hours. IST (India, Ireland, Israel) does not.
_OFFSETS = {
    **{
        "UTC": 0,
        "GMT": 0,
        "Z": 0,
        "WET": 0,
        "BST": 1,
        "WEST": 1,
        "CET": 1,
        "CEST": 2,
        "MEZ": 1,
        "MESZ": 2,
        "EET": 2,
        "EEST": 3,
    },
    **{"TRT": 3, "MSK": 3, "SGT": 8, "HKT": 8, "JST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13},
    **{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "HST": -10},
    **{"AKST": -9, "AKDT": -8},
}
_NAMED = {
    "eastern time (us & canada)": "America/New_York",
    "central time (us & canada)": "America/Chicago",
    "mountain time (us & canada)": "America/Denver",
    "pacific time (us & canada)": "America/Los_Angeles",
}
# Invisible marks of the direction of writing.
_MARKS = dict.fromkeys([0x200E, 0x200F, 0x202A, 0x202B, 0x202C, 0xFEFF])

_TIME = (
    r"(?:[T ,]\s*(?:(?:at|um|à|-) )?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|[A-Za-z]{2,5}|[+-]\d{2}:?\d{2})?)?"
)
_ISO = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME, re.ASCII)
_NUMERIC = re.compile(
    r"(?P<a>\d{1,2})(?P<sep>[./-]) ?(?P<b>\d{1,2})(?P=sep) ?(?P<year>\d{4}|\d{2})" + _TIME, re.ASCII
)
_COMPACT = re.compile(r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})", re.ASCII)
_WORD = r"(?P<word>[A-Za-z\u00c0-\u024f]{3,12})"
_MONTH_FIRST = re.compile(
    _WORD + r"\.? +(?P<day>\d{1,2})(?:st|nd|rd|th)?,? +(?:de +)?(?P<year>\d{4})" + _TIME, re.ASCII
)
# Excel makes "30-May-26" of "30 May 2026".
_DAY_FIRST = re.compile(
    r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|\.)?[ /-](?:de +)?"
    + _WORD
    + r"\.?,?[ /-](?:de +)?(?P<year>\d{4}|(?<=-)\d{2})(?: r\.)?"
    + _TIME,
    re.ASCII,
)
_RANGE = re.compile(_WORD + r" +\d{1,2} *[-–] *(?P<day>\d{1,2}), +(?P<year>\d{4})", re.ASCII)
_MONTH = re.compile(
    rf"(?:(?P<year>\d{{4}})-(?P<month>\d{{2}})|{_WORD}\.? +(?:de +)?(?P<named_year>\d{{4}}))", re.ASCII
)
_PATTERNS = (_ISO, _COMPACT, _NUMERIC, _MONTH_FIRST, _DAY_FIRST, _RANGE, _MONTH)


def order_of(cells):
    """ "mdy" or "dmy", where a number above 12 tells; "" where none does; "mixed" where they disagree."""
    found = set()
    for cell in cells:
        numbers = _NUMERIC.match(_plain(cell))
        if (numbers and numbers["sep"] == ".") or (numbers and int(numbers["a"]) > 12):
            found.add("dmy")
        elif numbers and int(numbers["b"]) > 12:
            found.add("mdy")
    return "mixed" if len(found) > 1 else (found.pop() if found else "")


def is_ambiguous(cell):
    """Whether only the order of the file can tell day and month apart."""
    numbers = _NUMERIC.match(_plain(cell))
    return bool(numbers) and numbers["a"] != numbers["b"] and numbers["sep"] != "."


def is_word_of_days(text):
    """Whether a word stands in days: a month's name, a weekday's."""
    return months.fold(text) in months.NUMBERS or months.fold(text) in months.WEEKDAYS


def read_moment(text, order="", zone=""):
    """The aware moment that a cell states, or ValueError with the reason.

    A day without a time is its noon in the store's zone, so that it stays that day; a month or a range of days is
    its last day. `zone` counts where the cell names none: an offset, an abbreviation or a name; "" is the store's.
    """
    text = _plain(text)
    for pattern in _PATTERNS:
        found = pattern.fullmatch(text)
        if found:
            day = _day(found.groupdict(), order)
            return _moment(day, found.groupdict(), zone)
    raise ValueError(f"{text[:40]!r} is not a date that we know" if text else "is empty")


def _plain(text):
    """Without what says nothing: marks that nobody sees, doubled blanks, the day of the week."""
    return months.without_weekday(" ".join(unicodedata.normalize("NFC", text).translate(_MARKS).split()))


def zone_of(name):
    """The time zone that a name, an abbreviation or an offset means; ValueError if it can't be told."""
    name = name.strip()
    if not name:
        return ZoneInfo(settings.STORE_TIMEZONE)
    if name.upper() in _OFFSETS:
        return timezone(timedelta(hours=_OFFSETS[name.upper()]))
    offset = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})", name, re.ASCII)
    if offset and int(offset[2]) < 24 and int(offset[3]) < 60:
        minutes = int(offset[2]) * 60 + int(offset[3])
        return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    ours = ZoneInfo(settings.STORE_TIMEZONE)
    if name.upper() in {datetime(2026, month, 1, tzinfo=ours).tzname() for month in (1, 7)}:
        return ours  # "IST" in an Indian store: platforms print the time of their account
    try:
        return ZoneInfo(_NAMED.get(name.lower(), name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name[:40]!r} is not a time zone that we know") from None


def _day(found, order):
    try:
        if "a" in found:
            return _numeric_day(found, order)
        year = _year(found.get("named_year") or found["year"])
        month = months.number_of(found["word"]) if found.get("word") else int(found["month"])
        day = int(found["day"]) if found.get("day") else calendar.monthrange(year, month)[1]
        return date(year, month, day)
    except KeyError as error:
        raise ValueError(f"names {error}, no month that we know for certain") from None
    except (ValueError, IndexError, calendar.IllegalMonthError):
        raise ValueError("is not a day of the calendar") from None


def _numeric_day(found, order):
    first, second = int(found["a"]), int(found["b"])
    year = _year(found["year"])
    day_first = found["sep"] == "." or order == "dmy"
    return date(year, second, first) if day_first else date(year, first, second)


def _year(digits):
    return int(digits) + (2000 if len(digits) == 2 else 0)


def _moment(day, found, zone):
    if not found.get("hour"):
        return datetime.combine(day, time(12), ZoneInfo(settings.STORE_TIMEZONE)).astimezone(UTC)
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower().startswith("p") else 0)
    try:
        at = time(hour, int(found["minute"]), int(found["second"] or 0))
    except ValueError:
        raise ValueError("is not a time of the day") from None
    return datetime.combine(day, at, zone_of(found["zone"] or zone)).astimezone(UTC)
