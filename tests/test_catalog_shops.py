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


def test_woocommerces_variations_may_share_the_stock_of_their_parent():
    rows = (
        "1,variable,CUP,Cup,1,,,9\n2,variation,CUP-S,Cup,1,5,CUP,parent\n3,variation,CUP-L,Cup,1,6,id:1,parent\n"
    )

    small, large = catalog.read((WOO + rows + "4,simple,JAR,Jar,1,7,,parent\n").encode()).rows[:2]

    assert (small.problems, large.problems) == ([], [])
    assert (small.fields["stock"], large.fields["stock"]) == (9, 9)
    assert [flag["column"] for flag in small.flags + large.flags] == ["Stock", "Stock"]


def test_woocommerces_variations_are_of_the_kind_that_their_parents_categories_say():
    header = "ID,Type,SKU,Name,Published,Regular price,Parent,Categories\n"
    rows = "1,variable,COURSE,Sailing,1,,,Courses > Sea\n"
    rows += '2,"variation, virtual",COURSE-1,Sailing,1,5,COURSE,\n3,variation,COURSE-2,Sailing,1,6,id:1,\n'
    rows += '4,"variation, downloadable, virtual",COURSE-3,Sailing,1,7,COURSE,\n'
    rows += (
        '5,variable,CUP,Cup,1,,,Mugs\n6,variation,CUP-1,Cup,1,8,CUP,\n7,"variation, virtual",CUP-2,Cup,1,9,CUP,\n'
    )

    found = catalog.read((header + rows).encode()).rows

    kinds = ["course", "course", "download", "physical", "service"]
    assert [entry.defaults["kind"] for entry in found] == kinds


def test_a_woocommerce_sale_that_is_no_cheaper_is_none():
    header = "ID,Type,SKU,Name,Published,Sale price,Regular price\n"
    rows = "1,simple,JAR,Jar,1,9,7\n2,simple,CUP,Cup,1,7,7\n3,simple,LID,Lid,1,6,7\n"

    found = catalog.read((header + rows).encode()).rows

    assert [(e.fields["price_minor"], e.fields["compare_at_minor"]) for e in found] == [
        (700, None),
        (700, None),
        (600, 700),
    ]
    assert [[flag["column"] for flag in e.flags] for e in found] == [["Sale price"], ["Sale price"], []]


def test_woocommerces_commas_inside_a_word_and_hidden_products_are_understood():
    header = "ID,Type,SKU,Name,Published,Regular price,Parent,Tags,Visibility in catalog,Attribute 1 value(s)\n"
    rows = (
        '1,simple,JAR,Jar,1,7,,"salt\\, pepper, sugar",hidden,\n'
        "2,variable,CUP,Cup,1,,,,visible,\n"
        '3,variation,CUP-S,Cup,1,5,CUP,,visible,"Red\\, dark"\n'
        "4,variable,LID,Lid,1,9,,,visible,\n"
    )

    reading = catalog.read((header + rows).encode())

    jar, cup = reading.rows
    assert (jar.fields["tags"], jar.wants_listing) == (["salt, pepper", "sugar"], False)
    assert (cup.fields["option"], cup.wants_listing) == ("Red, dark", True)
    assert reading.sheet.notes == ["Row 5: 'Lid' has no variations to sell."]


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


def test_a_comma_inside_a_woocommerce_pictures_address_is_a_part_of_it():
    header = WOO.strip() + ",Images\n"
    row = '1,simple,a,A,1,5,,,"https://cdn.example/w_9\\,h_9/a.jpg, https://cdn.example/b.jpg"\n'

    (entry,) = catalog.read((header + row).encode()).rows

    assert entry.fields["image"] == "https://cdn.example/w_9,h_9/a.jpg"


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


def test_squares_stock_is_the_sum_of_its_locations_and_archived_things_are_not_listed():
    header = "Token,Item Name,Variation Name,SKU,Price,Current Quantity Pier,Current Quantity Attic,Archived\n"
    rows = "T1,Tea,Small,S1,5,0,,N\nT2,Tea,Large,S2,6,3,4,N\nT3,Cup,Regular,S3,7,,,Y\nT4,Pot,Regular,S4,8,-2,1,N\n"

    found = catalog.read((header + rows + "T5,Jug,Regular,S5,9,few,,N\n").encode()).rows

    assert [entry.fields.get("stock", "none") for entry in found[:4]] == [0, 7, None, 1]
    assert [entry.wants_listing for entry in found] == [True, True, False, True, True]
    assert [flag["column"] for flag in found[3].flags] == ["current quantity pier"]
    assert [problem["column"] for problem in found[4].problems] == ["current quantity pier"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["woocommerce.csv", "woocommerce_de.csv", "etsy.csv", "bigcommerce.csv"])
