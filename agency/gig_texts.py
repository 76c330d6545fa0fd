"""What a service asks for, holds and must deliver, as lines that people write: in catalog files and in the admin.

A reader returns the value or raises ValueError with the reason; what is `written` it reads as the same.
"""

import json
import re

from agency.checklist import CHECKS

_REQUIRED = {"required", "yes", "true", "1", "y"}
_OPTIONAL = {"", "optional", "no", "false", "0", "n"}


def lines(text):
    """A list: JSON, or one item a line, or items between bars."""
    if text.startswith("["):
        items = _json(text)
        if not all(isinstance(item, str) for item in items):
            raise ValueError("is not a list of texts")
        return items
    return [item.strip() for item in re.split(r"\n|\|", text) if item.strip()]


def requirements(text):
    """What a brief must say: JSON, or lines of `name|label|required` (and `|help`)."""
    if text.startswith("["):
        items = _json(text)
        if not all(isinstance(item, dict) and item.get("name") and item.get("label") for item in items):
            raise ValueError("needs a name and a label in every item")
        return [{"required": False, "help": ""} | item for item in items]
    found = []
    for number, (name, label, required, hint) in _rows(text, 4):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not label:
            raise ValueError(f"line {number} is not name|label|required")
        found.append({"name": name, "label": label, "required": _is_required(required), "help": hint})
    return found


def checklist(text):
    """What a delivery must hold: JSON, or lines of `check|value|label`."""
    if text.startswith("["):
        items = _json(text)
        if not all(isinstance(item, dict) and item.get("check") for item in items):
            raise ValueError("needs a check in every item")
        return items
    found = []
    for number, (check, value, label) in _rows(text, 3):
        if not check or not label:
            raise ValueError(f"line {number} is not check|value|label")
        found.append({"check": check, "value": int(value) if value.isdecimal() else value, "label": label})
    return found


def known_checklist(text):
    """As `checklist`, of checks that there are."""
    found = checklist(text)
    unknown = sorted({str(item["check"]) for item in found} - CHECKS.keys())
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no check; there are {', '.join(sorted(CHECKS))}")
    return found


def written(items, names, reader):
    """The items as lines of what stands under `names` (None: they are texts), or JSON where lines can't say it."""
    if names:
        told = [item if isinstance(item, dict) else {} for item in items]
        rows = ["|".join(_cell(item.get(name)) for name in names).rstrip("|") for item in told]
    else:
        rows = [str(item) for item in items]
    text = "\n".join(rows)
    try:
        is_said = reader(text) == items
    except ValueError:
        is_said = False
    return text if is_said else json.dumps(items, ensure_ascii=False, indent=1)


def _cell(value):
    if isinstance(value, bool):
        return "required" if value else ""
    return "" if value is None else str(value)


def _rows(text, width):
    for number, row in enumerate(filter(None, map(str.strip, text.split("\n"))), start=1):
        yield number, ([part.strip() for part in row.split("|")] + [""] * width)[:width]


def _is_required(word):
    if word.lower() not in _REQUIRED | _OPTIONAL:
        raise ValueError(f"{word!r} is neither yes nor no")
    return word.lower() in _REQUIRED


def _json(text):
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is not valid JSON") from None
    return value
