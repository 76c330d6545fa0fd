"""A catalog file of 10,000 and 100,000 rows: time and peak memory, beside the csv module and raw upserts.

BENCH_PRODUCTS makes it shorter. Every figure is of a process and a database of its own.
"""

import csv
import os

from benchmarks.places import place
from benchmarks.report import ROUNDS, line
from benchmarks.shop import rows

PRODUCTS = [int(count) for count in os.environ.get("BENCH_PRODUCTS", "10000 100000").split()]
HEADER = ["sku", "title", "summary", "description", "category", "kind"]
HEADER += ["price", "currency", "stock", "tags", "image", "status"]
WAYS = {
    "import": "this project: new rows",
    "again": "this project: the same file again",
    "raw": "csv and raw upserts, 500 a statement",
    "bare": "the same without the search index",
}


def main(database_url, redis_url):
    for count in PRODUCTS:
        figures = {way: [] for way in WAYS}
        for _ in range(max(ROUNDS // 3, 1) if count > 50_000 else ROUNDS):
            for way in ("import", "raw", "bare"):
                with place(database_url) as here:
                    file = here.var / "catalog.csv"
                    write(file, count)
                    figures[way].append(here.probe("imports", way, file, timeout=3600))
                    if way == "import":
                        figures["again"].append(here.probe("imports", way, file, timeout=3600))
        told(here.vendor, count, figures)


def write(file, count):
    with file.open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text)
        writer.writerow(HEADER)
        for row in rows(count):
            price, stock = f"{row['price_minor'] / 100:.2f}", "" if row["stock"] is None else row["stock"]
            start = [row[name] for name in ("sku", "title", "summary", "description", "category", "kind")]
            writer.writerow([*start, price, "USD", stock, ", ".join(row["tags"]), row["image"], "listed"])


def told(vendor, count, figures):
    print(f"\nImports, {vendor}: {count:,} rows")
    seconds = {way: [one["seconds"] for one in every] for way, every in figures.items()}
    for way, title in WAYS.items():
        memory = max(one["megabytes"] for one in figures[way])
        against = ("this project takes, times", seconds["import"]) if way in ("raw", "bare") else None
        line(title, seconds[way], f"s, {memory} MB at most", against)
