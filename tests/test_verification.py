"""What the audit sees on a live page. The first half serves pages of its own, one planted fault each."""

import json

import pytest
from django.db import connection
from django.http import (
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseNotFound,
    HttpResponseRedirect,
    HttpResponseServerError,
)
from django.urls import path
from django.views.decorators.cache import cache_page

from earnings import money
from storefront import live_site, verification
from storefront.findings import CODES, counts
from storefront.models import Product
from tests.factories import make_product

pytestmark = pytest.mark.django_db

PAGE = """<!DOCTYPE html><html lang="en"><head><title>{name} – Lanternfish</title>
<link rel="canonical" href="{url}">
<script type="application/ld+json">{jsonld}</script></head>
<body><nav><a href="/"><svg><title>Home</title></svg></a></nav><main><h1>{name}</h1>
<img id="product-image" src="{image}" alt="{alt}">
<div id="buy"><data class="price" value="{price}" data-currency="{currency}">{shown}</data>
<p class="availability" data-availability="{availability}">{stock}</p>
<form method="post"><button>Buy</button></form></div>
<ul><li><a href="/products/other/">Other</a>
<data class="price" value="5.00" data-currency="USD">$5.00</data></li></ul>
</main></body></html>"""

# What stands between the row and the visitor in a test: changes the text of the page.
plant = {}


def render(product):
    url = f"http://127.0.0.1:8000{product.get_absolute_url()}"
    price = money.amount_text(product.price_minor, product.currency)
    availability = "InStock" if product.is_available else "OutOfStock"
    offer = {"@type": "Offer", "price": price, "priceCurrency": product.currency, "url": url}
    offer["availability"] = f"https://schema.org/{availability}"
    thing = {"@context": "https://schema.org", "@type": "Product", "name": str(product), "sku": product.sku}
    html = PAGE.format(
        name=product,
        url=url,
        jsonld=json.dumps(thing | {"image": product.image, "url": url, "offers": offer}),
        image=product.image,
        alt=product.image_alt,
        price=price,
        currency=product.currency,
        shown=money.display(product.price_minor, product.currency),
        availability=availability,
        stock="In stock" if product.is_available else "Sold out",
    )
    for old, new in plant.items():
        assert old in html
        html = html.replace(old, new)
    return html


def product_view(request, slug):
    return HttpResponse(render(Product.objects.get(slug=slug)))


def redirecting(request, slug):
    return HttpResponseRedirect(f"/products/{slug}-2/")


def raising(request, slug):
    raise LookupError("no such template block")


def plain(request, slug):
    return HttpResponse("Hello", content_type="text/plain")


def windows(request, slug):
    return HttpResponse("<h1>Caf\xe9</h1>".encode("cp1252"), content_type="text/html; charset=utf-8")


def picture(request):
    return HttpResponse(b"<svg/>", content_type="image/svg+xml")


def handler404(request, exception):
    return HttpResponseNotFound("There is nothing here.")


def handler400(request, exception):
    return HttpResponseBadRequest("This can't be understood.")


def handler500(request):
    return HttpResponseServerError("Something broke.")


urlpatterns = [
    path("products/redirected/", redirecting, {"slug": "redirected"}),
    path("products/raising/", raising, {"slug": "raising"}),
    path("products/plain/", plain, {"slug": "plain"}),
    path("products/windows/", windows, {"slug": "windows"}),
    path("products/cached/", cache_page(60)(product_view), {"slug": "cached"}),
    path("products/<slug:slug>/", product_view),
    path("pictures/kit.svg", picture),
    path("pictures/page.png", plain, {"slug": "x"}),
]


@pytest.fixture(autouse=True)
def _pages_of_our_own(settings):
    settings.ROOT_URLCONF = __name__
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    plant.clear()


def make_kit(**fields):
    defaults = {"title": "Launch kit", "slug": "launch-kit", "image": "/pictures/kit.svg", "image_alt": "A kit"}
    return make_product("KIT-1", **(defaults | fields))


