"""Catalog files of every format become entries, each with what is wrong with it."""

from pathlib import Path

import pytest

from earnings.refusals import Refusal
from storefront import catalog
from storefront.catalog import cells

FIXTURES = Path(__file__).parent / "fixtures" / "catalog"


def read(name, **options):
    return catalog.read((FIXTURES / name).read_bytes(), name, **options)


def shopify(*rows, header="Handle,Title,Published,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price"):
    return catalog.read("\n".join([header, *rows]).encode())


def reasons(reading):
    return {entry.row: [(p["column"], p["detail"]) for p in entry.problems] for entry in reading.refused}


@pytest.mark.parametrize(
    ("name", "format", "target", "count"),
    [
        ("inventory.csv", "direction-board", "products", 3),
        ("services.csv", "direction-board-services", "gigs", 1),
        ("shopify.csv", "shopify-products", "products", 3),
        ("shopier.csv", "shopier-products", "products", 2),
        ("channel_shopier.csv", "channel-shopier", "products", 3),
        ("channel_gumroad.csv", "channel-gumroad", "products", 2),
        ("channel_etsy.csv", "channel-etsy", "products", 1),
        ("channel_fiverr.csv", "channel-fiverr", "gigs", 1),
    ],
)
def test_a_format_is_recognized_by_its_header(name, format, target, count):
    reading = read(name)

    assert (reading.format, reading.target, len(reading.rows)) == (format, target, count)
    assert reasons(reading) == {}


def test_our_own_format_says_everything_about_a_product():
    planner, team, reef = read("inventory.csv").rows

    assert planner.fields == {
        "sku": "LF-TIDE-P",
        "family": "tide-planner",
        "option": "Personal",
        "title": "Tide Planner",
        "summary": "A calm planner for busy weeks.",
        "description": "<p>Twelve sheets.</p>\n<p>Print at home.</p>",
        "category": "Planners",
        "kind": "download",
        "tags": ["planner", "printable", "calm"],
        "price_minor": 1900,
        "compare_at_minor": 2400,
        "currency": "USD",
        "stock": None,
        "image": "/static/demo/tide.svg",
        "image_alt": "A planner on a desk",
        "external_url": "",
        "language": "en",
        "position": 10,
        "vendor": "Lanternfish Studio",
    }
    assert (team.fields["family"], team.fields["price_minor"]) == ("tide-planner", 4900)
    assert [entry.wants_listing for entry in (planner, team, reef)] == [True, True, False]
    assert (reef.fields["stock"], reef.fields["description"]) == (12, "<p>SVG and PNG.</p>")
    assert reef.defaults == {"family": "lf-reef", "image_alt": "Reef Icon Set"}


def test_shopify_variants_share_their_product_and_pictures_are_no_products():
    personal, commercial, boat = read("shopify.csv").rows

    assert (personal.sku, commercial.sku, boat.sku) == ("GL-1", "GL-2", "kagit-tekne")
    assert personal.fields["family"] == commercial.fields["family"] == "gece-lambasi"
    assert commercial.fields["title"] == "Gece Lambası Deseni"
    assert commercial.fields["description"] == "<h2>Işık</h2><p>Ölçekli çizim.</p>"
    assert commercial.fields["image"] == "https://img.example/lamba.png"
    assert (personal.fields["option"], commercial.fields["option"], boat.fields["option"]) == (
        "Personal",
        "Commercial",
        "",
    )
    assert (personal.fields["price_minor"], personal.fields["compare_at_minor"]) == (1250, 2000)
    assert (personal.fields["stock"], commercial.fields["stock"]) == (None, 4)
    assert [entry.wants_listing for entry in (personal, commercial, boat)] == [True, True, False]
    assert (personal.defaults["kind"], boat.defaults["kind"]) == ("download", "physical")
    assert personal.fields["currency"] == "USD"


def test_a_shopify_file_without_currency_is_in_the_stores_own(settings):
    settings.STORE_CURRENCY = "EUR"

    assert {entry.fields["currency"] for entry in read("shopify.csv").rows} == {"EUR"}


def test_a_shopify_file_without_handles_is_told_apart_by_titles():
    reading = shopify("Işıklı Kutu,7.00", header="Title,Variant Price")

    assert (reading.rows[0].sku, reading.rows[0].fields["family"]) == ("isikli-kutu", "isikli-kutu")


def test_a_shopify_variant_without_sku_is_known_by_handle_and_option():
    reading = shopify("mug,Mug,TRUE,Small,,,5", "mug,,,Large,,,6")

    assert [entry.sku for entry in reading.rows] == ["mug-small", "mug-large"]


