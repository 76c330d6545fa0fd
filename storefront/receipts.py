"""What a buyer's page shows of an order: what was bought, how it stands, and what can be downloaded."""

from dataclasses import dataclass

from django.db.models import Count, F, Prefetch, Q

from storefront import library, license_keys, order_mail
from storefront.models import Download, Entitlement, LicenseKey, Order, OrderLine, Payment, Product, ProductFile


@dataclass(frozen=True)
class Shelf:
    """The files of one right, each as `(file, how often it may still be downloaded)`, and its license key: None
    where its product takes none, or while there is none left."""

    entitlement: Entitlement
    files: list
    key: LicenseKey | None
    waits_for_key: bool


@dataclass(frozen=True)
class Line:
    """One line of an order and what became of it."""

    row: OrderLine
    shelves: list

    @property
    def is_refunded(self):
        return bool(self.row.amount_minor) and self.row.refundable_minor == 0


@dataclass(frozen=True)
class Receipt:
    order: Order
    lines: list
    payment: Payment | None
    is_demo: bool

    @property
    def has_files(self):
        return any(shelf.files for line in self.lines for shelf in line.shelves)

    @property
    def comes_later(self):
        """Whether nothing of it is there with the payment: work that begins with a brief, and parcels."""
        return all(line.row.service_order or line.row.kind == Product.Kind.PHYSICAL for line in self.lines)

    @property
    def is_wrong_amount(self):
        """Whether what came last is not what the order costs: it goes back, and nothing was tried since."""
        return any(payment.is_surplus for payment in list(self.order.payments.all())[-1:])

    @property
    def kept_minor(self):
        return self.order.total_minor - self.order.refunded_minor


def of(token):
    """The `Receipt` of the order with this token, or None. A few queries, however long the order is."""
    rights = Entitlement.objects.select_related("product", "license_key").order_by("id")
    lines = OrderLine.objects.select_related("service_order", "product").prefetch_related(
        Prefetch("entitlements", rights)
    )
    order = Order.objects.filter(token=token).prefetch_related(Prefetch("lines", lines), "payments").first()
    if order is None:
        return None
    return Receipt(order, _lines(order), _payment(order), order_mail.is_demo(order))


def _payment(order):
    """The payment that counts: the captured one, or the newest that is tried."""
    mine = [payment for payment in order.payments.all() if not payment.is_surplus]
    captured = [payment for payment in mine if payment.status == Payment.Status.CAPTURED]
    return (captured or mine or [None])[-1]


def _lines(order):
    rights = [right for line in order.lines.all() for right in line.entitlements.all() if right.is_active]
    files, used = _files(rights), _used(order)
    keyed = license_keys.takes_keys({right.product_id for right in rights if _key(right) is None})

    def shelf(right):
        mine = [(file, _left(used, right, file)) for file in files.get(right.product_id, ())]
        key = _key(right)
        return Shelf(right, mine, key, key is None and right.product_id in keyed)

    return [Line(line, [shelf(right) for right in line.entitlements.all()]) for line in order.lines.all()]


def _key(right):
    return getattr(right, "license_key", None)  # Django raises an AttributeError where there is none


def _files(rights):
    found = {}
    for file in ProductFile.objects.current().filter(product__in={right.product_id for right in rights}):
        found.setdefault(file.product_id, []).append(file)
    return found


def _used(order):
    counting = Q(began_at__gte=F("entitlement__counted_from"))
    mine = Download.objects.filter(counting, entitlement__order_line__order=order).order_by()
    rows = mine.values_list("entitlement", "file").annotate(Count("id"))
    return {(entitlement, file): count for entitlement, file, count in rows}


def _left(used, right, file):
    return max(library.MOST_DOWNLOADS - used.get((right.pk, file.pk), 0), 0) if right.is_active else 0
