"""What visitors are shown: categories, packages side by side, accepted work, the live promotion."""

import json

from django.db import connection

from agency.models import Promotion, SuccessStory
from storefront import shelf
from storefront.models import Product

CHIPS = 12  # categories that are shown at once

# What a product's own page shows, in the order of the model, as `from_db` wants it. Raw, as the cards are.
_SHOWN = (
    *("id", "sku", "slug", "family", "option", "title", "summary", "description", "category", "vendor", "tags"),
    *("kind", "language", "price_minor", "compare_at_minor", "currency", "stock", "image", "image_alt"),
    "external_url",
)
# The whole family, so that a page takes one query for it. Of descriptions, up to 10 kB each, only the page's own.
_READ = ["CASE WHEN slug = %s THEN description END" if name == "description" else name for name in _SHOWN]
_FAMILY = f"""
SELECT {", ".join(_READ)} FROM storefront_product
WHERE family = (SELECT family FROM storefront_product WHERE slug = %s AND status = 'listed') AND status = 'listed'
ORDER BY position, price_minor, id"""  # noqa: S608  no values

# What a browser draws without running anything; an SVG could carry a script.
PICTURES = {"image/png", "image/jpeg", "image/webp", "image/gif"}


def stories():
    """Recent Successes: accepted work that its client agreed to show, newest first."""
    published = SuccessStory.objects.filter(is_published=True)
    return published.select_related("service_order__gig", "image").defer("image__content")


def is_picture(artifact):
    """Whether the artifact may be shown to everybody as the picture of a story."""
    return bool(artifact) and artifact.content_type in PICTURES and artifact.is_there


def live_promotion():
    """The one promotion that staff published, or None."""
    return Promotion.objects.filter(status=Promotion.Status.PUBLISHED).first()


def shown_categories(chosen=""):
    """The categories of the catalog with how many families they hold: the largest, and the others, by name."""
    found = shelf.categories()
    ranked = sorted(found, key=lambda row: (row[0] != chosen, -row[1], row[0]))
    largest = set(ranked[:CHIPS])
    return [row for row in found if row in largest], [row for row in found if row not in largest]


def product(slug):
    """The listed product at this address and the listed ones of its family, this one included, cheapest first, as
    what the links to them show; (None, []) where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_FAMILY, [slug, slug])
        family = [Product.from_db(connection.alias, _SHOWN, row) for row in cursor.fetchall()]
    product = next((one for one in family if one.slug == slug), None)
    if product is None:
        return None, []
    product.tags = json.loads(product.tags)  # a raw row holds JSON as text
    return product, [_variant(one, is_this=one is product) for one in family]


def _variant(product, *, is_this):
    return {
        "path": Product.path_of(product.slug),
        "is_this": is_this,
        "name": product.option or product.title,
        "lang": product.language if product.language != "en" else "",
        "price_minor": product.price_minor,
        "currency": product.currency,
        "is_available": product.is_available,
    }


def comparison(packages):
    """The features of the packages as table rows: (label, [one cell per package]).

    A feature "Concepts: 3" fills the row "Concepts" with "3"; a feature without a value is a yes (True), and
    False where a package lacks it.
    """
    columns = [dict(_split(feature) for feature in package.features) for package in packages]
    labels = dict.fromkeys(label for column in columns for label in column)
    return [(label, [column.get(label, False) for column in columns]) for label in labels]


def _split(feature):
    label, colon, value = str(feature).partition(": ")
    return (label, value) if colon else (label, True)