def codes(product):
    return [finding.code for finding in verification.product_page(product)]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"option": "Team", "price_minor": 123450},
        {"currency": "JPY", "price_minor": 1800},
        {"currency": "CHF", "price_minor": 2900},
        {"currency": "KWD", "price_minor": 12345},
        {"price_minor": 0},
        {"stock": 0},
        {"stock": 3},
    ],
)
def test_a_faultless_page_has_no_findings(fields):
    assert verification.product_page(make_kit(**fields)) == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<title>Launch kit", "<title>Lunch", "page_title"),
        ("</title>\n", "</title><title>Launch kit</title>\n", "page_title"),
        ("<h1>Launch kit</h1>", "<h1>Launch  kite</h1>", "page_heading"),
        ("<h1>Launch kit</h1>", "", "page_heading"),
        ("<h1>Launch kit</h1>", "<h1>Launch kit</h1><h1>Sale</h1>", "page_heading"),
        ("$29.00</data>\n", "$92.00</data>\n", "page_price"),
        ('value="29.00"', 'value="29.0"', "page_price"),
        ("$29.00</data>\n", '$29.00</data><data class="price" value="39.00">$39.00</data>\n', "page_price"),
        ("$29.00</data>\n", "$29.00</data> or $19 today\n", "page_price"),
        ("$29.00</data>\n", "ask us</data>\n", "page_price"),
        ('<div id="buy">', '<div id="buy" hidden>', "page_price"),
        ('<div id="buy">', "<div>", "page_price"),
        ('data-currency="USD">$29.00', 'data-currency="EUR">$29.00', "page_currency"),
        (">$29.00</data>\n", ">€29.00</data>\n", "page_currency"),
        (">$29.00</data>\n", ">29.00</data>\n", "page_currency"),
        (">In stock<", ">Sold out<", "page_availability"),
        (">In stock<", ">Only 3 left<", "page_availability"),
        (">In stock<", "><", "page_availability"),
        ('data-availability="InStock"', 'data-availability="OutOfStock"', "page_availability"),
        ('<link rel="canonical" href="http://127.0.0.1:8000/', '<link rel="canonical" href="/', "page_canonical"),
        ('launch-kit/">\n', 'other/">\n', "page_canonical"),
        ("</title>\n", '</title><link rel="canonical" href="/x/">\n', "page_canonical"),
        ("</title>\n", '</title><meta name="robots" content="NOINDEX, follow">\n', "page_noindex"),
        ('alt="A kit"', "", "page_image_alt"),
        ('alt="A kit"', 'alt=""', "page_image_alt"),
        ('src="/pictures/kit.svg"', 'src="/pictures/other.svg"', "page_image"),
        ('<img id="product-image"', "<img", "page_image"),
        ('"price": "29.00"', '"price": "28.00"', "jsonld_differs"),
        ('"price": "29.00"', '"price": "29.00", "price": "28.00"', "jsonld_invalid"),
        ('"priceCurrency": "USD"', '"priceCurrency": "EUR"', "jsonld_differs"),
        ("schema.org/InStock", "schema.org/OutOfStock", "jsonld_differs"),
        ('"sku": "KIT-1"', '"sku": "KIT-2"', "jsonld_differs"),
        ('"name": "Launch kit"', '"name": "Launch"', "jsonld_differs"),
        ('"@type": "Offer"', '"@type": "Discount"', "jsonld_differs"),
        ('"@type": "Product"', '"@type": "Thing"', "jsonld_missing"),
        ('"@type": "Product"', '"@type": "Product",', "jsonld_invalid"),
    ],
)
def test_each_planted_fault_is_found(old, new, code):
    product = make_kit()
    plant[old] = new

    found = verification.product_page(product)

    assert code in [finding.code for finding in found]
    assert {finding.sku for finding in found} == {"KIT-1"}
    assert all(finding.message and finding.severity == CODES[finding.code][0] for finding in found)


def test_a_finding_says_what_was_expected_and_what_was_seen():
    product = make_kit()
    plant["$29.00</data>\n"] = "$92.00</data>\n"

    (finding,) = verification.product_page(product)

    assert (finding.expected, finding.seen) == ("$29.00", "$92.00")
    assert (finding.severity, finding.code) == ("error", "page_price")


def test_a_price_in_a_comment_or_in_the_card_of_another_product_is_not_a_second_price():
    product = make_kit()
    plant["$29.00</data>\n"] = '$29.00</data><!-- <data class="price">$9</data> --> <s>$49.00</s>\n'

    assert verification.product_page(product) == []


