"""Cart, checkout and payment in a real browser: at 360 px, by keyboard, without JavaScript, light and dark."""

import os

import pytest

from agency.models import Package
from earnings.models import Earning
from storefront import cart, demo_shop
from storefront.models import Cart, Order, Product
from tests.factories import make_order, make_product
from tests.stripe_fake import SECRET, FakeStripe
from tests.test_browser_buying import TELEPHONE, press_until
from tests.test_browser_pages import SMALL_TARGETS, axe, browser_type_launch_args, scheme  # noqa: F401  fixtures

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _open_shop(settings, live_server):
    settings.DEMO_PAYMENTS = True
    settings.PUBLIC_URL = live_server.url
    demo_shop.open_shop()


@pytest.fixture
def fake(settings, live_server):
    with FakeStripe() as fake:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_live_fake", SECRET
        settings.STRIPE_API_BASE = fake.url
        fake.webhook_url = f"{live_server.url}/payments/stripe/webhook/"
        yield fake


def product(sku):
    return Product.objects.get(sku=sku)


def fill_in(page):
    page.get_by_label("Your name").fill("Ada Byron")
    page.get_by_label("E-mail").fill("ada@example.com")


# --- Buying ------------------------------------------------------------------------------------------------------


def test_a_telephone_without_javascript_buys_at_stripe(fake, new_context, live_server):
    page = new_context(java_script_enabled=False, viewport=TELEPHONE).new_page()

    page.goto(live_server.url + product("LF-PLAN-PERSONAL").get_absolute_url())
    page.get_by_role("button", name="Add to cart").click()
    page.goto(f"{live_server.url}/services/logo-design/")
    page.get_by_role("button", name="Buy now").first.click()
    fill_in(page)
    page.get_by_label("Card or wallet").check()
    page.get_by_role("button", name="Order and pay").click()
    page.get_by_role("button", name="Pay").click()

    page.wait_for_url("**/orders/**")
    order = Order.objects.get()
    assert page.get_by_role("heading", level=1).inner_text() == "Thank you, it is yours"
    assert (order.status, order.lines.count()) == ("paid", 2)
    assert set(Earning.objects.values_list("kind", "channel_id")) == {("real", "stripe")}


def test_a_keyboard_alone_buys_at_stripe_and_changes_its_mind_first(fake, new_context, live_server):
    page = new_context().new_page()
    keys = page.keyboard
    page.goto(f"{live_server.url}/services/logo-design/")

    press_until(page, "Buy now")
    keys.press("Enter")
    page.wait_for_url("**/checkout/")
    press_until(page, "Your name")
    keys.type("Ada Byron")
    press_until(page, "E-mail")
    keys.type("ada@example.com")
    keys.press("Tab")
    while not page.locator("input[value=stripe]").is_checked():
        keys.press("ArrowDown")
    press_until(page, "Order and pay")
    keys.press("Enter")
    page.wait_for_url(f"{fake.url}/pay/**")
    press_until(page, "Back")  # and returns to the payment from there
    keys.press("Enter")
    page.wait_for_url("**/checkout/pay/**")
    press_until(page, "Invoice")  # the radio group
    while not page.locator("input[value=stripe]").is_checked():
        keys.press("ArrowDown")
    press_until(page, "Pay $")
    keys.press("Enter")
    page.wait_for_url(f"{fake.url}/pay/**")
    press_until(page, "Pay")
    keys.press("Enter")

    page.wait_for_url("**/orders/**")
    assert Order.objects.get().status == "paid"
    assert Earning.objects.count() == 1


def test_a_cart_is_changed_and_emptied_without_javascript(new_context, live_server):
    print_ = make_product("PRINT", title="A print", kind="physical", stock=5, price_minor=1500)
    page = new_context(java_script_enabled=False, viewport=TELEPHONE).new_page()

    page.goto(live_server.url + print_.get_absolute_url())
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Add to cart").click()
    added = page.get_by_role("status").inner_text()
    page.get_by_label("Quantity").fill("4")
    page.get_by_role("button", name="Update").click()
    total = page.locator(".sum-total strong").inner_text()
    count = page.locator(".cart-count").inner_text()
    page.get_by_role("button", name="Remove").click()

    assert (added, total, count) == ("A print is in your cart.", "$60.00", "1")
    assert page.get_by_role("heading", name="Nothing in here yet").is_visible()
    assert page.locator(".cart-count").count() == 0


def test_a_complaint_takes_the_focus_and_leads_to_its_field(new_context, live_server):
    page = new_context().new_page()
    page.goto(live_server.url + product("LF-PLAN-PERSONAL").get_absolute_url())
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="Check out").click()
    page.get_by_label("E-mail").fill("ada")
    page.get_by_role("button", name="Order and pay").click()

    page.get_by_role("alert").wait_for()
    focused = page.evaluate("document.activeElement.getAttribute('role')")
    page.get_by_role("link", name="E-mail: This is no e-mail address.").click()

    assert focused == "alert"
    assert page.evaluate("document.activeElement.id") == "id_email"
    assert page.get_by_label("E-mail").get_attribute("aria-invalid") == "true"
    described = page.get_by_label("E-mail").get_attribute("aria-describedby")
    assert all(page.locator(f"#{each}").count() == 1 for each in described.split())


