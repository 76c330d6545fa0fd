"""What JSON can say and no database of ours can keep."""

import math

from earnings.refusals import Refusal

DEEPEST = 64  # levels of lists and objects


def check(value, pointer=""):
    """Raise Refusal (400) naming each value that can't be stored: NUL and lone surrogates, in names too, numbers
    that are not finite, and more than 64 levels.

    Python's JSON takes all of them. Written down, one such row would break every list that it is on.
    """
    errors = list(_unstorable(value, pointer, 0))
    if errors:
        raise Refusal("Some values can't be stored.", status=400, errors=errors[:20])


def kept(text):
    """`text` without what can't be stored: for words that nobody can be asked to send again, like an error's."""
    return text if text.isprintable() else "".join(letter for letter in text if not _is_unstorable(letter))


def _is_unstorable(letter):
    return letter == "\x00" or "\ud800" <= letter <= "\udfff"


def _unstorable(value, at, depth):
    if isinstance(value, str):
        if any(_is_unstorable(letter) for letter in value):
            yield {"pointer": _readable(at), "detail": "Null and surrogate characters can't be stored."}
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield {"pointer": _readable(at), "detail": "This number is not finite."}
    elif isinstance(value, dict | list) and depth >= DEEPEST:
        yield {"pointer": _readable(at), "detail": f"More than {DEEPEST} levels deep."}
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _unstorable(name, f"{at}/{name}", depth)
            yield from _unstorable(inner, f"{at}/{name}", depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _unstorable(inner, f"{at}/{number}", depth + 1)


def _readable(at):
    return at.encode("ascii", "backslashreplace").decode().replace("\x00", "\\x00")
