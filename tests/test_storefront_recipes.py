"""What clients get for their catalogs: a report, and files to upload. Every file is read back."""

import base64
import csv
import dataclasses
import io
import os
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from agency import checklist, recipes
from earnings.refusals import Refusal
from storefront import catalog
from storefront.recipes import listing_pack
from storefront.recipes.channels import CHANNELS, cut
from storefront.recipes.html_faults import faults

TEXT = "<p>Ten templates for a launch, from the first post to the last mail, with notes on when to send what.</p>"
HEADER = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,"
HEADER += "Variant Inventory Tracker,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,"
HEADER += "Image Alt Text"


def row(handle, sku, price, *, title="", option="", body=TEXT, before="", **cells):
    values = {"tags": '"launch, kit"', "qty": "", "image": "https://cdn.example/kit.png", "alt": "A kit"} | cells
    name = "License" if option else ""
    tracker = "shopify" if values["qty"] else ""
    return (
        f'{handle},"{title}","{body}",Studio,Templates,{values["tags"]},TRUE,{name},{option},{sku},'
        f"{tracker},{values['qty']},{price},{before},{values['image']},{values['alt']}"
    )


def shopify(*rows):
    return "\r\n".join([HEADER, *rows]) + "\r\n"


GOOD = shopify(
    row("kit", "KIT-1", "29.00", title="Launch kit for small studios", option="Single"),
    row("kit", "KIT-5", "79.00", option="Team", body=""),
    row("map", "MAP", "12.50", title="Wall map of the night sky", qty="3", before="15.00"),
)


class Progress:
    def __init__(self):
        self.seen = []

    def progress(self, done, total, message=""):
        self.seen.append((done, total))


def make(key, brief, tier="premium"):
    def write(*args, **kwargs):
        raise AssertionError("no words are needed")

    return recipes.get(key).make(brief, tier=tier, work=Progress(), write=write)


def content(made, name):
    return next(artifact.content for artifact in made.artifacts if artifact.name == name)


def table(made, name, delimiter=","):
    return list(
        csv.DictReader(io.StringIO(content(made, name).decode("utf-8-sig"), newline=""), delimiter=delimiter)
    )


def codes(csv_text, tier="premium"):
    made = make("catalog_audit_report", {"catalog_csv": csv_text}, tier)
    return [(line["sku"], line["code"]) for line in table(made, "catalog_report.csv")]


# --- catalog_audit_report ---------------------------------------------------------------------------------


def test_a_good_catalog_is_reported_as_good_with_every_row_covered():
    made = make("catalog_audit_report", {"catalog_csv": GOOD})

    assert made.facts == {
        "rows": 3,
        "rows_covered": 3,
        "products": 3,
        "refused": 0,
        "format": "shopify-products",
        "findings": {"error": 0, "warning": 0, "info": 0, "by_code": {}},
    }
    page = LexborHTMLParser(content(made, "catalog_report.html").decode())
    assert page.css_first(".verdict").text() == "Nothing is wrong."
    assert page.css("script") == []


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"price": "ask us"}, "file_row_refused"),
        ({"price": "0.00"}, "price_zero"),
        ({"title": "Kit"}, "title_short"),
        ({"title": "LAUNCH KIT FOR STUDIOS"}, "title_shouts"),
        ({"title": "Launch kit " * 8}, "title_long"),
        ({"title": "=HYPERLINK(1) for studios"}, "formula_cell"),
        ({"title": "Launch kit for caf\u00c3\u00a9 owners"}, "broken_letters"),
        ({"title": "Launch kit\u200b for small studios"}, "hidden_characters"),
        ({"body": ""}, "description_missing"),
        ({"body": "<p>Short.</p>"}, "description_short"),
        ({"body": TEXT + "<h1>Big</h1>"}, "html_fault"),
        ({"tags": ""}, "tags_missing"),
        ({"tags": '"' + ",".join(f"t{n}" for n in range(14)) + '"'}, "tags_many"),
        ({"image": ""}, "image_missing"),
        ({"image": "http://cdn.example/kit.png"}, "image_insecure"),
        ({"alt": ""}, "alt_missing"),
        ({"sku": ""}, "sku_missing"),
    ],
)
def test_each_fault_of_a_row_is_reported_once(cells, code):
    fields = {"sku": "KIT", "price": "29.00", "title": "Launch kit for small studios"} | cells
    sku, price = fields.pop("sku"), fields.pop("price")

    found = codes(shopify(row("kit", sku, price, **fields)))

    assert found == [(sku or "kit", code)]