def test_a_price_that_rises_meanwhile_is_shown_and_agreed_to(new_context, live_server):
    page = new_context(java_script_enabled=False, viewport=TELEPHONE).new_page()
    page.goto(live_server.url + product("LF-PLAN-PERSONAL").get_absolute_url())
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="Check out").click()
    fill_in(page)
    page.get_by_label("Demo payment").check()
    Product.objects.filter(sku="LF-PLAN-PERSONAL").update(price_minor=99900)
    page.get_by_role("button", name="Order and pay").click()
    said = page.locator(".yes-box").inner_text()
    placed = Order.objects.count()
    page.get_by_label("Yes, order what stands here").check()
    page.get_by_role("button", name="Order and pay").click()

    assert "costs $999.00 now" in said
    assert placed == 0
    assert Order.objects.get().total_minor == 99900
    assert page.get_by_role("heading", name="Demo payment").is_visible()


# --- How the pages look ------------------------------------------------------------------------------------------


@pytest.fixture
def pages(live_server, fake, new_context):
    """`visit(page, name)` for every page of this module, with the cart that it needs; and their names."""
    fake.webhook_url = ""
    full, changed = Cart.objects.create(), Cart.objects.create()
    print_ = make_product(
        kind="physical", stock=9, image="", title="A print with a title that is as long as titles get"
    )
    gone = make_product(kind="physical", stock=1, title="A gone print", image="")
    logo = Package.objects.get(gig__slug="logo-design", tier="premium")
    for basket in (full, changed):
        for thing, quantity in ((product("LF-PLAN-PERSONAL"), 1), (logo, 1), (print_, 3)):
            cart.add(basket, thing, quantity)
    cart.add(changed, gone)
    Product.objects.filter(pk=gone.pk).update(stock=0)
    changed.lines.filter(product=print_).update(seen_minor=1)
    unpaid, at_stripe = make_order(print_, provider="demo"), make_order(print_, provider="stripe")
    invoice = make_order(print_, logo)
    demo = unpaid.payments.get()
    places = {
        "empty cart": (None, "/cart/"),
        "cart": (full, "/cart/"),
        "changed cart": (changed, "/cart/"),
        "checkout": (full, "/checkout/"),
        "changed checkout": (changed, "/checkout/"),
        "complaints": (full, "/checkout/"),
        "pay": (None, f"/checkout/pay/{at_stripe.token}/"),
        "provider away": (None, f"/checkout/pay/{at_stripe.token}/?why=away"),
        "demo payment": (None, f"/checkout/demo/{demo.token}/"),
        "invoice": (None, f"/checkout/invoice/{invoice.token}/"),
    }

    def visit(page, name):
        basket, path = places[name]
        page.context.clear_cookies()
        if basket:
            page.context.add_cookies([{"name": "cart", "value": basket.token, "url": live_server.url}])
        page.goto(live_server.url + path)
        if name == "complaints":
            page.get_by_role("button", name="Order and pay").click()
            page.get_by_role("alert").wait_for()

    return places, visit


def test_axe_finds_nothing_from_cart_to_payment(pages, new_context, scheme, axe):  # noqa: F811
    page = new_context(color_scheme=scheme, reduced_motion="reduce").new_page()
    places, visit = pages
    found = {}
    for name in places:
        visit(page, name)
        results = axe.run(page)
        if results.violations_count:
            found[name] = results.generate_report()

    assert found == {}


def test_pages_from_cart_to_payment_fit_a_small_telephone_and_a_thumb(pages, new_context):
    page = new_context(viewport=TELEPHONE).new_page()
    places, visit = pages
    faults = {}
    for name in places:
        visit(page, name)
        width = page.evaluate("document.documentElement.scrollWidth")
        small = page.evaluate(SMALL_TARGETS)
        if width > 360 or small:
            faults[name] = (width, small)

    assert faults == {}


def test_pages_from_cart_to_payment_keep_the_policy(pages, new_context):
    page, said = new_context().new_page(), []
    page.on("console", lambda message: said.append((page.url, message.text)))
    page.on("pageerror", lambda error: said.append((page.url, str(error))))
    places, visit = pages
    for name in places:
        if name != "complaints":
            visit(page, name)
            page.wait_for_load_state("networkidle")

    assert said == []


@pytest.mark.skipif(not os.environ.get("SCREENSHOTS"), reason="SCREENSHOTS names no folder")
@pytest.mark.parametrize("width", [360, 1280])
def test_pictures_for_who_looks_at_them(pages, new_context, width):
    places, visit = pages
    page = new_context(viewport={"width": width, "height": 800}).new_page()
    for name in places:
        visit(page, name)
        page.screenshot(path=f"{os.environ['SCREENSHOTS']}/{name.replace(' ', '-')}-{width}.png", full_page=True)
