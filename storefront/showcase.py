"""What visitors are shown: categories, packages side by side, accepted work, the live promotion."""

import json

from django.db import connection

from agency.models import Promotion, SuccessStory
from storefront import cards, shelf
from storefront.models import Product

CHIPS = 12  # categories that are shown at once

# What a product's own page shows of the family. Of descriptions, up to 10 kB each, only the page's own.
_SHOWN = (
    *("id", "sku", "slug", "family", "option", "title", "summary", "description", "category", "vendor", "tags"),
    *("kind", "language", "price_minor", "compare_at_minor", "currency", "stock", "image", "image_alt"),
    "external_url",
)
_READ = {name: name for name in _SHOWN} | {"description": "CASE WHEN slug = this.slug THEN description END"}
# One query that answers with one row of two JSON lists, raw as the cards are: SQLite's module gives Python's lock
# away for each row, and PostgreSQL takes a round trip for each query.
_PAGE = f"""
SELECT
    (SELECT {{gathered}}({{array}}({", ".join(_READ.values())})) FROM (
        SELECT * FROM storefront_product member WHERE member.family = this.family AND member.status = 'listed'
        ORDER BY position, price_minor, id
    ) AS members),
    (SELECT {{gathered}}({{array}}({", ".join(cards.NAMES)})) FROM ({cards.NEIGHBORS}) AS neighbors)
FROM storefront_product this WHERE this.slug = %s AND this.status = 'listed'"""  # noqa: S608  no values
_PAGES = {
    "sqlite": _PAGE.format(gathered="json_group_array", array="json_array"),
    "postgresql": _PAGE.format(gathered="json_agg", array="json_build_array"),
}

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
    """What the page at this address shows: the listed product, the listed ones of its family, this one included,
    cheapest first, and the cards of up to four other families of its category; (None, [], []) where there is none.

    Products are dicts of their columns, with `path`, `is_available`, and `lang`, which is empty for the site's own
    language, English. Only the page's own has its `description`, `name` and `kind_label`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PAGES[connection.vendor], [slug])
        row = cursor.fetchone()
    if row is None:
        return None, [], []
    members, neighbors = map(_listed, row)
    family = [_member(dict(zip(_SHOWN, values, strict=True))) for values in members]
    product = next(one for one in family if one["slug"] == slug)
    product["name"] = f"{product['title']} ({product['option']})" if product["option"] else product["title"]
    product["kind_label"] = cards.KINDS.get(product["kind"], product["kind"])
    return product, family, [cards.of_row(tuple(values)) for values in neighbors]


def _listed(json_list):
    """A list of the database's JSON: SQLite knows it as text, PostgreSQL has none (NULL) for no rows."""
    return json.loads(json_list) if isinstance(json_list, str) else json_list or []


def _member(product):
    product["tags"] = _listed(product["tags"])
    product["path"] = Product.path_of(product["slug"])
    product["is_available"] = product["stock"] is None or product["stock"] > 0
    product["lang"] = product["language"] if product["language"] != "en" else ""
    return product


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