def test_the_same_file_again_changes_nothing(name):
    data = (FIXTURES / name).read_bytes()
    importing.import_catalog(data, name, publish=True)
    before = list(Product.objects.order_by("pk").values())

    again = importing.import_catalog(data, name, publish=True)

    assert (again.status, again.created_count, again.changed_count) == ("applied", 0, 0)
    assert again.unchanged_count == len(before) > 0
    assert list(Product.objects.order_by("pk").values()) == before


# --- BigCommerce ------------------------------------------------------------------------------------------

BIG = "Item Type,Product ID,Product Name,Product Code/SKU,Price,Sale Price,Track Inventory,Current Stock Level\n"


def test_bigcommerces_products_and_their_skus_are_read():
    lamp, small, large, red, guide = read("bigcommerce.csv").rows

    assert [entry.row for entry in (lamp, small, large, red, guide)] == [2, 4, 5, 6, 9]
    assert [entry.sku for entry in (lamp, small, large, red, guide)] == [
        "LAMP-1",
        "REEF-S",
        "REEF-L",
        "REEF-XR",
        "bc-14",
    ]
    assert lamp.fields | {"description": ""} == {
        "sku": "LAMP-1",
        "title": "Harbor lamp",
        "description": "",
        "vendor": "Lantern & Co",
        "tags": ["lamp", "harbor light"],
        "summary": "A lamp for the desk.",
        "category": "Desk/Floor",
        "image": "https://cdn.shop.example/lamp.jpg",
        "price_minor": 4000,
        "compare_at_minor": 5000,
        "currency": "USD",
        "stock": 4,
    }
    assert (lamp.defaults["kind"], guide.defaults["kind"]) == ("physical", "download")
    assert [entry.wants_listing for entry in (lamp, small, guide)] == [True, True, False]
    assert (guide.fields["price_minor"], guide.fields["compare_at_minor"], guide.fields["stock"]) == (
        900,
        1200,
        None,
    )


def test_bigcommerces_variants_have_the_prices_of_their_rules():
    _, small, large, red, _ = read("bigcommerce.csv").rows

    variants = (small, large, red)
    assert [entry.fields["option"] for entry in variants] == ["Small / Sand", "Large / Sand", "XL / Red: deep"]
    assert {entry.fields["family"] for entry in variants} == {"reef"}
    assert {entry.fields["title"] for entry in variants} == {"Reef shirt"}
    assert [entry.fields["price_minor"] for entry in variants] == [2000, 2450, 3100]
    assert [entry.fields["stock"] for entry in variants] == [7, 0, 2]
    assert [flag["column"] for flag in small.flags] == ["Product Image File - 1"]
    assert not any(entry.problems for entry in variants)


@pytest.mark.parametrize(
    ("rows", "column", "words"),
    [
        ("SKU,,[S]Size=S,T-S,,,,", "Item Type", "stands below no product"),
        ("Product,1,Tee,,,,,\n", "Price", "is empty"),
        ("Product,,Tee,,5,,,", "Product Code/SKU", "and so is the Product ID"),
        ("Bundle,1,Tee,T,5,,,", "Item Type", "not one of Product, SKU, Rule"),
        ("Product,1,Tee,T,5,,,\nSKU,,Small,T-S,,,,", "Product Name", "names no option"),
        ("Product,1,Tee,T,5,,,\nSKU,,[S]Size=S,,,,,", "Product Code/SKU", "is empty"),
        ("Product,1,Tee,T,5,,,\nSKU,,[S]Size=S,T-S,,,,\nRule,,[S]Size=S,,[PERCENT]9,,,", "Price", "row 4"),
        ("Product,1,Tee,T,5,,,\nSKU,,[S]Size=S,T-S,,,,\nRule,,,T-S,[REMOVE]9,,,", "Price", "negative by row 4"),
        ("Product,1,Tee,T,5,,,\nSKU,,[S]Size=S,T-S,,,,\nRule,,,T-S,[ADD]x,,,", "Price", "depends on row 4"),
        ("Product,1,Tee,T,5,,by product,many", "Current Stock Level", "whole number"),
    ],
)
def test_a_bigcommerce_row_that_says_too_little_is_refused(rows, column, words):
    (entry,) = catalog.read((BIG + rows + "\n").encode()).rows

    assert [problem["column"] for problem in entry.problems] == [column]
    assert words in entry.problems[0]["detail"]


