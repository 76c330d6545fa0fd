"""The files of products: what a buyer downloads."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from storefront.models.imports import private_storage
from storefront.models.products import Product


def unguessable_path(file, name):
    """Where a file is stored: nothing of what somebody called it."""
    return f"products/{timezone.now():%Y/%m}/{uuid4().hex}"


class ProductFileQuerySet(models.QuerySet):
    def current(self):
        """The newest version of each file that was not withdrawn: what buyers get, whenever they bought."""
        newest = ProductFile.objects.filter(product=OuterRef("product"), name=OuterRef("name"), withdrawn_at=None)
        return self.filter(pk=Subquery(newest.order_by("-version").values("pk")[:1]))


class ProductFile(models.Model):
    """One version of one file of a product. Never changed: another upload under its name is the next version.

    `name` is what the buyer sees and saves; where the file is stored is nobody's business. `sha256` is of its
    bytes.
    """

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=120, help_text="What the buyer sees and saves, e.g. Launch kit.pdf.")
    version = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True, help_text="What is new in this version, for its buyers.")
    file = models.FileField(upload_to=unguessable_path, storage=private_storage, max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = ProductFileQuerySet.as_manager()

    class Meta:
        ordering = ["product", "name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["product", "name", "version"], name="product_file_version_once"),
            models.CheckConstraint(condition=Q(version__gte=1), name="product_file_version_counts"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="product_file_hash_hex"),
            # A name is a name: no folder, and no line of a header.
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(name__regex=r"[/\\\x01-\x1f\x7f]"), name="product_file_name_is_one"
            ),
        ]

    def __str__(self):
        return f"{self.name}, version {self.version}"
