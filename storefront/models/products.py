"""What is on sale."""

import unicodedata
from functools import lru_cache

from django.db import models
from django.db.models import Q


@lru_cache(maxsize=4096)
def identity(sku):
    """SKUs that differ only in case, blanks or full-width letters are the same SKU to people and to shops."""
    return " ".join(unicodedata.normalize("NFKC", sku).casefold().split())


class IdentityField(models.CharField):
    """The `identity` of the row's SKU, so that the database can look for it."""

    def pre_save(self, product, add):
        value = identity(product.sku)
        setattr(product, self.attname, value)
        return value


class ProductQuerySet(models.QuerySet):
    def listed(self):
        return self.filter(status=Product.Status.LISTED)

    def leads(self):
        """One product of each family: what the catalog shows."""
        return self.filter(is_lead=True)


_ON_SHELF = Q(status="listed", is_lead=True)


class Product(models.Model):
    """One row of the inventory: one SKU, one price, one page.

    Variants (sizes, licenses) are products of one `family` that differ in `option`; each has its own page and
    the pages link to each other. `price_minor` is in minor units of `currency`; `stock` None = unlimited.
    """

    class Kind(models.TextChoices):
        DOWNLOAD = "download"
        BUNDLE = "bundle"
        COURSE = "course"
        SUBSCRIPTION = "subscription"
        SERVICE = "service"
        PHYSICAL = "physical"

    class Status(models.TextChoices):
        DRAFT = "draft"
        APPROVED = "approved"  # a person said yes; the next storefront build lists it
        LISTED = "listed"
        ARCHIVED = "archived"

    # What a buyer gets as files or access at once, and never twice.
    DIGITAL = (Kind.DOWNLOAD, Kind.BUNDLE, Kind.COURSE)

    sku = models.CharField("SKU", max_length=120, unique=True)
    sku_key = IdentityField(max_length=2400, editable=False, help_text="The SKU in any spelling.")
    slug = models.SlugField(max_length=140, unique=True)
    family = models.SlugField(max_length=140, help_text="The same for all variants of one product.")
    option = models.CharField(max_length=120, blank=True, help_text="What sets this variant apart, e.g. Team.")
    is_lead = models.BooleanField("shown in the catalog", default=True)
    title = models.CharField(max_length=255)
    summary = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True, help_text="HTML, cleaned on import.")
    category = models.CharField(max_length=80, blank=True)
    vendor = models.CharField(max_length=120, blank=True)
    tags = models.JSONField(default=list, blank=True)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.DOWNLOAD)
    language = models.CharField(max_length=8, default="en")
    price_minor = models.PositiveBigIntegerField("price in minor units")
    compare_at_minor = models.PositiveBigIntegerField("price before, in minor units", null=True, blank=True)
    currency = models.CharField(max_length=3)
    stock = models.PositiveIntegerField(null=True, blank=True, help_text="Empty = unlimited.")
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    image = models.CharField(max_length=500, blank=True, help_text="URL, or a path on this site.")
    image_alt = models.CharField(max_length=300, blank=True)
    external_url = models.URLField(max_length=500, blank=True, help_text="Where a marketplace sells it.")
    position = models.PositiveIntegerField(default=1000)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        permissions = [("publish_product", "Can publish products and roll a release back")]
        constraints = [
            models.UniqueConstraint(
                fields=["family"], condition=Q(is_lead=True), name="one_lead_product_per_family"
            ),
            models.CheckConstraint(condition=~Q(sku=""), name="product_sku_not_empty"),
            models.CheckConstraint(condition=~Q(title=""), name="product_title_not_empty"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="product_currency_iso"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "approved", "listed", "archived"]),
                name="product_status_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["download", "bundle", "course", "subscription", "service", "physical"]),
                name="product_kind_known",
            ),
        ]
        indexes = [
            # The catalog page: listed leads in each order, and in shop order by category; the last column is read
            # from the index where only it narrows.
            models.Index(fields=["position", "id", "kind"], condition=_ON_SHELF, name="product_catalog"),
            models.Index(
                fields=["category", "position", "id", "kind"], condition=_ON_SHELF, name="product_category"
            ),
            models.Index(fields=["-created_at", "-id"], condition=_ON_SHELF, name="product_newest"),
            models.Index(fields=["title", "id"], condition=_ON_SHELF, name="product_title"),
            # Which families have a variant at a price, or in stock; and the cheapest variant of a family.
            models.Index(
                fields=["family", "currency", "price_minor", "stock"],
                condition=Q(status="listed"),
                name="product_variants",
            ),
            models.Index(
                fields=["currency", "price_minor", "id", "family"],
                condition=Q(status="listed"),
                name="product_price",
            ),
            # The list of the admin.
            models.Index(fields=["position", "id"], name="product_position"),
            models.Index(fields=["family"], name="product_family"),
            # The product that a row of a file means.
            models.Index(fields=["sku_key"], name="product_sku_key"),
        ]

    def __str__(self):
        return f"{self.title} ({self.option})" if self.option else self.title

    def get_absolute_url(self):
        return self.path_of(self.slug)

    @staticmethod
    def path_of(slug):
        return f"/products/{slug}/"

    @property
    def is_available(self):
        return self.stock is None or self.stock > 0
