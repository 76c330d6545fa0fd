"""The catalog at 100,000 products: an index for each way to look at it, SKUs in any spelling, full-text search."""

from django.db import migrations, models
from django.db.models import Q

import storefront.models.products
from storefront import search_index
from storefront.models.products import identity

LISTED = Q(status="listed")
ON_SHELF = Q(is_lead=True, status="listed")


def fill_sku_keys(apps, schema_editor):
    Product = apps.get_model("storefront", "Product")
    found = []
    for product in Product.objects.only("pk", "sku").iterator(2000):
        product.sku_key = identity(product.sku)
        found.append(product)
    Product.objects.bulk_update(found, ["sku_key"], batch_size=200)


def install(apps, schema_editor):
    search_index.install(schema_editor.connection)


def remove(apps, schema_editor):
    search_index.remove(schema_editor.connection)


def index(name, fields, condition=None):
    return migrations.AddIndex("product", models.Index(fields=fields, condition=condition, name=name))


class Migration(migrations.Migration):
    dependencies = [("storefront", "0004_orders")]

    operations = [
        migrations.RemoveIndex("product", "product_catalog"),
        migrations.RemoveIndex("product", "product_category"),
        migrations.AddField(
            "product",
            "sku_key",
            storefront.models.products.IdentityField(
                default="", editable=False, help_text="The SKU in any spelling.", max_length=2400
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fill_sku_keys, migrations.RunPython.noop),
        index("product_catalog", ["position", "id", "kind"], ON_SHELF),
        index("product_category", ["category", "position", "id", "kind"], ON_SHELF),
        index("product_newest", ["-created_at", "-id"], ON_SHELF),
        index("product_title", ["title", "id"], ON_SHELF),
        index("product_variants", ["family", "currency", "price_minor", "stock"], LISTED),
        index("product_price", ["currency", "price_minor", "id", "family"], LISTED),
        index("product_position", ["position", "id"]),
        index("product_sku_key", ["sku_key"]),
        migrations.RunPython(install, remove),
    ]
