"""Stripe's reports: the itemized balance, the dashboard's list of all activity, and its list of payments."""

from earnings import money
from earnings.models import Meaning
from earnings.statements import dates
from earnings.statements.cells import word
from earnings.statements.layouts import Columns, Layout

# https://docs.stripe.com/reports/reporting-categories and the types of balance transactions, which older exports
# print in its place.
WORDS = {
    **dict.fromkeys(["charge", "payment", "platform_earning"], Meaning.SALE),
    **dict.fromkeys(
        ["refund", "payment_refund", "refund_failure", "partial_capture_reversal", "platform_earning_refund"],
        Meaning.REFUND,
    ),
    **dict.fromkeys(["charge_failure", "payment_failure_refund", "payment_reversal"], Meaning.REFUND),
    **dict.fromkeys(["dispute", "dispute_reversal"], Meaning.CHARGEBACK),
    **dict.fromkeys(
        [
            "fee",
            "stripe_fee",
            "stripe_fx_fee",
            "tax_fee",
            "network_cost",
            "tax",
            "application_fee",
            "contribution",
        ],
        Meaning.COST,
    ),
    **dict.fromkeys(
        ["payout", "payout_reversal", "payout_cancel", "payout_failure", "transfer_cancel", "transfer_failure"],
        Meaning.PAYOUT,
    ),
    **dict.fromkeys(
        [
            *("risk_reserved_funds", "connect_reserved_funds", "reserve_transaction", "reserved_funds"),
            *("reserve_hold", "reserve_release", "payout_minimum_balance_hold", "payout_minimum_balance_release"),
        ],
        Meaning.HOLD,
    ),
    **dict.fromkeys(
        [
            "topup",
            "topup_reversal",
            "transfer",
            "transfer_reversal",
            "transfer_refund",
            "advance",
            "advance_funding",
            *("financing_payout", "financing_payout_reversal", "financing_paydown", "financing_paydown_reversal"),
        ],
        Meaning.OWN,
    ),
    **dict.fromkeys(["adjustment", "other_adjustment"], Meaning.ADJUSTMENT),
    "currency_conversion": Meaning.CONVERSION,
}


DISPUTES = ("dp_", "du_", "pdp_")  # how the ids of disputes begin


def _complete_balance(line, cells):
    """Rows of a charge are found by the charge; one that Stripe does not name is its own."""
    if line.meaning == Meaning.SALE and not line.sale:
        line.sale = line.id
    if line.meaning == Meaning.ADJUSTMENT and line.sale.startswith(DISPUTES):
        # Older exports call it so; taken for an adjustment, a dispute that the own shop heard of came twice.
        line.meaning, line.gross = Meaning.CHARGEBACK, cells.amount("gross|Amount", line.currency) or line.net
    if line.id and not line.id.startswith("txn_"):
        line.id = f"row_{line.id}"
    return [line]


ITEMIZED = Layout(
    key="stripe-itemized-balance",
    title="Stripe itemized balance",
    channel="stripe",
    requires=("balance_transaction_id", "reporting_category", "currency", "gross", "net"),
    columns=Columns(
        date="created_utc|created (utc)|created",
        type="reporting_category",
        # A description may name the buyer, so it stays in the file.
        title=("merchant_reference",),
        id="balance_transaction_id",
        sale="charge_id|source_id",
        payout="automatic_payout_id",
        available="available_on_utc|available_on (utc)|available_on",
        currency="currency",
        gross="gross",
        fees=("fee",),
        net="net",
    ),
    sign=-1,
    words=WORDS,
    zone="UTC",
    mark=".",
    complete=_complete_balance,
)


def _warn_of_nameless(reading):
    nameless = (Meaning.REFUND, Meaning.CHARGEBACK, Meaning.ADJUSTMENT)
    if any(line.meaning in nameless for line in reading.lines):
        reading.warnings.append(
            "This list does not name the charge of a refund or dispute. Those of the own shop's orders are booked "
            "with their orders: for these the itemized balance is the better report."
        )


ACTIVITY = Layout(
    key="stripe-all-activity",
    title="Stripe all activity",
    channel="stripe",
    requires=("id", "Type", "Source", "Amount", "Fee", "Net", "Currency", "Created (UTC)|Created"),
    columns=Columns(
        date="Created (UTC)|Created",
        type="Type",
        id="id",
        sale="Source",
        available="Available On (UTC)|Available On",
        currency="Currency",
        gross="Amount",
        fees=("Fee",),
        net="Net",
    ),
    sign=-1,
    words=WORDS,
    zone="UTC",
    mark=".",
    complete=_complete_balance,
    conclude=_warn_of_nameless,
)