def test_a_file_without_a_column_for_images_is_told_once():
    header = "Handle,Title,Body (HTML),Tags,Variant SKU,Variant Price"
    csv_text = f'{header}\nkit,Launch kit,"{TEXT}",a,KIT,5\n'

    made = make("catalog_audit_report", {"catalog_csv": csv_text})

    lines = table(made, "catalog_report.csv")
    assert [(line["sku"], line["code"], line["expected"]) for line in lines] == [("", "column_absent", "an image")]


@pytest.mark.parametrize(
    "rows",
    [
        (
            "ID,Type,SKU,Name,Published,Regular price,Description,Images,Parent,Attribute 1 value(s)",
            '1,variable,LAMP,Oak lamp for desks,1,,"{text}",https://cdn.example/a.jpg,,',
            "2,variation,LAMP-S,Oak lamp for desks - S,1,5,,,LAMP,S",
        ),
        (
            "ID,Typ,Artikelnummer,Name,Veröffentlicht,Regulärer Preis,Beschreibung,Bilder",
            '1,simple,LAMP,Oak lamp for desks,1,5,"{text}",https://cdn.example/a.jpg',
        ),
        (
            "item-name,item-description,seller-sku,price,quantity,image-url",
            'Oak lamp for desks,"{text}",LAMP,5,3,https://cdn.example/a.jpg',
        ),
        (
            "Item Type,Product Name,Product Code/SKU,Price,Product Description,Product Image URL - 1",
            'Product,Oak lamp for desks,LAMP,25,"{text}",https://cdn.example/a.jpg',
            "SKU,[RB]Size=S,LAMP-S,,,",
        ),
    ],
)
def test_texts_and_pictures_are_found_in_the_columns_of_every_shop(rows):
    found = [code for _, code in codes("\n".join(rows).format(text=TEXT) + "\n")]

    assert not {"column_absent", "description_missing", "image_missing", "sku_missing"} & set(found)


def test_a_title_that_several_variants_share_is_judged_once():
    rows = [row("kit", f"K{n}", "29.00", title="" if n else "Kit", option=f"Size {n}") for n in range(3)]

    assert codes(shopify(*rows)) == [("K0", "title_short")]


def test_two_rows_with_one_sku_are_reported():
    found = codes(
        shopify(row("a", "X", "5", title="A first useful product"), row("b", "X", "6", title="Another useful one"))
    )

    assert found == [("X", "file_row_refused")]


def test_products_that_share_a_title_are_reported():
    rows = [row(handle, handle.upper(), "5", title="A useful product") for handle in ("a", "b")]

    assert codes(shopify(*rows)) == [("B", "title_shared")]


def test_a_price_that_lost_its_decimal_mark_stands_out():
    rows = [row(f"p{n}", f"P{n}", f"{20 + n}.00", title=f"Useful product number {n}") for n in range(9)]
    rows.append(row("odd", "ODD", "2900.00", title="The odd product of them"))

    assert codes(shopify(*rows)) == [("ODD", "price_unusual")]


def test_equal_prices_are_not_unusual():
    rows = [row(f"p{n}", f"P{n}", "20.00", title=f"Useful product number {n}") for n in range(9)]
    rows.append(row("odd", "ODD", "25.00", title="The other product here"))

    assert codes(shopify(*rows)) == []


def test_every_row_of_a_large_file_is_covered():
    rows = [row(f"p{n}", f"P{n}", "20.00", title=f"Useful product number {n}") for n in range(1999)]

    made = make(
        "catalog_audit_report", {"catalog_csv": shopify(*rows, row("bad", "BAD", "x", title="A bad product here"))}
    )

    assert (made.facts["rows"], made.facts["rows_covered"], made.facts["refused"]) == (2000, 2000, 1)
    lines = [{"check": "rows_covered", "value": "all"}, {"check": "file_type", "value": ["html", "csv"]}]
    assert [line["passed"] for line in checklist.run(lines, made.artifacts, made.facts)] == [True, True]


