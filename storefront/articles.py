"""Products and packages as what they have in common: things that can be bought."""

from dataclasses import dataclass, field

from agency.models import Package
from storefront.models import OrderLine, Product

MOST_PIECES = 99  # of a thing that has no stock count


@dataclass(frozen=True)
class Article:
    """A product or package as it can be bought now.

    `refusal` says why it can't, empty if it can; `most` is the highest quantity.
    """

    thing: Product | Package
    sku: str
    title: str
    option: str
    kind: str
    price_minor: int
    currency: str
    url: str
    image: str
    most: int = 1
    refusal: str = ""
    terms: dict = field(default_factory=dict)

    @property
    def product(self):
        return self.thing if isinstance(self.thing, Product) else None

    @property
    def package(self):
        return self.thing if isinstance(self.thing, Package) else None

    @property
    def name(self):
        return f"{self.title} ({self.option})" if self.option else self.title

    @property
    def needs_address(self):
        return self.kind == Product.Kind.PHYSICAL


def of(thing):
    """The `Article` that a product or package is."""
    return _of_product(thing) if isinstance(thing, Product) else _of_package(thing)


def _of_product(product):
    return Article(
        thing=product,
        sku=product.sku,
        title=product.title,
        option=product.option,
        kind=product.kind,
        price_minor=product.price_minor,
        currency=product.currency,
        url=product.get_absolute_url(),
        image=product.image,
        most=_most(product),
        refusal=_why_not(product),
    )


def _most(product):
    if product.kind != Product.Kind.PHYSICAL:
        return 1 if product.is_available else 0
    return MOST_PIECES if product.stock is None else min(product.stock, MOST_PIECES)


def _why_not(product):
    if product.status != Product.Status.LISTED:
        return "is not on sale any more"
    if product.external_url:
        return "is sold on a marketplace; its page leads there"
    if product.kind == Product.Kind.SUBSCRIPTION:
        return "is a subscription, which this cart does not sell; write to us"
    return "" if product.is_available else "is sold out"


def _of_package(package):
    gig = package.gig
    return Article(
        thing=package,
        sku=f"{gig.slug}/{package.tier}",
        title=gig.name,
        option=package.name,
        kind=OrderLine.PACKAGE,
        price_minor=package.price_minor,
        currency=package.currency,
        url=gig.get_absolute_url(),
        image=gig.image,
        refusal="" if gig.is_listed else "is not offered any more",
        terms={
            "tier": package.tier,
            "delivery_days": package.delivery_days,
            "revisions": package.revisions,
            "features": package.features,
        },
    )
