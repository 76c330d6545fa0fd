"""A promotion whose every figure was measured."""

import csv
import io

import pytest

from agency import promotion_texts, workflows
from agency.models import ChimeraTask, Gig, Observation, Promotion
from agency.work import Work
from agency.workflows import PermanentError, service_promotion
from storefront.models import Product
from tests.board import run_ops
from tests.factories import make_gig, make_product, make_service_order
from tests.test_chimera_engine import completion

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db):
    make_gig("logo", name="Logo design", price_minor=4500, category="Art")
    make_product("ICONS", title="Icon pack", price_minor=2400, stock=3, category="Art")
    make_product("KIT", title="Launch kit 2", price_minor=129900)
    make_product("GONE", title="Sold out", price_minor=99900, stock=0)
    make_product("DRAFT", title="Not yet", price_minor=99900, status=Product.Status.DRAFT)


def test_a_promotion_is_drafted_from_the_measured_inventory(shop, settings):
    task = run_ops("service_promotion")

    assert (task.status, task.error) == ("succeeded", "")
    promotion = Promotion.objects.get()
    seen = Observation.objects.get(kind="inventory")
    assert task.result["inventory_ref"] == seen.ref
    assert seen.recomputed_sha256 == task.result["inventory_ref"]["sha256"]
    assert (promotion.task, promotion.observation, promotion.status) == (task, seen, "draft")
    assert [(i["sku"], i["price_minor"], i["stock"]) for i in promotion.items] == [
        ("logo", 4500, None),
        ("ICONS", 2400, 3),
        ("KIT", 129900, None),
    ]
    assert f"utm_source=storefront&utm_medium=banner&utm_campaign=run-{task.run_id}" in promotion.link
    assert promotion.headline == f"Made to order at {settings.STORE_NAME}"
    assert promotion.channels["storefront"] == (
        f"{promotion.headline}: Logo design from $45.00; Icon pack, $24.00, 3 left; Launch kit 2, $1,299.00."
    )
    assert "Icon pack, $24.00, 3 left" in promotion.channels["email"]
    assert "Launch kit 2, $1,299.00" in promotion.channels["linkedin"]


def test_every_figure_of_every_text_is_in_the_observation(shop):
    task = run_ops("service_promotion")

    promotion = Promotion.objects.get()
    texts = promotion.channels | {"headline": promotion.headline, "body": promotion.body}
    payload = Observation.objects.get(kind="inventory").payload
    assert promotion_texts.unfounded(texts, payload) == {}
    assert len(promotion.channels["x"]) <= 280
    for product in payload["products"]:
        product["price"] = "1.11"
    for service in payload["services"]:
        service["packages"][0]["price"] = "1.11"
    assert sorted(promotion_texts.unfounded(task.result["channels"], payload)) == sorted(promotion.channels)


def test_the_artifacts_are_the_texts_and_the_links(shop):
    task = run_ops("service_promotion")

    artifacts = {a.name: a for a in task.artifacts.all()}
    assert sorted(artifacts) == [
        "email.txt",
        "fiverr.txt",
        "linkedin.txt",
        "promotion.md",
        "storefront.txt",
        "utm_links.csv",
        "x.txt",
    ]
    rows = list(csv.DictReader(io.StringIO(artifacts["utm_links.csv"].stored.read().decode("utf-8-sig"))))
    assert len(rows) == 3 * 5
    assert rows[0]["url"].endswith(f"utm_source=storefront&utm_medium=banner&utm_campaign=run-{task.run_id}")
    assert task.result["inventory_ref"]["sha256"] in artifacts["promotion.md"].stored.read().decode()


def test_an_empty_shop_is_said_to_be_empty():
    task = run_ops("service_promotion")

    assert (task.status, task.waiting_on) == (
        "needs_human",
        "Nothing is listed. List a service (/admin/agency/gig/) or a product (/admin/storefront/product/), "
        "then approve: it is tried again.",
    )
    assert Promotion.objects.count() == 0


def test_a_models_invented_discount_does_not_reach_the_promotion(shop, httpserver, settings):
    settings.AI_BASE_URL = httpserver.url_for("/v1")
    settings.AI_MODEL = "m"
    httpserver.expect_request("/v1/chat/completions").respond_with_json(completion("Today 50 % off, from $22.50!"))

    task = run_ops("service_promotion")

    assert task.status == "succeeded"
    assert "50 %" not in Promotion.objects.get().body
    log = list(ChimeraTask.objects.order_by("id").values_list("agent", "outcome", "task"))
    assert log == [("Promoter", "refused", task.pk), ("Promoter", "answered", task.pk)]


def test_a_headline_that_nobody_measured_stops_the_promotion(shop):
    task = run_ops("service_promotion")
    words = service_promotion.Draft("Now from $1", "A pitch.", task.result["items"])

    with pytest.raises(PermanentError, match=r"not measured, so nothing is promoted: .*'headline': \['1'\]"):
        service_promotion.draft(Work(task), task.bound_to.get(), "promotion.md", words, {})

    assert Promotion.objects.count() == 1


def test_named_gigs_are_promoted_and_quiet_ones_otherwise_come_first(shop):
    busy = Gig.objects.get(slug="logo")
    make_service_order(busy)
    make_gig("banner", name="Banner", price_minor=2000)

    first = run_ops("service_promotion")
    second = run_ops("service_promotion", {"gigs": ["logo"]})

    assert [i["sku"] for i in first.result["items"]][:2] == ["banner", "logo"]
    assert [i["sku"] for i in second.result["items"] if i["kind"] == "service"] == ["logo"]


def test_evidence_is_read_from_the_data(shop):
    workflow = workflows.get("service_promotion")

    assert [(e.text, e.factor) for e in workflow.evidence()] == [
        ("1 of 1 listed gigs had no order in 90 days", 2.0)
    ]
    run_ops("service_promotion")
    assert [e.text for e in workflow.evidence()][1:] == ["Drafts of promotions that wait for a decision: 1"]
