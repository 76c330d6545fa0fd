"""What search engines read of each page is complete, true and strict."""

import json
import re
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from selectolax.lexbor import LexborHTMLParser

from agency.models import SuccessStory
from storefront import sitemaps
from storefront.models import Product
from tests.factories import make_gig, make_product, make_service_order

pytestmark = pytest.mark.django_db
SITE = "https://shop.example"
NAMESPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"

# What each type must say (True) and may say (False): schema.org and the search engines' rules for rich results.
RULES = {
    "Product": {"name": True, "offers": True, "url": True, "sku": True, "image": False, "description": False}
    | {"category": False, "brand": False},
    "Offer": {"price": True, "priceCurrency": True, "url": True, "availability": True, "name": False},
    "Brand": {"name": True},
    "Service": {"name": True, "offers": False, "url": True, "provider": True, "serviceType": False}
    | {"description": False, "image": False},
    "Organization": {"name": True, "url": True, "@id": False, "email": False, "logo": False},
    "WebSite": {"name": True, "url": True, "publisher": True, "potentialAction": True},
    "SearchAction": {"target": True, "query-input": True},
    "EntryPoint": {"urlTemplate": True},
    "BreadcrumbList": {"itemListElement": True},
    "ListItem": {"position": True, "name": True, "item": True},
}
URLS = ("url", "item", "image", "logo", "urlTemplate")
GOOD = {name: lambda value: value.startswith((f"{SITE}/", "https://cdn.")) for name in URLS} | {
    "price": lambda value: re.fullmatch(r"[0-9]+(\.[0-9]{2,3})?", value),
    "priceCurrency": lambda value: re.fullmatch(r"[A-Z]{3}", value),
    "availability": lambda value: value in ("https://schema.org/InStock", "https://schema.org/OutOfStock"),
    "position": lambda value: type(value) is int,
}


@pytest.fixture(autouse=True)
def _public(settings):
    settings.PUBLIC_URL = SITE


def faults(thing, at="$"):
    """Everything in a JSON-LD thing that breaks the rules."""
    if isinstance(thing, list):
        for number, inner in enumerate(thing):
            yield from faults(inner, f"{at}[{number}]")
        return
    rules = RULES.get(thing.get("@type"))
    if rules is None:
        if set(thing) != {"@id"}:
            yield f"{at}: unknown type {thing.get('@type')}"
        return
    said = set(thing) - {"@type", "@context"}
    yield from (f"{at}.{name}: unknown" for name in said - set(rules))
    yield from (f"{at}.{name}: missing" for name, must in rules.items() if must and name not in said)
    for name, value in thing.items():
        if isinstance(value, dict | list) and value:
            yield from faults(value, f"{at}.{name}")
        elif value in ("", None, [], {}) or not GOOD.get(name, lambda value: True)(value):
            yield f"{at}.{name}: {value!r}"


def see(client, path):
    return LexborHTMLParser(client.get(path).content)


def told(page):
    found = [json.loads(node.text()) for node in page.css('script[type="application/ld+json"]')]
    assert all(thing["@context"] == "https://schema.org" for thing in found)
    return found


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("/", ["Organization", "WebSite"]),
        ("/products/full/", ["Product", "BreadcrumbList"]),
        ("/products/bare/", ["Product", "BreadcrumbList"]),
        ("/products/lira/", ["Product", "BreadcrumbList"]),
        ("/products/yen/", ["Product", "BreadcrumbList"]),
        ("/services/logo/", ["Service", "BreadcrumbList"]),
        ("/portfolio/bread/", ["BreadcrumbList"]),
    ],
)
def test_structured_data_is_strict(client, path, types):
    make_product(slug="full", category="Art & more", vendor="Lantern <Co>", image="https://cdn.shop.example/a.jpg")
    make_product(slug="bare", image="", summary="", stock=0)
    make_product(slug="lira", price_minor=123456789, currency="TRY")
    make_product(slug="yen", price_minor=1200, currency="JPY")
    gig = make_gig("logo", category="Design")
    SuccessStory.objects.create(service_order=make_service_order(gig), slug="bread", title="Bread", summary="x")

    found = told(see(client, path))

    assert [thing["@type"] for thing in found] == types
    assert [fault for thing in found for fault in faults(thing)] == []


def test_the_rules_find_what_is_wrong():
    thing = {
        "@type": "Product",
        "name": "",
        "sku": "A",
        "url": "/x",
        "offers": {"@type": "Offer", "price": "1,00"},
    }

    assert len(list(faults(thing))) == 6


@pytest.mark.parametrize(
    ("minor", "currency", "shown", "data"),
    [
        (123456, "TRY", "1.234,56 TL", "1234.56"),
        (123456, "USD", "$1,234.56", "1234.56"),
        (1200, "JPY", "¥1,200", "1200"),
        (123456, "EUR", "€1,234.56", "1234.56"),
        (123456, "CHF", "1,234.56 CHF", "1234.56"),
    ],
)
def test_prices_are_written_as_their_country_does_and_stay_plain_for_programs(
    client, minor, currency, shown, data
):
    make_product(slug="thing", price_minor=minor, currency=currency)

    page = see(client, "/products/thing/")

    price = page.css_first("#buy data.price")
    assert (price.text(), price.attributes["value"]) == (shown, data)
    assert told(page)[0]["offers"]["price"] == data
    assert page.css_first('meta[property="product:price:amount"]').attributes["content"] == data