def test_the_order_of_repair_comes_with_the_larger_packages():
    csv_text = shopify(
        row("a", "A", "x", title="A useful product", alt=""), row("b", "B", "5", title="Another one", alt="")
    )
    pages = {
        tier: LexborHTMLParser(
            content(make("catalog_audit_report", {"catalog_csv": csv_text}, tier), "catalog_report.html")
        )
        for tier in ("basic", "standard")
    }

    headings = {tier: [node.text() for node in page.css("h2")] for tier, page in pages.items()}

    assert "Order of repair" not in headings["basic"]
    assert "Order of repair" in headings["standard"]


def test_a_file_larger_than_the_package_is_refused_with_the_numbers():
    rows = [row(f"p{n}", f"P{n}", "20.00", title=f"Product {n}") for n in range(201)]

    with pytest.raises(Refusal) as refused:
        make("catalog_audit_report", {"catalog_csv": {"name": "shop.csv", "text": shopify(*rows)}}, "basic")

    assert refused.value.errors == [
        {"pointer": "/brief/catalog_csv", "detail": "shop.csv has 201 rows; this package covers 200."}
    ]


@pytest.mark.parametrize("key", ["catalog_audit_report", "listing_pack"])
@pytest.mark.parametrize(
    "text", ["<html><body>Log in</body></html>", "a,b\n1,2\n", "Handle,Title,Variant Price\n"]
)
def test_what_is_no_catalog_is_named_before_the_work_starts(key, text):
    found = recipes.get(key).problems({"catalog_csv": text})

    assert [problem["pointer"] for problem in found] == ["/brief/catalog_csv"]
    assert found[0]["detail"].startswith("catalog_csv.txt: ")


def test_a_currency_that_does_not_exist_is_named():
    (problem,) = recipes.get("listing_pack").problems({"catalog_csv": GOOD, "currency": "EURO"})

    assert problem["pointer"] == "/brief/currency"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>One<br>two", []),
        ("<ul><li>One<li>Two</ul>", []),
        ("<div><b>One</div>", ["<b> is not closed before </div>"]),
        ("<strong>One", ["<strong> is never closed"]),
        ("One</em>", ["</em> closes nothing"]),
        ('<img src="https://x.example/a.png">', ["an <img> has no alternative text"]),
        ("<script>x</script>", ["<script> is removed or refused by marketplaces"]),
        ('<a href="javascript:x()">go</a>', ["<a> runs a script from its href"]),
        ('<p onclick="x()">go</p>', ["<p> carries a script in an on… attribute"]),
        ('<a href="http://x.example/">go</a>', ["<a> loads or links over http: instead of https:"]),
        ("3 < 4 and 5 > 2", []),
    ],
)
def test_faults_of_html_are_named(html, expected):
    assert faults(html) == expected


# --- listing_pack -----------------------------------------------------------------------------------------


def test_the_pack_has_a_file_for_every_channel_with_every_product():
    made = make("listing_pack", {"catalog_csv": GOOD})

    assert [artifact.name for artifact in made.artifacts] == [
        "shopify_products.csv",
        "etsy_listings.csv",
        "woocommerce_products.csv",
        "google_merchant.tsv",
        "gumroad_products.csv",
        "notes.csv",
        "README.txt",
    ]
    assert made.facts == {"rows": 3, "rows_covered": 3, "channels": list(CHANNELS), "changes": 0}
    lines = [{"check": "rows_covered", "value": "all"}, {"check": "file_type", "value": "csv"}]
    assert [line["passed"] for line in checklist.run(lines, made.artifacts, made.facts)] == [True, True]


@pytest.mark.parametrize(("tier", "count"), [("basic", 1), ("standard", 3), ("premium", 5)])
def test_a_cheaper_package_has_fewer_channels(tier, count):
    assert len(make("listing_pack", {"catalog_csv": GOOD}, tier).facts["channels"]) == count


def test_the_client_chooses_the_channels():
    made = make("listing_pack", {"catalog_csv": GOOD, "channels": "Google, etsy"}, "basic")

    assert made.facts["channels"] == ["google"]


def test_an_unknown_channel_is_named():
    (problem,) = recipes.get("listing_pack").problems({"catalog_csv": GOOD, "channels": ["etsy", "ebuy"]})

    assert problem["pointer"] == "/brief/channels"
    assert problem["detail"].startswith("ebuy: not a channel that we write for. Known: shopify, etsy")


