"""`fill.py`: the products of a JSON list a line on standard input, written as django-oscar keeps them."""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.core.management import call_command
from oscar.core.loading import get_model

Product, ProductClass = get_model("catalogue", "Product"), get_model("catalogue", "ProductClass")
Category, ProductCategory = get_model("catalogue", "Category"), get_model("catalogue", "ProductCategory")
Partner, StockRecord = get_model("partner", "Partner"), get_model("partner", "StockRecord")


def main():
    call_command("migrate", verbosity=0)
    kind = ProductClass.objects.create(name="Thing", track_stock=False, requires_shipping=False)
    partner = Partner.objects.create(name="Shop")
    categories = {}
    rows = [json.loads(line) for line in sys.stdin]
    for row in rows:
        if row["category"] not in categories:
            categories[row["category"]] = Category.add_root(name=row["category"], slug=f"c{len(categories)}")
    products = Product.objects.bulk_create(
        [
            Product(title=row["title"], slug=row["slug"], upc=row["sku"], description=row["description"],
                    product_class=kind, structure="standalone", is_public=True)
            for row in rows
        ],
        batch_size=500,
    )  # fmt: skip
    StockRecord.objects.bulk_create(
        [
            StockRecord(product=product, partner=partner, partner_sku=row["sku"], price=row["price_minor"] / 100,
                        price_currency="USD", num_in_stock=100)
            for product, row in zip(products, rows, strict=True)
        ],
        batch_size=500,
    )  # fmt: skip
    ProductCategory.objects.bulk_create(
        [
            ProductCategory(product=product, category=categories[row["category"]])
            for product, row in zip(products, rows, strict=True)
        ],
        batch_size=500,
    )
    call_command("rebuild_index", interactive=False, verbosity=0)
    print(json.dumps([product.get_absolute_url() for product in products[:200]]))


if __name__ == "__main__":
    main()
