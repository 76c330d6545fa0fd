"""Brand colors: read strictly, shaded, and checked for contrast as WCAG 2.2 defines it."""

import re

from earnings.refusals import Refusal

NAMED = {
    "black": "#000000",
    "white": "#ffffff",
    "red": "#d92d20",
    "orange": "#e8590c",
    "yellow": "#f2c200",
    "green": "#1f8a4c",
    "teal": "#0f766e",
    "blue": "#1d4ed8",
    "navy": "#172554",
    "purple": "#6d28d9",
    "pink": "#db2777",
    "gray": "#475467",
}
_HEX = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\Z")
READABLE = 4.5  # WCAG 2.2, success criterion 1.4.3


def read(value, pointer):
    """A color as people write it ("#0af", "1d4ed8", "navy") as (r, g, b). Refusal (422) naming the field."""
    text = NAMED.get(value.strip().lower(), value.strip()) if isinstance(value, str) else ""
    match = _HEX.match(text)
    if not match:
        names = ", ".join(NAMED)
        raise Refusal.of_field(pointer, f"{value!r} is no color: write it like #1d4ed8, or one of {names}.")
    digits = match[1] if len(match[1]) == 6 else "".join(2 * digit for digit in match[1])
    return tuple(int(digits[i : i + 2], 16) for i in (0, 2, 4))


def mix(one, other, share):
    """`one` with `share` (0 to 1) of `other` in it."""
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))


def luminance(color):
    """Relative luminance, 0 (black) to 1 (white)."""
    linear = [c / 12.92 if (c := v / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for v in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """The contrast ratio of two colors, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable_on(grounds, tint):
    """(color, contrast) of text that reads on all of `grounds`: near white or near black, tinted a little.

    The contrast is the lowest of them; pure white or black where the tint would cost readability.
    """
    tinted = [mix((255, 255, 255), tint, 0.06), mix((12, 14, 20), tint, 0.10)]
    for inks in (tinted, [(255, 255, 255), (0, 0, 0)]):
        ratio, ink = max((min(contrast(ink, ground) for ground in grounds), ink) for ink in inks)
        if ratio >= READABLE:
            break
    return ink, ratio


def darkened(color, most_luminance):
    """`color` with as much night in it as it takes to be this dark."""
    while luminance(color) > most_luminance:
        color = mix(color, (8, 9, 16), 0.12)
    return color
