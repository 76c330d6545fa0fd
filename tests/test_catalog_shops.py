"""Files of other shops mean what their shops mean."""

from pathlib import Path

import pytest

from earnings.refusals import Refusal
from storefront import catalog
from storefront.catalog import importing
from storefront.models import Product

FIXTURES = Path(__file__).parent / "fixtures" / "catalog"
WOO = "ID,Type,SKU,Name,Published,Regular price,Parent,Stock\n"


def read(name):
    return catalog.read((FIXTURES / name).read_bytes(), name)


def by_sku(reading):
    return {entry.sku: entry for entry in reading.rows}


def test_woocommerces_variations_take_from_their_parent_what_they_leave_out():
    reading = read("woocommerce.csv")
    found = by_sku(reading)

    assert list(found) == ["tide-a4", "woo-13", "board", "woo-15", "pennant"]
    small, large = found["tide-a4"], found["woo-13"]
    assert not small.problems + large.problems
    assert (small.fields["title"], small.fields["option"], small.fields["family"]) == (
        "Tide print",
        "A4 / No",
        "woo-10",
    )
    assert (small.fields["stock"], large.fields["stock"]) == (5, 0)
    assert (small.fields["image"], large.fields["image"]) == (
        "https://cdn.shop.example/a.jpg",
        "https://cdn.shop.example/a3.jpg",
    )
    assert small.fields["summary"] == "Calm water." and "<b>cotton</b>" in large.fields["description"]
    assert (small.fields["category"], small.fields["tags"]) == ("Prints", ["sea", "calm"])
    assert reading.sheet.notes == ["Row 7: 'The whole set' groups other products and is not one."]


def test_woocommerces_prices_sales_kinds_and_stocks():
    found = by_sku(read("woocommerce.csv"))

    prices = {sku: (e.fields["price_minor"], e.fields["compare_at_minor"]) for sku, e in found.items()}
    assert prices == {
        "tide-a4": (1900, None),
        "woo-13": (2900, None),
        "board": (1200, 1500),
        "woo-15": (10000, None),
        "pennant": (1105, None),
    }
    assert [e.defaults["kind"] for e in found.values()] == [
        "physical",
        "physical",
        "download",
        "service",
        "physical",
    ]
    assert [e.wants_listing for e in found.values()] == [True, True, True, False, True]
    assert [flag["column"] for flag in found["woo-15"].flags] == ["Sale price", "Stock"]
    assert (found["woo-15"].fields["stock"], found["pennant"].fields["stock"]) == (0, None)
    assert found["pennant"].fields["external_url"] == "https://market.example/pennant"
    assert [flag["column"] for flag in found["pennant"].flags] == ["Images"]


def test_woocommerces_columns_may_be_in_another_language_below_an_empty_line():
    (entry,) = read("woocommerce_de.csv").rows

    assert (entry.sku, entry.problems) == ("woo-7", [])
    fields = {name: entry.fields[name] for name in ("title", "price_minor", "stock", "category", "description")}
    assert fields == {
        "title": "Der Kalender",
        "price_minor": 1250,
        "stock": 4,
        "category": "Büro",
        "description": "Text",
    }


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("1,variation,a,A,1,5,nobody,", "Parent"),
        ("1,variation,a,A,1,5,,", "Parent"),
        (",simple,,A,1,5,,", "ID"),
        ("1,simple,a,,1,5,,", "Name"),
        ("1,simple,a,A,1,,,", "Regular price"),
        ("1,simple,a,A,1,5,,many", "Stock"),
    ],
)
def test_a_woocommerce_row_that_says_too_little_is_refused(row, column):
    (entry,) = catalog.read((WOO + row + "\n").encode()).rows

    assert [problem["column"] for problem in entry.problems] == [column]


def test_an_etsy_listing_is_one_product_with_its_variations_told():
    shirt, plan, mug = read("etsy.csv").rows

    assert [entry.sku for entry in (shirt, plan, mug)] == [
        "lantern-and-reef-shirt",
        "tide-plan-digital-download",
        "HM-1",
    ]
    assert (shirt.fields["title"], shirt.fields["price_minor"], shirt.fields["currency"]) == (
        "Lantern & reef shirt",
        2450,
        "EUR",
    )
    assert shirt.fields["description"].endswith("<p>Color: Sand, Navy</p><p>Size: S, M</p>")
    assert shirt.fields["tags"] == ["lantern fish", "reef"]
    assert [len(entry.flags) for entry in (shirt, plan, mug)] == [1, 0, 0]
    assert [entry.defaults["kind"] for entry in (shirt, plan, mug)] == ["physical", "download", "physical"]


def test_etsy_titles_that_differ_at_their_ends_are_two_products():
    head = (FIXTURES / "etsy.csv").read_text().splitlines()[0]
    rows = [f'"{"a long title " * 10}{end}",x,5,EUR,1,,,,,,,,,,,' for end in ("one", "two")]

    skus = [entry.sku for entry in catalog.read("\n".join([head, *rows]).encode()).rows]

    assert len(set(skus)) == 2 and all(len(sku) <= 120 for sku in skus)


def test_amazons_and_squares_lists_are_read():
    amazon = (
        "item-name\tseller-sku\tprice\tquantity\tstatus\nMug\tAM-1\t9.5\t\tActive\nCup\tAM-2\t8\t2\tInactive\n"
    )
    square = (
        '\ufeffToken,Item Name,Variation Name,SKU,Price\nT1,Coffee,Large,,3.50\nT2,Tea,Regular,SQ-2,"£4,250.00"\n'
    )

    mug, cup = catalog.read(amazon.encode()).rows
    assert [(e.sku, e.fields["price_minor"], e.fields.get("stock"), e.wants_listing) for e in (mug, cup)] == [
        ("AM-1", 950, None, True),
        ("AM-2", 800, 2, False),
    ]
    coffee, tea = catalog.read(square.encode()).rows
    assert [(e.sku, e.fields["option"], e.fields["price_minor"], e.fields["currency"]) for e in (coffee, tea)] == [
        ("T1", "Large", 350, "USD"),
        ("SQ-2", "", 425000, "GBP"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["woocommerce.csv", "woocommerce_de.csv", "etsy.csv"])
def test_the_same_file_again_changes_nothing(name):
    data = (FIXTURES / name).read_bytes()
    importing.import_catalog(data, name, publish=True)
    before = list(Product.objects.order_by("pk").values())

    again = importing.import_catalog(data, name, publish=True)

    assert (again.status, again.created_count, again.changed_count) == ("applied", 0, 0)
    assert again.unchanged_count == len(before) > 0
    assert list(Product.objects.order_by("pk").values()) == before


def test_a_layout_that_we_are_not_certain_of_is_refused_by_its_columns():
    with pytest.raises(Refusal, match="No format that we know has these columns: Item Type, Product ID"):
        catalog.read(b"Item Type,Product ID,Product Name,Price,Variants\nProduct,1,Tee,25.00,[Color:Black]\n")
