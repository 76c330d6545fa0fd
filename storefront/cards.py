"""Products as cards: what a list of the shop shows of a family, read in one query.

A card is a dict: Django's templates look there first, and a list asks its cards some hundreds of times. Its `row`
is all that was read: equal rows are equal cards, which a template writes once. The query is raw: the ORM took ten
times as long to put it together as the database to answer.
"""

from django.db import connection

from storefront.models import Product

KINDS = dict(Product.Kind.choices)
MOST_SUMMARY_WORDS = 20
LAST_PIECES = 10  # from which on a card tells how many are left

# Not the description: those of marketplaces are up to 10 kB each.
_SHOWN = (
    *("id", "slug", "title", "summary", "category", "kind", "language", "image"),
    *("price_minor", "compare_at_minor", "currency", "stock"),
)
_OF_FAMILY = {
    "lowest_minor": "min(v.price_minor)",
    "highest_minor": "max(v.price_minor)",
    "variant_count": "count(*)",
    "available": "count(*) FILTER (WHERE v.stock IS NULL OR v.stock > 0)",
    "currencies": "count(DISTINCT v.currency)",
}
NAMES = (*_SHOWN, *_OF_FAMILY)
_COLUMNS = [f"p.{name}" for name in _SHOWN] + [f"{sql} AS {name}" for name, sql in _OF_FAMILY.items()]
# A product that was taken out of the shop meanwhile may have no listed family any more: then it has no card.
_CARDS = f"""
SELECT {", ".join(_COLUMNS)}
FROM storefront_product p JOIN storefront_product v ON v.family = p.family AND v.status = 'listed'
WHERE p.id IN ({{which}}) GROUP BY p.id ORDER BY p.position, p.id"""  # noqa: S608  no values
_LEADS = "SELECT id FROM storefront_product WHERE status = 'listed' AND is_lead"
_FIRST = _CARDS.format(which=f"{_LEADS} ORDER BY position, id LIMIT %s")
# For a query whose `this` is a product: up to four other families of its category.
NEIGHBORS = _CARDS.format(
    which=f"{_LEADS} AND category = this.category AND family <> this.family ORDER BY position, id LIMIT 4"
)


def of(ids):
    """The cards of the products with these ids, in this order."""
    if not ids:
        return []
    found = {card["id"]: card for card in _read(_CARDS.format(which=", ".join(["%s"] * len(ids))), ids)}
    return [found[pk] for pk in ids if pk in found]


def first(count):
    """What stands first in the shop."""
    return _read(_FIRST, [count])


def _read(sql, values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [of_row(row) for row in cursor.fetchall()]


def of_row(row):
    """The card of a row of `NAMES`: the row by name, with what its template shows of it. `lang` is empty for the
    site's own language, English."""
    card = dict(zip(NAMES, row, strict=True), row=row)
    one_currency = card["currencies"] == 1
    if not one_currency:  # amounts of different currencies can't be compared
        card["lowest_minor"] = card["price_minor"]
    card["has_price_range"] = one_currency and card["lowest_minor"] < card["highest_minor"]
    card["in_stock"] = card["available"] > 0
    card["has_options"] = card["variant_count"] > 1
    card["path"] = Product.path_of(card["slug"])
    card["kind_label"] = KINDS.get(card["kind"], card["kind"])
    card["lang"] = card["language"] if card["language"] != "en" else ""
    is_reduced = card["compare_at_minor"] is not None and card["compare_at_minor"] > card["price_minor"]
    card["before_minor"] = card["compare_at_minor"] if is_reduced and not card["has_price_range"] else None
    card["badge"] = _badge(card, is_reduced)
    card["short"] = _short(card["summary"])
    return card


def _badge(card, is_reduced):
    """The one thing that matters most about it: (text, more classes), or None."""
    if not card["in_stock"]:
        return "Sold out", " badge-quiet"
    if card["variant_count"] == 1 and card["stock"] is not None and card["stock"] <= LAST_PIECES:
        return f"Only {card['stock']} left", ""
    if card["variant_count"] == 1 and not card["price_minor"]:
        return "Free", " badge-good"
    return ("Reduced", "") if is_reduced else None


def _short(summary):
    words = summary.split()
    return " ".join(words) if len(words) <= MOST_SUMMARY_WORDS else f"{' '.join(words[:MOST_SUMMARY_WORDS])} …"
