"""A storefront build changes the shop once, and can be taken back without losing what others did since."""

import threading
import time

import pytest
from django.db import connection

from earnings.refusals import Refusal
from storefront import releases
from storefront.catalog import importing, publishing
from storefront.models import CatalogImport, Product, Release
from storefront.releases import Build
from tests.factories import make_product, make_task

pytestmark = pytest.mark.django_db

FILE = b"""sku,title,price,currency,stock,status,image,summary
KIT,Launch kit,29.00,USD,5,listed,/static/kit.svg,All of it
MAP,Wall map,12.00,USD,,draft,/static/map.svg,To hang up
"""


@pytest.fixture
def file():
    """A catalog that somebody imported: its products are drafts."""
    return importing.import_catalog(FILE, "shop.csv")


def status_of(sku):
    return Product.objects.get(sku=sku).status


def state():
    return list(Product.objects.order_by("sku").values(*releases.TRACKED))


def test_a_build_lists_what_a_person_approved_and_never_a_draft(file):
    publishing.approve(Product.objects.filter(sku="KIT"))

    release = releases.publish(Build(task_id=1))

    assert release.listed_skus == ["KIT"]
    assert (status_of("KIT"), status_of("MAP")) == ("listed", "draft")
    assert (release.before, release.after) == ({"KIT": {"status": "approved"}}, {"KIT": {"status": "listed"}})
    assert (releases.created_count(release), releases.changed_count(release)) == (0, 1)


def test_a_file_that_calls_a_row_listed_does_not_list_it_without_a_person(file):
    releases.publish(Build(task_id=1, catalog_import=file))

    assert status_of("KIT") == "draft"


def test_building_twice_for_one_task_is_building_once(file):
    make_product("A", status="approved")
    first = releases.publish(Build(task_id=1, catalog_import=file))
    make_product("B", status="approved")
    after_first = state()

    second = releases.publish(Build(task_id=1, catalog_import=file))

    assert second == first
    assert state() == after_first
    assert status_of("B") == "approved"
    assert Release.objects.count() == 1
    assert CatalogImport.objects.count() == 2


def test_a_build_imports_the_named_file_again(file):
    Product.objects.filter(sku="KIT").update(price_minor=2, status="listed")
    Product.objects.filter(sku="MAP").delete()

    release = releases.publish(Build(task_id=1, catalog_import=file))

    assert Product.objects.get(sku="KIT").price_minor == 2900
    assert release.before["KIT"] == {"price_minor": 2}
    assert release.before["MAP"] is None
    assert release.after["MAP"]["status"] == "draft"
    assert release.catalog_import.sha256 == file.sha256
    assert (releases.created_count(release), releases.changed_count(release)) == (1, 1)


def test_a_subset_of_the_approved_products_can_be_published():
    make_product("A", status="approved")
    make_product("B", status="approved")
    make_product("C", status="listed")

    release = releases.publish(Build(task_id=1, skus=("B", "C")))

    assert release.listed_skus == ["B"]
    assert status_of("A") == "approved"


def test_asking_for_a_draft_or_an_unknown_product_is_refused_and_nothing_moves(file):
    make_product("A", status="approved")
    before = state()

    with pytest.raises(Refusal) as refused:
        releases.publish(Build(task_id=1, skus=("A", "KIT", "NOPE"), catalog_import=file))

    assert refused.value.status == 422
    assert refused.value.errors == [
        {"pointer": "/params/publish/1", "detail": "'KIT' is draft: a person has to approve it first."},
        {"pointer": "/params/publish/2", "detail": "There is no product 'NOPE'."},
    ]
    assert state() == before
    assert not Release.objects.exists()
    assert CatalogImport.objects.count() == 1


def test_a_file_that_can_not_be_imported_any_more_stops_the_build():
    make_product("A", status="approved")
    bad = importing.import_catalog(FILE.replace(b"29.00", b"ask us"), "bad.csv")
    before = state()

    with pytest.raises(Refusal, match=r"bad\.csv can't be imported: row 2: price 'ask us'"):
        releases.publish(Build(task_id=1, catalog_import=bad))

    assert state() == before
    assert not Release.objects.exists()


