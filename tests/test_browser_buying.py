"""Buying in a real browser: paid, downloaded, lost and found again; at 360 px, by keyboard, without JavaScript."""

import re
import zipfile
from email import message_from_bytes
from email.policy import default

import pytest
from django.urls import reverse

from agency import fulfillment_engine, mail_sender
from agency.models import Package, ServiceOrder
from agency.workflows import NewArtifact
from storefront import demo_shop, product_files, purchases, refunds
from storefront.models import Order, Product, ProductFile
from tests.factories import make_buyer, make_order, make_paid_order, make_product
from tests.test_browser_pages import SMALL_TARGETS, axe, browser_type_launch_args, scheme  # noqa: F401  fixtures

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TELEPHONE = {"width": 360, "height": 740}
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xdc\xccY\xe7\x00\x00\x00\x00IEND\xaeB`\x82"
)


@pytest.fixture(autouse=True)
def _open_shop(settings, live_server, tmp_path):
    settings.DEMO_PAYMENTS = True
    settings.PUBLIC_URL = live_server.url
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    demo_shop.open_shop()


def mails(settings):
    """(subject, text) of every mail that was sent, oldest first."""
    mail_sender.send_due()
    sent = []
    # Not by name, in which Django tells those of one second apart by chance.
    for file in sorted(settings.EMAIL_FILE_PATH.glob("*.log"), key=lambda file: file.stat().st_mtime_ns):
        for part in re.split(rb"\n-{79}\n", file.read_bytes()):
            if part.strip():
                message = message_from_bytes(part, policy=default)
                sent.append((message["Subject"], message.get_body(("plain",)).get_content()))
    return sent


def link_in(text, path):
    return re.search(rf"http://\S+{path}\S+", text)[0]


def saved(page, tmp_path, name):
    """What the link of that name downloads."""
    with page.expect_download() as download:
        page.get_by_role("link", name=name).click()
    target = tmp_path / download.value.suggested_filename
    download.value.save_as(target)
    return target


def buy(page, live_server, sku):
    page.goto(live_server.url + Product.objects.get(sku=sku).get_absolute_url())
    page.get_by_role("button", name="Add to cart").click()
    page.goto(f"{live_server.url}/checkout/")
    page.get_by_label("Your name").fill("Ada Byron")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Demo payment").check()
    page.get_by_role("button", name="Order and pay").click()
    page.get_by_role("button", name="Pretend to pay").click()


def test_a_buyer_without_javascript_buys_downloads_loses_the_link_and_gets_it_again(
    new_context, live_server, settings, tmp_path
):
    page = new_context(java_script_enabled=False, viewport=TELEPHONE).new_page()

    buy(page, live_server, "LF-MIST-30X40-P")
    first = saved(page, tmp_path, "Download")
    page.goto(f"{live_server.url}/catalog/")  # the way is lost
    page.get_by_role("link", name="Your purchases").click()
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_role("button", name="Send me the way").click()
    said = page.get_by_role("status").inner_text()
    purchases.answer_requests()
    sent = mails(settings)
    page.goto(link_in(sent[-1][1], "/purchases/"))
    page.get_by_role("link", name="Order DB-").click()
    again = saved(page, tmp_path, "Download")

    order = Order.objects.get()
    assert order.status == "paid"
    assert first.name == "Misty mountains line art (30 × 40 cm, Personal).zip"
    assert (
        first.read_bytes()
        == again.read_bytes()
        == ProductFile.objects.get(product__sku="LF-MIST-30X40-P").file.read()
    )
    with zipfile.ZipFile(first) as packed:
        assert packed.testzip() is None
    assert "If something was bought with that address" in said
    assert [subject for subject, _ in sent] == [
        f"Your receipt for {order.number}",
        "Your purchases at Lanternfish Studio",
    ]
    assert link_in(sent[0][1], "/orders/").endswith(order.get_absolute_url())


def press_until(page, name, key="Tab"):
    """Move the focus by keyboard to the link, button or field that reads so, and see that it is seen."""
    for _ in range(60):
        page.keyboard.press(key)
        focused = page.evaluate("(e => (e.labels?.[0] ?? e).textContent.trim())(document.activeElement)")
        if name in focused:
            return
    raise AssertionError(f"the keyboard does not reach {name!r}")


def test_a_buyer_with_a_keyboard_alone_buys_and_downloads(new_context, live_server, tmp_path):
    page = new_context().new_page()
    keys = page.keyboard
    page.goto(live_server.url + Product.objects.get(sku="LF-ICONS-240").get_absolute_url())

    press_until(page, "Add to cart")
    with page.expect_navigation():
        keys.press("Enter")
    page.goto(f"{live_server.url}/checkout/")
    press_until(page, "Your name")
    keys.type("Ada Byron")
    press_until(page, "E-mail")
    keys.type("ada@example.com")
    keys.press("Tab")  # to the ways to pay
    while not page.locator("input[value=demo]").is_checked():
        keys.press("ArrowDown")
    press_until(page, "Order and pay")
    keys.press("Enter")
    page.wait_for_url("**/checkout/demo/**")
    press_until(page, "Pretend to pay")
    keys.press("Enter")
    page.wait_for_url("**/orders/**")
    press_until(page, "Download")
    with page.expect_download() as download:
        keys.press("Enter")

    target = tmp_path / "icons.zip"
    download.value.save_as(target)
    assert zipfile.ZipFile(target).testzip() is None


def test_a_client_without_javascript_briefs_looks_asks_for_a_change_and_accepts(
    new_context, live_server, settings, tmp_path
):
    Package.objects.update(revisions=1)
    package = Package.objects.filter(gig__slug="video-thumbnail").first()
    work = make_paid_order(package, buyer=make_buyer(email="ada@example.com")).lines.get().service_order
    page = new_context(java_script_enabled=False, viewport=TELEPHONE).new_page()
    page.goto(link_in(mails(settings)[-1][1], "/work/"))

    def deliver(name):
        work.refresh_from_db()
        fulfillment_engine.start(work)
        Package.objects.update(checklist=[])
        fulfillment_engine.offer_by_hand(work, [NewArtifact("deliverable", name, "image/png", PNG)])
        fulfillment_engine.deliver(work)
        page.goto(link_in(mails(settings)[-1][1], "/work/"))

    page.get_by_role("button", name="Send the brief").click()
    page.get_by_label("The title on the picture").fill("Ten desks under 200")
    page.get_by_role("button", name="Send the brief").click()
    briefed = page.locator(".lead").inner_text()
    deliver("first.png")
    file = saved(page, tmp_path, "Download")
    page.get_by_role("link", name="Ask for a change").click()
    page.get_by_label("What should change?").fill("Larger letters")
    page.get_by_role("button", name="Send it").click()
    in_revision = page.locator(".lead").inner_text()
    deliver("second.png")
    page.get_by_role("link", name="Accept it").click()
    page.get_by_label("In a sentence").fill("Lovely.")
    page.get_by_role("button", name="Yes, accept it").click()

    work.refresh_from_db()
    assert briefed.startswith("We are working on it; you have it by ")
    assert (file.name, file.read_bytes()) == ("first.png", PNG)
    assert in_revision == "We have read what should change, and are on it."
    assert page.locator(".lead").inner_text().endswith("Thank you! Your files stay here.")
    assert work.status == ServiceOrder.Status.ACCEPTED
    what = f"Video thumbnail, {package.name}"
    assert [subject for subject, _ in mails(settings)][2:] == [
        f"We have your brief for {what}",
        f"{what} is ready for you",
        f"We change {what}",
        f"{what} is ready for you",
        f"Thank you: {what} is done",
    ]


# --- How the pages look -----------------------------------------------------------------------------------


@pytest.fixture
def pages(live_server):
    """Every page of buyers and clients, by what it shows."""
    files, service = (
        Product.objects.get(sku="LF-CALM-10"),
        Package.objects.get(gig__slug="logo-design", tier="basic"),
    )
    second = product_files.add(
        files,
        ProductFile.objects.get(product=files).file,
        name="A second file with a name as long as people really give to their files.zip",
    )
    parcel = make_product(kind="physical", stock=9, title="A parcel")
    paid = make_paid_order(files, make_product(title="Without a file yet"), service, parcel)
    refunds.carry_out(refunds.request(paid, "part", amounts={1: 500}))
    refunded = make_paid_order(make_product())
    refunds.carry_out(refunds.request(refunded, "whole"))
    gone = make_order(make_product())
    Order.objects.filter(pk=gone.pk).update(status="canceled")
    work = paid.lines.get(package=service).service_order
    delivered = make_paid_order(service, provider="demo").lines.get().service_order
    fulfillment_engine.set_requirements(delivered, {"title": "x", "showcase_consent": True})
    ServiceOrder.objects.filter(pk=delivered.pk).update(status="in_progress")
    delivered.refresh_from_db()
    Package.objects.update(checklist=[{"check": "file_type", "value": "png", "label": "A PNG"}], revisions=1)
    delivered = ServiceOrder.objects.get(pk=delivered.pk)
    made = NewArtifact("deliverable", "a-logo-with-quite-a-long-name.png", "image/png", PNG)
    fulfillment_engine.offer_by_hand(delivered, [made], message="Here it is.\n\nLook at it on a telephone, too.")
    fulfillment_engine.deliver(delivered)
    assert second.version == 1
    paths = {
        "paid": paid.get_absolute_url(),
        "invoice": make_order(make_product()).get_absolute_url(),
        "not paid": make_order(make_product(), provider="demo").get_absolute_url(),
        "refunded": refunded.get_absolute_url(),
        "given up": gone.get_absolute_url(),
        "find": "/orders/",
        "found": "/orders/?sent",
        "purchases": f"/purchases/{purchases.sign(paid)}/",
        "expired": reverse(
            "storefront:get_file", args=[refunded.token, refunded.lines.get().entitlements.get().pk, 1]
        ),
        "brief": work.portal_path,
        "delivery": delivered.portal_path,
        "accept": f"{delivered.portal_path}accept/",
        "change": f"{delivered.portal_path}revision/",
    }
    return {name: live_server.url + path for name, path in paths.items()}


def test_axe_finds_nothing_on_any_page_of_a_buyer(pages, new_context, scheme, axe):  # noqa: F811
    page = new_context(color_scheme=scheme, reduced_motion="reduce").new_page()
    found = {}
    for name, url in pages.items():
        page.goto(url)
        results = axe.run(page)
        if results.violations_count:
            found[name] = results.generate_report()

    assert found == {}


def test_pages_of_buyers_fit_a_small_telephone_and_a_thumb(pages, new_context):
    page = new_context(viewport=TELEPHONE).new_page()
    faults = {}
    for name, url in pages.items():
        page.goto(url)
        width = page.evaluate("document.documentElement.scrollWidth")
        small = page.evaluate(SMALL_TARGETS)
        if width > 360 or small:
            faults[name] = (width, small)

    assert faults == {}


def test_words_without_an_end_push_no_page_sideways(new_context, live_server):
    word = "Donaudampfschifffahrtselektrizitatenhauptbetriebswerkbauunterbeamten"
    thing = make_product("LONG", title=word, summary=word, category=word[:60], price_minor=999_999_999)
    waiting = make_order(thing, buyer=make_buyer(name=word, email=f"{word.lower()[:60]}@example.com"))
    paid = make_paid_order(thing, buyer=make_buyer(name=word))
    page = new_context(viewport=TELEPHONE).new_page()
    wide = {}

    def measure(name):
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 360:
            wide[name] = width

    for order in (waiting, paid):
        page.goto(live_server.url + order.get_absolute_url())
        measure(f"receipt, {order.status}")
    page.goto(live_server.url + reverse("storefront:pay", args=[waiting.token]))
    measure("pay")
    page.goto(live_server.url + thing.get_absolute_url())
    measure("product")
    page.get_by_role("button", name="Add to cart").click()
    page.wait_for_url("**/cart/**")
    measure("cart")
    page.get_by_role("link", name="Check out").click()
    page.wait_for_url("**/checkout/")
    measure("checkout")

    assert wide == {}


def test_pages_of_buyers_keep_the_policy_and_tell_no_other_site(pages, new_context):
    page, said = new_context().new_page(), []
    page.on("console", lambda message: said.append((page.url, message.text)))
    page.on("pageerror", lambda error: said.append((page.url, str(error))))
    for name, url in pages.items():
        if name != "expired":
            page.goto(url, wait_until="networkidle")

    assert said == []
