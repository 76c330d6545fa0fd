"""Measuring the shop, and holding it against its file."""

import hashlib

import pytest

from agency.models.runs import canonical_json
from earnings.sheets import Sheet
from storefront import inventory
from storefront.catalog import Entry, Reading
from storefront.models import CatalogImport, Product
from tests.factories import make_gig, make_product

pytestmark = pytest.mark.django_db


def reading(*entries):
    return Reading("direction-board", "products", list(entries), Sheet("utf-8", ",", [], []))


def entry_of(product, row=2, **fields):
    stated = {name: getattr(product, name) for name in inventory.COMPARED}
    return Entry(row, product.sku, stated | fields)


def findings(read, products):
    comparison = inventory.Comparison(products)
    comparison.add(read.rows, read.sheet)
    return comparison.findings()


def compared(*entries):
    found = findings(reading(*entries), Product.objects.order_by("sku"))
    return [(finding.code, finding.sku, finding.expected, finding.seen) for finding in found]


def test_the_inventory_is_measured_by_sku_with_prices_as_integers_and_text(settings):
    settings.PUBLIC_URL = "https://shop.example"
    make_product("B-2", title="Kit", slug="kit", family="kit", price_minor=123450, stock=0, tags=["a"])
    make_product("A-1", title="Poster", slug="poster", price_minor=1800, currency="JPY", status="draft")
    make_gig("logo", name="Logo", price_minor=10000)
    make_gig("hidden", is_listed=False)

    payload = inventory.measure()

    assert payload["schema"] == 1
    assert payload["file"] is None
    assert [product["sku"] for product in payload["products"]] == ["A-1", "B-2"]
    assert payload["products"][1] == {
        "sku": "B-2",
        "title": "Kit",
        "option": "",
        "family": "kit",
        "category": "",
        "kind": "download",
        "price_minor": 123450,
        "price": "1234.50",
        "currency": "USD",
        "stock": 0,
        "status": "listed",
        "url": "https://shop.example/products/kit/",
        "image": "/static/demo/example.svg",
        "external_url": "",
        "tags": ["a"],
    }
    assert payload["products"][0]["price"] == "1800"
    assert payload["services"] == [
        {
            "slug": "logo",
            "name": "Logo",
            "category": "",
            "url": "https://shop.example/services/logo/",
            "packages": [
                {
                    "tier": "basic",
                    "price_minor": 10000,
                    "price": "100.00",
                    "currency": "USD",
                    "delivery_days": 3,
                }
            ],
        }
    ]
    assert payload["totals"] == {
        "products": 2,
        "listed": 1,
        "out_of_stock": 1,
        "services": 1,
        "value": {"USD": {"minor": 123450, "amount": "1234.50"}},
    }


def test_an_empty_shop_can_be_measured():
    assert inventory.measure()["totals"] == {
        "products": 0,
        "listed": 0,
        "out_of_stock": 0,
        "services": 0,
        "value": {},
    }


def test_currencies_are_never_added():
    make_product(price_minor=100, currency="USD")
    make_product(price_minor=200, currency="USD")
    make_product(price_minor=500, currency="EUR")
    make_product(price_minor=900, currency="EUR", status="archived")

    assert inventory.measure()["totals"]["value"] == {
        "EUR": {"minor": 500, "amount": "5.00"},
        "USD": {"minor": 300, "amount": "3.00"},
    }


def test_measuring_an_unchanged_shop_twice_gives_the_same_hash():
    for sku in ("b", "A", "ä", "Z", "a-1"):
        make_product(sku)
    make_gig()

    bodies = {canonical_json(inventory.measure()) for _ in range(2)}
    Product.objects.filter(sku="a-1").update(position=1)
    bodies.add(canonical_json(inventory.measure()))

    assert len({hashlib.sha256(body.encode()).hexdigest() for body in bodies}) == 1


def test_a_changed_price_changes_the_hash():
    product = make_product()
    before = canonical_json(inventory.measure())

    Product.objects.filter(pk=product.pk).update(price_minor=2901)

    assert canonical_json(inventory.measure()) != before


def test_the_number_of_queries_does_not_grow_with_the_shop(django_assert_num_queries):
    make_product()
    make_gig()
    with django_assert_num_queries(3):
        inventory.measure()
    Product.objects.bulk_create(
        Product(
            sku=f"N-{n}",
            slug=f"n-{n}",
            family=f"n-{n}",
            title=f"N {n}",
            price_minor=n,
            currency="USD",
            status="listed",
        )
        for n in range(5000)
    )
    for _ in range(3):
        make_gig()

    with django_assert_num_queries(3):
        payload = inventory.measure()

    assert payload["totals"]["listed"] == 5001
    assert payload["totals"]["value"]["USD"]["minor"] == 2900 + 4999 * 5000 // 2


def test_the_measurement_names_the_file_it_is_held_against():
    file = CatalogImport(name="shop.csv", sha256="ab" * 32, format="direction-board")

    assert inventory.measure(file)["file"] == {
        "name": "shop.csv",
        "sha256": "ab" * 32,
        "format": "direction-board",
    }


