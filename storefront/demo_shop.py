"""The shop that a new installation starts with."""

from pathlib import Path

from agency.models import Intent
from storefront.catalog import importing
from storefront.models import CatalogImport

FILES = Path(__file__).resolve().parent / "demo"
WISH = "Maximize profit"


def open_shop():
    """Import the demo catalog and services, once: what an owner changed afterwards is left alone.

    Returns the imports that were made now.
    """
    made = []
    for name in ("inventory.csv", "services.csv"):
        if not CatalogImport.objects.filter(name=name, status=CatalogImport.Status.APPLIED).exists():
            made.append(importing.import_catalog((FILES / name).read_bytes(), name, publish=True))
    return made


def has_wished():
    """Whether anybody ever wished anything here."""
    return Intent.objects.exists()
