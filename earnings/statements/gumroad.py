"""Gumroad's payout file (one payout, every movement in it) and its list of sales.

Source: `app/services/exports` of antiwork/gumroad.
"""

from earnings.models import Meaning
from earnings.statements.cells import word
from earnings.statements.layouts import Columns, Layout


def _means_payout(line, cells):
    said = word(line.type)
    if "affiliate fee" in said or said.endswith("fee"):
        return Meaning.COST
    if said.endswith("refund"):
        return Meaning.REFUND
    if said.endswith("payouts"):
        return Meaning.PAYOUT
    if said.endswith(("credit", "adjustment")):
        return Meaning.ADJUSTMENT
    return None


def _complete_payout(line, cells):
    purchase = line.sale
    line.is_id_of_row = False
    if line.meaning == Meaning.SALE:
        line.id = purchase
    elif purchase and line.meaning in (Meaning.REFUND, Meaning.CHARGEBACK):
        line.id = f"{purchase}:{'partial' if 'partial' in word(line.type) else 'refund'}"
        # PayPal and Stripe Connect keep their part of the fee: there the rule is price + fee.
        kept = cells.amount("Gumroad Fees ($)", "USD") or 0
        if ("connect" in word(line.type) or "paypal" in word(line.type)) and line.gross + kept == line.net:
            line.remarks.clear()
    return [line]


def _conclude_payout(reading):
    """The whole file is one payout, of what its rows sum to; its last row says so itself."""
    rows = [line for line in reading.lines if not line.problems]
    net = sum(line.net for line in rows)
    if not reading.own_totals:
        reading.warnings.append("The file has no Totals row: it may be cut off.")
    if rows and net:
        last = max(rows, key=lambda line: line.at)
        # Equal for two exports of one payout, whatever their rows' order.
        marks = sorted(filter(None, (line.id for line in rows)))
        payout = last.beside(
            meaning=Meaning.PAYOUT,
            type="Payout",
            title="Payout of this file",
            sale="",
            gross=-net,
            net=-net,
            id=f"payout:{last.at:%Y-%m-%d}:{net}:{marks[0] if marks else len(rows)}",
        )
        reading.lines.append(payout)


PAYOUT = Layout(
    key="gumroad-payout",
    title="Gumroad payout",
    channel="gumroad",
    requires=("Type", "Date", "Purchase ID", "Sale Price ($)", "Gumroad Fees ($)", "Net Total ($)"),
    columns=Columns(
        date="Date",
        type="Type",
        title=("Item Name",),
        sale="Purchase ID",
        gross="Sale Price ($)",
        fees=("Gumroad Fees ($)",),
        net="Net Total ($)",
    ),
    sign=-1,
    words={"sale": Meaning.SALE, "chargeback": Meaning.CHARGEBACK},
    currency="USD",
    mark=".",
    means=_means_payout,
    complete=_complete_payout,
    conclude=_conclude_payout,
    is_one_piece=True,
)


def _complete_sale(line, cells):
    """The buyer's tax is Gumroad's to remit and no part of what we are paid; flags tell what was given back."""
    tax = cells.amount("Taxes ($)|Tax Charged ($)|Gumroad-Collected Tax ($)", "USD") or 0
    if line.gross - _fee(cells) != line.net:  # else the price is without tax
        line.gross -= tax
        line.remarks.clear()
        if line.gross - _fee(cells) != line.net:
            line.remarks.append("Net is not Sale Price less tax less fee; net is what was taken.")
    line.sale = line.id
    lines = [line]
    if _is_fully_refunded(cells):
        lines.append(
            _given_back(line, Meaning.REFUND, "Fully refunded, fee included: the file gives no day for it.")
        )
    elif _flag(cells, "Disputed?") and not _flag(cells, "Dispute Won?"):
        lines.append(_given_back(line, Meaning.CHARGEBACK, "Disputed and not won: the file gives no day for it."))
    else:
        partial = cells.amount("Partial Refund ($)", "USD")
        if partial:
            remark = "Refunded in part: the file gives no day for it, and says nothing about its fee."
            lines.append(_given_back(line, Meaning.REFUND, remark, abs(partial)))
    return lines


def _is_fully_refunded(cells):
    """Older lists have no column of their own for it: a refund that is not in part is all of it."""
    if cells.has("Fully Refunded?"):
        return _flag(cells, "Fully Refunded?")
    return _flag(cells, "Refunded?") and not cells.amount("Partial Refund ($)", "USD")


def _given_back(line, meaning, remark, minor=None):
    gross = -(line.gross if minor is None else minor)
    net = -(line.net if minor is None else minor)
    part = "refund" if minor is None else "partial"
    return line.beside(meaning=meaning, gross=gross, net=net, id=f"{line.id}:{part}", remarks=[remark])


def _fee(cells):
    return cells.amount("Fees ($)|Fee ($)|Gumroad Fee ($)|Gumroad Fees ($)", "USD") or 0


def _flag(cells, name):
    return cells.text(name).casefold() in ("true", "1", "yes")


SALES = Layout(
    key="gumroad-sales",
    title="Gumroad sales",
    channel="gumroad",
    requires=("Purchase ID", "Item Name", "Purchase Date", "Sale Price ($)", "Net Total ($)"),
    excludes=("Type",),
    columns=Columns(
        date="Purchase Date",
        time="Purchase Time (UTC timezone)",
        title=("Item Name",),
        id="Purchase ID",
        gross="Sale Price ($)",
        fees=("Fees ($)|Fee ($)|Gumroad Fee ($)|Gumroad Fees ($)",),
        net="Net Total ($)",
    ),
    sign=-1,
    positive=Meaning.SALE,
    negative=Meaning.REFUND,
    currency="USD",
    zone="UTC",
    mark=".",
    complete=_complete_sale,
)
