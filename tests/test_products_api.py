"""Programs read and write the inventory over the API."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from storefront.models import CatalogImport, Product
from tests.factories import make_product

FIXTURES = Path(__file__).parent / "fixtures" / "catalog"
PRODUCTS = "/api/v1/products"

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(db):
    """Somebody who may edit the catalog and not publish it."""
    user = User.objects.create_user("editor", password="x")
    codenames = ["view_product", "add_product", "change_product", "add_catalogimport"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = APIClient()
    client.force_authenticate(user)
    return client


def upload(client, name="inventory.csv", content=None, **fields):
    data = (FIXTURES / name).read_bytes() if content is None else content
    return client.post(
        f"{PRODUCTS}/import", {"file": SimpleUploadedFile(name, data), **fields}, format="multipart"
    )


def test_a_product_is_shown_with_its_money_in_three_forms(api):
    product = make_product("A-1", price_minor=2900, compare_at_minor=3500, currency="USD")

    body = api.get(f"{PRODUCTS}/{product.pk}").json()

    assert body["price"] == {"amount": "29.00", "minor": 2900, "currency": "USD"}
    assert body["compare_at"] == {"amount": "35.00", "minor": 3500, "currency": "USD"}
    assert body["url"] == f"http://127.0.0.1:8000/products/{product.slug}/"


@pytest.mark.parametrize(
    ("query", "skus"),
    [
        ("", ["C-3", "B-2", "A-1"]),
        ("status=draft", ["B-2"]),
        ("category=Icons", ["A-1"]),
        ("kind=course", ["C-3"]),
        ("q=tide+calm", ["B-2"]),
        ("q=a-1", ["A-1"]),
        ("ordering=price_minor", ["B-2", "A-1", "C-3"]),
        ("ordering=-title", ["C-3", "B-2", "A-1"]),
    ],
)
def test_products_are_filtered_searched_and_sorted(api, query, skus):
    make_product("A-1", title="Alpha", category="Icons", price_minor=200)
    make_product("B-2", title="Tide Planner", summary="Calm weeks", status="draft", price_minor=100)
    make_product("C-3", title="Zeta", kind="course", price_minor=300)

    body = api.get(f"{PRODUCTS}?{query}").json()

    assert [product["sku"] for product in body["results"]] == skus


def test_a_product_is_created_as_a_draft_with_its_address(api):
    answer = api.post(
        PRODUCTS,
        {"sku": "N-1", "title": "Işık Seti", "price": {"amount": "29.90", "currency": "TRY"}, "tags": ["a", "b"]},
    )

    assert answer.status_code == 201
    product = Product.objects.get()
    assert (product.slug, product.family, product.status, product.is_lead) == ("isik-seti", "n-1", "draft", True)
    assert (product.price_minor, product.currency, product.tags) == (2990, "TRY", ["a", "b"])
    assert answer.json()["compare_at"] is None


def test_an_sku_that_exists_in_any_spelling_is_a_conflict(api):
    make_product("Kit-A")

    answer = api.post(PRODUCTS, {"sku": "KIT-a", "title": "T", "price": {"minor": 100, "currency": "USD"}})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/sku")
    assert Product.objects.count() == 1


@pytest.mark.parametrize(
    "price",
    [
        29.0,
        "29.00",
        None,
        {"amount": 29.0, "currency": "USD"},
        {"amount": "29,00", "currency": "USD"},
        {"amount": "29.005", "currency": "USD"},
        {"amount": "NaN", "currency": "USD"},
        {"amount": "-1.00", "currency": "USD"},
        {"amount": "29.00", "minor": 2901, "currency": "USD"},
        {"minor": 29.0, "currency": "USD"},
        {"minor": True, "currency": "USD"},
        {"amount": "29.00", "currency": "XXL"},
        {"amount": "29.00", "currency": ["USD"]},
        {"amount": "29.00", "cents": 1, "currency": "USD"},
        {"currency": "USD"},
    ],
)
def test_a_price_that_is_not_exact_money_is_refused(api, price):
    answer = api.post(PRODUCTS, {"sku": "N-1", "title": "T", "price": price})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("/price")
    assert Product.objects.count() == 0


def test_a_change_touches_only_what_it_names(api):
    product = make_product("A-1", stock=3)

    answer = api.patch(f"{PRODUCTS}/{product.pk}", {"price": {"amount": "31.00", "currency": "USD"}})

    assert answer.status_code == 200
    product.refresh_from_db()
    assert (product.price_minor, product.stock, product.title) == (3100, 3, answer.json()["title"])


def test_a_price_before_must_be_above_the_price(api):
    product = make_product("A-1", price_minor=2900, compare_at_minor=3500)

    above = api.patch(f"{PRODUCTS}/{product.pk}", {"price": {"minor": 3500, "currency": "USD"}})
    foreign = api.patch(f"{PRODUCTS}/{product.pk}", {"compare_at": {"minor": 9900, "currency": "EUR"}})

    assert (above.status_code, foreign.status_code) == (400, 400)
    product.refresh_from_db()
    assert (product.price_minor, product.compare_at_minor) == (2900, 3500)
    assert api.patch(f"{PRODUCTS}/{product.pk}", {"compare_at": None}).json()["compare_at"] is None


def test_the_sku_and_the_address_stay(api):
    product = make_product("A-1", slug="alpha")

    answer = api.patch(f"{PRODUCTS}/{product.pk}", {"sku": "B-1"})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/sku")
    api.patch(f"{PRODUCTS}/{product.pk}", {"slug": "beta", "title": "Beta"})
    product.refresh_from_db()
    assert (product.sku, product.slug, product.title) == ("A-1", "alpha", "Beta")


def test_listing_needs_the_right_to_publish(editor, api):
    product = make_product("A-1", title="Old", status="draft")

    refused = editor.patch(f"{PRODUCTS}/{product.pk}", {"status": "listed", "title": "New"})
    created = editor.post(
        PRODUCTS, {"sku": "N", "title": "N", "price": {"minor": 1, "currency": "USD"}, "status": "listed"}
    )
    product.refresh_from_db()
    assert (refused.status_code, created.status_code) == (403, 403)
    assert (product.status, product.title, Product.objects.count()) == ("draft", "Old", 1)

    assert api.patch(f"{PRODUCTS}/{product.pk}", {"status": "listed"}).json()["status"] == "listed"
    assert api.patch(f"{PRODUCTS}/{product.pk}", {"status": "listed"}).json()["status"] == "listed"
    assert editor.patch(f"{PRODUCTS}/{product.pk}", {"status": "draft"}).status_code == 403


def test_a_status_that_may_not_follow_is_a_conflict_that_lists_the_allowed_ones(api):
    product = make_product("A-1", title="Old", status="archived")

    answer = api.patch(f"{PRODUCTS}/{product.pk}", {"status": "listed", "title": "New"})

    assert (answer.status_code, answer.json()["allowed"]) == (409, ["draft"])
    product.refresh_from_db()
    assert (product.status, product.title) == ("archived", "Old")


def test_descriptions_and_addresses_are_made_safe(api):
    product = make_product("A-1")

    answer = api.patch(f"{PRODUCTS}/{product.pk}", {"description": "<p>Hi</p><script>x()</script>"})
    bad = api.patch(f"{PRODUCTS}/{product.pk}", {"external_url": "javascript:x()"})

    assert answer.json()["description"] == "<p>Hi</p>"
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (400, "/external_url")


def test_without_credentials_or_rights_there_is_no_inventory(client, db):
    stranger = APIClient()
    stranger.force_authenticate(User.objects.create_user("stranger"))

    assert client.get(PRODUCTS).status_code == 401
    assert stranger.get(PRODUCTS).status_code == 403
    assert upload(stranger).status_code == 403
    assert CatalogImport.objects.count() == 0


def test_products_are_never_deleted(api):
    product = make_product("A-1")

    assert api.delete(f"{PRODUCTS}/{product.pk}").status_code == 405
    assert Product.objects.count() == 1


# --- Import -----------------------------------------------------------------------------------------------


def test_a_file_is_imported_with_its_report(api, staff):
    answer = upload(api, publish="true")

    body = answer.json()
    assert (answer.status_code, body["status"], body["created_count"], body["format"]) == (
        201,
        "applied",
        3,
        "direction-board",
    )
    assert body["report"][0] == {
        "row": 2,
        "sku": "LF-TIDE-P",
        "outcome": "created",
        "changes": {},
        "problems": [],
        "title": "Tide Planner (Personal)",
        "price_minor": 1900,
        "currency": "USD",
    }
    assert Product.objects.listed().count() == 2
    assert CatalogImport.objects.get().created_by == staff
    assert upload(api).json()["unchanged_count"] == 3


def test_a_dry_run_changes_nothing(api):
    answer = upload(api, dry_run="true")

    assert (answer.status_code, answer.json()["status"], Product.objects.count()) == (200, "previewed", 0)


def test_a_refused_file_is_answered_with_its_rows(api):
    content = b"sku,title,price,currency\nA-1,Alpha,ten,USD\nB-1,Beta,5,USD\n"

    answer = upload(api, content=content)

    body = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert body["errors"] == [{"pointer": "/file/row/2/price", "detail": "Row 2: price 'ten' is not a number"}]
    assert (body["import"]["status"], body["import"]["refused_count"]) == ("refused", 1)
    assert Product.objects.count() == 0

    others = upload(api, content=content, leave_out="true")
    assert others.status_code == 201
    assert (others.json()["created_count"], others.json()["refused_count"], others.json()["leaves_out"]) == (
        1,
        1,
        True,
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04", "Excel workbook"),
        (b"<html></html>", "web page"),
        (b"a,b\n1,2\n", "Nearest"),
    ],
)
def test_a_file_that_is_no_catalog_is_answered_with_the_reason(api, content, words):
    answer = upload(api, content=content)

    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert CatalogImport.objects.count() == 0


def test_a_file_over_the_cap_is_refused(api, settings):
    settings.CATALOG_UPLOAD_MAX_BYTES = 100

    answer = upload(api)

    assert answer.status_code == 413
    assert CatalogImport.objects.count() == 0


def test_an_import_without_a_file_or_with_an_unknown_format_is_refused(api):
    missing = api.post(f"{PRODUCTS}/import", {}, format="multipart")
    unknown = upload(api, format="excel")

    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (400, "/file")
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (400, "/format")
    assert api.post(f"{PRODUCTS}/import", {"file": "x"}).status_code == 415


def test_importing_with_publishing_needs_the_right_to_publish(editor):
    refused = upload(editor, publish="true")
    assert (refused.status_code, Product.objects.count()) == (403, 0)

    assert upload(editor).status_code == 201
    assert Product.objects.listed().count() == 0


def test_a_field_that_products_do_not_have_is_named(api):
    product = make_product("A", price_minor=100)

    answer = api.patch(f"/api/v1/products/{product.pk}", {"pric": "1.00", "title": "New"})

    product.refresh_from_db()
    assert (answer.status_code, [e["pointer"] for e in answer.json()["errors"]]) == (400, ["/pric"])
    assert product.title != "New"
