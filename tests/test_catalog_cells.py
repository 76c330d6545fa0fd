"""Counts, names and codes in the cells of catalogs, as shops and spreadsheets really write them."""

import time
import unicodedata

import pytest

from earnings import money
from earnings.sheets import read_sheet
from storefront import catalog
from storefront.catalog import cells

# Files of one product whose stock is {}.
SHOPS = {
    "shopify": "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\na,A,A-1,{},5.00\n",
    "woocommerce": "ID,Type,SKU,Name,Published,Regular price,Stock\n1,simple,A-1,A,1,5.00,{}\n",
    "bigcommerce": "Item Type,Product Name,Product Code/SKU,Price,Track Inventory,Current Stock Level\n"
    "Product,A,A-1,5.00,by product,{}\n",
    "square": "Token,Item Name,Variation Name,SKU,Price,Current Quantity Pier\nT,A,Regular,A-1,5.00,{}\n",
    "amazon": "item-name\tseller-sku\tprice\tquantity\nA\tA-1\t5.00\t{}\n",
}


def only_entry(text):
    (entry,) = catalog.read(text.encode()).rows
    return entry


@pytest.mark.parametrize("shop", SHOPS)
@pytest.mark.parametrize("cell", ["-3", "'-3", "-3.00", "\u22123"])
def test_a_shop_that_sold_more_than_it_had_has_none_left(shop, cell):
    entry = only_entry(SHOPS[shop].format(cell))

    assert (entry.problems, entry.fields["stock"]) == ([], 0)
    assert [flag["detail"].split(" means ")[1] for flag in entry.flags] == ["oversold; there are none left"]


@pytest.mark.parametrize("shop", SHOPS)
@pytest.mark.parametrize(
    ("cell", "stock"), [("1.0", 1), ("12.00", 12), ("7.0000", 7), ("-0.0", 0), ("4\u200b", 4)]
)
def test_a_count_with_a_fraction_of_zero_is_whole(shop, cell, stock):
    entry = only_entry(SHOPS[shop].format(cell))

    assert (entry.problems, entry.flags, entry.fields["stock"]) == ([], [], stock)


def test_a_decimal_comma_before_zeros_is_whole_too():
    assert [cells.whole(cell) for cell in ("1,0", "5,00", "0,0000")] == [1, 5, 0]
    assert [cells.days(cell) for cell in ("3.0", "3,00 days", "3")] == [3, 3, 3]


@pytest.mark.parametrize("shop", SHOPS)
@pytest.mark.parametrize("cell", ["1.5", "1.000", "-1.5", "-few", "1.0.0", "1e3", "--2"])
def test_a_count_that_is_no_whole_number_for_certain_is_refused(shop, cell):
    entry = only_entry(SHOPS[shop].format(cell))

    assert [problem["detail"].split(" is not ")[1] for problem in entry.problems] == [
        "a whole number from 0 to 2147483647"
    ]


def test_signs_that_nobody_sees_do_not_make_another_product():
    header = "\u200bHandle,Title\u00a0,Variant\u00a0SKU,Variant Price\u200e\n"
    row = "a\u200b,A,\u2060K\u00adIT\u00a0-1\ufeff,\u200f5.00\u00a0\u200b\n"

    entry = only_entry(header + row)

    assert (entry.problems, entry.sku, entry.fields["price_minor"]) == ([], "KIT -1", 500)
    assert entry.fields["family"] == "a"


def test_a_joined_emoji_in_a_title_stays_joined():
    entry = only_entry("sku,title,price,currency\nA,Kit 👩\u200d🎨,5,USD\n")

    assert entry.fields["title"] == "Kit 👩\u200d🎨"


def test_a_price_and_a_header_are_read_through_signs_that_nobody_sees():
    assert money.parse("\u202a\u200e€\u00a05.00\u202c", default="USD") == money.Money(500, "EUR")
    assert read_sheet("Na\u200bme,\u2060Price\nA,5\n".encode()).header == ["Name", "Price"]


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("https://cdn.example/a big cup.jpg", "https://cdn.example/a%20big%20cup.jpg"),
        ("https://cdn.example/a.jpg;https://cdn.example/b.jpg", "https://cdn.example/a.jpg"),
        ("https://cdn.example/a.jpg, https://cdn.example/b.jpg", "https://cdn.example/a.jpg"),
        ("https://cdn.example/a.jpg | http://cdn.example/b.jpg", "https://cdn.example/a.jpg"),
        (" https://cdn.example/a.jpg\nhttps://cdn.example/b.jpg", "https://cdn.example/a.jpg"),
        ("https://cdn.example/a,b;c.jpg?v=1", "https://cdn.example/a,b;c.jpg?v=1"),
        ("/media/a.jpg", "/media/a.jpg"),
    ],
)
def test_a_picture_is_the_first_of_several_and_its_name_may_hold_blanks(cell, address):
    assert cells.image(cell) == address


