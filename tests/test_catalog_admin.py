"""Staff look at what a file would do before they apply it, and steer the shop."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from selectolax.lexbor import LexborHTMLParser

from storefront.catalog import importing
from storefront.models import CatalogImport, Product, Release
from tests.factories import make_paid_order, make_product

FIXTURES = Path(__file__).parent / "fixtures" / "catalog"
UPLOAD = "/admin/storefront/catalogimport/add/"

pytestmark = pytest.mark.django_db


def upload(client, name="inventory.csv", content=None, **fields):
    data = (FIXTURES / name).read_bytes() if content is None else content
    values = {"file": SimpleUploadedFile(name, data), "format": "auto", **fields}
    return client.post(UPLOAD, values, follow=True)


def page_of(row):
    return reverse(f"admin:storefront_{row._meta.model_name}_change", args=[row.pk])


def apply_url(row):
    return f"/admin/storefront/catalogimport/{row.pk}/do/apply/"


def test_who_has_nothing_to_sell_is_told_where_to_begin(staff_client):
    empty = staff_client.get("/admin/").content.decode()
    make_product(status="draft")
    begun = staff_client.get("/admin/").content.decode()

    assert '<a href="/admin/storefront/catalogimport/add/">Import a catalog file</a>' in empty
    assert "Begin here" not in begun


def test_an_upload_is_shown_before_anything_is_changed(staff_client):
    make_product("LF-REEF", title="Reef Icon Set", price_minor=1900, image_alt="Icons")

    answer = upload(staff_client)

    preview = CatalogImport.objects.get()
    text = answer.content.decode()
    assert (preview.status, Product.objects.get().price_minor) == ("previewed", 1900)
    assert "price: <del>$19.00</del> to <ins>$29.00</ins>" in text
    assert "2 created" in text and "1 changed" in text and "0 refused" in text
    assert f'action="{apply_url(preview)}"' in text


def test_what_is_new_is_shown_with_title_and_price(staff_client):
    products = upload(staff_client, "shopier.csv").content.decode()
    services = upload(staff_client, "services.csv").content.decode()

    assert "<strong>Harbor Sounds</strong>, 149,00 TL" in products
    assert "<strong>I will draw a thumbnail that gets clicked</strong>, from $25.00" in services


def test_a_preview_is_applied_by_its_button_once(staff_client):
    upload(staff_client, publish="on")
    preview = CatalogImport.objects.get()

    answer = staff_client.post(apply_url(preview), {"yes": "1"}, follow=True)
    Product.objects.filter(sku="LF-REEF").update(title="Edited since")
    staff_client.post(apply_url(preview), {"yes": "1"}, follow=True)

    assert "“Apply” is done" in answer.content.decode()
    assert '<a href="/admin/storefront/product/">See the products</a>.' in answer.content.decode()
    assert CatalogImport.objects.get().status == "applied"
    assert Product.objects.listed().count() == 2
    assert Product.objects.get(sku="LF-REEF").title == "Edited since"
    assert apply_url(preview).encode() not in staff_client.get(page_of(preview)).content


def test_an_import_that_publishes_nothing_says_how_to_publish(staff_client):
    upload(staff_client)
    preview = CatalogImport.objects.get()

    before = staff_client.get(page_of(preview)).content.decode()
    answer = staff_client.post(apply_url(preview), {"yes": "1"}, follow=True).content.decode()

    assert "See the products" not in before
    assert "See the products</a>. New ones are drafts, which visitors don't see" in answer


def test_refused_rows_are_named_first_and_can_not_be_applied(staff_client):
    content = b"sku,title,price,currency\nA-1,Alpha,5,USD\nB-1,<b>Beta</b>,ca. 5,USD\n"

    answer = upload(staff_client, content=content)

    text = answer.content.decode()
    preview = CatalogImport.objects.get()
    assert "1 row can't be imported, so nothing will be unless you leave it out." in text
    assert text.index(">refused</td>") < text.index(">created</td>")
    assert "<strong>price</strong> &#x27;ca. 5&#x27; is not a price" in text
    assert apply_url(preview) not in text
    staff_client.post(apply_url(preview), {"yes": "1"})
    assert (CatalogImport.objects.get().status, Product.objects.count()) == ("refused", 0)


def test_the_other_rows_can_be_applied_once_somebody_has_seen_which_are_left_out(staff_client):
    upload(staff_client, content=b"sku,title,price,currency\nA-1,Alpha,5,USD\nB-1,Beta,ca. 5,USD\n")
    others = apply_url(CatalogImport.objects.get()).replace("apply", "apply_others")

    answer = staff_client.post(others, {"yes": "1"}, follow=True)

    assert b"1 row left out: it can't be imported." in answer.content
    assert (CatalogImport.objects.get().status, Product.objects.get().sku) == ("applied", "A-1")

    upload(staff_client, content=b"sku,title,price,currency\nB-1,Beta,ca. 5,USD\n")
    assert b"apply_others" not in staff_client.get(page_of(CatalogImport.objects.first())).content


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", b"The file is empty."), (b"a,b\n1,2\n", b"No format that we know"), (b"PK\x03\x04", b"Excel")],
)
def test_a_file_that_is_no_catalog_is_refused_on_the_upload_page(staff_client, content, words):
    answer = upload(staff_client, content=content)

    assert words in answer.content
    assert CatalogImport.objects.count() == 0


def test_a_file_over_the_cap_is_refused_on_the_upload_page(staff_client, settings):
    settings.CATALOG_UPLOAD_MAX_BYTES = 100

    assert b"larger than 100 bytes" in upload(staff_client).content
    assert CatalogImport.objects.count() == 0


def test_a_long_report_comes_in_pages_and_whole_as_csv(staff_client):
    rows = "\n".join(f"S-{n},Product {n},5,USD" for n in range(250))
    done = importing.import_catalog(f"sku,title,price,currency\n{rows}\n".encode(), "long.csv")

    first = staff_client.get(page_of(done)).content.decode()
    last = staff_client.get(page_of(done) + "?outcome=created&page=3").content.decode()
    whole = staff_client.get(f"/admin/storefront/catalogimport/{done.pk}/report.csv")

    assert (first.count(">created</td>"), last.count(">created</td>")) == (100, 50)
    assert "Page 1 of 3" in first
    assert len(whole.content.decode("utf-8-sig").splitlines()) == 501  # a title and a price each
    assert whole["Content-Disposition"] == f'attachment; filename="import-{done.pk}-report.csv"'


def test_imports_can_be_neither_edited_nor_deleted(staff_client):
    done = importing.import_catalog((FIXTURES / "shopier.csv").read_bytes(), "shopier.csv")

    delete = staff_client.post(f"/admin/storefront/catalogimport/{done.pk}/delete/", {"post": "yes"})
    edit = staff_client.post(page_of(done), {"name": "other"})

    assert (delete.status_code, edit.status_code) == (403, 403)
    assert CatalogImport.objects.get().name == "shopier.csv"
    assert staff_client.get("/admin/storefront/catalogimport/").status_code == 200


def test_uploading_needs_the_right(client):
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_catalogimport"))
    client.force_login(clerk)

    assert upload(client).status_code == 403
    assert CatalogImport.objects.count() == 0


def test_publishing_by_an_import_needs_the_right_to_publish(client):
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(
        Permission.objects.filter(
            codename__in=[
                *("view_catalogimport", "add_catalogimport", "change_catalogimport"),
                *("add_product", "change_product"),
            ]
        )
    )
    client.force_login(clerk)
    upload(client, publish="on")
    preview = CatalogImport.objects.get()

    answer = client.post(apply_url(preview), {"yes": "1"}, follow=True)

    assert b"Publishing needs the right" in answer.content
    assert (CatalogImport.objects.get().status, Product.objects.count()) == ("previewed", 0)


# --- Products ---------------------------------------------------------------------------------------------


def product_form(**fields):
    form = {"sku": "N-1", "title": "Işık Seti", "kind": "download", "price": "29.90", "currency": "USD"}
    return form | {"language": "en", "position": "10"} | fields


def test_a_product_is_added_with_its_price_as_people_write_it(staff_client):
    answer = staff_client.post("/admin/storefront/product/add/", product_form(tags="a, b", compare_at="35.00"))

    product = Product.objects.get()
    assert answer.status_code == 302
    assert (product.slug, product.price_minor, product.compare_at_minor) == ("isik-seti", 2990, 3500)
    assert (product.tags, product.status, product.is_lead) == (["a", "b"], "draft", True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"price": "29,90"}, b"is not an amount such as 29.00"),
        ({"price": "-1"}, b"It is at least 0."),
        ({"price": "1.005"}, b"USD has 2 decimals"),
        ({"currency": "XBT"}, b"is not a currency code"),
        ({"compare_at": "20.00"}, b"It must be above the price."),
        ({"image": "javascript:x"}, b"is not a web address"),
    ],
)
def test_a_product_with_a_wrong_value_is_not_stored(staff_client, fields, words):
    answer = staff_client.post("/admin/storefront/product/add/", product_form(**fields))

    assert words in answer.content
    assert Product.objects.count() == 0


def test_a_second_product_with_the_same_sku_in_other_letters_is_refused(staff_client):
    make_product("n-1")

    answer = staff_client.post("/admin/storefront/product/add/", product_form(), follow=True)

    assert b"There is a product with the SKU &#x27;n-1&#x27; already." in answer.content
    assert Product.objects.count() == 1


def test_a_product_is_changed_and_keeps_its_address_and_status(staff_client):
    product = make_product("N-1", slug="old-address", status="listed")

    staff_client.post(page_of(product), product_form(description="<p>Hi</p><script>x()</script>"))

    product.refresh_from_db()
    assert (product.title, product.slug, product.status, product.price_minor) == (
        "Işık Seti",
        "old-address",
        "listed",
        2990,
    )
    assert product.description == "<p>Hi</p>"


def as_shown(answer):
    """What a browser sends when nothing is typed into the form of this page."""
    form = answer.context["adminform"].form
    page = LexborHTMLParser(answer.content).css_first("#product_form")
    hidden = {field.attributes["name"]: field.attributes.get("value") or "" for field in page.css("[type=hidden]")}
    shown = {field.html_name: field.value() for field in form}
    return {name: "" if value is None else value for name, value in (shown | hidden).items()}


@pytest.mark.parametrize(("typed", "stock"), [({}, 0), ({"stock": "5"}, 5), ({"stock": ""}, None)])
def test_a_piece_that_is_sold_while_somebody_edits_the_product_stays_sold(staff_client, typed, stock):
    """The form wrote back the stock that it had shown: the last piece was sold twice."""
    print_ = make_product(kind="physical", stock=1)
    shown = as_shown(staff_client.get(page_of(print_)))
    make_paid_order(print_)

    answer = staff_client.post(page_of(print_), shown | {"title": "A better name"} | typed)

    print_.refresh_from_db()
    assert answer.status_code == 302
    assert (print_.title, print_.stock) == ("A better name", stock)


def test_a_piece_that_is_sold_while_a_wrong_value_is_mended_stays_sold(staff_client):
    print_ = make_product(kind="physical", stock=1)
    shown = as_shown(staff_client.get(page_of(print_)))
    make_paid_order(print_)

    complaint = staff_client.post(page_of(print_), shown | {"price": "a lot"})
    staff_client.post(page_of(print_), as_shown(complaint) | {"price": "30.00"})

    print_.refresh_from_db()
    assert (print_.price_minor, print_.stock) == (3000, 0)


def test_products_are_listed_by_an_action_that_tells_what_stayed(staff_client):
    draft, archived = make_product("D", status="draft"), make_product("X", status="archived")
    chosen = {"action": "list_now", "_selected_action": [draft.pk, archived.pk]}

    answer = staff_client.post("/admin/storefront/product/", chosen, follow=True)

    assert "1 of 2 products listed." in answer.content.decode()
    assert "Not changed: 1, already listed or in a status" in answer.content.decode()
    assert dict(Product.objects.values_list("sku", "status")) == {"D": "listed", "X": "archived"}


def test_one_product_is_called_one(staff_client):
    chosen = {"action": "list_now", "_selected_action": [make_product("D", status="draft").pk]}

    answer = staff_client.post("/admin/storefront/product/", chosen, follow=True)

    assert "1 of 1 product listed." in answer.content.decode()


def test_a_product_that_visitors_do_not_see_says_how_it_is_published(staff_client):
    draft, listed = make_product("D", status="draft"), make_product("L")

    hidden = staff_client.get(f"/admin/storefront/product/{draft.pk}/change/").content.decode()
    seen = staff_client.get(f"/admin/storefront/product/{listed.pk}/change/").content.decode()

    assert "do “List now”" in hidden and "View on site" not in hidden
    assert "do “List now”" not in seen and "View on site" in seen


def test_the_list_of_products_shows_prices_and_can_be_searched(staff_client):
    make_product("D", title="Tide Planner", price_minor=123400, currency="EUR")
    make_product("E", title="Reef")

    text = staff_client.get("/admin/storefront/product/?q=tide").content.decode()

    assert "€1,234.00" in text
    assert "Reef" not in text


def test_a_product_can_not_be_deleted(staff_client):
    product = make_product("D")

    assert staff_client.post(f"/admin/storefront/product/{product.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Product.objects.count() == 1


# --- Releases ---------------------------------------------------------------------------------------------


def test_a_release_is_rolled_back_by_its_button(staff_client, staff):
    make_product("D", price_minor=3000)
    release = Release.objects.create(
        task_id=1, before={"D": {"price_minor": 2000}}, after={"D": {"price_minor": 3000}}
    )

    page = staff_client.get(page_of(release)).content.decode()
    staff_client.post(f"/admin/storefront/release/{release.pk}/do/roll_back/", {"yes": "1"})
    staff_client.post(f"/admin/storefront/release/{release.pk}/do/roll_back/", {"yes": "1"})

    release.refresh_from_db()
    assert ">2000</td>" in page and ">3000</td>" in page
    assert (release.status, release.rolled_back_by, Product.objects.get().price_minor) == (
        "rolled_back",
        staff,
        2000,
    )
    assert staff_client.get("/admin/storefront/release/").status_code == 200
    assert staff_client.post(f"/admin/storefront/release/{release.pk}/delete/", {"post": "yes"}).status_code == 403
