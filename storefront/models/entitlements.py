"""The right to a product's files, what was downloaded by it, and who asked for the way to it again."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from agency.models.transitions import Transitions
from storefront.models.files import ProductFile
from storefront.models.orders import OrderLine
from storefront.models.products import Product


class Entitlement(Transitions):
    """The right of an order line's buyer to the files of a product, those of today and the newer ones to come.

    `counted_from`: downloads before it do not count to the limit any more. `revoked_for` says who took it away: a
    refund that fails gives back what a refund took, and nothing that staff did.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        REVOKED = "revoked"

    class RevokedFor(models.TextChoices):
        REFUND = "refund", "a full refund"
        STAFF = "staff", "a person's reason"

    TRANSITIONS = {Status.ACTIVE: {Status.REVOKED}, Status.REVOKED: {Status.ACTIVE}}

    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="entitlements")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="entitlements")
    status = models.CharField(max_length=7, choices=Status, default=Status.ACTIVE)
    revoked_for = models.CharField(max_length=6, choices=RevokedFor, blank=True)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it was revoked or restored.")
    granted_at = models.DateTimeField(default=timezone.now)
    counted_from = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order_line", "product"], name="entitlement_once_per_line_and_product"
            ),
            models.CheckConstraint(
                condition=Q(status="active", revoked_at=None, revoked_for="")
                | Q(status="revoked", revoked_at__isnull=False, revoked_for__in=["refund", "staff"]),
                name="entitlement_revoked_says_why",
            ),
        ]

    def __str__(self):
        return f"{self.product} of {self.order_line.order}"

    @property
    def is_active(self):
        return self.status == self.Status.ACTIVE


class Download(models.Model):
    """One file link that was used: however often its download was interrupted and resumed, it counts once."""

    entitlement = models.ForeignKey(Entitlement, on_delete=models.PROTECT, related_name="downloads")
    file = models.ForeignKey(ProductFile, on_delete=models.PROTECT, related_name="downloads")
    link = models.CharField(max_length=32, unique=True, help_text="What names the link.")
    began_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [
            # storefront.library: how often this file was downloaded by this right.
            models.Index(fields=["entitlement", "file", "began_at"], name="download_count"),
        ]

    def __str__(self):
        return f"{self.file} at {self.began_at:%Y-%m-%d %H:%M}"


class LinkRequest(models.Model):
    """Somebody who wants the way to their purchases sent again.

    It is written for every address alike and answered by the sweep, so that nobody sees from outside whether an
    address has bought here.
    """

    email = models.EmailField()
    asked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return f"request {self.pk}"
