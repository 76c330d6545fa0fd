"""Each buyer of a product with license keys gets one of their own: at once, or as soon as there is one."""

import threading

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connections, transaction

from agency import mail
from agency.models import Mail
from earnings.refusals import Refusal
from storefront import checkout, disputes, library, license_keys, refunds
from storefront.models import Entitlement, LicenseKey
from storefront.payments import Answer
from tests.factories import make_order, make_paid_order, make_product

pytestmark = pytest.mark.django_db


def keyed(*keys, **fields):
    product = make_product(title="Reef editor", **fields)
    license_keys.add(product, "\n".join(keys))
    return product


def key_of(order):
    return LicenseKey.objects.filter(entitlement__order_line__order=order).values_list("text", flat=True).first()


def letter(**found):
    return mail.letter(Mail.objects.get(**found)).text


def page_of(client, order):
    return " ".join(client.get(order.get_absolute_url()).content.decode().split())


def test_each_buyer_gets_the_oldest_free_key_on_the_orders_page(client):
    product = keyed("REEF-1", "REEF-2")

    first, second = make_paid_order(product), make_paid_order(product)

    assert (key_of(first), key_of(second)) == ("REEF-1", "REEF-2")
    assert "License key: <code>REEF-1</code>" in page_of(client, first)
    assert "REEF-2" not in page_of(client, first)
    assert "still being prepared" not in page_of(client, first)  # a key without a file is something, too
    assert (first.problem, second.problem) == ("", "")
    assert "your license keys:" in letter(key=f"order:{first.pk}:paid")


def test_nobody_sees_a_key_before_the_payment(client):
    product = keyed("REEF-1")

    order = make_order(product)

    assert key_of(order) is None
    assert "REEF-1" not in page_of(client, order)


def test_a_product_without_keys_says_nothing_of_them(client, django_assert_max_num_queries):
    order = make_paid_order(*[make_product() for _ in range(8)])

    with django_assert_max_num_queries(9):
        page = page_of(client, order)

    assert "icense key" not in page
    assert "license" not in letter(key=f"order:{order.pk}:paid")


def test_who_buys_when_none_is_left_waits_and_is_served_first(client):
    product = keyed("REEF-1")
    make_paid_order(product)
    early, late = make_paid_order(product), make_paid_order(product)
    waiting = page_of(client, early)

    added = license_keys.add(product, "REEF-2")

    early.refresh_from_db(), late.refresh_from_db()
    assert "Your license key is being prepared." in waiting
    assert added == license_keys.Added(new=1, known=0, handed_out=1)
    assert (key_of(early), key_of(late)) == ("REEF-2", None)
    assert (early.problem, "No license key was left for Reef editor" in late.problem) == ("", True)
    assert Mail.objects.get(template="order_key").to == early.email
    assert early.get_absolute_url() in letter(template="order_key")
    assert "REEF-2" not in letter(template="order_key")


def test_keys_that_come_after_the_first_sales_reach_their_buyers():
    product = make_product()
    orders = [make_paid_order(product) for _ in range(2)]

    added = license_keys.add(product, "A\nB\nC")

    assert added.handed_out == 2
    assert [key_of(order) for order in orders] == ["A", "B"]
    assert license_keys.stock_of(product) == license_keys.Stock(free=1, handed_out=2, waiting=0)


def test_a_key_stays_its_buyers_through_refund_and_its_failure(client):
    product = keyed("REEF-1", "REEF-2")
    order = make_paid_order(product)
    line = order.lines.get()

    library.revoke_refunded(line)
    gone = page_of(client, order)
    other = make_paid_order(product)
    library.restore_refunded(line)

    assert "REEF-1" not in gone
    assert key_of(other) == "REEF-2"
    assert "REEF-1" in page_of(client, order)


def test_who_was_refunded_does_not_wait():
    product = make_product()
    order = make_paid_order(product)
    refunds.carry_out(refunds.request(order, "all of it"))

    assert license_keys.add(product, "REEF-1").handed_out == 0
    assert key_of(order) is None


