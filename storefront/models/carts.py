"""What a visitor means to buy."""

import secrets

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q


def new_token():
    return secrets.token_urlsafe(24)


class Cart(models.Model):
    """A visitor's cart, found by the random token in a cookie: no account, no session, no name."""

    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["touched_at"], name="cart_touched")]  # storefront.cart.forget

    def __str__(self):
        return f"Cart {self.pk}"


class CartLine(models.Model):
    """A product or a package in a cart, with the price that the visitor saw last."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey("Product", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    package = models.ForeignKey(
        "agency.Package", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    quantity = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    seen_minor = models.PositiveBigIntegerField()
    seen_currency = models.CharField(max_length=3)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(product=None, package__isnull=False) | Q(product__isnull=False, package=None),
                name="cart_line_of_product_or_package",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="cart_line_quantity_positive"),
            models.UniqueConstraint(fields=["cart", "product"], name="product_once_per_cart"),
            models.UniqueConstraint(fields=["cart", "package"], name="package_once_per_cart"),
        ]

    def __str__(self):
        return f"{self.quantity} × {self.product or self.package}"
