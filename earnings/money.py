"""Money as integers in minor units, and how people write it.

Exponents are ISO 4217's (active codes of 2024): a yen has no minor unit, a Kuwaiti dinar has 1000 fils.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from earnings.encodings import INVISIBLE

# Every active code with two decimals; what has another number of them stands in `_EXPONENTS`.
_TWO = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY
COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR
MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD
SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG
"""
_ZERO = """BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"""
_THREE = """BHD IQD JOD KWD LYD OMR TND"""
_EXPONENTS = dict.fromkeys(_TWO.split(), 2) | dict.fromkeys(_ZERO.split(), 0) | dict.fromkeys(_THREE.split(), 3)
CURRENCIES = sorted(_EXPONENTS)
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "TRY": "₺", "JPY": "¥"}

# Currencies of one country, whose people would read 29.899 as thousands and not as decimals, with its own sign.
_WITH_COMMAS = {"TRY": "TL"}
_SWAPPED = str.maketrans(",.", ".,")

# What a sign in a spreadsheet may stand for. Several = it does not say which; the file or the store has to.
_SIGNS = {
    "€": ("EUR",),
    "£": ("GBP",),
    "₺": ("TRY",),
    "TL": ("TRY",),
    "US$": ("USD",),
    "$US": ("USD",),
    "C$": ("CAD",),
    "CA$": ("CAD",),
    "A$": ("AUD",),
    "AU$": ("AUD",),
    "R$": ("BRL",),
    "NZ$": ("NZD",),
    "HK$": ("HKD",),
    "S$": ("SGD",),
    "NT$": ("TWD",),
    "MX$": ("MXN",),
    "₹": ("INR",),
    "Rs": ("INR", "PKR", "LKR", "NPR", "MUR"),
    "Rs.": ("INR", "PKR", "LKR", "NPR", "MUR"),
    "₩": ("KRW",),
    "₴": ("UAH",),
    "₽": ("RUB",),
    "₪": ("ILS",),
    "zł": ("PLN",),
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD"),
    "¥": ("JPY", "CNY"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
}
_SIGNS_LOWER = {sign.lower(): currencies for sign, currencies in _SIGNS.items()}

# Of one amount, in minor units. The database's big integers hold the sum of some thousands of these; two of the
# largest that it holds could not be added up any more, and no figure of that currency be read.
LARGEST = 10**15

# Digits are ASCII on purpose: Python's \d and Decimal() would accept full-width and Arabic ones.
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
# How most files write most prices: nothing to find out about it.
_UNMISTAKABLE = re.compile(r"([0-9]{1,15})\.([0-9]{2})", re.ASCII)
_NUMBER = re.compile(r"[0-9](?:[0-9.,' ]*[0-9])?")
_SPACES = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u202f\u2007\u2008\u2009\u200a", " "),
        **dict.fromkeys("’ʼ′´`", "'"),
        "\u2212": "-",
    }
)
# "1,23,456" is how India writes lakhs: pairs, and three digits at the end.
_LAKHS = re.compile(r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}", re.ASCII)


@dataclass(frozen=True)
class Money:
    minor: int
    currency: str


def exponent(currency):
    """How many decimals the currency has (ISO 4217); ValueError for an unknown code."""
    try:
        return _EXPONENTS[currency]
    except (KeyError, TypeError):
        raise ValueError(f"{currency!r} is not a currency code") from None


def to_minor(amount, currency):
    """Plain text ("29.00"), a Decimal or an int, exactly, in minor units; ValueError where it is not exact.

    Floats are refused: they can't hold cents.
    """
    digits = exponent(currency)
    if isinstance(amount, str):
        if not _PLAIN.fullmatch(amount):
            raise ValueError(f"{amount!r} is not an amount such as 29.00")
        amount = Decimal(amount)
    elif isinstance(amount, int) and not isinstance(amount, bool):
        amount = Decimal(amount)
    elif not isinstance(amount, Decimal):
        raise ValueError(f"an amount is text, not {type(amount).__name__}")
    if not amount.is_finite() or amount.adjusted() > 20:
        raise ValueError(f"{amount} is not an amount that can be stored")
    sign, figures, power = amount.as_tuple()
    power += digits
    value = int("".join(map(str, figures)))
    if power < 0:
        value, rest = divmod(value, 10**-power)
        if rest:
            raise ValueError(f"{currency} has {digits} decimals, {amount} has more")
    else:
        value *= 10**power
    if value > LARGEST:
        raise ValueError(f"{amount} is too large")
    return -value if sign else value


def amount_text(minor, currency):
    """ "29.00": plain, with the currency's own number of decimals."""
    digits = exponent(currency)
    text = f"{abs(minor):0{digits + 1}d}"
    if digits:
        text = f"{text[:-digits]}.{text[-digits:]}"
    return f"-{text}" if minor < 0 else text


def as_json(minor, currency):
    """The API's money: `{"amount": "29.00", "minor": 2900, "currency": "USD"}`."""
    return {"amount": amount_text(minor, currency), "minor": minor, "currency": currency}


def display(minor, currency):
    """For people: "$1,234.00", "¥1,234", "1,234.00 CHF", and liras as Turkey writes them: "1.234,00 TL"."""
    whole, _, cents = amount_text(abs(minor), currency).partition(".")
    text = f"{int(whole):,}" + (f".{cents}" if cents else "")
    if currency in _WITH_COMMAS:
        text = f"{text.translate(_SWAPPED)} {_WITH_COMMAS[currency]}"
        return f"-{text}" if minor < 0 else text
    symbol = SYMBOLS.get(currency)
    text = f"{symbol}{text}" if symbol else f"{text} {currency}"
    return f"-{text}" if minor < 0 else text