def test_our_own_shop_imports_the_shopify_file_as_the_client_meant_it():
    made = make("listing_pack", {"catalog_csv": GOOD})

    reading = catalog.read(content(made, "shopify_products.csv"))

    original = catalog.read(GOOD.encode())
    names = ("title", "option", "price_minor", "compare_at_minor", "stock", "tags", "image", "image_alt", "family")
    assert [{n: e.fields.get(n) for n in names} for e in reading.rows] == [
        {n: e.fields.get(n) for n in names} for e in original.rows
    ]
    assert [entry.sku for entry in reading.rows] == ["KIT-1", "KIT-5", "MAP"]
    assert all(entry.wants_listing for entry in reading.rows)


def test_woocommerce_gets_variations_under_a_parent_and_the_reduced_price():
    rows = table(make("listing_pack", {"catalog_csv": GOOD}), "woocommerce_products.csv")

    assert [(r["Type"], r["SKU"], r["Parent"], r["Attribute 1 value(s)"]) for r in rows] == [
        ("variable", "kit-all", "", "Single, Team"),
        ("variation, downloadable, virtual", "KIT-1", "kit-all", "Single"),
        ("variation, downloadable, virtual", "KIT-5", "kit-all", "Team"),
        ("simple, downloadable, virtual", "MAP", "", ""),
    ]
    assert (rows[3]["Regular price"], rows[3]["Sale price"], rows[3]["Stock"]) == ("15.00", "12.50", "3")


def test_google_gets_prices_with_their_currency_and_one_line_a_product():
    rows = table(make("listing_pack", {"catalog_csv": GOOD, "currency": "EUR"}), "google_merchant.tsv", "\t")

    assert [(r["id"], r["price"], r["sale_price"], r["availability"], r["item_group_id"]) for r in rows] == [
        ("KIT-1", "29.00 EUR", "", "in_stock", "kit"),
        ("KIT-5", "79.00 EUR", "", "in_stock", "kit"),
        ("MAP", "15.00 EUR", "12.50 EUR", "in_stock", ""),
    ]


def test_etsy_titles_are_cut_between_words_and_tags_limited_and_each_cut_is_noted():
    title = "Launch kit " * 14
    tags = '"' + ",".join(["a rather long tag for search", *(f"tag {n}" for n in range(14))]) + '"'
    csv_text = shopify(row("kit", "KIT", "29.00", title=title.strip(), tags=tags))

    made = make("listing_pack", {"catalog_csv": csv_text, "channels": ["etsy"]})

    (listing,) = table(made, "etsy_listings.csv")
    assert listing["TITLE"] == "Launch kit " * 12 + "Launch"
    assert listing["TAGS"].split(",") == ["a_rather_long_tag", *(f"tag_{n}" for n in range(12))]
    notes = table(made, "notes.csv")
    assert [(note["Channel"], note["SKU"], note["What"]) for note in notes] == [
        ("Etsy", "KIT", "title cut"),
        ("Etsy", "KIT", "tags limited"),
    ]
    assert made.facts["changes"] == 2


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("Launch kit", 10, "Launch kit"),
        ("Launch kits", 10, "Launch"),
        ("Launch kit, large", 11, "Launch kit"),
        ("Launch kit large", 10, "Launch kit"),
        ("Donaudampfschiff", 5, "Donau"),
        ("  many   blanks ", 20, "many blanks"),
    ],
)
def test_texts_are_cut_between_words(text, limit, expected):
    assert cut(text, limit) == expected


def test_formulas_are_disarmed_only_where_the_importer_takes_the_apostrophe_off_again():
    csv_text = shopify(row("kit", "KIT", "29.00", title="=1+1 ways to launch"))

    made = make("listing_pack", {"catalog_csv": csv_text, "channels": ["shopify", "woocommerce"]})

    assert table(made, "shopify_products.csv")[0]["Title"] == "=1+1 ways to launch"
    assert table(made, "woocommerce_products.csv")[0]["Name"] == "'=1+1 ways to launch"


