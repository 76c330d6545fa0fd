"""Purchases: what was bought, by whom, at which price."""

import re

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, Trim
from django.utils import timezone

from agency.models.transitions import Transitions, TransitionsQuerySet
from storefront.models.carts import new_token

NUMBER = re.compile(r"DB-\d+", re.ASCII)


class OrderQuerySet(TransitionsQuerySet):
    def numbered(self, number):
        """The orders (one or none) with this number, written like DB-000123."""
        digits = number.removeprefix("DB-")
        is_number = digits.isascii() and digits.isdigit() and len(digits) < 18
        return self.filter(pk=int(digits)) if is_number else self.none()

    def needing_attention(self):
        """What staff have to look at, oldest first."""
        return self.exclude(problem="").order_by("id")

    def to_hand_over(self):
        """Paid orders with parcels, or work that is no package, which staff have not handed over."""
        open_ = OrderLine.objects.filter(fulfilled_at=None, package=None)
        owed = open_.exclude(amount_minor__gt=0, refunded_minor=F("amount_minor"))
        return self.filter(pk__in=owed.values("order"), status=Order.Status.PAID)


class Order(Transitions):
    """A purchase of one buyer in one currency. What it holds is fixed when it is placed.

    `token` opens the buyer's page and is no part of the number, which anybody can guess. `problem` says why a
    person has to look. `run` is the run whose promotion led the buyer here, by its UTM link.
    """

    class Status(models.TextChoices):
        AWAITING_PAYMENT = "awaiting_payment", "awaiting payment"
        PAID = "paid"
        REFUNDED = "refunded"
        CANCELED = "canceled"

    TRANSITIONS = {
        Status.AWAITING_PAYMENT: {Status.PAID, Status.CANCELED},
        Status.CANCELED: {Status.PAID},  # money that comes late is money
        Status.PAID: {Status.REFUNDED},
        Status.REFUNDED: {Status.PAID},  # the buyer's bank sent the refund back
    }

    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    checkout_key = models.CharField(
        max_length=80, unique=True, help_text="Of the form that was sent: sent twice, it makes one order."
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.AWAITING_PAYMENT)
    problem = models.TextField(blank=True, help_text="Why a person has to look.")
    name = models.CharField(max_length=120)
    email = models.EmailField("e-mail", help_text="In lower case.")
    shipping_address = models.TextField(blank=True)
    currency = models.CharField(max_length=3)
    utm_source = models.CharField(max_length=80, blank=True)
    utm_medium = models.CharField(max_length=80, blank=True)
    utm_campaign = models.CharField(max_length=80, blank=True)
    run = models.ForeignKey("agency.Run", on_delete=models.SET_NULL, null=True, blank=True, related_name="orders")
    placed_at = models.DateTimeField(default=timezone.now)
    reserved_until = models.DateTimeField(help_text="When an unpaid order is given up, and its stock with it.")
    paid_at = models.DateTimeField(null=True, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("refund_order", "Can refund orders"),
            ("settle_order", "Can mark orders as paid and as delivered"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["awaiting_payment", "paid", "refunded", "canceled"]),
                name="order_status_known",
            ),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="order_currency_iso"),
            models.CheckConstraint(
                condition=Q(paid_at__isnull=False) | Q(status__in=["awaiting_payment", "canceled"]),
                name="order_paid_when",
            ),
        ]
        indexes = [
            # storefront.checkout.sweep: unpaid orders whose time is over.
            models.Index(
                fields=["reserved_until"], condition=Q(status="awaiting_payment"), name="order_awaiting_payment"
            ),
            # storefront.checkout: what this buyer bought in the last hours; the library sent again.
            models.Index(fields=["email", "placed_at"], name="order_of_buyer"),
            models.Index(fields=["id"], condition=~Q(problem=""), name="order_needing_attention"),
        ]

    def __str__(self):
        return self.number

    def get_absolute_url(self):
        return f"/orders/{self.token}/"

    @property
    def number(self):
        return f"DB-{self.pk:06d}"

    @property
    def total_minor(self):
        return sum(line.amount_minor for line in self.lines.all())

    @property
    def refunded_minor(self):
        """What was given back or is on its way back."""
        return sum(line.refunded_minor for line in self.lines.all())

    def note_problem(self, problem):
        """A person has to look at the order; what was noted before, or is at this moment, stays."""
        noted = Trim(Concat("problem", Value(f" {problem}")))
        Order.objects.filter(pk=self.pk).exclude(problem__contains=problem).update(problem=noted)
        self.refresh_from_db()

    def forget_problem(self, problem):
        """What was noted has come right by itself."""
        self.refresh_from_db()
        while problem in self.problem:
            rest = " ".join(self.problem.replace(problem, "").split())
            Order.objects.filter(pk=self.pk, problem=self.problem).update(problem=rest)
            self.refresh_from_db()

    @property
    def kind(self):
        """Whether real or simulated money paid it; None while nothing did."""
        paid = [payment.kind for payment in self.payments.all() if payment.is_what_paid]
        return paid[0] if paid else None

    @property
    def refunds(self):
        return [refund for payment in self.payments.all() for refund in payment.refunds.all()]

    @property
    def is_open(self):
        return self.status == self.Status.AWAITING_PAYMENT


