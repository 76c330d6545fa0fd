"""Staff publish one promotion at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from agency import direction_board, promotion_texts, promotions
from agency.models import Observation, Promotion
from agency.work import work_off
from earnings.refusals import Refusal
from storefront.models import Product
from tests.board import owner, run_ops
from tests.factories import make_gig, make_product, make_run, make_task

pytestmark = pytest.mark.django_db


def make_promotion(headline="A headline"):
    run = make_run()
    task = make_task(run)
    seen = Observation.objects.create(run=run, task=task, kind="inventory", body="{}", sha256="0" * 64)
    return Promotion.objects.create(task=task, observation=seen, headline=headline, body="Words", link="/x")


def statuses():
    return dict(Promotion.objects.values_list("headline", "status"))


def test_publishing_a_promotion_withdraws_the_one_before(staff):
    old, new = make_promotion("Old"), make_promotion("New")
    promotions.publish(old, by=staff)

    promotions.publish(new, by=staff)

    assert statuses() == {"Old": "withdrawn", "New": "published"}
    assert (new.published_by, new.published_at is not None) == (staff, True)


def test_publishing_twice_publishes_once(staff):
    promotion = make_promotion()

    promotions.publish(promotion, by=staff)
    first = promotion.published_at
    promotions.publish(promotion)

    assert (promotion.published_at, promotion.published_by) == (first, staff)


@pytest.mark.django_db(transaction=True)
def test_a_promotion_published_six_times_at_once_is_published_once():
    promotion = make_promotion()
    together = threading.Barrier(6)

    def publish(_):
        try:
            stale = Promotion.objects.get(pk=promotion.pk)
            together.wait()
            return promotions.publish(stale).published_at
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        moments = set(pool.map(publish, range(6)))

    promotion.refresh_from_db()
    assert moments == {promotion.published_at}
    assert statuses() == {"A headline": "published"}


def test_a_withdrawn_promotion_can_be_shown_again():
    promotion = make_promotion()
    promotions.publish(promotion)

    promotions.withdraw(promotion)
    promotions.withdraw(promotion)
    assert promotion.status == "withdrawn"

    assert promotions.publish(promotion).status == "published"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"price_minor": 2900}, "“Icon pack, $24.00, 3 left” became “Icon pack, $29.00, 3 left”"),
        ({"stock": 2}, "“Icon pack, $24.00, 3 left” became “Icon pack, $24.00, 2 left”"),
        ({"stock": 0}, "“Icon pack, $24.00, 3 left” went off sale"),
        ({"status": "archived"}, "“Icon pack, $24.00, 3 left” went off sale"),
        ({"slug": "icons-2"}, "the page of “Icon pack, $24.00, 3 left” moved"),
    ],
)
def test_a_promotion_whose_offers_changed_is_not_published_and_says_what_did(change, told):
    make_gig("logo", name="Logo design", price_minor=4500)
    make_product("ICONS", title="Icon pack", price_minor=2400, stock=3)
    old = run_ops("service_promotion").promotion
    Product.objects.update(**change)

    with pytest.raises(Refusal) as refused:
        promotions.publish(old)
    direction_board.replay(old.task.run, user=owner())
    work_off()

    assert refused.value.detail == (
        f"Since this was drafted {told}. Nothing was published. Replay run {old.task.run_id}: it drafts a new one "
        "of what is on offer now."
    )
    old.refresh_from_db()
    assert (refused.value.allowed, old.status) == (["withdrawn"], "draft")
    assert promotions.publish(Promotion.objects.exclude(pk=old.pk).get()).status == "published"


def test_a_withdrawn_promotion_comes_back_only_with_the_service_at_its_price():
    gig = make_gig("logo", name="Logo design", price_minor=4500)
    promotion = promotions.publish(run_ops("service_promotion").promotion)
    gig.packages.update(price_minor=5000)
    assert promotions.publish(promotion).status == "published"  # it is live: the second call changes nothing
    promotions.withdraw(promotion)

    with pytest.raises(Refusal, match=r"“Logo design from \$45.00” became “Logo design from \$50.00”"):
        promotions.publish(promotion)

    assert promotion.status == "withdrawn"
    gig.packages.update(price_minor=4500)
    assert promotions.publish(promotion).status == "published"


# --- Texts ---------------------------------------------------------------------------------------------------

ITEM = {
    "kind": "product",
    "sku": "A-1",
    "title": "Icon {pack} =1",
    "price_minor": 2400,
    "currency": "USD",
    "stock": 3,
    "url": "https://shop.example/products/icons/?size=s",
}
PAYLOAD = {
    "store": "Shop",
    "products": [
        {"title": "Icon {pack} =1", "price": "24.00", "currency": "USD", "stock": 3, "url": ITEM["url"]},
    ],
}


def test_links_carry_channel_medium_and_run():
    assert promotion_texts.utm_link("https://shop.example/p/", "email", 7) == (
        "https://shop.example/p/?utm_source=email&utm_medium=email&utm_campaign=run-7"
    )
    assert promotion_texts.utm_link(ITEM["url"], "x", 7) == (
        "https://shop.example/products/icons/?size=s&utm_source=x&utm_medium=social&utm_campaign=run-7"
    )


def test_every_channel_text_is_founded_and_fits():
    texts = promotion_texts.channel_texts("New " + "very " * 60 + "long", "Word " * 900, [ITEM], 7)

    assert promotion_texts.unfounded(texts, PAYLOAD) == {}
    assert {c: len(t) <= promotion_texts.CHANNELS[c][1] for c, t in texts.items()} == dict.fromkeys(texts, True)
    assert texts["x"].endswith("utm_source=x&utm_medium=social&utm_campaign=run-7")
    assert sorted(texts) == ["email", "fiverr", "linkedin", "storefront", "x"]


@pytest.mark.parametrize(
    ("text", "invented"),
    [
        ("Only $23.99", ["23.99"]),
        ("4 left", ["4"]),
        ("3 % off", ["3"]),
        ("$3 only", ["3"]),
        (
            "https://evil.example/products/icons/?utm_source=x&utm_medium=social",
            ["https://evil.example/products/icons/"],
        ),
    ],
)
def test_a_figure_or_link_that_was_not_measured_is_found(text, invented):
    assert promotion_texts.unfounded({"x": text, "email": "$24.00, 3 left"}, PAYLOAD) == {"x": invented}


def test_no_spreadsheet_takes_a_cell_for_a_formula():
    rows = [{"sku": "=1+1", "title": "@x", "n": -5, "ok": "a=b"}]

    text = promotion_texts.csv_file("a.csv", "k", rows).content.decode("utf-8-sig")

    assert text == "sku,title,n,ok\r\n'=1+1,'@x,-5,a=b\r\n"
