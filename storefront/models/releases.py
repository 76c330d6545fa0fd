"""What a storefront build changed on the live shop, so that it can be taken back."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from storefront.models.imports import CatalogImport


class Release(models.Model):
    """One storefront build.

    `before` holds, by SKU, the fields that it changed as they were; None = there was no such product.
    `after` holds what it wrote. `rollback` says what taking it back did: `{"restored": [sku],
    "kept": [{"sku", "field", "now"}]}`.
    """

    class Status(models.TextChoices):
        LIVE = "live"
        ROLLED_BACK = "rolled_back", "rolled back"

    task_id = models.BigIntegerField(unique=True, help_text="The storefront_build task that made it.")
    catalog_import = models.ForeignKey(
        CatalogImport, on_delete=models.PROTECT, null=True, blank=True, related_name="releases"
    )
    status = models.CharField(max_length=12, choices=Status, default=Status.LIVE)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    listed_skus = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    rolled_back_at = models.DateTimeField(null=True, blank=True)
    rolled_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    rollback = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["live", "rolled_back"]), name="release_status_known")
        ]

    def __str__(self):
        return f"Release {self.pk}"
