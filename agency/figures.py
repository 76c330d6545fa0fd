"""Figures in prose: which a text names, and whether the facts hold them.

A price that nobody set, a discount that nobody gave: both read like any other number. So a figure counts as
known only if the facts hold it in the same role: as money, as a percentage, or as a plain number.
"""

import html
import re
import unicodedata
from decimal import Decimal

import nh3

CURRENCY = r"[$€£₺¥]|USD|EUR|GBP|TRY|TL|JPY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|INR|BRL|MXN|KWD|AED"
_WORD = re.compile(r"\w+(?:[.,:/’'\-]\w+)*")
_PERCENT_AFTER = re.compile(r"\s?(?:%|percent\b|per cent\b)", re.IGNORECASE)
_CODE_AFTER = re.compile(rf"\s?(?:{CURRENCY})(?!\w)")
_CODE_BEFORE = re.compile(rf"(?<!\w)(?:{CURRENCY})\s?\Z")
_MONEY_WORD = re.compile(rf"(?:{CURRENCY})?\d[\d.,’']*(?:{CURRENCY})?")
# Parts that exclude each other: with others, 8,000 characters of "[](" take a minute.
_LINK = re.compile(r"\[([^\[\]]*)\]\(([^()\s]*)(?:\s[^()]*)?\)")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
# Numbers in words, English and Turkish. "One", "on", "bin" and "yüz" have too many other meanings.
# fmt: off
_IN_WORDS = {
    "zero": 0, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000,
    "dozen": 12, "half": 50, "twice": 2, "double": 2, "triple": 3, "iki": 2, "üç": 3, "dört": 4, "beş": 5,
    "yedi": 7, "sekiz": 8, "dokuz": 9, "yirmi": 20, "otuz": 30, "kırk": 40, "elli": 50, "altmış": 60,
    "yetmiş": 70, "seksen": 80, "doksan": 90, "yarım": 50,
}
# fmt: on
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.IGNORECASE | re.DOTALL)


def not_in(text, facts):
    """The figures of `text` that `facts` (JSON) does not hold, as they stand in the text, each once.

    Amounts in minor units (`price_minor`) don't count as facts: in prose, 2900 is not 29.00.
    """
    known = _Known(facts)
    return list(dict.fromkeys(word for word, role in _figures(text) if not known.holds(word, role)))


def plain_text(text, facts):
    """A model's answer as plain text: no markup, no thoughts, no link that the facts don't hold."""
    known_urls = {url for value in _strings(facts) for url in _URL.findall(value)}
    text = _THOUGHTS.sub("", text)
    while (cleaned := html.unescape(nh3.clean(text, tags=set()))) != text:
        text = cleaned
    text = _LINK.sub(lambda link: link[0] if link[2] in known_urls else link[1], text)
    text = _URL.sub(lambda url: url[0] if url[0].rstrip(".,;:!?") in known_urls else "", text)
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Co"))
    return re.sub(r"[ \t]+\n", "\n", text).strip()


class _Known:
    """What the facts hold: words as they stand, and numbers by the role in which they occur."""

    def __init__(self, facts):
        self.words = set()
        self.numbers = {"plain": set(), "money": set(), "percent": set()}
        self._read(facts, "plain")

    def holds(self, word, role):
        if role == "url":
            return word.casefold() in self.words
        if role == "word":
            values = {
                Decimal(_IN_WORDS[part]) for part in re.findall(r"\w+", word.casefold()) if part in _IN_WORDS
            }
            return word.casefold() in self.words or values <= set().union(*self.numbers.values())
        if role == "plain" and word.casefold() in self.words:
            return True
        numbers = self.numbers[role] if role != "plain" else set().union(*self.numbers.values())
        values = [_number(part) for part in _parts(word)]
        return all(value in numbers for value in values)

    def _read(self, value, role):
        if isinstance(value, dict):
            for key, inner in value.items():
                if not str(key).endswith("minor"):
                    self._read_text(str(key), "plain")
                    self._read(inner, "money" if str(key) in ("price", "amount") else "plain")
        elif isinstance(value, list | tuple):
            for inner in value:
                self._read(inner, role)
        elif isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
            self._read_text(str(value), role)

    def _read_text(self, text, role):
        for word, found in _figures(text):
            self.words.add(word.casefold())
            if found == "word":
                continue
            # A number plate is no number: SKU KIT-20 makes nobody's 20 true.
            if found == "money" or not any(c.isalpha() for c in word):
                known = role if found == "plain" else found
                self.numbers[known].update(_number(part) for part in _parts(word))


def _figures(text):
    """(word, role) of each figure, in digits or in words. A URL is one word: it is known or it is not."""
    text = unicodedata.normalize("NFKC", text)
    for url in _URL.finditer(text):
        yield url[0].rstrip(".,;:!?"), "url"
    text = _URL.sub(" ", text)
    for match in _WORD.finditer(text):
        if any(c.isdecimal() for c in match[0]):
            yield match[0], _role(text, match)
        elif any(part in _IN_WORDS for part in _words_in(match[0])):
            yield match[0], "word"


def _words_in(word):
    """ "Twenty-five" has two."""
    return re.findall(r"\w+", word.casefold())


def _role(text, match):
    before, after = text[max(0, match.start() - 5) : match.start()], text[match.end() : match.end() + 10]
    if _PERCENT_AFTER.match(after) or before.endswith("%"):
        return "percent"
    if not _MONEY_WORD.fullmatch(match[0]):
        return "plain"
    has_letters = any(c.isalpha() for c in match[0])
    return "money" if has_letters or _CODE_AFTER.match(after) or _CODE_BEFORE.search(before) else "plain"


def _parts(word):
    """The numbers inside a word: 50-60 holds two, 1280x720 too, 1,299.00 one."""
    return re.findall(r"\d+(?:[.,’']\d+)*", word)


def _number(text):
    """The value of a number as people write it.

    A last separator is the decimal sign unless exactly three digits follow; any other groups thousands. With
    two kinds of separator the last one is the decimal sign.
    """
    groups = re.split(r"[.,’']", text)
    separators = re.findall(r"[.,’']", text)
    is_decimal = separators and (len(groups[-1]) != 3 or len(set(separators)) == 2)
    whole, fraction = ("".join(groups[:-1]), groups[-1]) if is_decimal else ("".join(groups), "0")
    return Decimal(f"{whole}.{fraction}")


def _strings(value):
    """Every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)
