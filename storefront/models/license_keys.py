"""Keys that unlock what was bought: one for each buyer, from a stock that staff fill."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from storefront.models.entitlements import Entitlement
from storefront.models.products import Product


class LicenseKey(models.Model):
    """One key of a product: free, or a buyer's, whose it stays, also after a refund: it was read."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="license_keys")
    text = models.CharField("key", max_length=200)
    entitlement = models.OneToOneField(
        Entitlement, on_delete=models.PROTECT, null=True, blank=True, related_name="license_key"
    )
    handed_out_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField("added at", default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["product", "text"], name="license_key_once"),
            models.CheckConstraint(condition=~Q(text=""), name="license_key_says_something"),
            models.CheckConstraint(
                condition=Q(entitlement=None, handed_out_at=None)
                | Q(entitlement__isnull=False, handed_out_at__isnull=False),
                name="license_key_handed_out_to_somebody",
            ),
        ]
        indexes = [
            # storefront.license_keys: the next free one.
            models.Index(fields=["product", "id"], condition=Q(entitlement=None), name="license_key_free"),
        ]

    def __str__(self):
        return self.text
