"""Text on pictures: what the font can draw, wrapped and sized so that it fits, whatever its length."""

import unicodedata
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from PIL import ImageFont

FONTS = settings.BASE_DIR / "static" / "fonts"
BOLD, MEDIUM = "Manrope-ExtraBold.ttf", "Manrope-Medium.ttf"
ELLIPSIS = "…"


@cache
def font(name, size):
    return ImageFont.truetype(FONTS / name, size)


@cache
def has_glyph(name, character):
    """Whether the font draws the character itself instead of its box for unknown ones."""
    face = font(name, 40)
    return character.isspace() or bytes(face.getmask(character)) != bytes(face.getmask("\uffff"))


def drawable(text, name):
    """`text` with what the font can't draw left out: emoji go, an unknown accent leaves its letter."""
    drawn = []
    for character in unicodedata.normalize("NFC", text):
        plain = unicodedata.normalize("NFD", character)[0]
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn"):
            drawn.append(" " if character.isspace() else "")
        else:
            drawn.append(next((c for c in (character, plain) if has_glyph(name, c)), ""))
    return " ".join("".join(drawn).split())


@dataclass(frozen=True)
class Block:
    """Lines of one size that fit their box. `line_height` is in pixels."""

    lines: tuple[str, ...]
    font: ImageFont.FreeTypeFont
    line_height: int

    @property
    def height(self):
        return self.line_height * len(self.lines)

    @property
    def width(self):
        return max((self.font.getlength(line) for line in self.lines), default=0)


def fit(text, name, *, box, sizes, most_lines, leading=1.08):
    """The largest `Block` of `sizes` (descending) in which `text` fits `box` (width, height) in pixels.

    Words that are wider than the box are broken; text that fits at no size is cut with an ellipsis at the
    smallest.
    """
    width, height = box
    # Rather than set everything in small type, a word that is too wide is broken; never in the largest letters.
    readable = font(name, max(sizes[-1], min(44, sizes[0])))
    must_break = any(readable.getlength(word) > width for word in text.split())
    for size in [size for size in sizes if size <= 64] if must_break else sizes:
        face = font(name, size)
        line_height = round(size * leading)
        room = min(most_lines, height // line_height)
        lines = wrap(text, face, width, break_words=must_break)
        if lines and len(lines) <= room and all(face.getlength(line) <= width for line in lines):
            return Block(tuple(lines), face, line_height)
    lines = lines[: max(room, 1)]
    lines[-1] = _cut(lines[-1], face, width)
    return Block(tuple(lines), face, line_height)


def wrap(text, face, width, *, break_words):
    """Lines of `text` no wider than `width`, of even length where that costs no line."""
    lines = _greedy(text, face, width, break_words)
    narrower = width
    while narrower > width * 0.55:
        narrower -= max(8, width // 40)
        evener = _greedy(text, face, narrower, break_words)
        if len(evener) > len(lines) or any(face.getlength(line) > narrower for line in evener):
            break
        lines = evener
    return lines


def _greedy(text, face, width, break_words):
    lines = [""]
    for word in text.split():
        wider = f"{lines[-1]} {word}".strip()
        if face.getlength(wider) <= width:
            lines[-1] = wider
            continue
        parts = _broken(word, face, width) if break_words else [word]
        lines += parts
    return [line for line in lines if line]


def _broken(word, face, width):
    parts = [""]
    for character in word:
        if face.getlength(parts[-1] + character) > width and parts[-1]:
            parts.append("")
        parts[-1] += character
    return parts


def _cut(line, face, width):
    while line and face.getlength(line + ELLIPSIS) > width:
        line = line[:-1]
    return line.rstrip(" ,.;:-") + ELLIPSIS
