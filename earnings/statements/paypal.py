"""PayPal's activity report, with gross, fee and net or, for personal accounts, an amount alone."""

from earnings.models import Meaning
from earnings.statements.layouts import Columns, Layout, word

# Beginnings of what the column Type (Description in newer layouts) says; the first that fits counts.
BEGINNINGS = (
    *((text, Meaning.CONVERSION) for text in ("currency conversion", "general currency conversion")),
    *(
        (text, Meaning.PAYOUT)
        for text in (
            *("general withdrawal", "transfer to bank", "withdraw funds", "user initiated withdrawal"),
            *(
                "withdrawal to",
                "withdrawal from paypal",
                "bank transfer to",
                "transfer to card",
                "debit card transfer",
            ),
            *("auto-sweep", "automatic withdrawal", "reversal of general withdrawal", "withdrawal reversal"),
        )
    ),
    *(
        (text, Meaning.HOLD)
        for text in (
            *("hold on", "general hold", "payment hold", "payment release", "release of", "hold release"),
            *("account hold", "temporary hold", "reserve hold", "reserve release", "cancellation of hold"),
            *("reversal of general account hold", "hold for", "general authorization", "authorization", "void of"),
            *("general hold release",),
        )
    ),
    *(
        (text, Meaning.OWN)
        for text in (
            *(
                "bank deposit to pp account",
                "add funds",
                "general funding",
                "transfer from bank",
                "general card deposit",
            ),
            *(
                "general credit card deposit",
                "general credit card withdrawal",
                "paypal balance",
                "balance transfer",
            ),
        )
    ),
    *((text, Meaning.CHARGEBACK) for text in ("chargeback", "payment reversal", "reversal", "dispute")),
    *((text, Meaning.REFUND) for text in ("payment refund", "refund", "partial refund", "general refund")),
    *(
        (text, Meaning.COST)
        for text in (
            *("fee", "paypal fee", "chargeback fee", "dispute fee", "payment processing fee", "partner fee"),
            *("payout fee", "mass payment fee", "cross-border fee", "fee reversal", "fee refund", "other fee"),
            *("withdrawal fee", "general payment processing fee"),
        )
    ),
    *((text, Meaning.TAX) for text in ("tax collected by partner",)),
    *(
        (text, Meaning.ADJUSTMENT)
        for text in ("general adjustment", "general account adjustment", "general account")
    ),
    *((text, Meaning.NOTHING) for text in ("invoice sent", "request sent", "order", "invoice received")),
)
# What is paid: above zero by a buyer, below zero by us.
PAYMENTS = (
    *(
        "payment",
        "web accept",
        "express checkout",
        "website payment",
        "mobile payment",
        "shopping cart",
        "subscription",
    ),
    *(
        "preapproved payment",
        "send money",
        "donation",
        "ebay",
        "virtual terminal",
        "recurring",
        "mass pay",
        "mass payment",
    ),
    *(
        "general payment",
        "auction",
        "pos payment",
        "direct payment",
        "money received",
        "money sent",
        "invoice payment",
    ),
    *("received", "purchase", "payouts", "general paypal debit card", "debit card", "third-party", "checkout"),
)
# How marketplaces pay their sellers: income of the marketplace's own statement, and perhaps of nobody's.
MASS = ("mass pay", "payout")
NOT_YET = frozenset(
    [
        *(
            "pending",
            "denied",
            "failed",
            "canceled",
            "cancelled",
            "voided",
            "expired",
            "removed",
            "unclaimed",
            "placed",
        ),
        *("draft", "active", "created", "unconfirmed", "on hold", "temporary hold", "in progress", "processing"),
    ]
)


def _means(line, cells):
    said = word(line.type)
    found = next((meaning for text, meaning in BEGINNINGS if said.startswith(text)), None)
    if found:
        return found
    if said.startswith(MASS) and line.gross > 0:
        line.remarks.append("Marketplaces pay out like this: say whether it is a sale or own money.")
        return None
    if said.endswith((" fee", " fees")):
        return Meaning.COST
    if said.startswith(PAYMENTS) or "payment" in said:
        return Meaning.SALE if line.gross > 0 else Meaning.SPENT
    return None


def _complete(line, cells):
    """A sale is its own; what refers to another transaction is about that one."""
    about = line.sale
    line.sale = line.id if line.meaning == Meaning.SALE else about
    if line.meaning == Meaning.SPENT:
        line.remarks.append("Paid by us out of this balance: neither income nor a cost of selling.")
    return [line]


def _columns(**more):
    return Columns(
        **{
            "date": "Date",
            "time": "Time",
            "zone": "TimeZone|Time Zone",
            "type": "Type|Description",
            # The buyer's name is left where it is: in the file.
            "title": ("Item Title", "Invoice Number"),
            "id": "Transaction ID",
            "sale": "Reference Txn ID|PayPal Reference ID",
            "status": "Status",
            "currency": "Currency",
            "balance": "Balance",
        }
        | more
    )


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
    requires=("Date", "Time", "TimeZone|Time Zone", "Type|Description", "Currency", "Gross", "Fee", "Net"),
    columns=_columns(gross="Gross", fees=("Fee",), net="Net"),
    sign=1,
    date_order="mdy",
    not_yet=NOT_YET,
    means=_means,
    complete=_complete,
    conclude=_warn_of_pairs,
)

REDUCED = Layout(
    key="paypal-activity-reduced",
    title="PayPal activity (personal, amounts only)",
    channel="paypal",
    requires=("Date", "Time", "TimeZone|Time Zone", "Name", "Type", "Status", "Amount", "Balance"),
    excludes=("Gross",),
    columns=_columns(gross="Amount"),
    currency="USD",
    date_order="mdy",
    not_yet=NOT_YET,
    means=_means,
    complete=_complete,
    note="This layout names no fees and perhaps no currency; US dollars are taken where none is named.",
)