def test_products_whose_variants_alone_have_skus_are_families_of_their_own():
    big = "Item Type,Product Name,Product Code/SKU,Price\n"
    shirt = "Product,Shirt,,10\nSKU,[S]Size=S,SH-S,\nSKU,[S]Size=M,SH-M,\n"
    mug = "Product,Mug,,7\nSKU,[S]Size=L,MUG-L,\n"

    entries = catalog.read((big + shirt + mug).encode()).rows

    assert [entry.fields["family"] for entry in entries] == ["sh-s", "sh-s", "mug-l"]


@pytest.mark.parametrize("swatch", ["#ff0000", "#f00|#00f", "red.png", "https://cdn.example:80/a:b/red.png"])
def test_a_swatch_is_no_part_of_its_colors_name(swatch):
    rows = f'Product,1,Tee,T,5,,,\nSKU,,"[CS]Color=Red: dark:{swatch}",T-R,,,,\n'

    (entry,) = catalog.read((BIG + rows).encode()).rows

    assert entry.fields["option"] == "Red: dark"


def test_a_rule_for_other_options_changes_no_price():
    rows = "Product,1,Tee,T,5,,,\n  SKU,,[S]Size=S,T-S,,,,\n  SKU,,[S]Size=M,T-M,6.50,,,\n"
    rules = '  Rule,,"[S]Size=L,Size=XL",,[ADD]9,,,\n  Rule,,"[S]Size=S,[S]Color=Red",,[ADD]9,,,\n'
    rules += "  Rule,,,T-X,[ADD]9,,,\n"

    entries = catalog.read((BIG + rows + rules).encode()).rows

    assert [entry.fields["price_minor"] for entry in entries] == [500, 650]


def test_a_stock_of_all_variants_together_is_flagged():
    entries = catalog.read((BIG + "Product,1,Tee,T,5,,by product,3\nSKU,,[S]Size=S,T-S,,,,9\n").encode()).rows

    assert [(entry.fields["stock"], entry.flags[0]["column"]) for entry in entries] == [(3, "Current Stock Level")]


# --- Etsy in other languages --------------------------------------------------------------------------------

GERMAN = (
    "TITEL,BESCHREIBUNG,PREIS,WÄHRUNGSCODE,STÜCKZAHL,TAGS,MATERIALIEN,"
    + ",".join(f"BILD{n}" for n in range(1, 11))
    + "".join(f",VARIATIONSTYP {n},VARIATIONSNAME {n},VARIATIONSWERT {n}" for n in (1, 2))
    + ",BESTANDSEINHEIT"
)
# Another language of the same shape, whose words nobody has told us.
UNSEEN = ",".join(f"WORD{letter}" for letter in "ABCDEFG")
UNSEEN += (
    "," + ",".join(f"PHOTO{n}" for n in range(1, 11)) + "," + ",".join(f"OTHER{letter}" for letter in "ABCDEFG")
)


def etsy_rows(header):
    shirt = "Lantern shirt,Soft.,24.50,EUR,120,lantern_fish,cotton,https://cdn.shop.example/s.jpg" + "," * 10
    return f'{header}\n{shirt}Color,Color,"Sand,Navy",,,,LS-1\n'.encode()


@pytest.mark.parametrize("header", [GERMAN, UNSEEN])
def test_an_etsy_file_in_another_language_says_the_same(header):
    english = [
        "TITLE,DESCRIPTION,PRICE,CURRENCY_CODE,QUANTITY,TAGS,MATERIALS",
        *(f"IMAGE{n}" for n in range(1, 11)),
    ]
    english += [f"VARIATION {n} {what}" for n in (1, 2) for what in ("TYPE", "NAME", "VALUES")] + ["SKU"]

    theirs, ours = catalog.read(etsy_rows(header)), catalog.read(etsy_rows(",".join(english)))

    assert (theirs.format, theirs.rows) == ("etsy-listings", ours.rows)
    assert ours.rows[0].fields["stock"] == 120 and not ours.rows[0].problems
    assert len(theirs.sheet.notes) == (1 if header == UNSEEN else 0)


def test_a_table_with_ten_pictures_in_another_place_is_no_etsy_file():
    names = [f"PHOTO{n}" for n in range(1, 11)] + [f"WORD{letter}" for letter in "ABCDEFGHIJKLMN"]

    with pytest.raises(Refusal, match="No format that we know"):
        catalog.read(etsy_rows(",".join(names)))


def test_a_file_of_etsys_shape_with_other_contents_is_refused_by_its_rows():
    (entry,) = catalog.read(etsy_rows(UNSEEN).replace(b"EUR", b"120 left")).rows

    assert [problem["column"] for problem in entry.problems] == ["CURRENCY_CODE"]
