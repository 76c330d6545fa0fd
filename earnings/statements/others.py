"""More platforms whose statements are certain enough to be booked: one small layout each."""

import re
from dataclasses import dataclass, replace

from earnings.models import Meaning
from earnings.statements import dates
from earnings.statements.layouts import Columns, Layout

# --- Amazon, date range report: notes, then a header; each total is the sum of the row's amount columns -----

_AMAZON_FEES = ("selling fees", "fba fees", "other transaction fees")
_AMAZON_SUMMED = (
    *("product sales", "product sales tax", "shipping credits", "shipping credits tax", "gift wrap credits"),
    *("giftwrap credits tax", "Regulatory Fee", "Tax On Regulatory Fee", "promotional rebates"),
    *("promotional rebates tax", "marketplace withheld tax", *_AMAZON_FEES, "other"),
)


def _complete_amazon(line, cells):
    summed = sum(cells.amount(name, line.currency) or 0 for name in _AMAZON_SUMMED)
    fees = sum(cells.amount(name, line.currency) or 0 for name in _AMAZON_FEES)
    if summed != line.net:
        line.remarks.append("total is not the sum of the row's columns.")
    if line.meaning in (Meaning.SALE, Meaning.REFUND, Meaning.CHARGEBACK):
        line.gross = line.net - fees
    return [line]


AMAZON = Layout(
    key="amazon-date-range",
    title="Amazon date range report",
    channel="amazon",
    requires=("date/time", "settlement id", "type", "order id", "product sales", "selling fees", "total"),
    columns=Columns(date="date/time", type="type", title=("description",), sale="order id", net="total"),
    words={
        "order": Meaning.SALE,
        **dict.fromkeys(["refund", "chargeback refund", "a-to-z guarantee claim"], Meaning.REFUND),
        **dict.fromkeys(
            ["service fee", "fba inventory fee", "fee adjustment", "shipping services", "order_retrocharge"],
            Meaning.COST,
        ),
        **dict.fromkeys(["adjustment", "others", "liquidations"], Meaning.ADJUSTMENT),
        **dict.fromkeys(["transfer", "debt"], Meaning.PAYOUT),
    },
    mark=".",
    complete=_complete_amazon,
)

# --- Square ------------------------------------------------------------------------------------------------


SQUARE = Layout(
    key="square-transactions",
    title="Square transactions",
    channel="square",
    requires=("Date", "Time", "Time Zone", "Gross Sales", "Total Collected", "Fees", "Net Total", "Event Type"),
    columns=Columns(
        date="Date",
        time="Time",
        zone="Time Zone",
        type="Event Type",
        title=("Description",),
        id="Payment ID",
        sale="Transaction ID",
        gross="Total Collected",
        fees=("Fees",),
        net="Net Total",
    ),
    sign=1,
    words={"payment": Meaning.SALE, "refund": Meaning.REFUND, "dispute": Meaning.CHARGEBACK},
    currency="USD",
    mark=".",
    note="Square prints no currency; US dollars are taken. Amounts hold the tax and tips that were collected.",
)

# --- Patreon: one row a month; the reported total is the truth, its parts may not add up -------------------


def _complete_patreon(line, cells):
    fees = sum(
        cells.amount(name, line.currency) or 0
        for name in ("Total platform fee", "Total payment fee", "Merch items and shipping")
    )
    gross = cells.amount("Total gross revenue", line.currency) or 0
    refunds = cells.amount("Refunds", line.currency) or 0
    total, month = line.net, cells.text("Month")
    line.meaning, line.gross, line.net, line.remarks = Meaning.SALE, gross, gross + fees, []
    line.id, line.title = f"{month}:{line.currency}", f"Earnings of {month}"
    lines = [line]
    for name, minor, meaning in (
        ("Refunds", refunds, Meaning.REFUND),
        ("Difference", total - gross - fees - refunds, Meaning.ADJUSTMENT),
    ):
        if minor:
            part = line.beside(meaning=meaning, type=name, gross=minor, net=minor, id=f"{line.id}:{name}")
            part.is_printed = True
            lines.append(part)
    if lines[-1].type == "Difference":
        lines[-1].remarks.append("What the month's total says beyond its parts is booked as an adjustment.")
    return lines


def _warn_of_gaps(reading):
    gaps = [line for line in reading.lines if line.type == "Difference"]
    if gaps:
        months = ", ".join(line.title.removeprefix("Earnings of ") for line in gaps)
        reading.warnings.append(f"The total of {months} is not the sum of its parts; the gap is an adjustment.")


PATREON = Layout(
    key="patreon-earnings",
    title="Patreon earnings",
    channel="patreon",
    requires=("Month", "Currency", "Total gross revenue", "Your total earnings|Total net earnings"),
    columns=Columns(date="Month", currency="Currency", net="Your total earnings|Total net earnings"),
    mark=".",
    positive=Meaning.SALE,
    negative=Meaning.SALE,
    complete=_complete_patreon,
    conclude=_warn_of_gaps,
)

# --- AdSense: the currency stands in the header -------------------------------------------------------------

_AMOUNT_IN = re.compile(r"amount \(([a-z]{3})\)", re.IGNORECASE)