def test_an_sku_twice_is_refused_by_row_in_any_spelling():
    reading = shopify(
        *("a,A,TRUE,,KIT-1,1,5", "b,B,TRUE,,KIT-1,1,5", "c,C,TRUE,,kit-1,1,5", "d,D,TRUE,,ＫＩＴ-1,1,5"),
        *("e,E,TRUE,, KIT-1 ,1,5", "f,F,TRUE,,,1,5", "g,G,TRUE,,,1,5"),
    )

    assert reasons(reading) == {
        3: [("Variant SKU", "'KIT-1' is already in row 2")],
        4: [("Variant SKU", "'kit-1' is already in row 2 as 'KIT-1'")],
        5: [("Variant SKU", "'ＫＩＴ-1' is already in row 2 as 'KIT-1'")],
        6: [("Variant SKU", "'KIT-1' is already in row 2")],
    }


def test_what_is_wrong_with_a_row_is_named_by_row_and_column():
    reading = shopify(
        "a,A,TRUE,,A-1,1,ca. 5",
        "b,B,TRUE,,B-1,-x,5",
        "c,C,TRUE,,C-1,2.5,5",
        "d,,TRUE,,D-1,1,5",
        ",Orphan,TRUE,,E-1,1,5",
        "f,F,maybe,,F-1,1,5",
        "g,G",
        "A,A,TRUE,Big,A-2,1,5",
    )

    assert reasons(reading) == {
        2: [("Variant Price", "'ca. 5' is not a price: 'ca.' is neither a currency nor a number")],
        3: [("Variant Inventory Qty", "'-x' is not a whole number from 0 to 2147483647")],
        4: [("Variant Inventory Qty", "'2.5' is not a whole number from 0 to 2147483647")],
        5: [("Title", "is empty, and no row above says it for this handle")],
        6: [("Handle", "is empty")],
        7: [("Published", "'maybe' is neither yes nor no")],
        8: [("", "has 2 cells, the header has 7")],
        9: [("Handle", "'A' differs from 'a' in row 2 only in spelling")],
    }


def test_one_certain_price_decides_how_the_others_of_its_column_are_read():
    entries = read("channel_shopier.csv").rows

    assert [entry.fields["price_minor"] for entry in entries] == [14900, 124950, 250000]
    assert {entry.fields["currency"] for entry in entries} == {"TRY"}


def test_a_price_that_the_file_does_not_decide_is_refused():
    reading = shopify("a,A,TRUE,,A-1,1,2.500", "b,B,TRUE,,B-1,1,7")

    assert [entry.row for entry in reading.refused] == [2]
    assert "can be read in two ways" in reading.refused[0].problems[0]["detail"]


def test_an_unknown_currency_is_refused_and_no_price_is_taken():
    data = b"sku,title,price,currency\nA,Alpha,5,XBT\nB,Beta,5,\nC,Gamma,\xe2\x82\xac5,USD\n"

    reading = catalog.read(data)

    assert reasons(reading) == {
        2: [("currency", "'XBT' is not a currency code")],
        3: [("currency", "is empty")],
        4: [("price", "'€5' says EUR, but the currency is USD")],
    }
    assert all("price_minor" not in entry.fields for entry in reading.rows)


def test_a_gig_has_its_packages_and_equal_prices_are_flagged():
    (gig,) = read("channel_fiverr.csv").rows

    assert gig.sku == "i-will-letter-your-boat"
    assert [(p["tier"], p["price_minor"], p["currency"], p["delivery_days"]) for p in gig.fields["packages"]] == [
        ("basic", 4000, "USD", 3),
        ("standard", 9000, "USD", 5),
        ("premium", 9000, "USD", 9),
    ]
    assert gig.flags == [{"column": "Price Premium", "detail": "is the same as Price Standard"}]


def test_our_own_services_have_one_row_for_each_package():
    (gig,) = read("services.csv").rows

    assert (gig.sku, gig.row, gig.wants_listing) == ("harbor-thumbnail", 2, True)
    assert gig.fields["requirements"] == [
        {"name": "title", "label": "Title of the video", "required": True, "help": ""},
        {"name": "colors", "label": "Brand colors", "required": False, "help": "Two or three hex codes"},
    ]
    basic, standard, premium = gig.fields["packages"]
    assert basic == {
        "tier": "basic",
        "name": "One",
        "description": "One thumbnail",
        "price_minor": 2500,
        "currency": "USD",
        "delivery_days": 2,
        "revisions": 1,
        "features": ["One picture", "1280 x 720"],
        "checklist": [{"check": "file", "value": "thumbnail.png", "label": "A picture"}],
    }
    assert standard["checklist"] == basic["checklist"]
    assert premium["checklist"] == [{"check": "images", "value": 10, "label": "Ten pictures"}]


def test_a_service_row_with_an_error_names_its_own_row():
    data = (FIXTURES / "services.csv").read_text().replace("180.00", "soon").replace(",standard,", ",basic,")

    (gig,) = catalog.read(data.encode()).rows

    assert gig.problems == [
        {"column": "tier", "detail": "row 3: basic is there twice"},
        {"column": "price", "detail": "row 4: 'soon' is not a number"},
    ]