class OrderLine(models.Model):
    """One thing of an order, as it was when it was ordered: renaming or repricing it later changes nothing here.

    `reserved` is how many pieces it holds of the product's stock. `is_short` says that it was paid when the stock
    was gone. `refunded_minor` is what was given back of it, or is on its way back.
    """

    PACKAGE = "package"  # the kind of a line that is no product

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField()
    product = models.ForeignKey(
        "Product", on_delete=models.PROTECT, null=True, blank=True, related_name="order_lines"
    )
    package = models.ForeignKey(
        "agency.Package", on_delete=models.PROTECT, null=True, blank=True, related_name="order_lines"
    )
    sku = models.CharField("SKU", max_length=140)
    title = models.CharField(max_length=255)
    option = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=12, help_text="The product's kind, or package.")
    quantity = models.PositiveIntegerField(default=1)
    unit_price_minor = models.PositiveBigIntegerField()
    amount_minor = models.PositiveBigIntegerField()
    tax_note = models.CharField(max_length=200, blank=True)
    terms = models.JSONField(default=dict, blank=True, help_text="What was promised with it.")
    reserved = models.PositiveIntegerField(default=0)
    is_short = models.BooleanField(default=False)
    refunded_minor = models.PositiveBigIntegerField(default=0)
    service_order = models.OneToOneField(
        "agency.ServiceOrder", on_delete=models.PROTECT, null=True, blank=True, related_name="order_line"
    )
    fulfilled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["order", "number"]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="order_line_number_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_line_quantity_positive"),
            models.CheckConstraint(
                condition=Q(amount_minor=F("unit_price_minor") * F("quantity")), name="order_line_amount"
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__lte=F("amount_minor")), name="order_line_refund_at_most_amount"
            ),
            models.CheckConstraint(condition=Q(reserved__lte=F("quantity")), name="order_line_reserved_at_most"),
            models.CheckConstraint(
                condition=Q(product=None, package__isnull=False) | Q(product__isnull=False, package=None),
                name="order_line_of_product_or_package",
            ),
        ]
        indexes = [
            # Order.objects.to_hand_over: the admin's front page counts them.
            models.Index(fields=["order"], condition=Q(fulfilled_at=None, package=None), name="order_line_open"),
        ]

    def __str__(self):
        return f"{self.title} ({self.option})" if self.option else self.title

    @property
    def key(self):
        """What names its money in the ledger."""
        return f"order:{self.order.number}:line:{self.number}"

    @property
    def currency(self):
        return self.order.currency

    @property
    def refundable_minor(self):
        return self.amount_minor - self.refunded_minor