def _means_adsense(line, cells):
    said = line.title.casefold()
    if said.endswith(" balance"):
        return Meaning.NOTHING
    if "payment" in said and line.net < 0:
        return Meaning.PAYOUT
    if said.startswith("earnings"):
        return Meaning.SALE if line.net > 0 else Meaning.REFUND
    if "adjustment" in said or "invalid traffic" in said or "deduction" in said:
        return Meaning.ADJUSTMENT
    return None


def _conclude_adsense(reading):
    """Starting and ending balance are no movements, but what lies between must be the rows."""
    ends = {}
    for line in reading.lines:
        if line.title.casefold() in ("starting balance", "ending balance"):
            ends[line.title.casefold()] = line.net
    moved = sum(line.net for line in reading.lines if line.is_printed and not line.problems)
    if len(ends) == 2:
        currency = reading.lines[0].currency
        reading.own_totals[currency] = {"net": ends["ending balance"] - ends["starting balance"]}
        if ends["starting balance"] + moved != ends["ending balance"]:
            reading.warnings.append(
                "Starting balance and rows do not add up to the ending balance: rows are missing."
            )


@dataclass(frozen=True)
class _AdSense(Layout):
    def missing(self, header):
        missing = super().missing(header)
        return missing if any(_AMOUNT_IN.fullmatch(name) for name in header) else [*missing, "Amount (USD)"]

    def matches(self, header):
        return not self.missing(header) and len(header) == 3

    def read(self, sheet, choices=None):
        name = next(name for name in sheet.header if _AMOUNT_IN.fullmatch(name))
        currency = _AMOUNT_IN.fullmatch(name)[1].upper()
        columns = replace(self.columns, gross=name)
        return Layout.read(replace(self, columns=columns, currency=currency), sheet, choices)


ADSENSE = _AdSense(
    key="adsense-activity",
    title="AdSense account activity",
    channel="adsense",
    requires=("Date", "Description"),
    columns=Columns(date="Date", title=("Description",), gross="Amount (USD)"),
    means=_means_adsense,
    mark=".",
    conclude=_conclude_adsense,
)

# --- Open Collective ------------------------------------------------------------------------------------------


def _means_collective(line, cells):
    kind = cells.text("kind").casefold()
    if "fee" in kind or kind in ("tax",):
        return Meaning.COST
    if cells.text("isRefund").casefold() in ("1", "true", "refund", "yes"):
        return Meaning.REFUND
    if cells.text("type").casefold() == "credit":
        return Meaning.SALE
    return Meaning.SPENT


OPEN_COLLECTIVE = Layout(
    key="opencollective-transactions",
    title="Open Collective transactions",
    channel="opencollective",
    requires=("datetime", "shortId", "type", "kind", "amount", "paymentProcessorFee", "netAmount", "currency"),
    # `description` names people.
    columns=Columns(
        date="datetime",
        title=("kind",),
        id="shortId",
        currency="currency",
        gross="amount",
        fees=("paymentProcessorFee", "hostFee"),
        net="netAmount",
    ),
    sign=1,
    mark=".",
    zone="UTC",
    means=_means_collective,
)

# --- Payhip, Creative Fabrica, affiliate programs -----------------------------------------------------------

PAYHIP = Layout(
    key="payhip-sales",
    title="Payhip sales",
    channel="payhip",
    requires=("Date", "Transaction ID", "Product", "Amount", "Currency", "Payhip Fee", "Payment Processor Fee"),
    columns=Columns(
        date="Date",
        title=("Product",),
        id="Transaction ID",
        sale="Transaction ID",
        currency="Currency",
        gross="Amount",
        fees=("Payhip Fee", "Payment Processor Fee"),
    ),
    sign=-1,
    positive=Meaning.SALE,
    negative=Meaning.REFUND,
    mark=".",
)

_PAID_ON = re.compile(r"paid on (\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2})?)", re.IGNORECASE)


def _complete_fabrica(line, cells):
    paid = _PAID_ON.search(cells.text("Status"))
    if not paid:
        line.meaning, line.remarks, line.is_printed = Meaning.NOTHING, ["Not paid yet."], False
        return [line]
    line.meaning, line.at = Meaning.PAYOUT, dates.read_moment(paid.group(1))
    line.net = line.gross = -line.gross
    return [line]


FABRICA = Layout(
    key="creative-fabrica-payouts",
    title="Creative Fabrica payouts",
    channel="creative-fabrica",
    requires=("Transaction ID", "Payout Method", "Payout Account", "Amount", "Transaction Fee", "Date requested"),
    columns=Columns(date="Date requested", type="Payout Method", id="Transaction ID", gross="Amount"),
    means=lambda line, cells: Meaning.PAYOUT,
    currency="USD",
    mark=".",
    complete=_complete_fabrica,
    note="This file has payouts only, and a payout is never income: the sales behind them are not in it.",
)

AFFILIATE = Layout(
    key="affiliate-commissions",
    title="Affiliate commissions",
    channel="affiliate",
    requires=("Issued Commission Amount", "Issued Commission Currency", "Created", "Commission status"),
    columns=Columns(
        date="Created",
        title=("Program",),
        status="Commission status",
        currency="Issued Commission Currency",
        gross="Issued Commission Amount",
        available="Estimated available date",
    ),
    positive=Meaning.SALE,
    negative=Meaning.REFUND,
    mark=".",
)

LAYOUTS = (AMAZON, SQUARE, PATREON, ADSENSE, OPEN_COLLECTIVE, PAYHIP, FABRICA, AFFILIATE)
