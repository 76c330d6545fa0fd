"""Upwork's transactions (each fee a row of its own), and its earnings by contract."""

from earnings.models import Meaning
from earnings.statements.layouts import Columns, Layout

WORDS = {
    **dict.fromkeys(
        [
            *("hourly", "fixed price", "fixed-price", "bonus", "milestone", "manual", "expense", "tip", "payment"),
            *("upfront payment", "fixed price payment", "miscellaneous", "salary", "direct contract"),
        ],
        Meaning.SALE,
    ),
    **dict.fromkeys(
        [
            *("service fee", "membership fee", "membership", "connects", "connects purchase", "vat", "tax", "gst"),
            *("withdrawal fee", "payment method fee", "processing fee", "withholding tax", "wht", "subscription"),
        ],
        Meaning.COST,
    ),
    **dict.fromkeys(["refund", "chargeback refund"], Meaning.REFUND),
    "chargeback": Meaning.CHARGEBACK,
    **dict.fromkeys(["withdrawal", "withdrawal return", "withdrawal cancellation"], Meaning.PAYOUT),
    **dict.fromkeys(["adjustment", "credit"], Meaning.ADJUSTMENT),
    "currency conversion": Meaning.CONVERSION,
}


def _complete(line, cells):
    """The client's refund of a sale has no number of that sale; each row is its own."""
    line.sale = line.id if line.meaning == Meaning.SALE else ""
    return [line]


TRANSACTIONS = Layout(
    key="upwork-transactions",
    title="Upwork transactions",
    channel="upwork",
    requires=("Date", "Ref ID|Reference ID", "Type", "Description", "Amount"),
    columns=Columns(
        date="Date",
        type="Type",
        # Its description names the client.
        id="Ref ID|Reference ID",
        currency="Currency",
        gross="Amount",
        balance="Balance",
    ),
    words=WORDS,
    currency="USD",
    date_order="mdy",
    mark=".",
    complete=_complete,
)

CONTRACTS = Layout(
    key="upwork-earnings",
    title="Upwork earnings by contract",
    channel="upwork",
    requires=("Date", "Contract", "Hours", "Amount", "Payment type"),
    columns=Columns(date="Date", type="Payment type", title=("Contract",), gross="Amount"),
    words={
        **dict.fromkeys(
            ["fixed price payment", "bonus", "hourly", "tip", "manual", "upfront payment"], Meaning.SALE
        ),
        "refund": Meaning.REFUND,
    },
    positive=Meaning.SALE,
    negative=Meaning.REFUND,
    currency="USD",
    mark=".",
    note="This report shows no fees, payouts or numbers of transactions. Rows of the transactions report are "
    "other rows to us: book one of the two.",
)