@pytest.mark.parametrize(
    ("yes", "no"), [("DOĞRU", "YANLIŞ"), ("WAHR", "FALSCH"), ("VRAI", "FAUX"), ("Evet", "HAYIR")]
)
def test_a_spreadsheets_true_in_another_language_is_true(yes, no):
    header = "Handle,Title,Published,Variant Requires Shipping,Variant Price\n"

    there, gone = catalog.read(f"{header}a,A,{yes},{yes},5\nb,B,{no},{no},5\n".encode()).rows

    assert (there.problems, gone.problems) == ([], [])
    assert [(entry.wants_listing, entry.defaults["kind"]) for entry in (there, gone)] == [
        (True, "physical"),
        (False, "download"),
    ]


@pytest.mark.parametrize("sku", ["1.23E+12", "4,5e+11", "8E+10"])
def test_an_sku_that_a_spreadsheet_shortened_is_a_caution(sku):
    entry = only_entry(f'sku,title,price,currency\n"{sku}",A,5,USD\n')

    assert (entry.problems, [flag["column"] for flag in entry.flags]) == ([], ["SKU"])


def test_a_shop_that_counts_elsewhere_leaves_the_stock_as_it_is():
    text = "Handle,Title,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Price\n"

    counted, sold_freely = catalog.read(f"{text}a,A,A-1,shopify,,5\nb,B,B-1,,,5\n".encode()).rows

    assert "stock" not in counted.fields and sold_freely.fields["stock"] is None
    assert [flag["column"] for flag in counted.flags] == ["Variant Inventory Qty"]
    assert (counted.problems, sold_freely.flags) == ([], [])


def test_a_text_column_without_brackets_is_the_text_too():
    entry = only_entry("Handle,Title,Body HTML,Variant Price\na,A,<p>Soft.</p>,5\n")

    assert entry.fields["description"] == "<p>Soft.</p>"


@pytest.mark.parametrize(
    ("cell", "currency", "minor"),
    [("25.0000", "USD", 2500), ("9,50000", "EUR", 950), ("1200.00", "JPY", 1200), ("1.5000", "KWD", 1500)],
)
def test_zeros_behind_a_price_say_nothing(cell, currency, minor):
    assert money.parse(cell, currency) == money.Money(minor, currency)


@pytest.mark.parametrize(("cell", "currency"), [("25.0010", "USD"), ("1200.50", "JPY"), ("10.005", "USD")])
def test_a_price_finer_than_its_currency_is_refused(cell, currency):
    with pytest.raises(ValueError, match="decimals"):
        money.parse(cell, currency, mark=".")


def test_three_zeros_behind_a_price_may_be_thousands_and_are_refused():
    with pytest.raises(ValueError, match="more decimals"):
        money.parse("1.000", "USD", mark=".")


def test_a_header_in_letters_taken_apart_is_the_same_header():
    entry = only_entry(unicodedata.normalize("NFD", "Ürün Grup ID,İsim,Satış Fiyatı,SKU\n") + "1,Kalem,5,A\n")

    assert (entry.problems, entry.fields["title"]) == ([], "Kalem")


@pytest.mark.parametrize("price", ["0", "0.00", "Free", " FREE ", "$0+", "0+", "ÜCRETSİZ", "0,00 €"])
def test_a_product_that_its_file_calls_free_costs_nothing(price):
    data = f'Name,Description,Price,Product Type\nPocket Map,A map,"{price}",digital\n'.encode()

    (entry,) = catalog.read(data).rows

    assert (entry.problems, entry.fields["price_minor"]) == ([], 0)
    assert entry.fields["currency"] == ("EUR" if "€" in price else "USD")


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        ("", "is empty"),
        ("+", "'+' is not a number"),
        ("$5+", "'$5+' leaves the price to the buyer; write the one price that it costs here"),
        ("Free shipping", "'Free shipping' is not a number"),
    ],
)
def test_a_product_without_one_price_is_refused_with_the_reason(price, reason):
    data = f'Name,Description,Price,Product Type\nPocket Map,A map,"{price}",digital\n'.encode()

    (entry,) = catalog.read(data).rows

    assert entry.problems == [{"column": "Price", "detail": reason}]
    assert "price_minor" not in entry.fields


@pytest.mark.parametrize("price", ["free", "0+"])
def test_a_word_for_a_price_in_a_shops_own_export_is_refused(price):
    entry = only_entry(f"Handle,Title,Variant SKU,Variant Price\na,A,A-1,{price}\n")

    assert [problem["column"] for problem in entry.problems] == ["Variant Price"]


def test_a_picture_behind_a_thousand_blanks_holds_nobody_up():
    began = time.thread_time()

    with pytest.raises(ValueError, match="is not a web address"):
        cells.image("x" + " " * 1000 + "y")
    assert time.thread_time() - began < 1