def test_the_way_to_a_product_is_told_from_the_shop_on(client):
    make_product(slug="tide", title="Tide", category="Wall art")

    (trail,) = [thing for thing in told(see(client, "/products/tide/")) if thing["@type"] == "BreadcrumbList"]

    assert [(item["position"], item["name"], item["item"]) for item in trail["itemListElement"]] == [
        (1, "Shop", f"{SITE}/catalog/"),
        (2, "Wall art", f"{SITE}/catalog/?category=Wall+art"),
        (3, "Tide", f"{SITE}/products/tide/"),
    ]


@pytest.mark.parametrize(
    ("query", "canonical", "is_indexed"),
    [
        ("", "/catalog/", True),
        ("?page=2", "/catalog/?page=2", True),
        ("?sort=price", "/catalog/", True),
        ("?sort=price&page=2", "/catalog/?page=2", True),
        ("?category=Art", "/catalog/?category=Art", True),
        ("?category=Art&page=2", "/catalog/?category=Art&page=2", True),
        ("?category=Nothing", "/catalog/?category=Nothing", False),
        ("?page=99", "/catalog/?page=2", True),
        ("?q=thing", "/catalog/", False),
        ("?q=thing&page=2", "/catalog/", False),
        ("?tag=a", "/catalog/", False),
        ("?kind=download", "/catalog/", False),
        ("?price_from=1&category=Art", "/catalog/", False),
        ("?utm_source=mail", "/catalog/", True),
    ],
)
def test_a_list_has_one_address_for_search_engines(client, query, canonical, is_indexed):
    Product.objects.bulk_create(
        Product(
            sku=f"S{n}", slug=f"s{n}", family=f"s{n}", title=f"Thing {n}", category="Art", tags=["a"],
            price_minor=500, currency="USD", status="listed",
        )
        for n in range(30)
    )  # fmt: skip

    page = see(client, f"/catalog/{query}")

    assert page.css_first("link[rel=canonical]").attributes["href"] == SITE + canonical
    assert (page.css_first('meta[name="robots"]') is None) is is_indexed


@pytest.mark.parametrize(
    "path", ["/", "/catalog/", "/products/tide/", "/services/logo/", "/services/", "/portfolio/"]
)
def test_every_page_can_be_shared(client, path):
    make_product(slug="tide")
    make_gig("logo", summary="We draw.", image="/static/demo/logo-design.svg", image_alt="A mark")

    page = see(client, path)

    shared = {node.attributes["property"]: node.attributes["content"] for node in page.css("meta[property]")}
    assert {"og:type", "og:title", "og:description", "og:image", "og:url", "og:site_name"} <= shared.keys()
    assert all(shared.values())
    assert shared["og:image"].startswith(SITE)
    assert page.css_first('meta[name="twitter:card"]').attributes["content"] in ("summary", "summary_large_image")
    assert (
        len(page.css_first("title").text()) > 10 and page.css_first("meta[name=description]").attributes["content"]
    )


def read_map(client, path):
    answer = client.get(path)
    assert answer["Content-Type"] == "application/xml; charset=utf-8"
    root = ElementTree.fromstring(b"".join(answer.streaming_content))
    return [(node.find(f"{NAMESPACE}loc").text, node.find(f"{NAMESPACE}lastmod")) for node in root]


def test_the_sitemap_is_in_parts_that_keep_their_products(client, monkeypatch, django_assert_num_queries):
    first = make_product()
    monkeypatch.setattr(sitemaps, "PART", 7)
    for _ in range(30):
        make_product()
    make_product(status="draft")
    Product.objects.filter(pk=first.pk).update(updated_at="2026-01-02T03:04:05Z")

    with django_assert_num_queries(3):
        index = read_map(client, "/sitemap.xml")
    parts = [urlsplit(place).path for place, _ in index if "products" in place]
    places = []
    for part in parts:
        with django_assert_num_queries(1):
            places.append(read_map(client, part))

    assert [place for place, _ in index][:3] == [
        f"{SITE}/sitemap-{n}.xml" for n in ("pages", "services", "portfolio")
    ]
    assert parts == [f"/sitemap-products-{n}.xml" for n in range(first.pk // 7, (first.pk + 30) // 7 + 1)]
    assert sum(map(len, places)) == 31 and max(map(len, places)) <= 7
    assert places[0][0][0] == f"{SITE}{first.get_absolute_url()}"
    assert places[0][0][1].text == "2026-01-02T03:04:05+00:00"
    assert client.get("/sitemap-products-99999999999999999999.xml").status_code == 404
    assert client.get("/sitemap-secrets.xml").status_code == 404


@pytest.mark.parametrize("path", ["/", "/catalog/", "/services/", "/portfolio/"])
def test_a_shared_link_shows_what_its_page_is_about(client, settings, path):
    head = LexborHTMLParser(client.get(path).content).head

    shared = head.css_first('meta[property="og:title"]').attributes["content"]
    assert shared == (settings.STORE_NAME if path == "/" else head.css_first("title").text())
