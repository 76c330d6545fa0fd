"""The JSON-LD of a product page, read as search engines read it and held against the row.

Vocabulary: https://schema.org/Product and https://schema.org/Offer.
"""

import json
from decimal import Decimal, InvalidOperation

from storefront.inventory import absolute, amount

SCHEMA = "https://schema.org/"


def availability(product):
    """schema.org's word for it."""
    return "InStock" if product.is_available else "OutOfStock"


def differences(tree, product):
    """(code, message, expected, seen) of everything in the page's JSON-LD that contradicts the row."""
    thing = yield from _only(tree, "Product")
    if thing is not None:
        yield from _compared(thing, product)


def service_differences(tree, gig):
    """The same for a service and the offers of its packages."""
    thing = yield from _only(tree, "Service")
    if thing is None:
        return
    yield from _unequal("name", (gig.name, gig.title), thing.get("name"))
    yield from _unequal("url", (absolute(gig.get_absolute_url()),), thing.get("url"))
    expected = sorted(f"{amount(p.price_minor, p.currency)} {p.currency}" for p in gig.packages.all())
    offers = [offer for offer in _as_list(thing.get("offers")) if isinstance(offer, dict)]
    seen = sorted(f"{offer.get('price')} {offer.get('priceCurrency')}" for offer in offers)
    if seen != expected:
        yield _differs("price of a package", ", ".join(expected), ", ".join(seen))


def _only(tree, kind):
    """The one thing of this type that the page describes; else findings, and None."""
    documents = []
    for script in tree.css('script[type="application/ld+json"]'):
        try:
            documents.append(json.loads(script.text(), object_pairs_hook=_no_key_twice))
        except ValueError as error:
            yield "jsonld_invalid", "The structured data can't be read.", "JSON", str(error)
    things = [thing for document in documents for thing in _things(document)]
    described = [thing for thing in things if kind in _as_list(thing.get("@type"))]
    if len(described) == 1:
        return described[0]
    yield "jsonld_missing", f"The page has to describe exactly one {kind}.", "1", str(len(described))
    return None


def _compared(thing, product):
    yield from _unequal("name", (product.title, str(product)), thing.get("name"))
    yield from _unequal("sku", (product.sku,), thing.get("sku"))
    if product.image and not _as_list(thing.get("image")):
        yield _differs("image", product.image, thing.get("image"))
    offers = _as_list(thing.get("offers"))
    if len(offers) != 1 or not isinstance(offers[0], dict) or offers[0].get("@type") != "Offer":
        yield _differs("offers", "exactly one Offer", f"{len(offers)} offers")
        return
    offer = offers[0]
    price = amount(product.price_minor, product.currency)
    if not _same_number(price, offer.get("price")):
        yield _differs("price", price, offer.get("price"))
    word = availability(product)
    yield from _unequal("priceCurrency", (product.currency,), offer.get("priceCurrency"))
    yield from _unequal("availability", (f"{SCHEMA}{word}", word), offer.get("availability"))
    for name, url in (("url", thing.get("url", offer.get("url"))), ("offer's url", offer.get("url"))):
        yield from _unequal(name, (absolute(product.get_absolute_url()),), url)


def _unequal(name, allowed, seen):
    if seen not in allowed:
        yield _differs(name, allowed[0], seen)


def _differs(name, expected, seen):
    return (
        "jsonld_differs",
        f"The structured data has another {name}.",
        expected,
        "nothing" if seen is None else seen,
    )


def _same_number(expected, seen):
    """Prices may be strings or numbers in JSON-LD; booleans are neither."""
    try:
        return not isinstance(seen, bool) and Decimal(str(seen)) == Decimal(expected)
    except InvalidOperation:
        return False


def _things(document):
    """Every top-level thing: a document may be one, a list, or a @graph."""
    for thing in _as_list(document):
        if isinstance(thing, dict):
            yield from _things(thing["@graph"]) if "@graph" in thing else (thing,)


def _as_list(value):
    return value if isinstance(value, list) else [] if value in (None, "") else [value]


def _no_key_twice(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found
