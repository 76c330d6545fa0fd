"""BigCommerce's newer export and ikas's export: what their rows mean, to the cent and the piece."""

import pytest

from storefront import catalog
from storefront.catalog import importing
from storefront.recipes.client_catalog import open_catalog

BIG = (
    "Item,ID,Name,Type,SKU,Options,Inventory Tracking,Current Stock,Price,Retail Price,Sale Price,Categories,"
    "Description,Search Keywords,Is Visible,Variant Image URL,Internal Image URL (Export),Image is Thumbnail\n"
)
SHIRT = (
    "Product,7,Reef shirt,physical,REEF,,variant,0,20.00,30.00,0.00,Shirts/Sea,<p>Soft.</p>,reef,TRUE,,,\n"
    'Variant,71,,,REEF-S,"Type=Rectangle|Name=Size|Value=S, smallType=Swatch|Name=Color|Value=Red[#ff0000]",'
    ",3,,,,,,,,https://cdn.example/red.jpg,,\n"
    "Variant,72,,,REEF-L,Type=Rectangle|Name=Size|Value=LType=Swatch|Name=Color|Value=Sea [#00f],"
    ",-2,26.50,,,,,,,,,\n"
    "Variant,73,,,,Type=Rectangle|Name=Size|Value=XL,,5,28.00,,25.00,,,,,,,\n"
    "Image,1,,,,,,,,,,,,,,,https://cdn.example/back.jpg,FALSE\n"
    "Image,2,,,,,,,,,,,,,,,https://cdn.example/front.jpg,TRUE\n"
    "Video,3,A film,,,,,,,,,,,,,,,\n"
)
PLAN = "Product,8,Tide plan,digital,,,none,0,9.00,0.00,7.50,24;31,,,FALSE,,,\n"


def read(text):
    return catalog.read(text.encode())


def test_bigcommerces_newer_export_says_its_products_variants_and_pictures():
    reading = read(BIG + SHIRT + PLAN)

    assert (reading.format, reading.refused) == ("bigcommerce-modern", [])
    assert [(entry.row, entry.sku) for entry in reading.rows] == [
        (3, "REEF-S"),
        (4, "REEF-L"),
        (5, "bc-v-73"),
        (9, "bc-8"),
    ]
    small, large, huge, plan = reading.rows
    assert [entry.fields["option"] for entry in (small, large, huge)] == ["S, small / Red", "L / Sea", "XL"]
    assert [(e.fields["price_minor"], e.fields["compare_at_minor"]) for e in reading.rows] == [
        (2000, 3000),
        (2650, None),
        (2500, 2800),
        (750, 900),
    ]
    assert [entry.fields["stock"] for entry in reading.rows] == [3, 0, 5, None]
    assert [flag["column"] for flag in large.flags] == ["Current Stock"]
    assert (small.fields["image"], large.fields["image"]) == (
        "https://cdn.example/red.jpg",
        "https://cdn.example/front.jpg",
    )
    assert (small.fields["category"], small.fields["title"], small.fields["family"]) == (
        "Sea",
        "Reef shirt",
        "reef",
    )
    assert "category" not in plan.fields  # a number says nothing to a visitor
    assert [entry.wants_listing for entry in reading.rows] == [True, True, True, False]
    assert (small.defaults["kind"], plan.defaults["kind"]) == ("physical", "download")


@pytest.mark.parametrize(
    ("rows", "column"),
    [
        ("Variant,71,,,REEF-S,Type=Rectangle|Name=Size|Value=S,,3,,,,,,,,,,\n", "Item"),
        ("Rule,71,,,REEF-S,,,3,,,,,,,,,,\n", "Item"),
        ("Product,7,Shirt,physical,,,none,,9,,,,,,,,,\nVariant,71,,,S-1,Small,,3,,,,,,,,,,\n", "Options"),
        ("Product,7,Shirt,physical,S-1,,product,few,9,,,,,,,,,\n", "Current Stock"),
        ("Product,7,Shirt,physical,S-1,,none,,,,,,,,,,,\n", "Price"),
    ],
)
def test_a_row_of_the_newer_export_that_says_too_little_is_refused_by_its_own_column(rows, column):
    (entry,) = read(BIG + rows).rows

    assert [problem["column"] for problem in entry.problems] == [column]


