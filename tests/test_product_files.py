"""Files of products: hashed, numbered, replaced by newer ones, and stored where no name can lead."""

import hashlib
import threading
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connections, transaction
from django.urls import reverse

from earnings.refusals import Refusal
from storefront import demo_shop, product_files
from storefront.models import Product, ProductFile
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def add(product, content=b"one", name="Plan.pdf", **more):
    return product_files.add(product, ContentFile(content, name), **more)


def current(product):
    return list(product.files.current().values_list("name", "version"))


def test_a_file_is_stored_with_its_hash_under_a_path_that_says_nothing():
    file = add(make_product(), b"%PDF-1.7 plan", "C:\\plans\\Haftalık plan.pdf")

    assert (file.name, file.version, file.size) == ("Haftalık plan.pdf", 1, 13)
    assert (file.sha256, file.content_type) == (hashlib.sha256(b"%PDF-1.7 plan").hexdigest(), "application/pdf")
    assert file.file.read() == b"%PDF-1.7 plan"
    assert file.file.name.startswith("products/")
    assert "plan" not in file.file.name


def test_an_upload_under_the_same_name_is_the_next_version_and_the_same_file_again_is_none():
    product, other = make_product(), make_product()

    first = add(product)
    again = add(product)
    second = add(product, b"two", note=" Page 3 corrected ")
    add(product, b"x", "Read me.txt")
    add(other)

    assert (first, second.version, second.note) == (again, 2, "Page 3 corrected")
    assert current(product) == [("Plan.pdf", 2), ("Read me.txt", 1)]
    assert current(other) == [("Plan.pdf", 1)]


def test_a_withdrawn_version_gives_way_to_the_one_before_it():
    product = make_product()
    first, second = add(product), add(product, b"two")

    product_files.withdraw(second)
    product_files.withdraw(second)
    without_second = current(product)
    product_files.withdraw(first)
    without_both = current(product)
    product_files.offer_again(second)

    assert (without_second, without_both, current(product)) == ([("Plan.pdf", 1)], [], [("Plan.pdf", 2)])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie: x.pdf"),
        ("..hidden.txt", "hidden.txt"),
        ("plan\u202efdp.exe", "planfdp.exe"),
        (f"{'x' * 200}.pdf", f"{'x' * 116}.pdf"),
        ("30 × 40 cm, Personal.zip", "30 × 40 cm, Personal.zip"),
    ],
)
def test_a_name_is_only_a_name(given, shown):
    assert product_files.shown_name(given) == shown


@pytest.mark.parametrize("given", ["", "..", "folder/", "\x00\x01"])
def test_a_name_of_nothing_is_refused(given):
    with pytest.raises(Refusal) as refused:
        product_files.shown_name(given)

    assert refused.value.errors[0]["pointer"] == "/name"


@pytest.mark.parametrize("name", ["a/b.pdf", "a\\b.pdf", "a\nb.pdf", ""])
def test_the_database_takes_no_folder_and_no_line_for_a_name(name):
    file = add(make_product())

    with pytest.raises(IntegrityError), transaction.atomic():
        ProductFile.objects.filter(pk=file.pk).update(name=name)


def test_an_empty_and_a_too_large_file_are_refused_and_nothing_is_stored(settings):
    settings.PRODUCT_FILE_MAX_BYTES = 10
    product = make_product()

    for content, said in [(b"", "The file is empty."), (b"x" * 11, "The file is larger than 10 bytes.")]:
        with pytest.raises(Refusal) as refused:
            add(product, content)
        assert refused.value.errors == [{"pointer": "/file", "detail": said}]

    assert ProductFile.objects.count() == 0
    assert not settings.MEDIA_ROOT.exists()


@pytest.mark.django_db(transaction=True)
def test_two_uploads_at_once_are_two_versions():
    product = make_product()
    ready = threading.Barrier(2)

    def upload(content):
        ready.wait(5)
        add(product, content)
        connections.close_all()

    threads = [threading.Thread(target=upload, args=(content,)) for content in (b"one", b"two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(product.files.values_list("version", flat=True)) == [1, 2]


# --- In the admin -----------------------------------------------------------------------------------------


def upload_form(product, content, **fields):
    return {
        "product": product.pk,
        "file": SimpleUploadedFile("Plan.pdf", content),
        "name": "",
        "note": "",
    } | fields


def test_staff_upload_replace_withdraw_and_save_a_file(staff_client, staff):
    product = make_product()
    page = reverse("admin:storefront_productfile_add")

    staff_client.post(page, upload_form(product, b"one"))
    staff_client.post(page, upload_form(product, b"two", name="Plan.pdf"))
    second, first = product.files.all()
    staff_client.post(reverse("admin:storefront_productfile_verb", args=[second.pk, "withdraw"]))
    saved = staff_client.get(reverse("admin:storefront_productfile_open", args=[first.pk]))
    shown = staff_client.get(reverse("admin:storefront_product_change", args=[product.pk])).content.decode()

    assert [(file.version, file.created_by) for file in (first, second)] == [(1, staff), (2, staff)]
    assert current(product) == [("Plan.pdf", 1)]
    assert (b"".join(saved), saved["Content-Disposition"]) == (b"one", 'attachment; filename="Plan.pdf"')
    assert "Plan.pdf" in shown
    assert f"{page}?product={product.pk}" in shown


def test_staff_are_told_at_the_field_why_a_file_is_refused(staff_client):
    page = reverse("admin:storefront_productfile_add")

    answer = staff_client.post(page, upload_form(make_product(), b"one", name=".."))

    assert answer.status_code == 200
    assert "The file needs a name." in answer.content.decode()
    assert ProductFile.objects.count() == 0


# --- The demo shop ----------------------------------------------------------------------------------------


def test_every_digital_product_of_the_demo_shop_has_a_file_that_is_made_once():
    demo_shop.open_shop()
    first = set(ProductFile.objects.values_list("product__sku", "sha256"))
    demo_shop.open_shop()

    products = Product.objects.filter(kind__in=["download", "bundle", "course"], external_url="")
    assert set(ProductFile.objects.values_list("product__sku", "sha256")) == first
    assert {sku for sku, _ in first} == set(products.values_list("sku", flat=True))
    file = ProductFile.objects.get(product__sku="LF-MIST-30X40-P")
    assert file.name == "Misty mountains line art (30 × 40 cm, Personal).zip"
    with zipfile.ZipFile(BytesIO(file.file.read())) as packed:
        assert packed.namelist() == ["READ ME.txt", "Worksheet.md", "Picture.svg"]
        assert packed.testzip() is None
        assert "This is the demo edition." in packed.read("READ ME.txt").decode()


def test_a_file_that_the_owner_of_a_demo_shop_withdrew_does_not_come_back():
    demo_shop.open_shop()
    file = ProductFile.objects.get(product__sku="LF-CHECKLIST")
    product_files.withdraw(file)

    demo_shop.open_shop()

    assert list(file.product.files.current()) == []


def test_a_file_that_is_sold_is_read_by_its_owner_only():
    stored = Path(add(make_product()).file.path)

    assert (stored.stat().st_mode & 0o777, stored.parent.stat().st_mode & 0o777) == (0o600, 0o700)
