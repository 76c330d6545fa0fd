from storefront.models.carts import Cart, CartLine
from storefront.models.entitlements import Download, Entitlement, LinkRequest
from storefront.models.files import ProductFile
from storefront.models.imports import CatalogImport
from storefront.models.license_keys import LicenseKey
from storefront.models.orders import Order, OrderLine
from storefront.models.payments import Dispute, Payment, PaymentEvent, Refund, RefundLine
from storefront.models.products import Product
from storefront.models.releases import Release

__all__ = [
    "Cart",
    "CartLine",
    "CatalogImport",
    "Dispute",
    "Download",
    "Entitlement",
    "LicenseKey",
    "LinkRequest",
    "Order",
    "OrderLine",
    "Payment",
    "PaymentEvent",
    "Product",
    "ProductFile",
    "Refund",
    "RefundLine",
    "Release",
]
