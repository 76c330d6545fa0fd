"""Shopify's files: variants without SKUs, and the layout whose columns have new names."""

import pytest

from earnings.refusals import Refusal
from storefront import catalog
from storefront.catalog import importing

NEW = (
    "Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,Status,SKU,Barcode,"
    "Option1 name,Option1 value,Option1 Linked To,Price,Compare-at price,Cost per item,Charge tax,"
    "Inventory tracker,Inventory quantity,Continue selling when out of stock,Weight value (grams),"
    "Requires shipping,Product image URL,Image position,Image alt text,Variant image URL,SEO description"
)
OLD = (
    "Title,Handle,Body (HTML),Vendor,Product Category,Type,Tags,Published,Status,Variant SKU,Variant Barcode,"
    "Option1 Name,Option1 Value,Option1 Linked To,Variant Price,Variant Compare At Price,Cost per item,"
    "Variant Taxable,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Grams,"
    "Variant Requires Shipping,Image Src,Image Position,Image Alt Text,Variant Image,SEO Description"
)
ROWS = (
    'Reef shirt,reef-shirt,"<p>Soft, dyed.</p>",Lantern,Apparel > Shirts,Shirts,"reef, blue",TRUE,active,R-S,,'
    "Size,Small,,24.00,30.00,9.10,TRUE,shopify,5,DENY,120,TRUE,https://cdn.example/r.jpg,1,A shirt,,Calm.\n"
    ",reef-shirt,,,,,,,,R-L,,,Large,,26.00,,9.10,TRUE,shopify,-2,deny,140,TRUE,,,,https://cdn.example/l.jpg,\n"
    ",reef-shirt,,,,,,,,,,,,,,,,,,,,,,https://cdn.example/back.jpg,2,Its back,,\n"
    "Tide plan,tide-plan,,,,,,FALSE,draft,,,Title,Default Title,,9,,,TRUE,,,CONTINUE,0,FALSE,,,,,\n"
)


def read(text):
    return catalog.read(text.encode())


def skus(*rows, header="Handle,Title,Option1 Value,Variant SKU,Variant Price"):
    reading = read("\n".join([header, *rows]) + "\n")
    assert reading.refused == []
    return [entry.sku for entry in reading.rows]


def test_the_layout_of_2025_says_what_the_one_before_said():
    new, old = read(f"{NEW}\n{ROWS}"), read(f"{OLD}\n{ROWS}")

    assert (new.format, new.refused) == ("shopify-products", [])
    assert [entry.fields for entry in new.rows] == [entry.fields for entry in old.rows]
    assert [entry.wants_listing for entry in new.rows] == [True, True, False]
    small, large, plan = new.rows
    assert (small.sku, small.fields["price_minor"], small.fields["compare_at_minor"]) == ("R-S", 2400, 3000)
    assert (small.fields["stock"], large.fields["stock"], plan.fields["stock"]) == (5, 0, None)
    assert (large.fields["image"], small.fields["category"]) == ("https://cdn.example/l.jpg", "Shirts")
    assert [entry.defaults["kind"] for entry in new.rows] == ["physical", "physical", "download"]


def test_what_is_wrong_in_the_layout_of_2025_is_named_as_the_file_names_it():
    (entry,) = read("Title,URL handle,Price,SKU,Inventory quantity\nKit,kit,soon,K,few\n").rows

    assert [problem["column"] for problem in entry.problems] == ["Inventory quantity", "Price"]


def test_prices_of_other_markets_are_no_prices_of_ours():
    header = "Handle,Title,Variant Price,Price / International,Compare At Price / International,Variant SKU"

    (entry,) = read(f"{header}\nkit,Kit,9.00,99.00,120.00,K\n").rows

    assert (entry.fields["price_minor"], entry.fields.get("compare_at_minor")) == (900, None)


def test_options_that_differ_in_signs_only_are_two_variants_in_any_order():
    rows = ["book,Book,C,,5", "book,,C#,,6", "book,,C++,,7", "book,,F#,,8"]

    there = dict(zip(["C", "C#", "C++", "F#"], skus(*rows), strict=True))
    back = dict(zip(["C#", "C", "F#", "C++"], skus("book,Book,C#,,6", rows[0], rows[3], rows[2]), strict=True))

    assert there == back and len(set(there.values())) == 4
    # Whoever has the name for itself keeps the one that it always had.
    assert (there["C"], there["C++"], there["F#"]) == ("book-c", "book-c-plus-plus", "book-f")
    assert there["C#"].startswith("book-c-")
    assert skus("book,Book,C#,,6", "pen,Pen,C#,,6") == ["book-c", "pen-c"]
    assert skus("book,Book,-1.5,,6", "book,,1.5,,6")[1] == "book-1-5"
    assert skus("book,Book,Rosé,,6", "book,,Rose,,6")[1] == "book-rose"


@pytest.mark.parametrize("turned", [False, True])
def test_a_handle_and_a_stated_sku_keep_a_name_that_a_variant_would_take(turned):
    rows = ["mug,Mug,Red,,5", "mug-red,Red mug,,,9", "cup,Cup,Big,,6", "x,X,,CUP-BIG,7"]

    found = dict(zip("abcd", skus(*rows), strict=True))
    if turned:
        found = dict(zip("dcba", skus(*reversed(rows)), strict=True))

    assert (found["b"], found["d"]) == ("mug-red", "CUP-BIG")
    assert found["a"].startswith("mug-red-") and found["c"].startswith("cup-big-")


@pytest.mark.django_db
def test_the_names_are_the_same_where_the_file_is_read_from_the_disk():
    data = b"Handle,Title,Option1 Value,Variant SKU,Variant Price\nbook,Book,C,,5\nbook,,C#,,6\nbook,,D,,7\n"

    first, again = (importing.import_catalog(data, "books.csv") for _ in range(2))

    assert (first.created_count, again.unchanged_count) == (3, 3)
    assert [line["sku"] for line in first.report] == [entry.sku for entry in catalog.read(data).rows]


def test_the_same_variant_twice_is_still_refused():
    reading = read("Handle,Title,Option1 Value,Variant Price\nbook,Book,C#,5\nbook,,c#,6\nbook,,C,6\n")

    assert [entry.row for entry in reading.refused] == [3]


def test_what_the_layout_of_2025_lacks_is_named_by_its_new_name():
    with pytest.raises(Refusal, match=r"Shopify products \(lacks Price\)"):
        read("Title,URL handle,SKU\nCup,cup,C\n")
