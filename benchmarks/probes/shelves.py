"""`python -m benchmarks.probes.shelves fill COUNT` fills the shop with made-up products;
`... queries PATH...` says how many queries each page asks, and how many bytes it has."""

import sys
from itertools import islice

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.probes import say
from benchmarks.shop import rows
from storefront import live_site, search_index
from storefront.models import Product


def fill(count):
    made = (
        Product(family=row["slug"], currency="USD", status="listed", image_alt="x", **row) for row in rows(count)
    )
    while part := list(islice(made, 1000)):
        Product.objects.bulk_create(part)
    search_index.many_changed(count)  # as an import says it
    say(Product.objects.count())


def queries(paths):
    settings.WSGI_APPLICATION = "config.wsgi._django"
    asked = {}
    for path in paths:
        with CaptureQueriesContext(connection) as seen:
            answer = live_site.fetch(path)
        asked[path] = {"queries": len(seen), "bytes": len(answer.body)}
    say(asked)


if __name__ == "__main__":
    fill(int(sys.argv[2])) if sys.argv[1] == "fill" else queries(sys.argv[2:])
