"""Shopify Payments: its transactions, and its summary of payouts."""

from earnings.models import BOOKED_MEANINGS, Meaning
from earnings.statements.cells import word
from earnings.statements.layouts import Columns, Layout, settle

WORDS = {
    "charge": Meaning.SALE,
    **dict.fromkeys(["refund", "refund_failure", "chargeback_refund"], Meaning.REFUND),
    **dict.fromkeys(
        ["chargeback", "dispute", "chargeback_won", "dispute_reversal", "chargeback won"], Meaning.CHARGEBACK
    ),
    **dict.fromkeys(
        [
            *("application_fee", "chargeback fee", "chargeback_fee", "shopify_fee", "fee", "credit", "debit"),
            *("shipping_label", "shipping label", "tax_fee", "shop_cash_credit", "shop cash credit"),
        ],
        Meaning.COST,
    ),
    **dict.fromkeys(["adjustment", "marketplace_tax_credit", "import_tax_refund"], Meaning.ADJUSTMENT),
    **dict.fromkeys(["reserve", "reserved_funds", "reserved funds", "anomaly"], Meaning.HOLD),
    **dict.fromkeys(["payout", "payout_failure", "payout_cancellation"], Meaning.PAYOUT),
}
PAID = ("paid", "succeeded", "deposited")


def payout_of(day, currency):
    """What names a payout in both files: only the transactions give an id."""
    return f"{day}:{currency}"


def _complete_transaction(line, cells):
    """There is no payout row: what was paid out was paid out with each of its rows.

    What is held back is neither income nor cost, but the payout is less by it, and more when it is let go.
    """
    if not line.sale.startswith("#") and not line.sale[:1].isdigit():
        line.sale = ""
    presented = cells.text("Presentment Currency").upper()
    if presented and presented != line.currency:
        line.remarks.append(f"The buyer paid {cells.text('Presentment Amount')} {presented}.")
    day = cells.text("Payout Date")[:10]
    line.payout = payout_of(day, line.currency) if day else ""
    if word(line.type) == "payout":
        # Here or in the file of another month: booked as well, it would be paid out twice.
        line.meaning, line.is_printed = Meaning.NOTHING, False
        line.remarks.append("Each row that was paid out tells its part of it.")
    if cells.text("Payout Status").casefold() not in PAID:
        return [line]
    line.is_pending = False
    if line.meaning not in (*BOOKED_MEANINGS, Meaning.HOLD) or line.meaning == Meaning.PAYOUT or not line.net:
        return [line]
    title = f"Payout {cells.text('Payout ID')}".strip()
    return [line, line.beside(meaning=Meaning.PAYOUT, sale="", title=title, gross=-line.net, net=-line.net)]


TRANSACTIONS = Layout(
    key="shopify-payouts",
    title="Shopify Payments transactions",
    channel="shopify",
    requires=("Transaction Date", "Type", "Order", "Payout Status", "Payout Date", "Amount", "Fee", "Net"),
    columns=Columns(
        date="Transaction Date",
        type="Type",
        title=("Order", "Checkout"),
        sale="Order",
        available="Available On",
        currency="Currency",
        gross="Amount",
        fees=("Fee",),
        net="Net",
    ),
    sign=-1,
    words=WORDS,
    mark=".",
    complete=_complete_transaction,
)

_PARTS = (("Refunds", Meaning.REFUND), ("Adjustments", Meaning.ADJUSTMENT), ("Reserved Funds", Meaning.HOLD))


def _complete_summary(line, cells):
    """A row is a whole payout: its charges less fees, what was given back, and the payout itself."""
    names = ("Charges", "Fees", "Retried Amount", *(name for name, _ in _PARTS))
    found = {name: cells.amount(name, line.currency) or 0 for name in names}
    total, day = line.net, cells.text("Payout Date")[:10]
    line.payout = payout_of(day, line.currency)
    line.id = f"summary:{line.payout}"
    remarks = list(line.remarks)
    line.title = f"Payout of {day}"
    line.meaning, line.remarks = Meaning.SALE, []
    line.gross, line.net = found["Charges"], found["Charges"] + found["Fees"]
    settle(line)  # a payout may be of nothing but refunds, adjustments or fees
    lines = [line]
    for name, meaning in _PARTS:
        if found[name]:
            minor = found[name]
            lines.append(line.beside(meaning=meaning, type=name, gross=minor, net=minor, id=f"{line.id}:{name}"))
            lines[-1].is_printed = True
    if sum(found.values()) != total:
        line.remarks.append("Total is not the sum of the row's columns.")
    if cells.text("Status").casefold() in PAID and total:
        lines.append(
            line.beside(meaning=Meaning.PAYOUT, type="Total", gross=-total, net=-total, id=f"{line.id}:payout")
        )
    else:
        line.is_pending = True
    line.remarks += remarks
    return lines


SUMMARY = Layout(
    key="shopify-payouts-summary",
    title="Shopify payouts (summary)",
    channel="shopify",
    requires=("Payout Date", "Status", "Charges", "Refunds", "Fees", "Total", "Currency"),
    columns=Columns(date="Payout Date", currency="Currency", net="Total"),
    positive=Meaning.SALE,
    negative=Meaning.SALE,
    mark=".",
    complete=_complete_summary,
    sums_payouts=True,
    note="This file has one row for each payout. Where its transactions were booked before, it is only compared.",
)
