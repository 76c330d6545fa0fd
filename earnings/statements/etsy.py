"""Etsy's monthly statement: a sale, its tax and each of its fees are rows of their own."""

import re

from earnings.models import Meaning
from earnings.statements import cautions
from earnings.statements.cells import amount, word
from earnings.statements.layouts import Columns, Layout

ORDER = re.compile(r"order(?: ?#|: ?| )(\d{6,})", re.IGNORECASE)
_SUM = r"([^\s\d]{0,4}\s?\d(?:[\d.,'’\s]*\d)?(?:\s?[^\s\d]{1,4})?)"
DEPOSIT = re.compile(rf"{_SUM}\s(?:sent|deposited|transferred|paid)\b|(?:deposit|payout) of (\S+)", re.IGNORECASE)
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
    return None


def _complete(line, cells):
    order = ORDER.search(cells.text("Info")) or ORDER.search(cells.text("Title"))
    line.sale = order.group(1) if order else ""
    if WORDS.get(word(line.type)) == Meaning.PAYOUT and not line.net:
        _read_deposit(line)
    return [line]


def _read_deposit(line):
    """Its cells are empty; the amount stands in the title: "$37.35 sent to your bank account"."""
    found = DEPOSIT.search(line.title)
    try:
        minor = amount(next(filter(None, found.groups())), line.currency) if found else None
    except ValueError:
        minor = None
    if minor is None:
        line.meaning = Meaning.UNKNOWN
        line.remarks = ["The title names no amount."]
        return
    line.meaning, line.is_printed, line.remarks = Meaning.PAYOUT, False, []
    line.gross = line.net = minor if cautions.CAME_BACK.search(line.title) else -minor


STATEMENT = Layout(
    key="etsy-statement",
    title="Etsy statement",
    channel="etsy",
    requires=("Date", "Type", "Title", "Info", "Currency", "Amount", "Fees & Taxes", "Net"),
    columns=Columns(
        date="Date",
        type="Type",
        title=("Title", "Info"),
        currency="Currency",
        gross="Amount",
        fees=("Fees & Taxes",),
        net="Net",
    ),
    sign=1,
    words=WORDS,
    date_order="mdy",
    means=_means,
    complete=_complete,
    fees_apart=True,
)
