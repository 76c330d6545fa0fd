"""WooCommerce's export as it is really written: escaped cells, shops in other languages, subscriptions; and what
else Square and Etsy write."""

import pytest

from storefront import catalog

HEADER = "ID,Type,SKU,Name,Published,Regular price,Parent,Description,Short description\n"


def read(text):
    return catalog.read(text.encode()).rows


def test_what_the_export_escaped_is_read_as_it_was():
    rows = "1,simple,'-A1,'-10% mug,1,5,,'=Soft\\nand warm.\\n\\nC:\\\\new,'+1\n2,simple,B,'90s mug,'-1,5,,,\n"

    sale, old = read(HEADER + rows)

    assert (sale.sku, sale.fields["title"], sale.fields["summary"]) == ("-A1", "-10% mug", "+1")
    assert sale.fields["description"] == "<p>=Soft<br>and warm.</p><p>C:\\new</p>"
    assert (old.fields["title"], old.wants_listing) == ("'90s mug", False)


def test_an_escaped_sku_is_still_the_parent_of_its_variations():
    (small,) = read(HEADER + "1,variable,'-P,Mug,1,,,,\n2,variation,,Mug,1,5,'-P,,\n")

    assert (small.problems, small.fields["title"]) == ([], "Mug")


def test_subscriptions_are_subscriptions_and_have_variations_too():
    rows = "1,subscription,S,Club,1,5,,,\n2,variable-subscription,V,Box,1,,,,\n"
    rows += "3,subscription_variation,V-1,Box,1,9,V,,\n"

    club, box = read(HEADER + rows)

    assert [(e.sku, e.fields["price_minor"], e.problems) for e in (club, box)] == [
        ("S", 500, []),
        ("V-1", 900, []),
    ]
    assert [entry.defaults["kind"] for entry in (club, box)] == ["subscription", "subscription"]


FRENCH = (
    "ID,Type,UGS,Nom,Publié,Mis en avant ?,Visibilité dans le catalogue,Description courte,Description,"
    "Date de début de promo,Date de fin de promo,En stock\u00a0?,Stock,"
    "Autoriser les commandes de produits en rupture ?,Tarif promo,Tarif régulier,Catégories,Étiquettes,"
    "Images,Parent,URL externe,Valeur(s) de l’attribut 1"
)
TURKISH = (
    "Kimlik,Tür,Stok kodu (SKU),İsim,Yayımlanmış,Öne çıkan?,Katalogda görünürlük,Kısa açıklama,Açıklama,"
    "İndirimli fiyatın başladığı tarih,İndirimli fiyatın bittiği tarih,Stokta?,Stok,Yok satmaya izin?,"
    "İndirimli satış fiyatı,Normal fiyat,Kategoriler,Etiketler,Görseller,Ebeveyn,Harici URL,Nitelik 1 değer(ler)i"
)
ENGLISH = (
    "ID,Type,SKU,Name,Published,Is featured?,Visibility in catalog,Short description,Description,"
    "Date sale price starts,Date sale price ends,In stock?,Stock,Backorders allowed?,"
    "Sale price,Regular price,Categories,Tags,Images,Parent,External URL,Attribute 1 value(s)"
)
ROWS = (
    "1,variable,CUP,Cup,1,0,visible,Short.,Long.,,,1,,0,,,Kitchen > Cups,tea,https://cdn.example/a.jpg,,,\n"
    "2,variation,CUP-S,Cup,1,0,visible,,,,,1,-4,0,8,10,,,,CUP,,Small\n"
    "3,simple,JAR,Jar,1,0,hidden,,,2026-01-01,2026-02-01,1,7,0,4,5,,,,,https://market.example/jar,\n"
)


@pytest.mark.parametrize("header", [FRENCH, TURKISH])
def test_a_shop_in_another_language_says_the_same(header):
    theirs, ours = read(f"{header}\n{ROWS}"), read(f"{ENGLISH}\n{ROWS}")

    assert theirs == ours
    cup, jar = theirs
    assert (cup.problems, cup.fields["option"], cup.fields["category"], cup.fields["stock"]) == (
        [],
        "Small",
        "Cups",
        0,
    )
    assert (cup.fields["price_minor"], cup.fields["compare_at_minor"], jar.fields["price_minor"]) == (
        800,
        1000,
        500,
    )
    assert (jar.fields["stock"], jar.wants_listing) == (7, False)


def test_squares_newer_columns_say_category_kind_and_visibility():
    header = "Token,Item Name,Variation Name,SKU,Price,Categories,Reporting Category,Item Type,"
    header += "Square Online Item Visibility\n"
    rows = 'T1,Cup,Regular,C,3,"Mugs (T2B3), Gifts (T9)",,Physical good,visible\n'
    rows += "T2,Plan,Regular,P,4,,Prints,Digital,hidden\n"

    cup, plan = read(header + rows)

    assert [entry.fields["category"] for entry in (cup, plan)] == ["Mugs", "Prints"]
    assert [entry.defaults["kind"] for entry in (cup, plan)] == ["physical", "download"]
    assert [entry.wants_listing for entry in (cup, plan)] == [True, False]


def test_an_ampersand_in_a_name_is_one():
    header = "ID,Type,SKU,Name,Published,Regular price,Categories,Tags\n"

    (entry,) = read(header + "1,simple,A,Salt &amp; Pepper,1,5,Home &gt; Home &amp; Garden,salt &amp; pepper\n")

    assert entry.fields["title"] == "Salt & Pepper"
    assert (entry.fields["category"], entry.fields["tags"]) == ("Home & Garden", ["salt & pepper"])
