"""The shop that a new installation starts with."""

import csv
from pathlib import Path

from django.core.files.base import ContentFile

from agency.models import Intent
from storefront import product_files
from storefront.catalog import importing
from storefront.demo import files
from storefront.models import CatalogImport, Product

FILES = Path(__file__).resolve().parent / "demo"
WISH = "Maximize profit"


def open_shop():
    """Import the demo catalog and services, and make what its buyers download, once: what an owner changed
    afterwards is left alone.

    Returns the imports that were made now.
    """
    made = []
    for name in ("inventory.csv", "services.csv"):
        if not CatalogImport.objects.filter(name=name, status=CatalogImport.Status.APPLIED).exists():
            made.append(importing.import_catalog((FILES / name).read_bytes(), name, publish=True))
    _make_files()
    return made


def _make_files():
    with (FILES / "inventory.csv").open(encoding="utf-8", newline="") as rows:
        skus = [row["sku"] for row in csv.DictReader(rows)]
    for product in Product.objects.filter(sku__in=skus, kind__in=Product.DIGITAL, external_url="", files=None):
        name, content = files.archive(product)
        product_files.add(product, ContentFile(content, name))


def has_wished():
    """Whether anybody ever wished anything here."""
    return Intent.objects.exists()