@pytest.mark.parametrize("taken_by", ["refund", "staff"])
def test_a_right_that_comes_back_gets_the_key_that_came_meanwhile(taken_by):
    """Keys that were added while it was revoked passed it by, and so did the next buyer's."""
    product = keyed("REEF-1")
    make_paid_order(product)
    order = make_paid_order(product)
    right = order.lines.get().entitlements.get()
    refund = None
    if taken_by == "refund":
        refund = refunds.carry_out(refunds.request(order, "wish"))
    else:
        library.revoke(right, "By mistake.")
    license_keys.add(product, "REEF-2")

    for _ in range(2):
        if refund:
            refunds.settle(refund, Answer("failed"))
        else:
            right.refresh_from_db()
            library.restore(right, "It was no mistake.")

    order.refresh_from_db()
    assert key_of(order) == "REEF-2"
    assert "No license key was left" not in order.problem


def test_no_key_goes_to_who_won_the_dispute_when_their_refund_fails():
    product = keyed("REEF-1")
    make_paid_order(product)
    order = make_paid_order(product)
    refund = refunds.carry_out(refunds.request(order, "wish"))
    license_keys.add(product, "REEF-2")
    disputes.told(order.payments.get(), disputes.Told("dp_1", "lost", product.price_minor))

    refunds.settle(refund, Answer("failed"))

    order.refresh_from_db()
    assert order.status == "refunded"
    assert key_of(order) is None


def test_a_payment_told_twice_takes_one_key():
    product = keyed("REEF-1", "REEF-2")
    order = make_paid_order(product)

    checkout.mark_paid(order.payments.get())
    library.grant(order.lines.get(), order.paid_at)

    assert LicenseKey.objects.filter(entitlement=None).count() == 1


def test_keys_are_read_by_the_line_and_none_is_added_twice():
    product = keyed("A-1", "A-2")

    added = license_keys.add(product, "  A-2\r\n\r\nA-3  \nA-3\nanahtar-ğ\n")

    assert added == license_keys.Added(new=2, known=1, handed_out=0)
    assert [key.text for key in product.license_keys.all()] == ["A-1", "A-2", "A-3", "anahtar-ğ"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" \n\n", "Write one key on each line."),
        ("ok\n" + "x" * 201, "Line 2: a key has at most 200 characters."),
        ("ok\nzero\u200bwidth", "Line 2: a key has no invisible characters."),
        ("\n".join(map(str, range(10_001))), "These are 10,001 keys; at most 10,000 are added at once."),
    ],
)
def test_what_is_no_key_is_refused_by_its_line_and_none_is_added(text, said):
    product = make_product()

    with pytest.raises(Refusal) as refused:
        license_keys.add(product, text)

    assert (refused.value.detail, refused.value.errors[0]["pointer"]) == (said, "/keys")
    assert not LicenseKey.objects.exists()


def test_a_free_key_is_withdrawn_and_a_buyers_is_not():
    product = keyed("A", "B")
    make_paid_order(product)
    taken, free = product.license_keys.all()

    license_keys.withdraw(free)
    with pytest.raises(Refusal):
        license_keys.withdraw(taken)

    assert [key.text for key in product.license_keys.all()] == ["A"]


def test_the_database_holds_that_a_key_is_handed_out_to_one_buyer():
    product = keyed("A", "B")
    right = Entitlement.objects.get(order_line__order=make_paid_order(product))

    for change in ({"entitlement": right, "handed_out_at": right.granted_at}, {"handed_out_at": right.granted_at}):
        with pytest.raises(IntegrityError), transaction.atomic():
            product.license_keys.filter(text="B").update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        LicenseKey.objects.create(product=product, text="A")


