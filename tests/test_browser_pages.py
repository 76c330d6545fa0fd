"""The pages in a real browser: accessible in light and dark, whole at 360 px, without JavaScript."""

import os
import re

import pytest

from agency.models import Observation, Promotion, SuccessStory
from earnings.models import Kind
from storefront import demo_shop
from storefront.models import Product
from tests.factories import make_run, make_service_order, make_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="session")
def axe():
    """Only the browser leg's requirements have axe; the other legs still read this file."""
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


PAGES = {
    "home": "/",
    "catalog": "/catalog/",
    "catalog, filtered": "/catalog/?q=plan&kind=download&price_from=abc",
    "catalog, nothing found": "/catalog/?q=zzzz",
    "product with 12 variants": "/products/{LF-MIST-A4-P}/",
    "product, free": "/products/{LF-CHECKLIST}/",
    "product, sold out": "/products/{LF-CALENDAR}/",
    "product, in Turkish": "/products/{LF-HAFTA-TR}/",
    "product without a picture": "/products/{LF-SHOWNOTES}/",
    "product of a marketplace": "/products/{LF-BRUSHES}/",
    "services": "/services/",
    "service": "/services/logo-design/",
    "portfolio": "/portfolio/",
    "story": "/portfolio/a-logo/",
    "nothing here": "/nothing/here/",
}

# Links inside sentences may be as high as their line (WCAG 2.5.8); a card's link covers its card, and the label
# around a box belongs to it.
SMALL_TARGETS = """
    [...document.querySelectorAll("a:not(.skip), button, input:not([type=hidden]), select, summary")]
      .filter(e => !e.closest(".card h3, .prose, .steps, .promises, .empty, .lead, .note, label"))
      .map(e => [e.textContent.trim() || e.name, Math.round(e.getBoundingClientRect().height)])
      .filter(([_, height]) => height > 0 && height < 44)
"""


@pytest.fixture(scope="session")
def browser_type_launch_args():
    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    return {"executable_path": path, "args": ["--no-sandbox"], "headless": True}


@pytest.fixture
def shop(live_server):
    """The demo shop, with a promotion and a story."""
    demo_shop.open_shop()
    task = make_task(make_run())
    seen = Observation.objects.create(run=task.run, task=task, kind="inventory", body="{}", sha256="0" * 64)
    Promotion.objects.create(
        task=task, observation=seen, headline="An offer", body="A good one.", link="/services/", status="published"
    )
    order = make_service_order(kind=Kind.SIMULATED, external_id="")
    SuccessStory.objects.create(service_order=order, slug="a-logo", title="A logo", summary="Done.", quote="Good.")
    slugs = dict(Product.objects.values_list("sku", "slug"))
    return {
        name: live_server.url + re.sub(r"\{(.+)\}", lambda m: slugs[m[1]], path) for name, path in PAGES.items()
    }


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return request.param


def test_axe_finds_nothing_on_any_page(shop, new_context, scheme, axe):
    page = new_context(color_scheme=scheme, reduced_motion="reduce").new_page()
    found = {}
    for name, url in shop.items():
        page.goto(url)
        results = axe.run(page)
        if results.violations_count:
            found[name] = results.generate_report()

    assert found == {}


def test_no_page_scrolls_sideways_on_a_small_telephone(shop, new_context):
    page = new_context(viewport={"width": 360, "height": 740}).new_page()
    wide = {}
    for name, url in shop.items():
        page.goto(url)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 360:
            wide[name] = width

    assert wide == {}


def test_no_page_breaks_the_content_security_policy(shop, new_context):
    page, said = new_context().new_page(), []
    page.on("console", lambda message: said.append((page.url, message.text)))
    page.on("pageerror", lambda error: said.append((page.url, str(error))))
    for name, url in shop.items():
        if name != "nothing here":
            page.goto(url, wait_until="networkidle")

    assert said == []


def test_targets_are_large_enough_for_a_thumb(shop, new_context):
    page = new_context(viewport={"width": 360, "height": 740}).new_page()
    small = {}
    for name, url in shop.items():
        page.goto(url)
        sizes = page.evaluate(SMALL_TARGETS)
        if sizes:
            small[name] = sizes

    assert small == {}


def test_a_visitor_without_javascript_finds_filters_and_orders(shop, new_context, live_server):
    page = new_context(java_script_enabled=False).new_page()
    page.goto(live_server.url)
    page.get_by_role("searchbox").fill("MOUNTAINS")
    page.get_by_role("button", name="Search").click()
    page.get_by_text("Kind, price and availability").click()
    page.get_by_label("Price to").fill("9")
    page.get_by_role("button", name="Show").click()

    assert page.get_by_role("status").inner_text().startswith("1 product found")
    page.get_by_role("link", name="Misty mountains line art").click()
    page.get_by_role("link", name="A2, Commercial").click()
    assert page.locator("#buy .price").inner_text() == "$33.00"
    page.get_by_role("button", name="Add to cart").click()
    assert page.get_by_role("status").inner_text() == "Misty mountains line art (A2, Commercial) is in your cart."


def test_the_keyboard_reaches_the_content_first(shop, new_context, live_server):
    page = new_context().new_page()
    page.goto(live_server.url)

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