def test_two_products_described_in_one_page_are_found():
    product = make_kit()
    plant["</script>"] = '</script><script type="application/ld+json">{"@type": "Product"}</script>'

    assert codes(product) == ["jsonld_missing"]


def test_a_sold_out_product_that_calls_itself_available_is_found():
    product = make_kit(stock=0)
    plant[">Sold out<"] = ">In stock<"

    assert codes(product) == ["page_availability"]


def test_a_wrong_number_of_pieces_is_found():
    product = make_kit(stock=3)
    plant[">In stock<"] = ">Only 4 left<"

    (finding,) = verification.product_page(product)

    assert (finding.code, finding.expected, finding.seen) == ("page_availability", "3", "Only 4 left")


@pytest.mark.parametrize(
    ("slug", "code", "seen"),
    [
        ("raising", "page_error", "500 LookupError: no such template block"),
        ("redirected", "page_status", "302"),
        ("plain", "page_type", "text/plain"),
        ("windows", "page_type", "text/html;charset=utf-8 with bytes that are not UTF-8"),
    ],
)
def test_a_page_that_does_not_answer_as_a_page_is_a_finding(slug, code, seen):
    (finding,) = verification.product_page(make_kit(slug=slug))

    assert (finding.code, finding.seen, finding.severity) == (code, seen, "error")


def test_an_application_that_raises_is_a_finding(settings):
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True

    (finding,) = verification.product_page(make_kit(slug="raising"))

    assert (finding.code, finding.seen) == ("page_unreachable", "LookupError: no such template block")


def test_a_public_url_whose_host_is_refused_is_found_with_its_remedy(settings):
    settings.PUBLIC_URL = "https://shop.example"

    (finding,) = verification.product_page(make_kit())

    assert finding.code == "page_status"
    assert finding.seen.startswith("400")
    assert finding.fix == "Add the host of PUBLIC_URL (https://shop.example) to ALLOWED_HOSTS."


def test_a_site_behind_tls_is_asked_as_if_over_tls(settings):
    settings.PUBLIC_URL = "https://shop.example"
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    plant["http://127.0.0.1:8000"] = "https://shop.example"

    assert verification.product_page(make_kit()) == []


def test_a_cached_page_that_shows_an_old_price_is_found():
    product = make_kit(slug="cached")
    assert verification.product_page(product) == []
    Product.objects.update(price_minor=3900)
    product.refresh_from_db()

    assert codes(product) == ["page_price", "page_price", "jsonld_differs"]


@pytest.mark.parametrize(
    ("image", "seen"),
    [("/pictures/gone.svg", "404"), ("/pictures/page.png", "is text/plain")],
)
def test_an_image_of_this_site_that_does_not_load_is_found(image, seen):
    (finding,) = verification.product_page(make_kit(image=image))

    assert (finding.code, finding.seen) == ("image_broken", seen)


def test_an_image_of_another_site_is_not_asked_for():
    assert verification.product_page(make_kit(image="https://cdn.example/kit.png")) == []


def test_only_listed_products_are_looked_at_and_each_look_is_reported():
    listed, other = make_kit(), make_product(status="draft")
    seen = []

    verified = verification.verify([listed, other], progress=lambda *step: seen.append(step))

    assert (verified.pages, verified.findings) == (1, [])
    assert seen == [(0, 1, "Looking at Launch kit"), (1, 1, "Looked at 1 pages")]


def test_a_price_that_changed_while_the_audit_ran_is_not_a_fault():
    stale = make_kit()
    Product.objects.update(price_minor=3900)

    verified = verification.verify([stale])

    assert verified.findings == []


def test_faults_are_counted_by_severity_and_code():
    product = make_kit()
    plant['alt="A kit"'] = 'alt=""'

    found = verification.verify([product], shop_pages=["/nowhere/"]).findings

    assert counts(found) == {
        "error": 1,
        "warning": 1,
        "info": 0,
        "by_code": {"page_image_alt": 1, "page_status": 1},
    }


@pytest.mark.django_db(transaction=True)
def test_asking_for_pages_keeps_the_connection_of_a_worker():
    product = make_kit()
    Product.objects.get()
    before = connection.connection

    assert live_site.fetch(product.get_absolute_url()).status == 200

    assert connection.connection is before
    assert Product.objects.count() == 1
