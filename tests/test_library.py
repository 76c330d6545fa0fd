"""What was paid for can be had, again and in its newest version, by its buyer; what was given back can't."""

import threading
from datetime import timedelta

import pytest
from django.core import signing
from django.core.files.base import ContentFile
from django.db import IntegrityError, connections, transaction
from django.urls import reverse
from django.utils import timezone

from agency import file_answers
from earnings.refusals import Refusal
from storefront import checkout, library, product_files, refunds
from storefront.models import Download, Entitlement
from storefront.payments import Answer
from tests.factories import make_order, make_paid_order, make_product

pytestmark = pytest.mark.django_db
CONTENT = b"0123456789" * 100


def make_file(product, content=CONTENT, name="Plan.pdf"):
    return product_files.add(product, ContentFile(content, name))


def bought(**fields):
    """(entitlement, file) of a paid order of one product with one file."""
    product = make_product(**fields)
    file = make_file(product)
    order = make_paid_order(product)
    return Entitlement.objects.get(order_line__order=order), file


def link(entitlement, file):
    return reverse("storefront:send_file", args=[library.sign(entitlement, file)])


def get_file(entitlement, file):
    order = entitlement.order_line.order
    return reverse("storefront:get_file", args=[order.token, entitlement.pk, file.pk])


def read(response):
    content = b"".join(response) if response.streaming else response.content
    response.close()
    return content


def give_back(order, **amounts):
    refund = refunds.request(order, f"refund {order.pk} {amounts}", **amounts)
    return refunds.carry_out(refund)


def at_once(*calls):
    """What each call answered or refused with when all were made at one moment."""
    ready, got = threading.Barrier(len(calls)), [None] * len(calls)

    def go(number, call):
        ready.wait(10)
        try:
            got[number] = call()
        except Refusal as refusal:
            got[number] = refusal.extra.get("code", refusal.detail)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


# --- Rights -----------------------------------------------------------------------------------------------


def test_a_payment_grants_each_digital_line_its_files_once_and_nothing_before():
    digital, free, physical = make_product(), make_product(price_minor=0), make_product(kind="physical", stock=3)
    order = make_order(digital, free, physical)
    before = Entitlement.objects.count()

    (payment,) = order.payments.all()
    checkout.mark_paid(payment)
    checkout.mark_paid(payment)
    line = order.lines.get(product=digital)
    again = library.grant(line, timezone.now())

    assert before == 0
    assert set(Entitlement.objects.values_list("product", "status")) == {
        (digital.pk, "active"),
        (free.pk, "active"),
    }
    assert again.pk == line.entitlements.get().pk


def test_staff_are_told_of_a_product_that_was_sold_without_a_file():
    with_file, without = make_product(), make_product(title="Desk plan")
    make_file(with_file)

    order = make_paid_order(with_file, without)

    order.refresh_from_db()
    assert order.problem == "No file yet: Desk plan. Upload it, and the buyer finds it on the order's page."


def test_a_free_order_is_granted_without_a_payment():
    order = make_order(make_product(price_minor=0))

    assert (order.status, Entitlement.objects.get().order_line.order) == ("paid", order)


def test_a_payment_that_is_not_committed_grants_nothing():
    order = make_order(make_product())

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        checkout.mark_paid(order.payments.get())
        raise ZeroDivisionError

    assert Entitlement.objects.count() == 0


def test_the_database_holds_one_right_per_line_and_a_reason_for_each_that_is_gone():
    right, _ = bought()

    with pytest.raises(IntegrityError), transaction.atomic():
        Entitlement.objects.create(order_line=right.order_line, product=right.product)
    with pytest.raises(IntegrityError), transaction.atomic():
        Entitlement.objects.update(status="revoked")


def test_a_full_refund_of_a_line_ends_its_right_and_a_part_does_not():
    first, second = make_product(price_minor=1000), make_product(price_minor=500)
    order = make_paid_order(first, second)
    rights = Entitlement.objects.order_by("order_line__number")

    give_back(order, amounts={1: 400})
    after_part = [right.status for right in rights.all()]
    give_back(order, amounts={1: 600})
    after_line = [(right.status, right.revoked_for) for right in rights.all()]
    give_back(order, amounts={2: 500})

    assert after_part == ["active", "active"]
    assert after_line == [("revoked", "refund"), ("active", "")]
    assert [right.status for right in rights.all()] == ["revoked", "revoked"]


