"""The announcement of what a release put on sale, bound to the release of its own run."""

import pytest

from agency import promotion_texts, workflows
from agency.direction_board import Step
from agency.models import Observation, Promotion
from agency.workflows.launch_announcement import announced
from storefront.models import Product
from tests.board import run_ops
from tests.factories import make_product

pytestmark = pytest.mark.django_db
BUILD = Step("storefront_build", {})


@pytest.fixture
def approved(db):
    make_product("OLD", title="Old thing", price_minor=900)
    make_product("NEW-1", title="Icon pack", price_minor=2400, status=Product.Status.APPROVED)
    make_product("NEW-2", title="Launch kit", price_minor=9900, stock=4, status=Product.Status.APPROVED)


def test_what_the_release_listed_is_announced_at_the_measured_prices(approved):
    task = run_ops("launch_announcement", sales=BUILD)

    assert (task.status, task.error) == ("succeeded", "")
    seen = {o.kind: o for o in Observation.objects.filter(run=task.run)}
    assert task.result["inventory_ref"] == seen["inventory"].ref
    assert task.result["release_ref"] == seen["storefront_release"].ref
    assert [(i["sku"], i["price_minor"]) for i in task.result["items"]] == [("NEW-1", 2400), ("NEW-2", 9900)]
    promotion = Promotion.objects.get()
    assert (promotion.status, promotion.observation) == ("draft", seen["inventory"])
    assert promotion.body == "Icon pack is on sale from today. It is one of 2 things that went on sale together."
    payloads = [seen["inventory"].payload, seen["storefront_release"].payload]
    assert promotion_texts.unfounded(promotion.channels, *payloads) == {}
    assert "Launch kit, $99.00, 4 left" in promotion.channels["email"]
    assert "launch_announcement.md" in [a.name for a in task.artifacts.all()]


def test_a_release_that_lists_nothing_announces_nothing(db):
    make_product("OLD")

    task = run_ops("launch_announcement", sales=BUILD)

    assert task.status == "needs_human"
    assert task.waiting_on == "This release put nothing on sale that could be announced."
    assert Promotion.objects.count() == 0


def test_only_what_the_inventory_confirms_is_announced():
    product = {"status": "listed", "stock": None, "title": "T", "option": "", "currency": "USD", "url": "u"}
    inventory = {
        "products": [
            product | {"sku": "SAME", "price_minor": 100},
            product | {"sku": "DEARER", "price_minor": 200},
            product | {"sku": "GONE", "price_minor": 100, "stock": 0},
            product | {"sku": "HIDDEN", "price_minor": 100, "status": "archived"},
        ]
    }
    skus = ("SAME", "DEARER", "GONE", "HIDDEN", "UNKNOWN")
    release = {"listed": [{"sku": sku, "price_minor": 100, "currency": "USD"} for sku in skus]}

    assert [item["sku"] for item in announced(inventory, release)] == ["SAME"]


def test_drafts_that_wait_are_evidence_against_another(approved):
    workflow = workflows.get("launch_announcement")
    assert workflow.evidence() == []

    run_ops("launch_announcement", sales=BUILD)

    assert [(e.text, e.factor) for e in workflow.evidence()] == [
        ("Announcements that wait for a decision: 1", 0.7)
    ]
