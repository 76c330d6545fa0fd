"""PayPal's activity report, with gross, fee and net or, for personal accounts, an amount alone."""

import re

from earnings.models import Meaning
from earnings.statements import paypal_languages as languages
from earnings.statements.cells import word
from earnings.statements.layouts import Columns, Layout

# How the column Type (Description in newer layouts) begins, in English and German; the first that fits counts.
_BEGINNINGS = (
    (Meaning.CONVERSION, "allgemeine währungsumrechnung|währungsum"),
    (Meaning.PAYOUT, "bank transfer to|debit card transfer"),
    (
        Meaning.HOLD,
        "hold on|general hold|payment hold|payment release|release of|hold release|account hold|temporary hold|"
        "reserve hold|reserve release|withdrawal hold|cancellation of hold|reversal of general account hold|"
        "authorization|hold for|general authorization|void of|allgemeine einbehaltung|einbehaltung|freigabe|"
        "allgemeine autorisierung",
    ),
    (
        Meaning.OWN,
        "bank deposit|reversal of ach deposit|reversal of bank deposit|add funds|general funding|"
        "transfer from bank|general card deposit|paypal balance|general intra-account transfer|"
        "general credit card deposit|general credit card withdrawal|balance transfer|"
        "bankgutschrift auf paypal|allgemeine kreditkarten",
    ),
    (Meaning.CHARGEBACK, "chargeback|payment reversal|reversal|dispute|rückbuchung|zahlungsstornierung"),
    (
        Meaning.REFUND,
        "payment refund|refund|partial refund|general refund|rückzahlung|zahlungsrückzahlung|erstattung",
    ),
    (Meaning.TAX, "tax collected by partner"),
    (Meaning.ADJUSTMENT, "general adjustment|general account"),
    (Meaning.NOTHING, "invoice sent|invoice received|request sent|order"),
)
BEGINNINGS = [(text, meaning) for meaning, texts in _BEGINNINGS for text in texts.split("|")]
# What is paid: above zero by a buyer, below zero by us.
_PAYMENTS = (
    "payment|web accept|express checkout|website|mobile payment|shopping cart|subscription|preapproved|send money|"
    "donation|ebay|virtual terminal|recurring|auction|pos payment|direct payment|money received|money sent|"
    "received|purchase|general payment|general paypal debit card|debit card|third-party|checkout|spende|"
    "express-checkout|warenkorb|abonnement"
)
PAYMENTS = tuple(_PAYMENTS.split("|"))
# "Payment Review Hold", "Payment Review Release": payments only by how they begin.
HELD = re.compile(r"^payment .*\b(?:hold|release)\b")
# Whatever it is for, and whether it is taken or given back: "Chargeback Fee", "Fee Reversal".
FEE = re.compile(r"\bfees?\b|gebühr")
# Money on its way to our own bank or card, and on its way back ("Reversal of General Withdrawal").
TO_THE_BANK = re.compile(r"withdraw|transfer to (?:\w+ )?(?:bank|card|debit)|auto-?sweep|abbuchung")
SENT_BACK = re.compile(
    r"\b(?:cancell?ed|returned|failed|rejected|reversed|reversal of|return of)\b.*\btransfers?\b"
    r"|^(?:\w+ )?transfer (?:was )?(?:cancell?ed|returned|failed|rejected|reversed|reversal|return)\b"
)
FROM_THE_BANK = re.compile(r"\b(?:ach|bank|card|eft|echeck) (?:deposit|funding)|kreditkart|credit card|\bhold\b")
# How marketplaces pay their sellers: income of the marketplace's own statement, and perhaps of nobody's.
MASS = ("mass pay", "payout", "sammelzahlung")


