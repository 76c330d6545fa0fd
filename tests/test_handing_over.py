import pytest

from agency.models import Mail
from earnings import ledger
from earnings.models import Earning
from earnings.refusals import Refusal
from storefront import checkout, disputes, handing_over, refunds
from storefront.models import Product, Refund
from storefront.payments import Answer
from tests.factories import make_gig, make_order, make_paid_order, make_product

pytestmark = pytest.mark.django_db


def balances(key):
    return {account: amount for account, amount in ledger.balances(Earning.objects.get(key=key)).items() if amount}


def test_a_parcel_is_earned_when_it_is_sent_and_the_buyer_is_told_once():
    order = make_paid_order(make_product(kind="physical", stock=2, title="Print", price_minor=1000))
    line = order.lines.get()
    owed = balances(line.key)

    handing_over.hand_over(line)
    handing_over.hand_over(line)

    line.refresh_from_db()
    assert owed == {"unearned": 1000, "deferred": -1000}
    assert balances(line.key) == {"pending": 1000, "revenue": -1000}
    assert line.fulfilled_at is not None
    assert Mail.objects.filter(key=f"order:{order.pk}:sent:1").count() == 1
    assert handing_over.open_lines(order) == []


def test_a_short_line_is_handed_over_after_restocking_instead_of_being_refunded():
    print_ = make_product(kind="physical", stock=1)
    order = make_order(print_)
    checkout.cancel(order)
    make_paid_order(print_)
    checkout.mark_paid(order.payments.get())
    line = order.lines.get()

    with pytest.raises(Refusal) as refused:
        handing_over.hand_over(line)
    Product.objects.update(stock=5)
    handing_over.hand_over(line)

    line.refresh_from_db()
    print_.refresh_from_db()
    assert "out of stock" in refused.value.detail
    assert (line.is_short, line.reserved, print_.stock) == (False, 1, 4)
    assert Refund.objects.get().status == "dropped"
    assert balances(line.key) == {"pending": 2900, "revenue": -2900}


def test_a_refund_that_failed_takes_the_pieces_that_it_gave_back_again():
    """They were counted back into stock and then sent: one piece was sold twice."""
    print_ = make_product(kind="physical", stock=3)
    order = make_paid_order((print_, 2))
    refund = refunds.carry_out(refunds.request(order, "wish"))
    print_.refresh_from_db()
    given_back = print_.stock

    for _ in range(2):
        refunds.settle(refund, Answer("failed"))
    handing_over.hand_over(order.lines.get())

    line = order.lines.get()
    print_.refresh_from_db()
    assert (given_back, print_.stock) == (3, 1)
    assert (line.reserved, line.is_short) == (2, False)


def test_pieces_that_were_sold_to_others_before_the_refund_failed_are_short():
    print_ = make_product(kind="physical", stock=1)
    order = make_paid_order(print_)
    refund = refunds.carry_out(refunds.request(order, "wish"))
    make_paid_order(print_)

    refunds.settle(refund, Answer("failed"))
    with pytest.raises(Refusal) as refused:
        handing_over.hand_over(order.lines.get())

    assert "out of stock" in refused.value.detail
    assert order.lines.get().is_short


def test_a_part_refund_that_fails_leaves_the_pieces_where_they_are():
    print_ = make_product(kind="physical", stock=3, price_minor=1000)
    order = make_paid_order((print_, 2))
    refund = refunds.carry_out(refunds.request(order, "wish", amount_minor=500))

    refunds.settle(refund, Answer("failed"))

    print_.refresh_from_db()
    assert (print_.stock, order.lines.get().reserved) == (1, 2)


def test_a_file_that_was_short_gives_its_right_when_it_is_handed_over():
    file = make_product(stock=1)
    order = make_order(file)
    checkout.cancel(order)
    make_paid_order(file)
    checkout.mark_paid(order.payments.get())
    Product.objects.update(stock=1)

    handing_over.hand_over(order.lines.get())

    assert order.lines.get().entitlements.get().status == "active"


def test_what_is_unpaid_given_back_or_a_package_is_not_handed_over():
    unpaid = make_order(make_product(kind="physical")).lines.get()
    package = make_paid_order(make_gig().packages.get()).lines.get()
    refunded = make_paid_order(make_product(kind="physical"), make_product())
    refunds.carry_out(refunds.request(refunded, "wish", amounts={1: 2900}))

    for line in (unpaid, package, refunded.lines.get(number=1)):
        with pytest.raises(Refusal):
            handing_over.hand_over(line)
        line.refresh_from_db()
        assert line.fulfilled_at is None


def contested_order():
    order = make_paid_order(make_product(kind="physical", stock=2, price_minor=1000))
    disputes.told(order.payments.get(), disputes.Told(external_id="dp_1", status="open", amount_minor=1000))
    return order


def test_a_parcel_whose_payment_is_contested_leaves_only_with_a_yes_to_that():
    """It was sent like any other, and a lost dispute took the money as well."""
    order = contested_order()
    line = order.lines.get()

    with pytest.raises(Refusal) as refused:
        handing_over.hand_over(line)
    line.refresh_from_db()
    before = (line.fulfilled_at, balances(line.key))
    handing_over.hand_over(line, although_contested=True)

    line.refresh_from_db()
    assert refused.value.extra["code"] == "contested"
    assert before == (None, {"unearned": 1000, "deferred": -1000})
    assert line.fulfilled_at is not None


def test_a_parcel_leaves_as_any_other_once_the_bank_has_decided_for_us():
    order = contested_order()
    disputes.told(order.payments.get(), disputes.Told(external_id="dp_1", status="won", amount_minor=1000))

    handing_over.hand_over(order.lines.get())

    assert balances(order.lines.get().key) == {"pending": 1000, "revenue": -1000}


def test_staff_are_asked_about_a_contested_payment_on_the_page_and_refused_in_the_list(staff_client):
    order = contested_order()
    page, listed = f"/admin/storefront/order/{order.pk}/do/hand_over/", "/admin/storefront/order/"
    chosen = {"action": "hand_over", "_selected_action": [order.pk], "yes": "yes"}

    asked = staff_client.get(page).content.decode()
    without = staff_client.post(page).content.decode()
    in_list = staff_client.post(listed, chosen, follow=True).content.decode()
    before = order.lines.get().fulfilled_at
    staff_client.post(page, {"although_contested": "on"})

    assert "bank contests the payment: hand it over all the same" in asked
    assert "goods and money are gone: say yes, or wait" in without
    assert "bank contests the payment of" in in_list
    assert before is None
    assert order.lines.get().fulfilled_at is not None


def test_programs_say_yes_to_a_contested_payment_too(api):
    order = contested_order()
    to = f"/api/v1/orders/{order.number}/hand-over"

    refused = api.post(to)
    done = api.post(to, {"although_contested": True})

    assert (refused.status_code, refused.json()["code"]) == (409, "contested")
    assert (done.status_code, done.json()["lines"][0]["fulfilled_at"] is not None) == (200, True)
