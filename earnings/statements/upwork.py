"""Upwork's transactions (each fee a row of its own), and its earnings by contract."""

from earnings.models import Meaning
from earnings.statements.cells import word
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


def _means(line, cells):
    """Kinds have grown tails ("Withdrawal - ACH", "Hourly - Week 3"); whatever takes a fee is a cost first.

    A withdrawal is a payout by whatever way, and one that came back is a payout with a plus sign: never income.
    """
    said = word(line.type)
    head = said.replace("–", "-").replace(":", " -").split(" - ")[0].strip()
    if "fee" in said.split() or "fees" in said.split():
        return Meaning.COST
    if "withdrawal" in said or "withdraw" in said.split():
        return Meaning.PAYOUT
    way = word(cells.text("Description|Transaction summary|Description 1"))
    if head not in WORDS and way.startswith("withdraw"):  # of a type that is called after its way: "Payoneer"
        return Meaning.PAYOUT
    return WORDS.get(head)


def _complete(line, cells):
    """The client's refund of a sale has no number of that sale; each row is its own."""
    line.sale = line.id if line.meaning == Meaning.SALE else ""
    return [line]


TRANSACTIONS = Layout(
    key="upwork-transactions",
    title="Upwork transactions",
    channel="upwork",
    requires=(
        *("Date", "Ref ID|Reference ID|Transaction ID", "Type|Transaction type"),
        *("Description|Transaction summary|Description 1", "Amount|Amount $|Amount ($)"),
    ),
    columns=Columns(
        date="Date",
        type="Type|Transaction type",
        # Its description names the client.
        id="Ref ID|Reference ID|Transaction ID",
        currency="Currency",
        gross="Amount|Amount $|Amount ($)",
        balance="Balance",
    ),
    words=WORDS,
    means=_means,
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
