from storefront.models.imports import CatalogImport
from storefront.models.products import Product
from storefront.models.releases import Release

__all__ = ["CatalogImport", "Product", "Release"]