def _means(line, cells):
    said = word(line.type)
    if languages.is_other(cells):
        return _means_in_another_language(line, cells, said)
    if FEE.search(said):
        return Meaning.COST
    if HELD.search(said):
        return Meaning.HOLD
    if "currency conversion" in said:
        return Meaning.CONVERSION
    # What comes back of a transfer comes in; a "Reversal of Money Transfer" that goes out was a buyer's.
    is_payout = TO_THE_BANK.search(said) or (line.gross > 0 and SENT_BACK.search(said))
    if is_payout and not FROM_THE_BANK.search(said):
        return Meaning.PAYOUT
    found = next((meaning for text, meaning in BEGINNINGS if said.startswith(text)), None)
    if found == Meaning.REFUND and line.gross > 0:
        return Meaning.SPENT  # a seller gave back what we had paid
    if found:
        return found
    if said.startswith(MASS) and line.gross > 0:
        line.remarks.append("Marketplaces pay out like this: say whether it is a sale or own money.")
        return None
    if said.startswith((*PAYMENTS, *MASS)) or "payment" in said or "zahlung" in said:
        return Meaning.SALE if line.gross > 0 else Meaning.SPENT
    return None


def _means_in_another_language(line, cells, said):
    status = word(cells.text(languages.COLUMNS["status"]))
    if status and status not in languages.COMPLETED:
        line.remarks.append(f"Whether money has moved with the status {status[:40]!r} is not known.")
        return None
    found = languages.meaning_of(said)
    if (found == Meaning.SALE and line.gross <= 0) or (found == Meaning.REFUND and line.gross > 0):
        return Meaning.SPENT
    return found


def _complete(line, cells):
    """A sale is its own; what refers to another transaction is about that one."""
    about = line.sale
    line.sale = line.id if line.meaning == Meaning.SALE else about
    if line.meaning == Meaning.SPENT:
        way = "Paid by us out of" if line.gross <= 0 else "Given back to"
        line.remarks.append(f"{way} this balance: neither income nor a cost of selling.")
    return [line]


def _columns(**more):
    return Columns(
        **{
            **{name: languages.COLUMNS[name] for name in ("date", "time", "zone", "type", "id", "sale", "status")},
            **{name: languages.COLUMNS[name] for name in ("currency", "balance")},
            # The buyer's name is left where it is: in the file.
            "title": ("Item Title|Artikelbezeichnung", "Invoice Number|Rechnungsnummer"),
        }
        | more
    )


def _conclude(reading):
    if languages.is_other(name.casefold() for name in reading.sheet.header):
        reading.warnings.append(
            "No real PayPal file in this language was seen yet: its words are assumed. Compare the figures with "
            "PayPal before you book."
        )
    _warn_of_pairs(reading)


def _warn_of_pairs(reading):
    conversions = [line for line in reading.lines if line.meaning == Meaning.CONVERSION and not line.problems]
    if conversions:
        reading.warnings.append(
            f"{len(conversions)} rows convert money between currencies: they are neither income nor cost, and are "
            "not booked."
        )
        if len({line.currency for line in conversions}) < 2:
            reading.warnings.append("The other half of a conversion is not in the file.")


FULL = Layout(
    key="paypal-activity",
    title="PayPal activity",
    channel="paypal",
    requires=tuple(
        languages.COLUMNS[name] for name in ("date", "time", "zone", "type", "currency", "gross", "fee", "net")
    ),
    columns=_columns(
        gross=languages.COLUMNS["gross"], fees=(languages.COLUMNS["fee"],), net=languages.COLUMNS["net"]
    ),
    sign=1,
    date_order="mdy",
    means=_means,
    complete=_complete,
    conclude=_conclude,
)

REDUCED = Layout(
    key="paypal-activity-reduced",
    title="PayPal activity (personal, amounts only)",
    channel="paypal",
    requires=("Date", "Time", "TimeZone|Time Zone|Zeitzone", "Name", "Type", "Status", "Amount", "Balance"),
    excludes=("Gross",),
    columns=_columns(gross="Amount"),
    currency="USD",
    date_order="mdy",
    means=_means,
    complete=_complete,
    note="This layout names no fees and perhaps no currency; US dollars are taken where none is named.",
)