IKAS = (
    "Ürün Grup ID,Varyant ID,İsim,Açıklama,Satış Fiyatı,İndirimli Fiyatı,SKU,Silindi mi?,Marka,Kategoriler,"
    "Etiketler,Resim URL,Metadata Açıklama,Slug,Stok:Ana Depo,Stok:Mağaza,Tip,Varyant Tip 1,Varyant Değer 1,"
    "Stoğu Tükenince Satmaya Devam Et,Satış Kanalı:dükkan,Varyant Aktiflik\n"
)
CUP = (
    "g-1,v-1,Çay bardağı,<p>İnce belli.</p>,249.9,199.9,CB-S,FALSE,Fener,Mutfak > Bardak;Hediye,çay;cam,"
    "https://cdn.example/a.jpg;https://cdn.example/b.jpg,Kısa söz.,cay-bardagi,"
    "4,3,PHYSICAL,Boy,Küçük,FALSE,VISIBLE,TRUE\n"
    "g-1,v-2,,,1249.9,0,,FALSE,,,,,,cay-bardagi,-1,,PHYSICAL,Boy,Büyük,FALSE,VISIBLE,TRUE\n"
    "g-1,v-3,Çay bardağı,,300,350,CB-X,FALSE,,,,,,cay-bardagi,0,0,PHYSICAL,Boy,Dev,TRUE,PASSIVE,TRUE\n"
    "g-1,v-4,Çay bardağı,,300,,CB-Y,TRUE,,,,,,cay-bardagi,0,0,PHYSICAL,Boy,Eski,FALSE,VISIBLE,TRUE\n"
    "g-2,v-5,Plan,,90,,PLAN,FALSE,,,,,,plan,,,DIGITAL,,,FALSE,VISIBLE,FALSE\n"
)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1254"])
def test_an_ikas_export_says_its_products_in_liras(encoding):
    reading = catalog.read((IKAS + CUP).encode(encoding))

    assert (reading.format, reading.refused) == ("ikas-products", [])
    small, large, huge, plan = reading.rows
    assert [entry.sku for entry in reading.rows] == ["CB-S", "ikas-v-2", "CB-X", "PLAN"]
    assert [(e.fields["price_minor"], e.fields["compare_at_minor"]) for e in reading.rows] == [
        (19990, 24990),
        (124990, None),
        (30000, None),
        (9000, None),
    ]
    assert {entry.fields["currency"] for entry in reading.rows} == {"TRY"}
    assert [entry.fields["stock"] for entry in reading.rows] == [7, 0, None, None]
    assert [[flag["column"] for flag in e.flags] for e in reading.rows] == [
        [],
        ["stok:ana depo"],
        ["İndirimli Fiyatı"],
        [],
    ]
    assert (large.fields["title"], large.fields["option"], large.fields["category"], large.fields["tags"]) == (
        "Çay bardağı",
        "Büyük",
        "Bardak",
        ["çay", "cam"],
    )
    assert small.fields["family"] == large.fields["family"] == huge.fields["family"] != plan.fields["family"]
    assert large.fields["image"] == "https://cdn.example/a.jpg"
    assert [entry.wants_listing for entry in reading.rows] == [True, True, False, False]
    assert (small.defaults["kind"], plan.defaults["kind"]) == ("physical", "download")
    assert "The file names no currency: where nobody says another, its prices are TRY." in reading.sheet.notes
    assert "Rows that are marked as deleted (Silindi mi?) were left out." in reading.sheet.notes


def test_an_ikas_row_without_identity_or_price_is_refused():
    rows = read("Ürün Grup ID,İsim,Satış Fiyatı,SKU\n1,Kalem,5,\n2,Defter,,D\n3,,5,E\n").rows

    assert [[problem["column"] for problem in entry.problems] for entry in rows] == [
        ["SKU"],
        ["Satış Fiyatı"],
        ["İsim"],
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("text", [BIG + SHIRT + PLAN, IKAS + CUP], ids=["bigcommerce", "ikas"])
def test_the_same_file_again_changes_nothing(text):
    importing.import_catalog(text.encode(), "shop.csv", publish=True)

    again = importing.import_catalog(text.encode(), "shop.csv", publish=True)

    assert (again.status, again.created_count, again.changed_count, again.unchanged_count) == ("applied", 0, 0, 4)


def test_a_client_who_says_the_currency_of_an_ikas_file_is_believed():
    def first_price(currency):
        entry = open_catalog({"catalog_csv": IKAS + CUP, "currency": currency}).reading.rows[0]
        return entry.fields["price_minor"], entry.fields["compare_at_minor"], entry.fields["currency"]

    assert first_price("EUR") == (19990, 24990, "EUR")
    assert first_price("USD") == (19990, 24990, "USD")
    assert first_price("") == first_price("TRY") == (19990, 24990, "TRY")