DISPUTED = "Disputed: what that took the report does not say in full."


def _complete_payment(line, cells):
    """The fee is in the currency of the balance, like the converted amount; the charged one is the buyer's."""
    paid_in = cells.text("Currency").upper()
    if paid_in != line.currency:
        line.remarks.append(f"The buyer paid {cells.text('Amount')} {paid_in}.")
    if cells.text("Captured").casefold() == "false":
        line.meaning, line.is_printed = Meaning.NOTHING, False
        return [line]
    if cells.text("Mode").casefold() == "test":
        line.meaning, line.is_printed = Meaning.NOTHING, False
        line.remarks.append("A payment in test mode: no money has moved.")
        return [line]
    if cells.text("Dispute Status").casefold() not in ("", "won", "warning_closed"):
        line.remarks.append(DISPUTED)
    line.sale = line.sale or line.id
    names = (
        "Converted Amount Refunded" if paid_in != line.currency else "Converted Amount Refunded|Amount Refunded"
    )
    refunded = cells.amount(names, line.currency)
    if refunded:
        return [line, _refund_of(line, cells, refunded)]
    if paid_in != line.currency and cells.amount("Amount Refunded", paid_in):
        line.remarks.append(
            "Refunded in the buyer's currency; what that took of our balance the file does not say."
        )
    return [line]


def _refund_of(line, cells, minor):
    """The report tells of a refund in the row of its charge, perhaps with a day of its own."""
    day = cells.text("Refunded date (UTC)")
    found = line.beside(
        meaning=Meaning.REFUND, gross=-minor, net=-minor, id=f"{line.id}:refund" if line.id else "", type="Refund"
    )
    try:
        found.at = dates.read_moment(day, "", "UTC")
    except ValueError:
        found.remarks.append("The report gives no day of its own for it.")
    return found


def _conclude_payments(reading):
    disputed = [str(line.number) for line in reading.lines if DISPUTED in line.remarks]
    if disputed:
        reading.warnings.append(
            f"Disputed and not won: row {', '.join(disputed[:20])}. They are booked as sales, and what disputes "
            "took is not booked from this report."
        )
    _warn_of_taxes(reading)


def _warn_of_taxes(reading):
    taxes = {}
    for cells in reading.cells:
        currency = cells.text("Converted Currency").upper()
        try:
            taxes[currency] = taxes.get(currency, 0) + (cells.amount("Taxes On Fee", currency) or 0)
        except ValueError:
            continue
    said = [money.display(minor, currency) for currency, minor in sorted(taxes.items()) if minor]
    if said:
        reading.warnings.append(
            f"The file prints taxes on fees of {', '.join(said)} beside the fees. Whether a fee holds its tax it "
            "does not say, so they are not booked; the itemized balance report tells."
        )
    reading.warnings.append("This report has no payouts, disputes or other fees: the itemized balance report has.")


class _Payments(Layout):
    """A payment that failed was never converted: its currency is the buyer's."""

    def _read_amounts(self, line, cells):
        has_failed = self.words.get(word(line.type)) == Meaning.NOTHING
        if has_failed and not cells.text(self.columns.currency):
            line.currency = cells.text("Currency").upper()
        else:
            super()._read_amounts(line, cells)


PAYMENTS = _Payments(
    key="stripe-payments",
    title="Stripe payments",
    channel="stripe",
    requires=(
        "Created date (UTC)|Created (UTC)",
        "Amount",
        "Currency",
        "Converted Amount",
        "Converted Currency",
        "Fee",
    ),
    columns=Columns(
        date="Created date (UTC)|Created (UTC)",
        type="Status",
        title=("Invoice Number|Invoice ID",),
        id="id",
        currency="Converted Currency",
        gross="Converted Amount",
        fees=("Fee",),
    ),
    sign=-1,
    words={
        **dict.fromkeys(["paid", "succeeded", "refunded", "partially refunded"], Meaning.SALE),
        **dict.fromkeys(["failed", "canceled", "pending", "uncaptured", "incomplete", "blocked"], Meaning.NOTHING),
    },
    zone="UTC",
    complete=_complete_payment,
    conclude=_conclude_payments,
)
