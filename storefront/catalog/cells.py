"""What the cells of catalog files mean. A reader returns the value or raises ValueError with the reason."""

import hashlib
import re
import unicodedata
from functools import lru_cache
from html import unescape
from urllib.parse import urlsplit

import nh3
from django.utils.html import strip_tags

from agency import gig_texts
from earnings.encodings import INVISIBLE
from storefront.models.products import Product, identity

LARGEST_STOCK = 2**31 - 1  # what the database's integers hold

# Letters that Unicode does not take apart into a Latin letter and a mark.
_LATIN = str.maketrans(
    {"ı": "i", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D"}
    | {"þ": "th", "Þ": "Th", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "&": " and ", "+": " plus "}
    | dict(zip("абвгдеёзийклмнопрстуфыэ", "abvgdeeziyklmnoprstufye", strict=True))
    | {"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya", "ь": "", "ъ": ""}
    | {"і": "i", "ї": "yi", "є": "ye", "ґ": "g"}
)
# No h1: a product page has one, its title. No img: a picture without alternative text harms; the page shows the
# product's own image.
_TAG_NAMES = """p br hr ul ol li dl dt dd strong b em i u s sub sup small a h2 h3 h4 h5 h6 blockquote code pre
table thead tbody tfoot tr th td caption figure figcaption div span"""
_TAGS = set(_TAG_NAMES.split())
_ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}}
# Made once: making one takes several times as long as cleaning a description.
_CLEANER = nh3.Cleaner(tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto"})
_ESCAPER = nh3.Cleaner(tags=set())
_KINDS = {
    "service": Product.Kind.SERVICE,
    "consulting": Product.Kind.SERVICE,
    "course": Product.Kind.COURSE,
    "training": Product.Kind.COURSE,
    "subscription": Product.Kind.SUBSCRIPTION,
    "membership": Product.Kind.SUBSCRIPTION,
    "bundle": Product.Kind.BUNDLE,
    "digital": Product.Kind.DOWNLOAD,
    "download": Product.Kind.DOWNLOAD,
    "physical": Product.Kind.PHYSICAL,
}
_MARKUP = re.compile(r"[<>&]")
_TAG = re.compile(r"<[a-zA-Z/!]")
_MAIN_HEADING = re.compile(r"<(/?)h1\b", re.IGNORECASE)
_NOT_IN_SLUGS, _BETWEEN_WORDS = re.compile(r"[^\w\s-]"), re.compile(r"[-\s]+")
# From where the run begins: a long run of blanks that no address follows is read once.
_NEXT_ADDRESS = re.compile(r"(?<![;,|\s])[;,|\s]+(?=https?://)")
_NOT_IN_ADDRESSES = re.compile(r"[\s<>\"]")
# Spreadsheets and databases write 1.0, 1,00 or 1.0000 for one; three zeros may be a thousand.
_WHOLE = re.compile(r"([0-9]{1,10})(?:[.,](?:00?|0000{1,6}))?")
_OTHERWISE = re.compile(r"[;|\n]")  # what separates tags where no comma does
_CYRILLIC = re.compile("[а-яА-Я]")
_KIND_NAMES = frozenset(Product.Kind.values)
# A product that costs nothing; the last two are in Russian and Ukrainian.
_FREE = {"free", "gratis", "gratuit", "grátis", "kostenlos", "ücretsiz", "bedava", "бесплатно", "безкоштовно"}
_YES = {"true", "yes", "1", "y", "active", "listed", "published"}
_NO = {"false", "no", "0", "n", "", "draft", "approved", "archived", "unlisted"}
# A spreadsheet writes TRUE and FALSE in the language of its owner. The last two are how Python lowers a Turkish I.
_YES_ELSEWHERE = "doğru evet wahr ja vrai oui verdadero sí vero sì verdadeiro sim waar prawda tak истина да"
_NO_ELSEWHERE = "yanlış hayır falsch nein faux non falso não onwaar nee fałsz nie ложь нет yanliş hayir"
_YES.update(_YES_ELSEWHERE.split())
_NO.update(_NO_ELSEWHERE.split())


@lru_cache(maxsize=4096)
def slug_of(text, length=120):
    """A slug in ASCII: "Zen Sanat Baskı Paketi" is zen-sanat-baski-paketi, not zen-sanat-bask-paketi."""
    latin = _in_latin(text).encode("ascii", "ignore").decode()
    # As Django's slugify, which spends more on being lazy than on the words.
    return _BETWEEN_WORDS.sub("-", _NOT_IN_SLUGS.sub("", latin.lower())).strip("-_")[:length].strip("-")


@lru_cache(maxsize=4096)
def name_of(text, length=120):
    """The slug by which a file's products, families and options are told apart; "" for an empty text only.

    Of letters that have no Latin spelling a slug keeps nothing, so all Chinese titles would be one: such a text
    gets a fingerprint, as does one of signs alone, and one too long for the end in which it differs.
    """
    slug, words = slug_of(text, 1000), identity(text)
    if not words or (0 < len(slug) <= length and (text.isascii() or not _lost_letters(text))):
        return slug
    return with_fingerprint(slug, words, length)


@lru_cache(maxsize=4096)
def family_of(text, length=120):
    """The family of the product with this SKU or handle; "" for an empty text only.

    "A.1", "A 1", "A-1" and "A1" are four products with two slugs: all but a text that is its own slug get a
    fingerprint, or a shop would show two products as variants of one.
    """
    slug, words = slug_of(text, 1000), identity(text)
    return slug if slug == words and len(slug) <= length else with_fingerprint(slug, words, length)


def with_fingerprint(slug, words, length):
    """The slug, shortened to what fits, and behind it what tells these words from all others."""
    fingerprint = hashlib.sha256(words.encode()).hexdigest()[:8]
    return f"{slug[: length - 9].strip('-')}-{fingerprint}".strip("-")


def _lost_letters(text):
    return any(sign.isalnum() and not sign.isascii() for sign in _in_latin(text))


def _in_latin(text):
    """The text with its letters in ASCII, and marks behind them, as far as they have a Latin spelling."""
    if text.isascii():
        return text.replace("&", " and ").replace("+", " plus ")
    latin = unicodedata.normalize("NFC", text).translate(_LATIN)
    if _CYRILLIC.search(latin):
        latin = latin.lower().translate(_LATIN)
    return unicodedata.normalize("NFKD", latin)


def line(length):
    """A reader of one line of text, at most `length` characters."""

    def read(cell):
        value = " ".join(cell.split())
        if len(value) > length:
            raise ValueError(f"has {len(value)} characters, at most {length} fit")
        return value

    return read


def code(cell):
    """An SKU, a handle, a number: without what can't be seen in it."""
    return " ".join(cell.translate(INVISIBLE).split())


def prose(cell):
    return cell.strip().replace("\r\n", "\n").replace("\r", "\n")


@lru_cache(maxsize=512)
def html(cell):
    """A description that is safe to show: a few tags, no scripts, no styles, no second main heading."""
    text = prose(cell)
    if not _TAG.search(text):
        if "\n" not in text:
            return _ESCAPER.clean(text) if _MARKUP.search(text) else text
        paragraphs = [p.strip().replace("\n", "<br>") for p in re.split(r"\n\s*\n", text)]
        text = "".join(f"<p>{p}</p>" for p in paragraphs if p)
    return _CLEANER.clean(_MAIN_HEADING.sub(r"<\1h2", text)).strip()


@lru_cache(maxsize=512)
def excerpt(description, length=200):
    """The first sentences of a description, for lists and search engines, where the file has no summary."""
    spaced = re.sub(r"<(/?(p|li|br|h\d|div|tr|td)\b)", r" <\1", description)
    text = " ".join(unescape(strip_tags(spaced)).split())
    return shortened(text, length)


def shortened(text, length):
    """At most `length` characters, cut between words."""
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"


def tags(cell):
    """Tags between commas; between semicolons, bars or lines where there is no comma."""
    found = {}
    for tag in cell.split(",") if "," in cell else _OTHERWISE.split(cell):
        tag = " ".join(tag.split())
        if tag:
            found.setdefault(tag.casefold(), tag)
    return list(found.values())


def lines(cell):
    """A list: JSON, or one item a line, or items between bars."""
    return gig_texts.lines(prose(cell))


def requirements(cell):
    """What a brief must say: JSON, or lines of `name|label|required` (and `|help`)."""
    return gig_texts.requirements(prose(cell))


def checklist(cell):
    """What a delivery must hold: JSON, or lines of `check|value|label`."""
    return gig_texts.checklist(prose(cell))


def whole(cell):
    """A whole number of at least 0."""
    text = code(cell)
    found = _WHOLE.fullmatch(text)
    if not found or int(found[1]) > LARGEST_STOCK:
        raise ValueError(f"{text!r} is not a whole number from 0 to {LARGEST_STOCK}")
    return int(found[1])


def stock(cell):
    """How many are left; empty = unlimited."""
    return whole(cell) if cell.strip() else None


def days(cell):
    """ "7", "7 days" or "1 day"."""
    found = re.fullmatch(r"\s*([0-9]{1,3})(?:[.,]00?)?\s*(days?)?\s*", cell, re.IGNORECASE)
    if not found or not int(found.group(1)):
        raise ValueError(f"{cell.strip()!r} is not a number of days")
    return int(found.group(1))


def kind(cell):
    """One of our own kinds of product; empty = download."""
    text = cell.strip().lower() or Product.Kind.DOWNLOAD
    if text not in _KIND_NAMES:
        raise ValueError(f"{text!r} is not one of {', '.join(Product.Kind.values)}")
    return text


def kind_from_words(text, otherwise=Product.Kind.DOWNLOAD):
    """What a marketplace's free words for a type suggest."""
    words = text.lower()
    return next((value for word, value in _KINDS.items() if word in words), otherwise)


def link(cell):
    """An http(s) address."""
    text = cell.strip()
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or _NOT_IN_ADDRESSES.search(text):
        raise ValueError(f"{text[:60]!r} is not a web address")
    return line(500)(text)


def image(cell):
    """An http(s) address, the first of several, or a path on this site that begins with a slash."""
    text = _NEXT_ADDRESS.split(cell.strip())[0]
    if text.startswith("/") and not text.startswith("//") and not _NOT_IN_ADDRESSES.search(text):
        return line(500)(text)
    # Files are uploaded with blanks in their names; browsers ask for them like this.
    return link(text.replace(" ", "%20") if text.startswith(("http://", "https://")) else text)


def says_free(cell):
    """Whether a price cell says in words that there is nothing to pay."""
    # That is how Python lowers a Turkish capital I with its dot.
    return cell.strip().casefold().replace("i\u0307", "i") in _FREE


def says_yes(cell):
    """Whether a cell says yes; anything else, also what can't be understood, does not."""
    return cell.strip().lower() in _YES


def yes(cell):
    """Whether a cell says yes. ValueError where it says neither yes nor no."""
    text = cell.strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise ValueError(f"{text!r} is neither yes nor no")