def test_services_of_one_address_are_refused_and_those_in_any_script_are_not():
    rows = [f"{gig},N,T,basic,5,USD,3" for gig in ("Logo A", "logo-a", "标志设计")]
    header = "gig,name,title,tier,price,currency,delivery_days"

    first, second, third = catalog.read("\n".join([header, *rows]).encode()).rows

    assert second.problems == [{"column": "gig", "detail": "'logo-a' is already in row 2"}]
    assert first.problems + third.problems == [] and third.sku


def test_an_unknown_format_is_refused_with_the_nearest_ones():
    with pytest.raises(Refusal) as refused:
        catalog.read(b"Handle,Title,Vendor\na,A,V\n")

    assert refused.value.status == 422
    assert refused.value.extra["nearest"][0] == {"format": "shopify-products", "missing": ["Variant Price"]}
    assert "Shopify products (lacks Variant Price)" in refused.value.detail


def test_a_file_is_refused_where_the_named_format_does_not_fit():
    data = (FIXTURES / "shopier.csv").read_bytes()

    with pytest.raises(Refusal, match="Shopify products: lacks Variant Price"):
        catalog.read(data, format="shopify-products")
    with pytest.raises(Refusal, match="'excel' is not one of auto, direction-board"):
        catalog.read(data, format="excel")


def test_formula_cells_are_kept_as_they_are():
    reading = shopify('a,"=HYPERLINK(""http://x"")",TRUE,,A-1,1,5')

    assert reading.rows[0].fields["title"] == '=HYPERLINK("http://x")'


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Zen Sanat Baskı Paketi", "zen-sanat-baski-paketi"),
        ("Işık & Gölge: ŞĞÜÖÇİ", "isik-and-golge-sguoci"),
        ("Smørrebrød für Łukasz", "smorrebrod-fur-lukasz"),
        ("Комбинезон", "kombinezon"),
        ("日本", ""),
    ],
)
def test_titles_become_addresses_that_can_be_typed(title, slug):
    assert cells.slug_of(title) == slug


def test_descriptions_are_cleaned():
    dirty = '<h1 onclick="x()">Hi</h1><style>p{}</style><p style="color:red">A <a href="javascript:x()">b</a></p>'

    assert cells.html(dirty) == '<h2>Hi</h2><p>A <a rel="noopener noreferrer">b</a></p>'
    assert cells.html("one\ntwo\n\nthree") == "<p>one<br>two</p><p>three</p>"
    assert cells.html("5 < 6 & more") == "5 &lt; 6 &amp; more"


@pytest.mark.parametrize("text", ["<p>Calm&nbsp;water &amp; wind</p>", "Calm\u00a0water & wind"])
def test_a_summary_is_the_text_of_a_description_without_its_markup(text):
    assert cells.excerpt(cells.html(text)) == "Calm water & wind"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "//evil.example/a.png", "ftp://a.example/x", "a b", "x.png"]
)
def test_pictures_come_from_the_web_or_from_this_site(address):
    with pytest.raises(ValueError, match="is not a web address"):
        cells.image(address)


@pytest.mark.parametrize("start", ["A-1,Tea,5.00,USD,listed\nA-2,", "My price list 2026,,,,\nsku,"])
def test_a_file_without_a_header_is_told_that_it_needs_one(start):
    with pytest.raises(Refusal, match=r"The first row has to name the columns\.$"):
        catalog.read(f"{start}title,price,currency,status\n".encode())


def test_products_named_in_any_script_are_told_apart():
    listed = catalog.read(
        "Name,Description,Price,Product Type\n茶杯,d,5,digital\n花瓶,d,6,digital\n🎁,d,7,digital\n".encode()
    )
    shop = shopify(
        "茶杯,茶杯,TRUE,大,CUP-L,5,10.00",
        "茶杯,,,小,CUP-S,5,9.00",
        "花瓶,花瓶,TRUE,大,,5,20.00",
        "花瓶,,,小,,5,19.00",
        "boot,Boot,TRUE,8.5,,5,50.00",
        "boot,,,85,,5,51.00",
    )

    assert (reasons(listed), reasons(shop)) == ({}, {})
    assert len({entry.sku for entry in listed.rows} - {""}) == 3
    assert len({entry.sku for entry in shop.rows}) == 6
    families = [entry.fields["family"] for entry in shop.rows]
    assert families[0] == families[1] != families[2] == families[3] != ""
    assert [entry.sku for entry in shop.rows][4:] == ["boot-8-5", "boot-85"]


def test_long_names_that_differ_at_their_ends_are_two():
    long = "a-very-long-handle-" * 8
    shop = shopify(f"{long}one,One,TRUE,,ONE,5,10.00", f"{long}two,Two,TRUE,,TWO,5,9.00")

    first, second = (entry.fields["family"] for entry in shop.rows)
    assert (reasons(shop), first == second, max(len(first), len(second)) <= 120) == ({}, False, True)


@pytest.mark.parametrize(
    ("text", "name"),
    [("Çay & Şeker", "cay-and-seker"), ("Чай", "chay"), ("café", "cafe"), ("✨ Planner", "planner"), ("  ", "")],
)
def test_a_name_with_a_latin_spelling_is_its_slug(text, name):
    assert cells.name_of(text) == name