# --- Cells of spreadsheets -----------------------------------------------------------------------------


def parse(cell, currency="", *, default="", mark="", negative=False):
    """The `Money` that a spreadsheet cell states, or ValueError with the reason; nothing is guessed.

    `currency` is what the file says elsewhere (a sign in the cell must agree), `default` what counts when neither
    says. `mark` is the decimal mark that `decimal_mark` found for the column: without it "1.234" is refused.
    """
    plain = _UNMISTAKABLE.fullmatch(cell)
    if plain and exponent(currency or default) == 2:
        return Money(int(plain[1] + plain[2]), currency or default)
    number, possible, is_negative = _dissect(cell)
    if is_negative and not negative:
        raise ValueError("is negative")
    code = _currency(possible, currency, default)
    digits = exponent(code)
    whole, decimals = _split(number, mark, digits)
    if not decimals[digits:].strip("0") and len(decimals) != 3:
        # Databases write 9.5000 and 1200.00 yen. Three digits may be thousands after all.
        decimals = decimals[:digits]
    if len(decimals) > digits:
        raise ValueError(f"has more decimals than {code} has ({digits})")
    minor = int(whole + decimals.ljust(digits, "0"))
    if minor > LARGEST:
        raise ValueError("is too large")
    return Money(-minor if is_negative else minor, code)


def decimal_mark(cells):
    """ "." or "," if every cell of a column that can be read in one way only agrees on it; else ""."""
    found = set()
    for cell in cells:
        if _UNMISTAKABLE.fullmatch(cell):
            found.add(".")
            continue
        try:
            number, _, _ = _dissect(cell)
            readings = _readings(number)
        except ValueError:
            continue
        if len(readings) == 1:
            found.update(readings)
    return found.pop() if len(found) == 1 else ""


def _dissect(cell):
    """The number, the currencies that the cell allows (none = it does not say), and whether it is negative."""
    text = cell.translate(INVISIBLE).translate(_SPACES).strip()
    if not text:
        raise ValueError("is empty")
    if len(text) > 60:
        raise ValueError("is too long for a price")
    bracketed = text.startswith("(") and text.endswith(")")
    if bracketed:
        text = text[1:-1].strip()
    # "499,-" and "499.-" are how whole amounts are written in much of Europe.
    text = re.sub(r"(?<=[0-9])[.,]-(?![0-9])", "", text)
    number = _NUMBER.search(text)
    if not number:
        raise ValueError("is not a number")
    around = [text[: number.start()].strip(), text[number.end() :].strip()]
    signs = [part.strip("-").strip() for part in around]
    is_negative = bracketed or any(part.startswith("-") or part.endswith("-") for part in around)
    return number.group(), _meant([sign for sign in signs if sign]), is_negative


def _meant(signs):
    """The currencies that all of the signs or codes may stand for: "$" and "USD" together mean USD."""
    possible = [_meaning(sign) for sign in signs]
    if len(possible) < 2:
        return possible[0] if possible else ()
    common = tuple(code for code in possible[0] if code in possible[1])
    if not common:
        raise ValueError("names two currencies")
    return common


def _meaning(sign):
    if sign.isascii() and sign.upper() in _EXPONENTS:
        return (sign.upper(),)
    try:
        return _SIGNS_LOWER[sign.lower()]
    except KeyError:
        raise ValueError(f"is not a price: {sign!r} is neither a currency nor a number") from None


def _currency(possible, stated, default):
    if not possible:
        return stated or default
    if stated:
        if stated not in possible:
            raise ValueError(f"says {possible[0]}, but the currency is {stated}")
        return stated
    if default in possible:
        return default
    if len(possible) > 1:
        raise ValueError(f"does not say which currency it is: it could be {', '.join(possible[:3])}")
    return possible[0]


def _readings(number):
    """The decimal marks under which the number makes sense, () if it has no mark; ValueError if there is none."""
    if not re.search(r"[.,]", number):
        _ungroup(number, " '")
        return ()
    readings = []
    for mark, group in ((".", ","), (",", ".")):
        whole, found, decimals = number.partition(mark)
        if found and not decimals.isdigit():
            continue
        if _is_grouped(whole, f"{group} '"):
            # A number without this mark tells only that the other one groups.
            readings.append(mark)
    if not readings:
        raise ValueError("is not a number")
    return tuple(readings)


def _split(number, mark, digits):
    readings = _readings(number)
    if not readings:
        return _ungroup(number, " '"), ""
    if len(readings) > 1:
        if mark:
            readings = (mark,)
        elif digits == 0:
            # A currency without decimals leaves one reading: the mark groups thousands.
            readings = (",",) if "." in number else (".",)
        else:
            raise ValueError("can be read in two ways (thousands or decimals), and the column does not tell which")
    (mark,) = readings
    whole, _, decimals = number.partition(mark)
    return _ungroup(whole, ",. '"), decimals


def _is_grouped(whole, separators):
    """Whether digits are grouped by thousands, by one kind of separator, or not at all."""
    if whole.isdigit():
        return True
    if "," in separators and _LAKHS.fullmatch(whole):
        return True
    used = {c for c in whole if not c.isdigit()}
    if len(used) != 1 or not used <= set(separators):
        return False
    groups = whole.split(used.pop())
    return (
        groups[0] not in ("", "0") and len(groups[0]) <= 3 and all(len(g) == 3 and g.isdigit() for g in groups[1:])
    )


def _ungroup(whole, separators):
    if not _is_grouped(whole, separators):
        raise ValueError("is not a number")
    return re.sub(r"[^0-9]", "", whole)
