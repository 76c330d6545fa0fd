"""Etsy's monthly statement: a sale, its tax and each of its fees are rows of their own."""

import re

from earnings.models import Meaning
from earnings.statements import cautions
from earnings.statements import etsy_languages as languages
from earnings.statements.cells import amount, word
from earnings.statements.etsy_languages import COLUMNS
from earnings.statements.layouts import Columns, Layout

ORDER = re.compile(
    r"(?:order(?: ?#|: ?| )|(?:bestell\w*|commande|pedido|ordine|zamówieni\w*|sipariş)\D{0,6})(\d{6,})",
    re.IGNORECASE,
)
_SUM = r"([^\s\d]{0,4}\s?\d(?:[\d.,'’\s]*\d)?(?:\s?[^\s\d]{1,4})?)"
DEPOSIT = re.compile(rf"{_SUM}\s(?:sent|deposited|transferred|paid)\b|(?:deposit|payout) of (\S+)", re.IGNORECASE)
# A number beside a sign or a code; what is no currency is found out by reading it.
SIGNED = re.compile(r"[^\s\d]{1,4}\s?\d(?:[\d.,'’\s]*\d)?|\d(?:[\d.,'’\s]*\d)?\s?[^\s\d]{1,4}(?!\S)")
LONGEST_TITLE = 300  # that an amount is looked for in: a cell may hold megabytes of digits
WORDS = {
    "sale": Meaning.SALE,
    "refund": Meaning.REFUND,
    **dict.fromkeys(
        ["fee", "fees", "marketing", "vat", "gst", "shipping", "shipping label", "listing"], Meaning.COST
    ),
    **dict.fromkeys(["deposit", "disbursement", "payout"], Meaning.PAYOUT),
    **dict.fromkeys(["reserve", "payment account reserve", "hold"], Meaning.HOLD),
    **dict.fromkeys(["adjustment", "buyer fee", "other"], Meaning.ADJUSTMENT),
    "recoupment": Meaning.OWN,  # we paid Etsy from our card
    "payment": Meaning.OWN,
}


def _means(line, cells):
    """A tax that the buyer paid was never ours; one on a fee of ours is a cost like the fee."""
    said = word(line.type)
    if said == "tax":
        return Meaning.TAX if "paid by buyer" in line.title.casefold() else Meaning.COST
    if said.endswith((" fee", " fees")):  # "Regulatory Operating fee"
        return Meaning.COST
    return languages.meaning_of(said, line.title) if languages.is_other(cells) else None


def _complete(line, cells):
    order = ORDER.search(cells.text(COLUMNS["info"])) or ORDER.search(cells.text(COLUMNS["title"]))
    line.sale = order.group(1) if order else ""
    said = word(line.type)
    found = WORDS.get(said) or (languages.meaning_of(said, "") if languages.is_other(cells) else None)
    if found == Meaning.PAYOUT and not line.net:
        _read_deposit(line)
    return [line]


def _read_deposit(line):
    """Its cells are empty; the amount stands in the title: "$37.35 sent to your bank account"."""
    title = line.title[:LONGEST_TITLE]
    found = DEPOSIT.search(title)
    sums = [next(filter(None, found.groups()))] if found else SIGNED.findall(title)
    minors = [minor for minor in (_read(text, line.currency) for text in sums) if minor is not None]
    minor = minors[0] if len(minors) == 1 else None
    if minor is None:
        line.meaning = Meaning.UNKNOWN
        line.remarks = ["The title names no amount."]
        return
    line.meaning, line.is_printed, line.remarks = Meaning.PAYOUT, False, []
    line.gross = line.net = minor if cautions.CAME_BACK.search(line.title) else -minor


def _read(text, currency):
    try:
        return amount(text, currency)
    except ValueError:
        return None


def _conclude(reading):
    if languages.is_other(name.casefold() for name in reading.sheet.header):
        reading.warnings.append(
            "No real Etsy statement in this language was seen yet: its words are assumed. Compare the figures "
            "with Etsy before you book."
        )


STATEMENT = Layout(
    key="etsy-statement",
    title="Etsy statement",
    channel="etsy",
    requires=tuple(COLUMNS.values()),
    columns=Columns(
        date=COLUMNS["date"],
        type=COLUMNS["type"],
        title=(COLUMNS["title"], COLUMNS["info"]),
        currency=COLUMNS["currency"],
        gross=COLUMNS["amount"],
        fees=(COLUMNS["fees"],),
        net=COLUMNS["net"],
    ),
    sign=1,
    words=WORDS,
    date_order="mdy",
    means=_means,
    complete=_complete,
    conclude=_conclude,
    fees_apart=True,
)
