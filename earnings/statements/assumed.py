"""Layouts that nobody here has seen a real file of. They say so in every preview until one was."""

from dataclasses import dataclass, replace

from earnings.models import Meaning
from earnings.refusals import Refusal
from earnings.statements import asides
from earnings.statements.cells import Marks, word
from earnings.statements.layouts import Columns, Layout

NOTE = (
    "No real {name} file of this layout was seen yet: the layout is assumed. Compare the figures with {name} "
    "before you book."
)


def _own_sale(line, cells):
    line.sale = line.id or line.sale
    line.id = f"{line.id}:{line.meaning}" if line.id else ""
    return [line]


@dataclass(frozen=True)
class _SignOfFees(Layout):
    """Nobody here knows whether this platform prints a fee with a minus: the sales of each file tell."""

    def read(self, sheet, choices=None):
        rows = self._rows_by_sign(sheet)
        if len(rows) > 1:
            name = self.columns.fees[0].split("|")[0]
            raise Refusal.of_field(
                "/file", f"{name} has a minus in row {rows[1]} and none in row {rows[-1]}: which is a cost?"
            )
        return Layout.read(replace(self, sign=next(iter(rows), self.sign)), sheet, choices)

    def _rows_by_sign(self, sheet):
        """{1 or -1, as `sign`: the first of the sales whose fees say so}."""
        rows = asides.sort(sheet, self.columns).movements
        marks, found = Marks(rows, self.columns.amounts, self.mark), {}
        for row, cells in rows:
            cells.marks = marks
            try:
                currency = self.currency_of(cells)
                gross, fee = (
                    cells.amount(name, currency) or 0 for name in (self.columns.gross, *self.columns.fees)
                )
            except ValueError:
                continue  # named with its row when the file is read
            if gross > 0 and fee:
                found.setdefault(-1 if fee > 0 else 1, row.number)
        return found


def _means_fiverr(line, cells):
    """Money on its way to the bank belongs to no order."""
    if not line.id and word(line.title).startswith(("withdraw", "payout", "transfer")):
        return Meaning.PAYOUT
    return None


FIVERR = _SignOfFees(
    key="fiverr-earnings",
    title="Fiverr earnings (assumed layout)",
    channel="fiverr",
    requires=("Date", "Order ID", "Gross Amount", "Service Fee", "Net Amount"),
    columns=Columns(
        date="Date",
        title=("Item Description",),
        id="Order ID",
        status="Status",
        currency="Currency",
        gross="Gross Amount",
        fees=("Service Fee",),
        net="Net Amount",
    ),
    sign=1,
    positive=Meaning.SALE,
    negative=Meaning.REFUND,
    currency="USD",
    date_order="mdy",
    mark=".",
    means=_means_fiverr,
    complete=_own_sale,
    note=NOTE.format(name="Fiverr"),
)


SHOPIER = _SignOfFees(
    key="shopier-payments",
    title="Shopier payments (assumed layout)",
    channel="shopier",
    requires=(
        "Tarih|Sipariş Tarihi",
        "Sipariş No|Sipariş Numarası",
        "Tutar|Toplam Tutar",
        "Komisyon|Komisyon Tutarı",
    ),
    columns=Columns(
        date="Tarih|Sipariş Tarihi",
        type="İşlem|İşlem Türü|Tür",
        title=("Ürün|Ürün Adı",),
        id="Sipariş No|Sipariş Numarası",
        status="Durum",
        currency="Para Birimi",
        gross="Tutar|Toplam Tutar",
        fees=("Komisyon|Komisyon Tutarı",),
        net="Net Tutar|Net",
    ),
    sign=-1,
    words={
        **dict.fromkeys(["satış", "sipariş", "sale"], Meaning.SALE),
        **dict.fromkeys(["iade", "refund"], Meaning.REFUND),
        **dict.fromkeys(["ödeme", "para çekme", "hesaba aktarım", "payout"], Meaning.PAYOUT),
    },
    positive=Meaning.SALE,
    negative=Meaning.REFUND,
    currency="TRY",
    zone="Europe/Istanbul",
    date_order="dmy",
    complete=_own_sale,
    note=NOTE.format(name="Shopier"),
)
