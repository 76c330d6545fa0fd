"""The report of an import, for people: refused rows first, prices as prices, and as CSV."""

from collections import Counter

from earnings import money
from earnings.sheets import write_sheet

OUTCOMES = ("created", "changed", "unchanged", "refused")
_IMPORTANCE = {"refused": 0, "note": 1, "changed": 2, "created": 3, "unchanged": 4}
_PRICES = ("price_minor", "compare_at_minor")


class Report:
    """The lines of an import as they come, and what is kept of them: at most MOST, the telling ones first."""

    MOST = 10_000

    def __init__(self, notes=()):
        self.counts = Counter()
        self._kept = {importance: [] for importance in sorted(set(_IMPORTANCE.values()))}
        self._seen = 0
        self.add(
            {"row": 1, "sku": "", "outcome": "note", "changes": {}, "problems": [_note(text)]} for text in notes
        )

    def add(self, lines):
        for line in lines:
            self.counts[line["outcome"]] += 1
            kept = self._kept[_IMPORTANCE[line["outcome"]]]
            if len(kept) < self.MOST:
                kept.append((self._seen, line))
            self._seen += 1

    @property
    def lines(self):
        """What is kept, in the order of the file."""
        telling = [line for kept in self._kept.values() for line in kept][: self.MOST]
        return [line for _, line in sorted(telling, key=lambda numbered: numbered[0])]


def _note(text):
    return {"column": "", "detail": text}


def by_importance(report):
    """The lines with the refused ones first, each kind in the order of the file."""
    return sorted(report, key=lambda line: (_IMPORTANCE[line["outcome"]], line["row"]))


def offered(line):
    """(field, text) of what is new in the shop, as people read it; a service costs at least its price.

    Empty for other lines, and for reports that were stored when only the SKU was told.
    """
    told = [("title", line["title"])] if line.get("title") else []
    if line.get("price_minor") is not None:
        told.append(("price", _money(line["price_minor"], line["currency"])))
    return told


def changes(line):
    """(field, old, new) as people read them: `price` 29.00 instead of `price_minor` 2900."""
    found = []
    for name, (old, new) in line["changes"].items():
        if name.endswith(_PRICES):
            found.append((name.replace("_minor", ""), _amount(old, name, line, 0), _amount(new, name, line, 1)))
        else:
            found.append((name, _value(old), _value(new)))
    return found


def remarks(line):
    """(column, text) of everything that is wrong or odd in a row."""
    return [(found["column"], found["detail"]) for found in (*line["problems"], *line.get("flags", ()))]


def as_text(line):
    """A line of the report as lines of text."""
    head = f"row {line['row']}: {line['outcome']} {line['sku']}".rstrip()
    head = ", ".join([head, *(text for _, text in offered(line))])
    changed = [f"    {name}: {old} -> {new}" for name, old, new in changes(line)]
    return [head, *changed, *(f"    {' '.join(filter(None, remark))}" for remark in remarks(line))]


def as_csv(report):
    """The whole report as CSV with a byte order mark, safe to open in a spreadsheet."""
    rows = []
    for line in report:
        start = [line["row"], line["sku"], line["outcome"]]
        told = [[name, "", text, ""] for name, text in offered(line)]
        told += [[name, old, new, ""] for name, old, new in changes(line)]
        told += [[column, "", "", detail] for column, detail in remarks(line)]
        rows += [start + cells for cells in told or [["", "", "", ""]]]
    return write_sheet(["row", "sku", "outcome", "column", "old", "new", "remark"], rows)


def _amount(minor, name, line, side):
    """Minor units with the currency's decimals, where the line names the currency; else two decimals of none."""
    if minor is None:
        return "none"
    prefix = name.rpartition(".")[0]
    pair = line["changes"].get(f"{prefix}.currency" if prefix else "currency")
    return _money(minor, pair[side] if pair else line.get("currency", ""))


def _money(minor, currency):
    try:
        return money.display(minor, currency)
    except ValueError:
        return str(minor)


def _value(value):
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "none"
    text = " ".join(str(value).split())
    return (text[:119] + "…" if len(text) > 120 else text) or "empty"
