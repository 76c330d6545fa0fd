"""`python -m benchmarks.probes.imports import|raw|bare FILE`: seconds and peak memory of bringing the file in."""

import csv
import resource
import sys
import time
from itertools import islice
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from benchmarks.probes import say
from storefront import search_index
from storefront.catalog import importing

COLUMNS = (
    *("sku", "sku_key", "slug", "family", "option", "is_lead", "title", "summary", "description", "category"),
    *("vendor", "tags", "kind", "language", "price_minor", "currency", "stock", "status", "image", "image_alt"),
    *("external_url", "position", "created_at", "updated_at"),
)


def ours(file):
    with file.open("rb") as catalog:
        done = importing.import_catalog(catalog, file.name, publish=True)
    if done.status != "applied":
        raise SystemExit(done.status)


def raw(file):
    """What any importer has to do: read the rows, and put them where they belong."""
    changed = ", ".join(f'"{name}" = excluded."{name}"' for name in COLUMNS if name not in ("sku", "created_at"))
    names, row = ", ".join(f'"{name}"' for name in COLUMNS), f"({', '.join(['%s'] * len(COLUMNS))})"
    with file.open(newline="", encoding="utf-8") as text, transaction.atomic(), connection.cursor() as cursor:
        records = (_values(record) for record in csv.DictReader(text))
        while part := list(islice(records, 500)):
            sql = f"INSERT INTO storefront_product ({names}) VALUES {', '.join([row] * len(part))}"
            sql += f" ON CONFLICT (sku) DO UPDATE SET {changed}"
            cursor.execute(sql, [value for values in part for value in values])


def _values(record):
    sku, now = record["sku"], timezone.now().isoformat(sep=" ")
    tags = '["' + record["tags"].replace(", ", '", "') + '"]'
    return [
        *(sku, sku.lower(), sku.lower(), sku.lower(), "", True, record["title"], record["summary"]),
        *(record["description"], record["category"], "", tags, record["kind"], "en"),
        *(int(record["price"].replace(".", "")), record["currency"], int(record["stock"] or 0) or None),
        *(record["status"], record["image"], record["title"], "", 1000, now, now),
    ]


def bare(file):
    search_index.remove(connection)
    raw(file)


def main(way, path):
    began = time.perf_counter()
    {"import": ours, "raw": raw, "bare": bare}[way](Path(path))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    say({"seconds": time.perf_counter() - began, "megabytes": peak})


if __name__ == "__main__":
    main(*sys.argv[1:])