def test_one_row_with_an_unknown_currency_does_not_stop_the_measurement():
    make_product("A", currency="XQX")
    make_product("B")

    payload = inventory.measure()
    found = inventory.review(Product.objects.all())

    assert [product["price"] for product in payload["products"]] == ["", "29.00"]
    assert ("A", "currency_unknown", "XQX") in [(f.sku, f.code, f.seen) for f in found]


# --- File against database ------------------------------------------------------------------------------


def test_a_shop_that_equals_its_file_has_no_differences():
    product = make_product(stock=3)

    assert compared(entry_of(product)) == []


@pytest.mark.parametrize(
    ("fields", "code", "expected", "seen"),
    [
        ({"price_minor": 3900}, "price_differs", "39.00", "29.00"),
        ({"currency": "EUR"}, "currency_differs", "EUR", "USD"),
        ({"title": "Another"}, "title_differs", "Another", "Kit"),
        ({"stock": 4}, "stock_differs", "4", "unlimited"),
        ({"compare_at_minor": 4900}, "price_differs", "49.00", ""),
        ({"category": "Posters"}, "text_differs", "Posters", ""),
    ],
)
def test_each_difference_names_both_sides(fields, code, expected, seen):
    product = make_product("KIT", title="Kit")

    assert compared(entry_of(product, **fields)) == [(code, "KIT", expected, seen)]


def test_a_wrong_price_in_the_database_is_found_with_a_concrete_remedy():
    product = make_product("KIT", title="Kit")
    entry = entry_of(product, row=7)
    Product.objects.update(price_minor=2)

    (finding,) = findings(reading(entry), Product.objects.all())

    assert (finding.severity, finding.expected, finding.seen) == ("error", "29.00", "0.02")
    assert finding.message == "Price of Kit differs (row 7)."
    assert finding.fix == "Set the price to '29.00' in the shop, or write '0.02' into row 7 of the file."


def test_what_one_side_lacks_is_named():
    make_product("ONLY-DB")
    make_product("OLD", status="archived")

    found = compared(Entry(2, "ONLY-FILE", {"title": "Poster"}))

    assert found == [("missing_in_database", "ONLY-FILE", "ONLY-FILE", ""), ("missing_in_file", "ONLY-DB", "", "")]


def test_a_row_that_the_import_refuses_is_a_finding_and_nothing_else():
    product = make_product("KIT")
    entry = entry_of(product, title="Another")
    entry.refuse("price", "'12,34,5' is not a number")

    (finding,) = findings(reading(entry), Product.objects.all())

    assert (finding.code, finding.message) == (
        "file_row_refused",
        "Row 2, price: '12,34,5' is not a number",
    )


def test_each_product_is_held_against_the_newest_file_that_has_it():
    kit, poster = make_product("KIT"), make_product("POSTER")
    make_product("ALONE")
    newest = reading(entry_of(kit))
    older = reading(entry_of(kit, price_minor=1), entry_of(poster, price_minor=3000))

    comparison = inventory.Comparison(Product.objects.all())
    for file in (newest, older):
        comparison.add(file.rows, file.sheet)

    assert [(f.code, f.sku) for f in comparison.findings()] == [
        ("price_differs", "POSTER"),
        ("missing_in_file", "ALONE"),
    ]


def test_a_column_that_the_file_does_not_have_says_nothing():
    make_product("KIT", stock=3, category="Kits")

    assert compared(Entry(2, "KIT", {"price_minor": 2900, "currency": "USD"})) == []


def test_what_the_file_publishes_and_the_shop_does_not_list_is_found():
    product = make_product("KIT", status="approved")
    entry = entry_of(product)
    entry.wants_listing = True

    assert compared(entry) == [("not_listed", "KIT", "listed", "approved")]


# --- What rows show by themselves -------------------------------------------------------------------------


def test_a_complete_row_passes_the_review():
    make_product(description="<p>All of it.</p>")

    assert inventory.review(Product.objects.all()) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"summary": " "}, "summary_missing"),
        ({"description": ""}, "description_missing"),
        ({"title": "T" * 71}, "title_long"),
        ({"price_minor": 0}, "price_zero"),
        ({"compare_at_minor": 2900}, "compare_at_low"),
        ({"stock": 0}, "sold_out"),
        ({"image": ""}, "image_missing"),
        ({"image_alt": ""}, "alt_missing"),
        ({"image": "https://cdn.example/x.png"}, "image_remote"),
    ],
)
def test_the_review_finds_what_a_row_lacks(fields, code):
    make_product("KIT", **({"description": "All of it."} | fields))

    assert [(f.code, f.sku) for f in inventory.review(Product.objects.all())] == [(code, "KIT")]


def test_a_price_of_nothing_is_no_fault_when_it_is_called_free():
    make_product(description="x", price_minor=0, tags=["Free"])

    assert inventory.review(Product.objects.all()) == []


def test_products_that_share_a_title_are_found_and_variants_are_not():
    make_product("A", title="Kit", description="x")
    make_product("B", title="kit", description="x")
    make_product("C", title="Kit", option="Team", description="x")

    found = inventory.review(Product.objects.order_by("sku"))

    assert [(f.code, f.sku, f.message) for f in found] == [("title_shared", "B", "Its title is also that of A.")]


def test_drafts_are_not_reviewed():
    make_product(status="draft", image="")

    assert inventory.review(Product.objects.all()) == []