def test_a_refund_that_did_not_reach_the_buyer_gives_back_what_it_took_and_not_what_staff_took():
    product, other = make_product(), make_product()
    order = make_paid_order(product, other)
    by_refund, by_staff = Entitlement.objects.order_by("order_line__number")
    library.revoke(by_staff, "Shared in a forum")
    refund = give_back(order)

    refunds.settle(refund, Answer("failed", problem="account closed"))

    for right in (by_refund, by_staff):
        right.refresh_from_db()
    assert (by_refund.status, by_refund.reason) == ("active", "The refund failed.")
    assert (by_staff.status, by_staff.revoked_for, by_staff.reason) == ("revoked", "staff", "Shared in a forum")


def test_staff_say_why_they_take_and_give_rights():
    right, _ = bought()

    for verb in (library.revoke, library.restore):
        with pytest.raises(Refusal) as refused:
            verb(right, "  ")
        assert refused.value.errors == [{"pointer": "/reason", "detail": "Say why."}]
    library.revoke(right, "A chargeback is coming")
    library.revoke(right, "Said twice")
    revoked = (right.status, right.reason)
    library.restore(right, "It was a mistake")

    assert revoked == ("revoked", "A chargeback is coming")
    assert (right.status, right.reason, right.revoked_at) == ("active", "It was a mistake", None)


def test_old_buyers_get_the_new_version_and_the_old_one_no_more():
    right, first = bought()
    second = make_file(right.product, b"second edition")

    assert list(library.files_of(right)) == [second]
    product_files.withdraw(second)
    assert list(library.files_of(right)) == [first]


# --- Links ------------------------------------------------------------------------------------------------


def test_the_buyers_page_makes_links_that_send_the_file(client):
    right, file = bought()

    made = client.get(get_file(right, file))
    sent = client.get(made["Location"])

    assert (made.status_code, sent.status_code, read(sent)) == (302, 200, CONTENT)
    assert sent["Content-Disposition"] == 'attachment; filename="Plan.pdf"'
    assert sent["Content-Type"] == "application/pdf"
    assert {sent["Referrer-Policy"], made["Referrer-Policy"]} == {"no-referrer"}
    assert sent["Cache-Control"] == "private, no-store"
    assert Download.objects.count() == 1


def test_a_link_lives_ten_minutes_and_says_so(client, monkeypatch):
    right, file = bought()
    now = signing.time.time()
    address = link(right, file)

    monkeypatch.setattr(signing.time, "time", lambda: now + 595)
    in_time = client.get(address)
    monkeypatch.setattr(signing.time, "time", lambda: now + 605)
    too_late = client.get(address)

    assert (in_time.status_code, read(in_time)) == (200, CONTENT)
    assert too_late.status_code == 410
    assert "This link has expired." in too_late.content.decode()
    assert Download.objects.count() == 1


@pytest.mark.parametrize("signed", ["x", "a:b:c", "%00", "../../etc/passwd"])
def test_what_we_did_not_sign_is_not_found(client, signed):
    assert client.get(f"/files/{signed}/").status_code == 404


def test_a_link_of_another_purpose_opens_nothing(client):
    right, file = bought()
    other = signing.dumps([right.pk, file.pk, "x"], salt="something else")

    assert client.get(reverse("storefront:send_file", args=[other])).status_code == 404


def test_nobody_reaches_a_file_of_another_order_or_product(client):
    right, file = bought()
    other, other_file = bought()
    foreign = [
        reverse("storefront:get_file", args=[other.order_line.order.token, right.pk, file.pk]),
        reverse("storefront:get_file", args=["x" * 32, right.pk, file.pk]),
        reverse("storefront:get_file", args=[right.order_line.order.token, 10**30, file.pk]),
    ]

    assert [client.get(address).status_code for address in foreign] == [404, 404, 404]
    assert client.get(get_file(right, other_file)).status_code == 410
    assert client.get(link(right, other_file)).status_code == 410
    assert Download.objects.count() == 0


def test_a_link_ends_with_its_right_and_with_its_file(client):
    right, file = bought()
    address, page = link(right, file), get_file(right, file)

    give_back(right.order_line.order)
    after_refund = [client.get(address).status_code, client.get(page).status_code]
    library.restore(right, "Goodwill")
    product_files.withdraw(file)

    assert after_refund == [410, 410]
    assert client.get(address).status_code == 410
    assert Download.objects.count() == 0


def test_a_file_that_the_storage_lost_is_told_and_not_counted(client):
    right, file = bought()
    file.file.storage.delete(file.file.name)

    answer = client.get(link(right, file))

    assert (answer.status_code, Download.objects.count()) == (503, 0)
    assert "This file is missing." in answer.content.decode()


