"""Layouts that nobody here has seen a real file of. They say so in every preview until one was."""

from earnings.models import Meaning
from earnings.statements.layouts import Columns, Layout

NOTE = (
    "No real {name} file of this layout was seen yet: the layout is assumed. Compare the figures with {name} "
    "before you book."
)


def _own_sale(line, cells):
    line.sale = line.id or line.sale
    line.id = f"{line.id}:{line.meaning}" if line.id else ""
    return [line]


FIVERR = Layout(
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
    complete=_own_sale,
    note=NOTE.format(name="Fiverr"),
)

SHOPIER = Layout(
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