def test_a_price_that_can_not_be_read_is_reported_back_instead_of_guessed():
    csv_text = shopify(row("a", "A", "12.34.5", title="One"), row("b", "B", "5", title="Two"))

    with pytest.raises(Refusal) as refused:
        make("listing_pack", {"catalog_csv": csv_text})

    assert refused.value.errors[0]["pointer"] == "/brief/catalog_csv"
    assert "row 2, Variant Price: '12.34.5'" in refused.value.detail


def test_more_products_than_the_package_covers_are_refused():
    rows = [row(f"p{n}", f"P{n}", "20.00", title=f"Product {n}") for n in range(51)]

    with pytest.raises(Refusal, match="has 51 products; this package covers 50"):
        make("listing_pack", {"catalog_csv": shopify(*rows)}, "basic")


def test_a_list_of_services_is_refused():
    csv_text = "Title,Description,Price Basic,Price Standard,Price Premium,Delivery Basic,Delivery Standard,"
    csv_text += "Delivery Premium\nI will draw,A drawing,10,20,30,1 day,2 days,3 days\n"

    with pytest.raises(Refusal, match="lists services, not products"):
        make("listing_pack", {"catalog_csv": csv_text})


@pytest.mark.parametrize("key", list(CHANNELS))
@pytest.mark.parametrize(("old", "new"), [("KIT-1", "KIT-X"), ("29.00", "92.00")])
def test_a_file_that_reads_back_differently_never_leaves_the_house(key, old, new):
    items = listing_pack._items(listing_pack.client_catalog.open_catalog({"catalog_csv": GOOD}), 10)
    content = listing_pack._written(CHANNELS[key], items)
    assert listing_pack.check(CHANNELS[key], items, content) == 3

    with pytest.raises(RuntimeError, match="KIT-1"):
        listing_pack.check(CHANNELS[key], items, content.replace(old.encode(), new.encode()))


def test_a_title_that_an_import_would_read_differently_is_noticed():
    items = listing_pack._items(listing_pack.client_catalog.open_catalog({"catalog_csv": GOOD}), 10)
    content = listing_pack._written(CHANNELS["shopify"], items)
    items[2] = dataclasses.replace(items[2], title="Another title")

    with pytest.raises(RuntimeError, match="reads 'MAP' differently"):
        listing_pack.check(CHANNELS["shopify"], items, content)


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_currencies_with_other_decimals_keep_their_prices(currency):
    csv_text = f"SKU,Title,Description,Price,Currency,Image,Checkout URL\nA,A poster,Paper,1800,{currency},,https://x.example/1\n"

    rows = table(make("listing_pack", {"catalog_csv": csv_text}), "google_merchant.tsv", "\t")

    assert rows[0]["price"] == {"JPY": "1800 JPY", "KWD": "1800.000 KWD"}[currency]


def test_the_same_brief_makes_the_same_files():
    for key in ("catalog_audit_report", "listing_pack"):
        first, second = (make(key, {"catalog_csv": GOOD}) for _ in range(2))
        assert [artifact.content for artifact in first.artifacts] == [a.content for a in second.artifacts]


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("ancestor/channel_shopify.csv", 18),
        ("ancestor/shopier_products_export.csv", 18),
        ("catalog/shopify_partners_apparel.csv", 22),
        ("nasty/utf16le_bom_tabs.csv", 22),
        ("nasty/formula_injection.csv", 14),
    ],
)
def test_real_exports_are_audited_and_packed_completely(name, rows):
    data = (Path(os.environ["SAMPLE_DATA"]) / name).read_bytes()
    brief = {"catalog_csv": {"name": name, "base64": base64.b64encode(data).decode()}}

    report, pack = make("catalog_audit_report", brief), make("listing_pack", brief)

    assert (report.facts["rows"], report.facts["rows_covered"]) == (rows, rows)
    assert (pack.facts["rows"], pack.facts["rows_covered"]) == (rows, rows)


@pytest.mark.parametrize(
    ("price", "currency", "problems"),
    [("9.50", "", ["/brief/currency"]), ("9.50", "EUR", []), ("$9.50", "", []), ("9,50 €", "EUR", [])],
)
def test_a_listing_pack_does_not_guess_the_currency(price, currency, problems):
    brief = {"catalog_csv": f'Handle,Title,Variant Price\ntasse,Tasse,"{price}"\n', "currency": currency}

    assert [problem["pointer"] for problem in recipes.get("listing_pack").problems(brief)] == problems
