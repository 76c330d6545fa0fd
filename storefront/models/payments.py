"""Money of orders: paid, given back, contested, and what payment providers told us of it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from agency.models.transitions import Transitions
from earnings.models import Kind
from storefront.models.carts import new_token
from storefront.models.orders import Order, OrderLine


class Payment(Transitions):
    """One try to pay an order. What the demo provider books is simulated, and so is a provider's test mode.

    `session_id` is the provider's checkout, `external_id` its charge. `fee_source` says whether `fee_minor` is
    what the provider really kept, or what its channel's rate says. `is_surplus`: it is not the order's price, but
    came on top of it, or is another amount; it goes back.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        CAPTURED = "captured"
        FAILED = "failed"
        CANCELED = "canceled"

    class FeeSource(models.TextChoices):
        PROVIDER = "provider", "as the provider says"
        RATE = "rate", "estimated by the channel's rate"

    TRANSITIONS = {
        Status.PENDING: {Status.CAPTURED, Status.FAILED, Status.CANCELED},
        # A provider's news come in any order: a payment that we gave up may still arrive.
        Status.FAILED: {Status.CAPTURED},
        Status.CANCELED: {Status.CAPTURED},
    }

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    provider = models.CharField(max_length=20)
    kind = models.CharField(max_length=10, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    problem = models.CharField(max_length=500, blank=True)
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    fee_minor = models.PositiveBigIntegerField(default=0)
    fee_source = models.CharField(max_length=8, choices=FeeSource, blank=True)
    refunded_minor = models.PositiveBigIntegerField(default=0)
    is_surplus = models.BooleanField(default=False)
    session_id = models.CharField(max_length=120, blank=True)
    external_id = models.CharField(max_length=120, blank=True)
    checkout_url = models.URLField(max_length=2000, blank=True)
    due_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    captured_at = models.DateTimeField(null=True, blank=True)
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "captured", "failed", "canceled"]), name="payment_status_known"
            ),
            models.CheckConstraint(condition=Q(kind__in=["real", "simulated"]), name="payment_kind_known"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(condition=Q(fee_minor__lte=F("amount_minor")), name="payment_fee_at_most"),
            models.CheckConstraint(
                condition=Q(refunded_minor__lte=F("amount_minor")), name="payment_refunded_at_most_paid"
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor=0) | Q(status="captured"), name="payment_refunded_only_captured"
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(status="captured", is_surplus=False),
                name="order_paid_by_one_payment",
            ),
            models.UniqueConstraint(
                fields=["provider", "session_id"], condition=~Q(session_id=""), name="payment_session_once"
            ),
            models.UniqueConstraint(
                fields=["provider", "external_id"], condition=~Q(external_id=""), name="payment_external_once"
            ),
        ]

    def __str__(self):
        return f"{self.provider} payment of {self.order.number}"

    @property
    def refundable_minor(self):
        return self.amount_minor - self.refunded_minor

    @property
    def is_what_paid(self):
        return self.status == self.Status.CAPTURED and not self.is_surplus

    @property
    def surplus_key(self):
        """What names the money of a surplus payment in the ledger."""
        return f"order:{self.order.number}:surplus:{self.pk}"


class PaymentEvent(models.Model):
    """What a provider told us, stored as it came before anything is done with it.

    After some time its personal parts are forgotten (`storefront.payments.forgetting`). `received` waits to be
    processed, also again after a stumble; `refused` waits for a person.
    """

    class Status(models.TextChoices):
        RECEIVED = "received"
        PROCESSED = "processed"
        IGNORED = "ignored"
        REFUSED = "refused"

    provider = models.CharField(max_length=20)
    external_id = models.CharField(max_length=120)
    type = models.CharField(max_length=80)
    body = models.TextField()
    status = models.CharField(max_length=10, choices=Status, default=Status.RECEIVED)
    problem = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, null=True, blank=True, related_name="payment_events"
    )
    received_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    processed_at = models.DateTimeField(null=True, blank=True)
    forgotten_at = models.DateTimeField(null=True, blank=True, help_text="When its personal parts were deleted.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "external_id"], name="payment_event_once"),
            models.CheckConstraint(
                condition=Q(status__in=["received", "processed", "ignored", "refused"]),
                name="payment_event_status_known",
            ),
        ]
        indexes = [
            # storefront.payments.inbox: what still has to be processed.
            models.Index(fields=["due_at"], condition=Q(status="received"), name="payment_event_due"),
            # storefront.payments.forgetting: what still names people.
            models.Index(fields=["received_at"], condition=Q(forgotten_at=None), name="payment_event_to_forget"),
        ]

    def __str__(self):
        return f"{self.provider} {self.type}"


class Refund(Transitions):
    """Money of a payment that goes back to the buyer. One without lines gives back a surplus payment.

    It is proposed (by us, for staff to decide), requested (our provider is asked, under the refund's own key, as
    often as it takes), then succeeded or failed.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed"
        REQUESTED = "requested"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        DROPPED = "dropped"

    TRANSITIONS = {
        Status.PROPOSED: {Status.REQUESTED, Status.DROPPED},
        Status.REQUESTED: {Status.SUCCEEDED, Status.FAILED},
        Status.SUCCEEDED: {Status.FAILED},  # the buyer's bank sent it back
    }

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    key = models.CharField(max_length=120, unique=True, help_text="The same wish asked again is one refund.")
    status = models.CharField(max_length=10, choices=Status)
    amount_minor = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    external_id = models.CharField(max_length=120, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["proposed", "requested", "succeeded", "failed", "dropped"]),
                name="refund_status_known",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount_positive"),
            models.UniqueConstraint(
                fields=["payment", "external_id"], condition=~Q(external_id=""), name="refund_external_once"
            ),
        ]
        indexes = [
            # storefront.refunds.sweep: what our provider still has to be asked for.
            models.Index(fields=["due_at"], condition=Q(status="requested"), name="refund_due")
        ]

    def __str__(self):
        return f"Refund {self.pk} of {self.payment.order.number}"

    @property
    def currency(self):
        return self.payment.currency


class RefundLine(models.Model):
    """The part of a refund that belongs to one line of the order."""

    refund = models.ForeignKey(Refund, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="refund_lines")
    amount_minor = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["refund", "line"]
        constraints = [
            models.UniqueConstraint(fields=["refund", "line"], name="refund_line_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_line_amount_positive"),
        ]

    def __str__(self):
        return f"{self.refund}: {self.line}"


class Dispute(Transitions):
    """A payment that the buyer contests at the bank: its money is set apart until the bank decides."""

    class Status(models.TextChoices):
        OPEN = "open"
        WON = "won"
        LOST = "lost"

    TRANSITIONS = {
        Status.OPEN: {Status.WON, Status.LOST},
        # A bank may decide anew, e.g. in an arbitration.
        Status.WON: {Status.LOST},
        Status.LOST: {Status.WON},
    }

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    external_id = models.CharField(max_length=120, unique=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    amount_minor = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=80, blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["open", "won", "lost"]), name="dispute_status_known"),
        ]

    def __str__(self):
        return f"Dispute of {self.payment.order.number}"