# --- Counting ---------------------------------------------------------------------------------------------


def test_a_download_that_is_resumed_in_parts_counts_once(client):
    right, file = bought()
    address = link(right, file)

    client.head(address)
    begun = client.get(address)
    parts = [client.get(address, headers={"Range": f"bytes={first}-"}) for first in (100, 500)]
    beyond = client.get(address, headers={"Range": "bytes=1000-"})

    assert (begun.status_code, [part.status_code for part in parts], beyond.status_code) == (200, [206, 206], 416)
    assert [read(part) for part in parts] == [CONTENT[100:], CONTENT[500:]]
    assert Download.objects.count() == 1
    begun.close()


def test_a_part_of_a_file_that_was_replaced_is_not_glued_to_the_old_one(client):
    right, file = bought()
    tag = client.head(link(right, file))["ETag"]
    second = make_file(right.product, b"second edition")

    answer = client.get(link(right, second), headers={"Range": "bytes=5-", "If-Range": tag})

    assert (answer.status_code, read(answer)) == (200, b"second edition")


def test_after_ten_downloads_a_file_asks_to_write_and_staff_open_it_again(client):
    right, file = bought()
    for _ in range(10):
        read(client.get(link(right, file)))
    half_done = Download.objects.first().link
    resumed = reverse(
        "storefront:send_file", args=[signing.dumps([right.pk, file.pk, half_done], salt=library.SALT)]
    )

    refused = client.get(link(right, file))
    resume = client.get(resumed, headers={"Range": "bytes=1-"})
    library.reset_limit(right)
    again = client.get(link(right, file))

    assert (refused.status_code, "10 times" in refused.content.decode()) == (403, True)
    assert [read(resume), read(again)] == [CONTENT[1:], CONTENT]
    assert Download.objects.count() == 11
    assert library.left(right, file.pk) == 9


def test_a_new_version_and_another_file_have_downloads_of_their_own():
    right, file = bought()
    other = make_file(right.product, b"read me", "Read me.txt")
    for _ in range(10):
        library.count(library.read(library.sign(right, file)))

    assert [library.left(right, each.pk) for each in (file, other)] == [0, 10]


def test_a_refused_download_holds_no_place_and_no_file(client):
    product = make_product()
    file = make_file(product, b"x" * 300_000)
    make_paid_order(product)
    right = Entitlement.objects.get()
    for _ in range(10):
        library.count(library.read(library.sign(right, file)))

    assert client.get(link(right, file)).status_code == 403
    assert file_answers.places.taken == 0


# --- Several at once --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_payment_noticed_twice_at_once_grants_once():
    order = make_order(make_product())
    payment, same = order.payments.get(), order.payments.get()

    at_once(lambda: checkout.mark_paid(payment), lambda: checkout.mark_paid(same))
    line = order.lines.get()
    granted = at_once(*[lambda: library.grant(line, timezone.now())] * 4)

    assert granted == [Entitlement.objects.get()] * 4


@pytest.mark.django_db(transaction=True)
def test_of_four_at_the_limit_one_gets_the_last_download():
    right, file = bought()
    for _ in range(9):
        library.count(library.read(library.sign(right, file)))
    links = [library.read(library.sign(right, file)) for _ in range(4)]

    got = at_once(*[lambda each=each: library.count(each) for each in links])

    assert sorted(got, key=str) == [None, "limit", "limit", "limit"]
    assert Download.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_the_same_link_used_by_four_at_once_counts_once():
    right, file = bought()
    one = library.read(library.sign(right, file))

    assert at_once(*[lambda: library.count(one)] * 4) == [None] * 4
    assert Download.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_refund_beside_a_download_leaves_no_way_in():
    right, file = bought()
    order = right.order_line.order
    links = [library.read(library.sign(right, file)) for _ in range(3)]

    got = at_once(lambda: give_back(order) and None, *[lambda each=each: library.count(each) for each in links])

    right.refresh_from_db()
    assert got[0] is None
    assert set(got[1:]) <= {None, "revoked"}
    assert (right.status, Download.objects.count()) == ("revoked", got[1:].count(None))
    with pytest.raises(Refusal):
        library.count(library.read(library.sign(right, file)))


def test_a_limit_that_was_reset_counts_from_then_on():
    right, file = bought()
    library.count(library.read(library.sign(right, file)))
    Download.objects.update(began_at=timezone.now() - timedelta(minutes=1))

    library.reset_limit(right)

    assert library.left(right, file.pk) == 10
