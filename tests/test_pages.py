"""What visitors see."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.csrf import csrf_failure
from selectolax.lexbor import LexborHTMLParser

from agency.models import Artifact, Observation, Package, Promotion, SuccessStory, artifacts
from earnings.models import Kind
from storefront.models import Product
from tests.factories import make_gig, make_product, make_run, make_service_order, make_task

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n made for a test"
ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def make_story(slug="bread-channel", *, picture=None, content_type="image/png", order=None, **fields):
    order = order or make_service_order()
    image = None
    if picture is not None:
        image = Artifact(service_order=order, kind="thumbnail", name="t.png", content_type=content_type)
        image.keep(picture, "t.png")
        image.save()
    defaults = {"title": "A thumbnail for a bread channel", "summary": "Drawn in a day.", "image": image}
    return SuccessStory.objects.create(service_order=order, slug=slug, **(defaults | fields))


def see(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status, path
    return LexborHTMLParser(answer.content)


def mapped(client):
    """Every address of the sitemap, through its index."""

    def places(path):
        body = b"".join(client.get(path).streaming_content)
        return [urlsplit(node.text) for node in ElementTree.fromstring(body).iter(f"{SITEMAP}loc")]

    return [place for part in places("/sitemap.xml") for place in places(part.path)]


def things(page):
    """What the page tells search engines, by type; each is there once."""
    found = [json.loads(node.text()) for node in page.css('script[type="application/ld+json"]')]
    by_type = {thing["@type"]: thing for thing in found}
    assert len(by_type) == len(found)
    return by_type


def titles(page):
    return [node.text(strip=True) for node in page.css(".cards .card h3")]


def text(page, selector):
    return page.css_first(selector).text(strip=True)


# --- Catalog ------------------------------------------------------------------------------------------------


def test_only_listed_products_and_gigs_are_seen(client):
    make_product(slug="seen", title="Seen")
    for status in ("draft", "approved", "archived"):
        make_product(slug=status, title=status, status=status)
    make_gig("seen-gig", title="I will be seen")
    make_gig("hidden-gig", title="I will hide", is_listed=False)

    assert titles(see(client, "/")) == ["Seen", "I will be seen"]
    assert titles(see(client, "/catalog/")) == ["Seen"]
    assert titles(see(client, "/services/")) == ["I will be seen"]
    see(client, "/products/seen/")
    see(client, "/services/seen-gig/")
    for path in ("/products/draft/", "/products/approved/", "/products/archived/", "/services/hidden-gig/"):
        see(client, path, 404)
    paths = " ".join(place.path for place in mapped(client)) + client.get("/feed/").content.decode()
    assert "/products/seen/" in paths and "/services/seen-gig/" in paths
    assert not re.search("draft|approved|archived|hidden", paths)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("calisma", ["Haftalık Çalışma Planı"]),
        ("ÇALIŞMA", ["Haftalık Çalışma Planı"]),
        ("çalışma haftalik", ["Haftalık Çalışma Planı"]),
        ("HAFTALIK", ["Haftalık Çalışma Planı"]),
        ("PLANI", ["Haftalık Çalışma Planı"]),
        ("cafe", ["Café menu"]),
        ("notion", ["Café menu"]),
        ("lf-42", ["Café menu"]),
        ("menu nothing", []),
        ("100%_.*[", []),
        ("(", []),
        ("poster (a4", ["Poster (A4)"]),
    ],
)
def test_search_ignores_case_and_accents_and_takes_signs_literally(client, query, found):
    make_product(title="Haftalık Çalışma Planı", language="tr")
    make_product(sku="LF-42", title="Café menu", tags=["Notion"])
    make_product(title="Poster (A4)")

    page = client.get("/catalog/", {"q": query})

    assert titles(LexborHTMLParser(page.content)) == found


def test_a_family_is_found_by_any_of_its_variants_and_shown_once(client):
    make_product(family="board", title="Board", option="Personal", price_minor=2900)
    make_product(family="board", title="Board", option="Team", price_minor=7900, is_lead=False, stock=0)
    make_product(title="Other", price_minor=500)

    assert titles(see(client, "/catalog/?q=team")) == ["Board"]
    assert titles(see(client, "/catalog/?price_from=50")) == ["Board"]
    assert titles(see(client, "/catalog/?price_from=80")) == []
    card = see(client, "/catalog/?q=board").css_first(".card")
    assert card.css_first(".card-price").text(strip=True) == "from$29.00"
    assert card.css_first(".card-options").text(strip=True) == "2 options"


def test_filters_narrow_by_category_kind_price_and_availability(client):
    make_product(title="Icons", category="Art", kind="download", price_minor=2400)
    make_product(title="Print", category="Art", kind="physical", price_minor=3800, stock=0)
    make_product(title="Course", category="Learning", kind="course", price_minor=14900)
    make_product(title="Foreign", category="Art", price_minor=2400, currency="TRY")

    assert titles(see(client, "/catalog/?category=Art")) == ["Icons", "Print", "Foreign"]
    assert titles(see(client, "/catalog/?kind=course")) == ["Course"]
    assert titles(see(client, "/catalog/?price_from=24&price_to=38.00")) == ["Icons", "Print"]
    assert titles(see(client, "/catalog/?category=Art&availability=in-stock")) == ["Icons", "Foreign"]
    assert text(see(client, "/catalog/?category=Art"), ".count").startswith("3 products found")


def test_the_order_can_be_chosen(client):
    now = timezone.now()
    for title, price, age in (("Beta", 300, 1), ("Alpha", 100, 3), ("Gamma", 200, 2)):
        product = make_product(title=title, price_minor=price)
        Product.objects.filter(pk=product.pk).update(created_at=now - timedelta(days=age))

    assert titles(see(client, "/catalog/")) == ["Beta", "Alpha", "Gamma"]
    assert titles(see(client, "/catalog/?sort=price")) == ["Alpha", "Gamma", "Beta"]
    assert titles(see(client, "/catalog/?sort=-price")) == ["Beta", "Gamma", "Alpha"]
    assert titles(see(client, "/catalog/?sort=title")) == ["Alpha", "Beta", "Gamma"]
    assert titles(see(client, "/catalog/?sort=new")) == ["Beta", "Gamma", "Alpha"]


def test_a_search_by_the_form_comes_by_relevance(client):
    make_product(title="Poster", summary="With a harbor")
    make_product(title="Harbor")

    page = see(client, "/catalog/?q=harbor&sort=&kind=&price_from=&price_to=&availability=")

    assert titles(page) == ["Harbor", "Poster"]
    assert page.css_first("#filter-sort option[selected], #filter-sort option").text() == "Best match"
    assert see(client, "/catalog/?q=").css_first("#filter-sort option").text() == "Featured"
    assert titles(see(client, "/catalog/?q=harbor&sort=title")) == ["Harbor", "Poster"]


def test_the_title_says_what_was_looked_for(client):
    make_product(category="Art & icons")

    title = r"<title>(.*?) · "
    searched = client.get("/catalog/?q=<b>Işık").content.decode()
    within = client.get("/catalog/?q=board&category=Art+%26+icons").content.decode()

    assert re.search(title, searched)[1] == "“&lt;b&gt;Işık” in the shop"
    assert re.search(title, within)[1] == "“board” in Art &amp; icons"
    assert re.search(title, client.get("/catalog/").content.decode())[1] == "All products"


def test_pages_hold_24_products_and_keep_the_filters(client):
    for n in range(25):
        make_product(title=f"Thing {n:02}", category="Art")

    first = see(client, "/catalog/?q=thing&category=Art")
    second = see(client, "/catalog/?q=thing&category=Art&page=2")

    assert len(titles(first)) == 24 and titles(second) == ["Thing 24"]
    assert text(first, ".count").startswith("25 products")
    assert first.css_first("a[rel=next]").attributes["href"] == "?q=thing&category=Art&page=2"
    assert first.css_first("a[rel=prev]") is None and second.css_first("a[rel=next]") is None
    for odd in ("0", "-1", "99", "two", "9" * 5000, "2.5", ""):
        assert len(titles(see(client, f"/catalog/?page={odd}"))) in (24, 1)


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "q=" + "x" * 3000,
        "kind=nonsense",
        "price_from=NaN&price_to=Infinity",
        "price_from=1e999999",
        "price_from=-1",
        "price_to=1.2345",
        "price_from=999999999999",
        "sort=id;drop",
        "availability=maybe",
        "category=%F0%9F%90%9F%00",
        "q=%ff%fe",
        "q[]=1&page[]=2",
        "q=a&q=b",
    ],
)
def test_nonsense_in_the_address_is_answered_with_a_page(client, query):
    make_product()

    see(client, f"/catalog/?{query}")


def test_a_price_that_is_none_is_named_beside_its_field(client):
    make_product(title="Icons")

    page = see(client, "/catalog/?price_from=abc")

    assert text(page, "#filter-price_from_error") == "Enter a number."
    assert "open" in page.css_first(".filters details").attributes
    assert titles(page) == ["Icons"]


def test_an_empty_result_shows_a_way_out(client):
    page = see(client, "/catalog/?q=nowhere")

    assert "Nothing here matches." in text(page, ".empty")
    assert page.css_first('.empty a[href="/catalog/"]') is not None
    assert page.css_first('meta[name="robots"]').attributes["content"] == "noindex, follow"


# --- Product ------------------------------------------------------------------------------------------------


def test_a_product_page_says_the_same_to_people_and_programs(client, settings):
    settings.PUBLIC_URL = "https://shop.example"
    make_product(
        sku="LF-1", slug="icons", title="Icon pack", option="Team", summary="240 icons.", price_minor=123450,
        description='<p>Good <b>icons</b></p><h1>No</h1><script>alert(1)</script><p style="color:red">x</p>',
        category="Art", image="/static/demo/icon-pack-240.svg", image_alt="A grid of icons",
    )  # fmt: skip

    page = see(client, "/products/icons/")

    assert [h1.text() for h1 in page.css("h1")] == ["Icon pack (Team)"]
    assert "Icon pack (Team)" in text(page, "title")
    assert page.css_first("link[rel=canonical]").attributes["href"] == "https://shop.example/products/icons/"
    (price,) = page.css("main #buy data.price")
    assert price.attributes == {"class": "price", "value": "1234.50", "data-currency": "USD"}
    assert price.text() == "$1,234.50"
    (availability,) = page.css("p.availability")
    assert (availability.attributes["data-availability"], availability.text()) == ("InStock", "In stock")
    assert page.css_first("#product-image").attributes["alt"] == "A grid of icons"
    assert things(page)["Product"] == {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": "Icon pack (Team)",
        "sku": "LF-1",
        "description": "240 icons.",
        "image": "https://shop.example/static/demo/icon-pack-240.svg",
        "url": "https://shop.example/products/icons/",
        "category": "Art",
        "offers": {
            "@type": "Offer",
            "price": "1234.50",
            "priceCurrency": "USD",
            "url": "https://shop.example/products/icons/",
            "availability": "https://schema.org/InStock",
        },
    }
    assert "<b>icons</b>" in page.css_first(".prose").html
    assert not page.css(".prose script, .prose [style]")
    form = page.css_first("#buy form")
    assert (form.attributes["method"], form.attributes["action"]) == ("post", "/cart/add/")
    assert form.css_first("[name=product]").attributes["value"] == "icons"


def test_a_title_cannot_end_the_structured_data(client):
    make_product(slug="bad", title="</script><script>alert(1)</script> & Co", summary="<!-- x")

    page = see(client, "/products/bad/")

    assert {script.attributes["type"] for script in page.css("script")} == {"application/ld+json"}
    assert things(page)["Product"]["name"] == "</script><script>alert(1)</script> & Co"
    assert things(page)["BreadcrumbList"]["itemListElement"][-1]["name"] == things(page)["Product"]["name"]


def test_variants_link_to_each_other_and_drafts_are_left_out(client):
    make_product(slug="a4", family="print", title="Print", option="A4", price_minor=900)
    make_product(slug="a3", family="print", title="Print", option="A3", is_lead=False, stock=0)
    make_product(slug="a2", family="print", title="Print", option="A2", is_lead=False, status="draft")

    links = see(client, "/products/a4/").css(".variants a")

    assert [link.attributes["href"] for link in links] == ["/products/a4/", "/products/a3/"]
    assert [link.attributes.get("aria-current") for link in links] == ["page", None]
    assert [" ".join(link.text().split()) for link in links] == ["A4 $9.00", "A3 sold out"]


def test_stock_decides_what_the_page_offers(client):
    make_product(slug="few", stock=3)
    make_product(slug="none", stock=0)
    make_product(slug="elsewhere", external_url="https://www.market.example/x?a=1&b=2")

    assert text(see(client, "/products/few/"), ".availability") == "In stock, 3 left"
    sold_out = see(client, "/products/none/")
    assert sold_out.css_first(".availability").attributes["data-availability"] == "OutOfStock"
    assert text(sold_out, ".availability") == "Sold out"
    assert text(sold_out, "#buy .button") == "Tell me when it is back"
    assert sold_out.css_first("#next") is None
    button = see(client, "/products/elsewhere/").css_first("#buy .button")
    assert button.attributes["href"] == "https://www.market.example/x?a=1&b=2"
    assert button.text() == "Buy at market.example"


def test_a_free_product_a_reduced_one_and_one_without_picture(client):
    make_product(slug="free", price_minor=0)
    make_product(slug="cut", price_minor=1200, compare_at_minor=1800)
    make_product(slug="bare", image="", image_alt="")

    free = see(client, "/products/free/").css_first("#buy")
    assert free.css_first("data.price").attributes["value"] == "0.00"
    assert free.css_first(".badge").text() == "Free"
    assert see(client, "/products/cut/").css_first("#buy s").text() == "before $18.00"
    bare = see(client, "/products/bare/")
    assert bare.css_first("#product-image") is None
    assert "image" not in json.loads(text(bare, 'script[type="application/ld+json"]'))


def test_words_in_another_language_are_marked(client):
    make_product(slug="plan", title="Çalışma planı", language="tr")

    assert see(client, "/products/plan/").css_first("h1").attributes["lang"] == "tr"
    assert see(client, "/catalog/").css_first(".card h3").attributes["lang"] == "tr"


def test_one_bad_currency_does_not_take_the_catalog_down(client):
    make_product(slug="odd", title="Odd", currency="AAA")

    assert titles(see(client, "/catalog/")) == ["Odd"]
    assert text(see(client, "/products/odd/"), "data.price") == "Price on request"


# --- Services -----------------------------------------------------------------------------------------------


def test_packages_stand_side_by_side(client):
    gig = make_gig("logo", price_minor=4500, description="We **draw**. <script>x</script>")
    gig.packages.update(features=["Concepts: 1"], name="Mark")
    Package.objects.create(
        gig=gig, tier="premium", name="Identity", price_minor=19000, currency="USD", delivery_days=10,
        revisions=3, features=["Concepts: 3", "Source file"],
    )  # fmt: skip
    gig.requirements = [{"name": "places", "label": "Where it is seen", "required": True}]
    gig.save()

    page = see(client, "/services/logo/")

    rows = [[cell.text(strip=True) for cell in row.css("th, td")] for row in page.css(".packages tr")]
    assert rows[0] == ["", "Mark$45.00", "Identity$190.00"]
    assert ["Concepts", "1", "3"] in rows
    assert ["Source file", "No", "Yes"] in rows
    assert ["Delivery", "3 days", "10 days"] in rows
    assert [
        (form.css_first("[name=gig]").attributes["value"], form.css_first("[name=tier]").attributes["value"])
        for form in page.css(".order form")
    ] == [("logo", "basic"), ("logo", "premium")]
    data = json.loads(text(page, 'script[type="application/ld+json"]'))
    assert data["@type"] == "Service"
    assert [(offer["name"], offer["price"]) for offer in data["offers"]] == [
        ("Mark", "45.00"),
        ("Identity", "190.00"),
    ]
    assert "<strong>draw</strong>" in page.css_first(".prose").html and not page.css(".prose script")
    assert "Where it is seen" in text(page, ".needs")


def test_a_gig_without_packages_has_a_page(client):
    make_gig("bare").packages.all().delete()

    assert see(client, "/services/bare/").css_first(".packages") is None
    assert "On request" in text(see(client, "/services/"), ".card")


# --- Portfolio, promotion ---------------------------------------------------------------------------------


def test_the_portfolio_shows_published_stories_in_the_stores_own_days(client):
    late = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    make_story(quote="Fast and good.", published_at=late)
    make_story("secret", title="Secret", is_published=False)

    with timezone.override("Europe/Istanbul"):
        page = see(client, "/portfolio/bread-channel/")

    assert titles(see(client, "/portfolio/")) == ["A thumbnail for a bread channel"]
    assert [dd.text(strip=True) for dd in page.css(".facts dd")][1:] == ["$100.00", "April 1, 2026"]
    assert "Fast and good." in text(page, ".quote")
    assert page.css_first(".badge") is None
    see(client, "/portfolio/secret/", 404)
    assert not any("secret" in place.path for place in mapped(client))


def test_a_simulated_order_is_labeled_as_a_demo(client):
    make_story(order=make_service_order(kind=Kind.SIMULATED, external_id=""))

    for path in ("/", "/portfolio/", "/portfolio/bread-channel/"):
        assert text(see(client, path), ".badge") == "Demo"


def test_the_picture_of_a_story_is_public_while_the_story_is(client):
    story = make_story(picture=PNG)

    answer = client.get("/portfolio/bread-channel/image")
    assert b"".join(answer.streaming_content) == PNG
    assert (answer["Content-Type"], answer["ETag"]) == ("image/png", f'"{hashlib.sha256(PNG).hexdigest()}"')
    again = client.get("/portfolio/bread-channel/image", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304

    SuccessStory.objects.filter(pk=story.pk).update(is_published=False)
    assert client.get("/portfolio/bread-channel/image").status_code == 404


def test_only_pictures_are_served_as_pictures(client):
    make_story(picture=b"<svg onload='x'/>", content_type="image/svg+xml")
    make_story("none")
    lost = make_story("lost", picture=PNG + b" " * artifacts.SMALL)
    lost.image.discard()

    for slug in ("bread-channel", "none", "lost"):
        assert client.get(f"/portfolio/{slug}/image").status_code == 404


def test_the_published_promotion_is_on_the_home_page_and_a_draft_is_not(client):
    task = make_task(make_run())
    body = Observation.objects.create(run=task.run, task=task, kind="inventory", body="{}", sha256="0" * 64)
    promotion = Promotion.objects.create(
        task=task, observation=body, headline="Spring <offer>", body="Good.", link="/services/?utm_source=banner"
    )

    assert see(client, "/").css_first(".promotion") is None

    promotion.advance(Promotion.Status.PUBLISHED)
    banner = see(client, "/").css_first(".promotion")
    assert banner.css_first(".promotion-head").text() == "Spring <offer>"
    assert banner.css_first("a").attributes["href"] == "/services/?utm_source=banner"


# --- All pages --------------------------------------------------------------------------------------------


@pytest.fixture
def shop():
    for n in range(3):
        make_product(slug=f"p{n}", family=f"p{n}", title=f"P {n}", category="Art", tags=["a", "b"])
        make_product(slug=f"p{n}b", family=f"p{n}", title=f"P {n}", option="B", category="Art", is_lead=False)
        gig = make_gig(f"g{n}")
        make_story(f"s{n}", order=make_service_order(gig), picture=PNG)


QUERIES = {
    "/": 5,
    "/catalog/": 3,
    "/catalog/?q=p&sort=price&category=Art": 4,
    "/products/p0/": 1,
    "/services/": 2,
    "/services/g0/": 3,
    "/portfolio/": 2,
    "/portfolio/s0/": 1,
}


@pytest.mark.parametrize(("path", "count"), QUERIES.items())
def test_a_page_asks_the_database_a_constant_number_of_questions(
    client, shop, path, count, django_assert_num_queries
):
    with django_assert_num_queries(count):
        client.get(path)
    for n in range(5):
        make_product(category="Art", title=f"P more {n}")
        make_story(f"more{n}", order=make_service_order(make_gig()))

    with django_assert_num_queries(count):
        client.get(path)


@pytest.mark.parametrize("path", [*QUERIES, "/nope/"])
def test_every_page_keeps_the_rules_of_the_house(client, shop, settings, path):
    settings.PUBLIC_URL = "https://shop.example"

    answer = client.get(path)

    html, page = answer.content.decode(), LexborHTMLParser(answer.content)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html, re.IGNORECASE)
    assert {script.attributes.get("type") for script in page.css("script")} <= {"application/ld+json"}
    assert len(page.css("h1")) == 1 and len(page.css("main")) == 1 and text(page, "title")
    assert page.css_first("html").attributes["lang"] == "en"
    assert all(image.attributes.get("alt") is not None for image in page.css("img"))
    assert "set-cookie" not in answer.headers and "Cookie" not in answer.headers.get("Vary", "")
    if answer.status_code == 200:
        canonical = page.css_first("link[rel=canonical]").attributes["href"]
        assert canonical == "https://shop.example" + path.partition("?")[0]
        assert page.css_first("meta[name=description]").attributes["content"]
        assert page.css_first('meta[property="og:title"]') is not None


def test_a_page_is_revalidated_and_a_new_price_is_seen_at_once(client):
    product = make_product(slug="icons", price_minor=2400)
    first = client.get("/products/icons/")
    seen = {"If-None-Match": first["ETag"]}

    assert first["Cache-Control"] == "no-cache"
    assert client.get("/products/icons/", headers=seen).status_code == 304

    Product.objects.filter(pk=product.pk).update(price_minor=2500)
    changed = client.get("/products/icons/", headers=seen)
    assert changed.status_code == 200 and b"$25.00" in changed.content


def test_pages_are_read_only(client):
    assert client.post("/catalog/").status_code == 405
    assert client.head("/catalog/").status_code == 200


# --- For machines -----------------------------------------------------------------------------------------


def test_the_sitemap_and_the_robots_file_name_the_public_address(client, shop, settings):
    settings.PUBLIC_URL = "https://shop.example"

    places = [place.geturl() for place in mapped(client)]

    assert len(places) == len(set(places)) == 4 + 1 + 6 + 3 + 3
    assert {
        "https://shop.example/",
        "https://shop.example/products/p2b/",
        "https://shop.example/catalog/?category=Art",
    } < set(places)
    robots = client.get("/robots.txt")
    assert robots["Content-Type"] == "text/plain; charset=utf-8"
    assert "Sitemap: https://shop.example/sitemap.xml" in robots.content.decode().splitlines()


def test_the_feed_lists_new_families(client, shop, settings):
    settings.PUBLIC_URL = "https://shop.example"

    feed = ElementTree.fromstring(client.get("/feed/").content)

    links = [entry.find(f"{ATOM}link").get("href") for entry in feed.iter(f"{ATOM}entry")]
    assert links == [f"https://shop.example/products/p{n}/" for n in (2, 1, 0)]
    assert feed.find(f"{ATOM}author/{ATOM}name").text == settings.STORE_NAME
    assert feed.find(f"{ATOM}link[@rel='self']").get("href") == "https://shop.example/feed/"


# --- When something is wrong ------------------------------------------------------------------------------


def test_a_missing_page_helps_to_go_on(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        page = see(client, "/no/such/page/", 404)

    assert page.css_first('main form[action="/catalog/"] input[name=q]') is not None
    assert page.css_first("link[rel=canonical]") is None


def test_a_forged_form_is_answered_in_the_shops_own_words(rf, settings):
    answer = csrf_failure(rf.post("/"), reason="no cookie")

    assert answer.status_code == 403 and "Please send it again" in answer.content.decode()


def test_the_page_for_our_own_faults_needs_nothing():
    html = render_to_string("500.html")

    assert "Something broke on our side" in html and "{" not in html
    assert "charged" not in html  # nobody knows that who shows this page