@pytest.mark.django_db(transaction=True)
def test_buyers_at_the_same_time_get_different_keys_and_as_many_as_there_are():
    product = keyed("A", "B", "C")
    orders = [make_order(product) for _ in range(5)]
    ready = threading.Barrier(5, timeout=20)

    def pay(order):
        ready.wait()
        checkout.mark_paid(order.payments.get())
        connections.close_all()

    threads = [threading.Thread(target=pay, args=[order]) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(filter(None, map(key_of, orders))) == ["A", "B", "C"]
    assert license_keys.stock_of(product) == license_keys.Stock(free=0, handed_out=3, waiting=2)


@pytest.mark.django_db(transaction=True)
def test_keys_that_are_added_while_others_pay_leave_nobody_behind():
    """The first key of a product, and a payment that does not know yet that the product takes keys."""
    for _ in range(10):
        product = make_product()
        order = make_order(product)
        ready = threading.Barrier(2, timeout=20)

        def pay(order=order, ready=ready):
            ready.wait()
            checkout.mark_paid(order.payments.get())
            connections.close_all()

        def add(product=product, ready=ready):
            ready.wait()
            license_keys.add(product, f"KEY-{product.pk}")
            connections.close_all()

        threads = [threading.Thread(target=pay), threading.Thread(target=add)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert key_of(order) == f"KEY-{product.pk}"


# --- In the admin ------------------------------------------------------------------------------------------------

ADD = "/admin/storefront/licensekey/add/"
LIST = "/admin/storefront/licensekey/"


def test_staff_add_keys_and_see_how_many_are_left(staff_client):
    product = make_product(title="Reef editor")
    make_paid_order(product)

    answer = staff_client.post(ADD, {"product": product.pk, "keys": "A\nB\nB"}, follow=True)
    page = staff_client.get(f"/admin/storefront/product/{product.pk}/change/").content.decode()
    listed = staff_client.get(f"{LIST}?product__id__exact={product.pk}&state=handed-out")

    assert "2 keys added to Reef editor; 1 went to buyers who waited." in answer.content.decode()
    assert "1 free, 1 handed out." in page
    assert [key.text for key in listed.context["cl"].result_list] == ["A"]


def test_a_bad_line_is_said_beside_the_field_and_what_was_typed_stays(staff_client):
    answer = staff_client.post(ADD, {"product": make_product().pk, "keys": "fine\n" + "x" * 300})

    text = answer.content.decode()
    assert answer.context["adminform"].form.errors == {"keys": ["Line 2: a key has at most 200 characters."]}
    assert "fine" in text
    assert not LicenseKey.objects.exists()


def test_a_free_key_can_be_deleted_and_one_that_a_buyer_has_cannot(staff_client):
    product = keyed("REEF-1", "REEF-2")
    order = make_paid_order(product)
    taken, free = product.license_keys.all()

    gone = staff_client.post(f"{LIST}{free.pk}/delete/", {"post": "yes"})
    kept = staff_client.post(f"{LIST}{taken.pk}/delete/", {"post": "yes"})
    page = staff_client.get(f"{LIST}{taken.pk}/change/").content.decode()
    right = staff_client.get(f"/admin/storefront/entitlement/{taken.entitlement_id}/change/").content.decode()

    assert (gone.status_code, kept.status_code) == (302, 403)
    assert order.email in page
    assert "REEF-1" in right
    assert [key.text for key in product.license_keys.all()] == ["REEF-1"]


def test_catalog_editors_add_keys_without_seeing_who_bought(client):
    product = keyed("A")
    order = make_paid_order(product)
    editor = User.objects.create_user("ed", password="a long pass phrase", is_staff=True)
    editor.groups.set(Group.objects.filter(name="Catalog editors"))
    client.force_login(editor)

    answer = client.post(ADD, {"product": product.pk, "keys": "B"})
    page = client.get(f"{LIST}{product.license_keys.first().pk}/change/").content.decode()

    assert answer.status_code == 302
    assert product.license_keys.count() == 2
    assert order.email not in page
