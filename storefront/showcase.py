"""What visitors are shown: products as cards, packages side by side, accepted work, the live promotion."""

from django.db.models import Count, Max, Min

from agency.models import Promotion, SuccessStory
from storefront import shelf
from storefront.models import Product
from storefront.shelf import AVAILABLE

CHIPS = 12  # categories that are shown at once
# What a card shows; marketplaces' descriptions are up to 10 kB each.
CARD = [
    *("slug", "family", "title", "option", "summary", "category", "kind", "language", "price_minor"),
    *("compare_at_minor", "currency", "stock", "image"),
]

# What a browser draws without running anything; an SVG could carry a script.
PICTURES = {"image/png", "image/jpeg", "image/webp", "image/gif"}


def stories():
    """Recent Successes: accepted work that its client agreed to show, newest first."""
    return SuccessStory.objects.filter(is_published=True).select_related("service_order__gig", "image")


def is_picture(artifact):
    """Whether the artifact may be shown to everybody as the picture of a story."""
    return (
        bool(artifact) and artifact.content_type in PICTURES and artifact.file.storage.exists(artifact.file.name)
    )


def live_promotion():
    """The one promotion that staff published, or None."""
    return Promotion.objects.filter(status=Promotion.Status.PUBLISHED).first()


def shown_categories(chosen=""):
    """The categories of the catalog with how many families they hold: the largest, and the others, by name."""
    found = shelf.categories()
    ranked = sorted(found, key=lambda row: (row[0] != chosen, -row[1], row[0]))
    largest = set(ranked[:CHIPS])
    return [row for row in found if row in largest], [row for row in found if row not in largest]


def variants(product):
    """The listed products of one family, this one included, cheapest first."""
    return Product.objects.listed().filter(family=product.family).order_by("position", "price_minor", "id")


def related(product):
    """Up to four other families of the same category."""
    leads = Product.objects.listed().leads().filter(category=product.category)
    return leads.exclude(family=product.family)[:4]


def cards_of(ids):
    """The products with these ids, in this order, as cards."""
    cards = {product.pk: product for product in as_cards(Product.objects.filter(pk__in=ids).order_by())}
    return [cards[pk] for pk in ids if pk in cards]


def as_cards(products):
    """The products of a queryset as a list, each with what its card says of its whole family, for one more query.

    Sets `lowest_minor`, `variant_count`, `has_price_range` and `in_stock` (any variant can be bought).
    """
    products = list(products.only(*CARD))
    families = Product.objects.listed().filter(family__in={product.family for product in products})
    facts = {
        row["family"]: row
        for row in families.values("family")
        .annotate(
            lowest=Min("price_minor"),
            highest=Max("price_minor"),
            count=Count("id"),
            available=Count("id", filter=AVAILABLE),
            currencies=Count("currency", distinct=True),
        )
        .order_by()
    }
    # A product that was taken out of the shop between the two questions has no listed family any more.
    products = [product for product in products if product.family in facts]
    for product in products:
        row = facts[product.family]
        one_currency = row["currencies"] == 1
        product.lowest_minor = row["lowest"] if one_currency else product.price_minor
        product.has_price_range = one_currency and row["lowest"] < row["highest"]
        product.variant_count = row["count"]
        product.in_stock = row["available"] > 0
    return products


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
