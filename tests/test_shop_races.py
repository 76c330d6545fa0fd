"""Buyers, staff and providers at the same moment: threads with connections of their own, on the real database."""

import json
import threading
import time
import urllib.request

import pytest
from django.db import connection, transaction

from agency.models import ServiceOrder
from earnings import audit
from earnings.models import Earning, JournalEntry
from earnings.refusals import Refusal
from storefront import cart, checkout, handing_over, payments, refunds
from storefront.models import Cart, CartLine, Entitlement, Order, Payment, PaymentEvent, Refund
from tests.factories import make_buyer, make_cart, make_gig, make_order, make_paid_order, make_product, make_wish
from tests.stripe_fake import SECRET, FakeStripe, sign

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO_PAYMENTS = True


@pytest.fixture
def fake(settings):
    with FakeStripe() as fake:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_live_fake", SECRET
        settings.STRIPE_API_BASE = fake.url
        yield fake


def at_once(*calls):
    """What each call gave or raised when all began at the same moment."""
    barrier, got = threading.Barrier(len(calls)), [None] * len(calls)

    def go(place, call):
        barrier.wait(20)
        try:
            got[place] = call()
        except Exception as error:
            got[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_eight_buyers_want_the_last_piece_and_one_gets_it():
    print_ = make_product(kind="physical", stock=1)
    carts = [make_cart(print_) for _ in range(8)]
    sent = [(basket, make_buyer(), make_wish(basket)) for basket in carts]

    got = at_once(*(lambda each=each: checkout.place_order(*each) for each in sent))

    print_.refresh_from_db()
    won = [order for order in got if isinstance(order, Order)]
    assert len(won) == 1
    assert {type(other) for other in got if other not in won} == {Refusal}
    assert print_.stock == 0
    assert Order.objects.count() == 1
    assert Payment.objects.count() == 1
    assert CartLine.objects.count() == 7  # the others keep their carts, and read there that it is sold out


def test_two_orders_of_the_same_two_things_do_not_block_each_other():
    first, second = make_product(kind="physical", stock=10), make_product(kind="physical", stock=10)
    carts = [make_cart(*pair) for pair in ((first, second), (second, first)) * 4]
    sent = [(basket, make_buyer(), make_wish(basket)) for basket in carts]

    got = at_once(*(lambda each=each: checkout.place_order(*each) for each in sent))

    first.refresh_from_db()
    second.refresh_from_db()
    assert {type(order) for order in got} == {Order}
    assert (first.stock, second.stock) == (2, 2)


def test_one_form_sent_eight_times_at_once_is_one_order():
    basket = make_cart(make_product(kind="physical", stock=5))
    sent = (basket, make_buyer(), make_wish(basket))

    got = at_once(*[lambda: checkout.place_order(*sent)] * 8)

    assert {order.pk for order in got} == {Order.objects.get().pk}
    assert Payment.objects.count() == 1


def test_fifty_lines_stay_fifty_when_two_add_at_once():
    basket = make_cart(*(make_product() for _ in range(49)))
    others = [make_product() for _ in range(6)]

    got = at_once(*(lambda other=other: cart.add(Cart.objects.get(pk=basket.pk), other) for other in others))

    assert sum(isinstance(line, CartLine) for line in got) == 1
    assert basket.lines.count() == 50


def test_a_payment_that_is_marked_eight_times_at_once_is_booked_once():
    order = make_order(make_product(), make_gig().packages.get())
    payment = order.payments.get()

    got = at_once(*[lambda: checkout.mark_paid(Payment.objects.get(pk=payment.pk))] * 8)

    assert {type(each) for each in got} == {Order}
    assert Earning.objects.count() == 2
    assert JournalEntry.objects.count() == 2
    assert ServiceOrder.objects.count() == 1
    assert Entitlement.objects.count() == 1
    assert audit.violations() == []


def test_an_order_that_eight_people_mark_as_paid_at_once_is_paid_once(staff):
    order = make_order(make_product(), provider="demo")

    at_once(*[lambda: checkout.mark_order_paid(order, staff)] * 8)

    assert list(Payment.objects.order_by("pk").values_list("provider", "status")) == [
        ("demo", "canceled"),
        ("manual", "captured"),
    ]
    assert Earning.objects.count() == 1


def test_two_payments_of_an_order_at_once_are_one_and_a_surplus():
    order = make_order(make_product(price_minor=2900))
    both = [order.payments.get(), checkout.open_payment(order, "demo")]

    at_once(*(lambda payment=payment: checkout.mark_paid(payment) for payment in both))

    assert sorted(Payment.objects.values_list("status", "is_surplus")) == [("captured", False), ("captured", True)]
    assert Earning.objects.filter(source="order").count() == 1
    assert Earning.objects.filter(source="surplus").count() == 1
    assert Refund.objects.get().status == "proposed"


@pytest.mark.parametrize("_", range(4))
def test_an_order_that_is_paid_and_given_up_at_once_keeps_its_piece_or_takes_it_again(_):
    print_ = make_product(kind="physical", stock=1)
    order = make_order(print_)
    payment = order.payments.get()

    at_once(
        lambda: checkout.cancel(Order.objects.get(pk=order.pk)),
        lambda: checkout.mark_paid(payment),
    )

    order.refresh_from_db()
    print_.refresh_from_db()
    assert (order.status, print_.stock, order.lines.get().reserved) == ("paid", 0, 1)
    assert Earning.objects.count() == 1


def test_refunds_at_once_never_give_back_more_than_was_paid():
    order = make_paid_order(make_product(price_minor=1000), make_product(price_minor=2000))

    got = at_once(
        *(
            lambda key=key: refunds.carry_out(refunds.request(order, f"wish-{key}", amount_minor=1000))
            for key in range(8)
        )
    )

    done = [each for each in got if isinstance(each, Refund)]
    order.refresh_from_db()
    assert (len(done), order.status, order.refunded_minor) == (3, "refunded", 3000)
    assert Payment.objects.get().refunded_minor == 3000
    assert audit.violations() == []


def test_one_wish_for_a_refund_asked_eight_times_at_once_reaches_stripe_once(fake):
    order = make_order(make_product(price_minor=2900), provider="stripe")
    payment = order.payments.get()
    payments.get("stripe").page_of(payment)
    fake.pay(payment.session_id)
    payments.get("stripe").look(payment)

    got = at_once(*[lambda: refunds.carry_out(refunds.request(order, "wish", amount_minor=900))] * 8)

    assert {type(each) for each in got} == {Refund}
    assert [made["amount"] for made in fake.refunds.values()] == [900]
    assert list(Refund.objects.values_list("status", "amount_minor")) == [("succeeded", 900)]
    assert audit.violations() == []


def test_a_refund_and_a_lost_dispute_at_once_never_both_deduct(fake):
    order = make_order(make_product(price_minor=2900), provider="stripe")
    payment = order.payments.get()
    payments.get("stripe").page_of(payment)
    fake.pay(payment.session_id)
    payments.get("stripe").look(payment)
    charge = fake.charge_of(payment.session_id)["id"]
    opened = fake.dispute(charge, status="lost", fee=0)

    at_once(
        lambda: refunds.carry_out(refunds.request(order, "wish")),
        lambda: payments.stripe.handle(opened),
    )

    payment.refresh_from_db()
    assert payment.refunded_minor == 2900
    assert sum(Refund.objects.filter(status="succeeded").values_list("amount_minor", flat=True)) == 2900
    assert audit.violations() == []


def test_a_parcel_handed_over_eight_times_at_once_is_earned_once():
    line = make_paid_order(make_product(kind="physical")).lines.get()

    at_once(*[lambda: handing_over.hand_over(line)] * 8)

    assert JournalEntry.objects.filter(event="earned").count() == 1


def test_one_event_that_stripe_sends_ten_times_at_once_is_one_payment(fake, live_server):
    order = make_order(make_product(), provider="stripe")
    payment = order.payments.get()
    payments.get("stripe").page_of(payment)
    body = json.dumps(fake.pay(payment.session_id))

    def send():
        request = urllib.request.Request(f"{live_server.url}/payments/stripe/webhook/", body.encode())
        request.add_header("Stripe-Signature", sign(body))
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status

    assert at_once(*[send] * 10) == [200] * 10
    assert PaymentEvent.objects.get().status == "processed"
    assert Earning.objects.count() == 1
    assert Entitlement.objects.count() == 1


def test_of_two_problems_that_are_noted_at_once_neither_is_lost():
    """The later one wrote over the earlier one: nobody was told that a bank asks for an answer."""
    order = make_order()
    noted = threading.Event()

    def one_that_takes_its_time():
        with transaction.atomic():
            Order.objects.get(pk=order.pk).note_problem("The bank asks.")
            noted.set()
            time.sleep(0.3)

    def another():
        noted.wait(20)
        Order.objects.get(pk=order.pk).note_problem("A refund failed.")

    got = at_once(one_that_takes_its_time, another)

    order.refresh_from_db()
    assert (got, order.problem) == ([None, None], "The bank asks. A refund failed.")


def test_what_is_noted_while_another_problem_comes_right_stays():
    order = make_order()
    order.note_problem("No key was left.")
    noted = threading.Event()

    def one_that_takes_its_time():
        with transaction.atomic():
            Order.objects.get(pk=order.pk).note_problem("The bank asks.")
            noted.set()
            time.sleep(0.3)

    def another():
        noted.wait(20)
        Order.objects.get(pk=order.pk).forget_problem("No key was left.")

    got = at_once(one_that_takes_its_time, another)

    order.refresh_from_db()
    assert (got, order.problem) == ([None, None], "The bank asks.")