def test_taking_a_release_back_restores_every_field_that_it_changed(file):
    make_product("A", status="approved")
    # What a release listed is a draft again afterwards: the yes to it was used up and taken back.
    Product.objects.filter(sku="KIT").update(price_minor=2, status="listed", stock=None, summary="Old")
    before = state()
    release = releases.publish(Build(task_id=1, catalog_import=file))
    assert state() != before

    report = releases.rollback(release)

    now = {row["sku"]: row for row in state()}
    assert now.pop("A") == {row["sku"]: row for row in before}["A"] | {"status": "draft"}
    assert now["KIT"] == {row["sku"]: row for row in before}["KIT"]
    assert report == {"restored": ["A", "KIT"], "kept": []}
    assert releases.publish(Build(task_id=2)).listed_skus == []
    assert (release.status, release.rollback) == ("rolled_back", report)


def test_what_was_edited_since_the_release_is_kept_and_reported(file, staff):
    Product.objects.filter(sku="KIT").update(price_minor=2, summary="Old")
    release = releases.publish(Build(task_id=1, catalog_import=file))
    Product.objects.filter(sku="KIT").update(price_minor=3100)

    report = releases.rollback(release, by=staff)

    kit = Product.objects.get(sku="KIT")
    assert (kit.price_minor, kit.summary) == (3100, "Old")
    assert report == {"restored": ["KIT"], "kept": [{"sku": "KIT", "field": "price_minor", "now": 3100}]}
    assert release.rolled_back_by == staff


def test_taking_a_release_back_twice_is_taking_it_back_once():
    make_product("A", status="approved")
    release = releases.publish(Build(task_id=1))
    first = releases.rollback(release)
    Product.objects.update(status="listed")

    second = releases.rollback(Release.objects.get())

    assert second == first == {"restored": ["A"], "kept": []}
    assert status_of("A") == "listed"


def test_products_that_a_release_created_leave_the_shop_as_drafts(file):
    Product.objects.all().delete()
    release = releases.publish(Build(task_id=1, catalog_import=file))
    publishing.list_now(Product.objects.filter(sku="MAP"))

    report = releases.rollback(release)

    assert status_of("KIT") == "draft"
    assert report == {"restored": ["KIT"], "kept": [{"sku": "MAP", "field": "status", "now": "listed"}]}


def test_a_product_that_is_gone_is_reported():
    product = make_product("A", status="approved")
    release = releases.publish(Build(task_id=1))
    product.delete()

    assert releases.rollback(release) == {
        "restored": [],
        "kept": [{"sku": "A", "field": "status", "now": None}],
    }


def test_the_lead_of_a_family_goes_back_to_the_one_that_had_it():
    make_product("OLD", family="kit", status="draft", is_lead=True)
    make_product("NEW", family="kit", status="approved", is_lead=False)
    release = releases.publish(Build(task_id=1))
    assert Product.objects.get(is_lead=True).sku == "NEW"

    report = releases.rollback(release)

    assert Product.objects.get(is_lead=True).sku == "OLD"
    assert report == {"restored": ["NEW", "OLD"], "kept": []}


def test_a_build_forgets_cached_pages_and_nothing_else(settings):
    settings.CACHES = {
        name: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": name}
        for name in ("default", "pages")
    }
    releases.caches["pages"].set("/", "old page")
    releases.caches["default"].set("throttle", 3)

    releases.publish(Build(task_id=1))

    assert releases.caches["pages"].get("/") is None
    assert releases.caches["default"].get("throttle") == 3


@pytest.mark.django_db(transaction=True)
def test_what_staff_change_during_a_build_is_not_part_of_the_release(monkeypatch):
    make_product("A", status=Product.Status.APPROVED)
    make_product("B", price_minor=1000)
    list_now = releases.publishing.list_now
    editors = []

    def edit():
        Product.objects.filter(sku="B").update(price_minor=7777)
        connection.close()

    def list_while_staff_edit(queryset):
        editors.append(threading.Thread(target=edit))
        editors[0].start()
        time.sleep(0.3)
        return list_now(queryset)

    monkeypatch.setattr(releases.publishing, "list_now", list_while_staff_edit)
    release = releases.publish(releases.Build(make_task().pk))
    editors[0].join()

    releases.rollback(release)

    assert Product.objects.get(sku="B").price_minor == 7777
    assert set(release.before) == {"A"}
