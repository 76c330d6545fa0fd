from datetime import timedelta

import pytest
from django.utils import timezone

from agency import client_mail, fulfillment_engine
from agency.models import ServiceOrder, WebhookDelivery
from agency.workflows import NewArtifact
from earnings import ledger
from earnings.models import Earning, JournalEntry
from earnings.refusals import Refusal
from storefront import attribution, cart, checkout
from storefront.models import Order, OrderLine, Product, Refund
from tests.factories import (
    make_buyer,
    make_cart,
    make_endpoint,
    make_gig,
    make_order,
    make_paid_order,
    make_product,
    make_run,
    make_wish,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO_PAYMENTS = True


def balances(key):
    return {account: amount for account, amount in ledger.balances(Earning.objects.get(key=key)).items() if amount}


# --- Placing -------------------------------------------------------------------------------------------------


def test_an_order_keeps_what_was_agreed_and_empties_the_cart():
    product = make_product("PLAN", title="Planner", option="Team", price_minor=2900)
    package = make_gig("logo", price_minor=10000).packages.get()
    basket = make_cart(product, package)

    order = checkout.place_order(basket, make_buyer(email="Ada@Example.com"), make_wish(basket))
    Product.objects.update(title="Renamed", price_minor=1)

    assert order.number == f"DB-{order.pk:06d}"
    assert (order.status, order.email, order.total_minor) == ("awaiting_payment", "ada@example.com", 12900)
    assert list(
        order.lines.values_list("number", "sku", "title", "option", "unit_price_minor", "amount_minor")
    ) == [
        (1, "PLAN", "Planner", "Team", 2900, 2900),
        (2, "logo/basic", package.gig.name, "Basic", 10000, 10000),
    ]
    assert order.lines.get(number=2).terms["delivery_days"] == 3
    assert order.payments.get().amount_minor == 12900
    assert basket.lines.count() == 0
    assert JournalEntry.objects.count() == 0


def test_the_same_form_sent_twice_is_one_order():
    basket = make_cart(make_product())
    wish, buyer = make_wish(basket), make_buyer()

    first = checkout.place_order(basket, buyer, wish)
    second = checkout.place_order(basket, buyer, wish)

    assert first == second
    assert Order.objects.count() == 1


@pytest.mark.parametrize("change", [{"delivery_days": 9}, {"revisions": 0}, {"features": ["Less"]}])
def test_terms_of_a_package_that_changed_since_the_yes_place_nothing(change):
    """Only price, quantity and SKU were asked: who agreed to three days had an order of nine."""
    package = make_gig(price_minor=10000).packages.get()
    basket = make_cart(package)
    wish = make_wish(basket)
    type(package).objects.update(**change)

    with pytest.raises(Refusal) as refused:
        checkout.place_order(basket, make_buyer(), wish)
    order = checkout.place_order(basket, make_buyer(), make_wish(basket))

    assert refused.value.extra["code"] == "changed"
    assert Order.objects.count() == 1
    assert order.lines.get().terms.items() >= change.items()


def test_work_is_owed_on_the_terms_of_its_order_whatever_its_package_says_later():
    package = make_gig(price_minor=10000, requirements=[{"name": "title", "required": True}]).packages.get()
    order = make_order(package)
    type(package).objects.update(delivery_days=30, revisions=0)

    checkout.mark_paid(order.payments.get())
    work = order.lines.get().service_order
    fulfillment_engine.set_requirements(work, {"title": "Ten desks"})
    fulfillment_engine.start(work)
    fulfillment_engine.offer_by_hand(work, [NewArtifact("deliverable", "a.txt", "text/plain", b"done")])
    fulfillment_engine.deliver(work)

    assert (work.due_at - timezone.now()).days == 2
    assert client_mail.revisions_left(work) == 1
    assert fulfillment_engine.request_revision(work, "Larger").status == "revision"


def test_a_price_that_changed_since_the_yes_places_nothing():
    product = make_product(price_minor=2900)
    basket = make_cart(product)
    wish = make_wish(basket)
    Product.objects.filter(pk=product.pk).update(price_minor=3900)

    with pytest.raises(Refusal) as refused:
        checkout.place_order(basket, make_buyer(), wish)

    assert refused.value.extra["code"] == "changed"
    assert Order.objects.count() == 0
    assert basket.lines.count() == 1


def test_a_free_order_is_complete_without_a_provider():
    package = make_gig("call", price_minor=0).packages.get()
    order = make_order(make_product(price_minor=0), package, provider="")

    assert order.status == "paid"
    assert order.payments.count() == 0
    assert Earning.objects.count() == 0
    assert order.lines.get(number=1).fulfilled_at == order.paid_at
    service_order = order.lines.get(number=2).service_order
    assert (service_order.status, service_order.kind, service_order.amount_minor) == (
        "awaiting_brief",
        "simulated",
        0,
    )


def test_a_provider_that_is_not_offered_is_refused(settings):
    settings.DEMO_PAYMENTS = False
    basket = make_cart(make_product())

    for provider in ("demo", "unheard-of", ""):
        with pytest.raises(Refusal) as refused:
            checkout.place_order(basket, make_buyer(), make_wish(basket, provider=provider))
        assert [error["pointer"] for error in refused.value.errors] == ["/provider"]

    assert Order.objects.count() == 0


def test_a_parcel_needs_an_address_and_a_file_does_not_keep_one():
    basket = make_cart(make_product(kind="physical"))
    with pytest.raises(Refusal) as refused:
        checkout.place_order(basket, make_buyer(shipping_address=" "), make_wish(basket))
    order = make_order(make_product())

    assert [error["pointer"] for error in refused.value.errors] == ["/shipping_address"]
    assert order.shipping_address == ""


def test_the_same_thing_for_the_same_address_within_two_hours_asks_first():
    product, buyer = make_product(title="Planner"), make_buyer()
    old = make_paid_order(product, buyer=buyer)
    basket = make_cart(product)

    with pytest.raises(Refusal) as refused:
        checkout.place_order(basket, buyer, make_wish(basket, buys_again=False))
    again = checkout.place_order(basket, buyer, make_wish(basket, buys_again=True))
    Order.objects.update(placed_at=timezone.now() - timedelta(hours=2, seconds=1))
    later = make_order(product, buyer=buyer, buys_again=False)

    assert refused.value.extra["code"] == "duplicate"
    assert len({old.pk, again.pk, later.pk}) == 3


def test_what_was_never_paid_is_no_duplicate():
    product, buyer = make_product(), make_buyer()
    make_order(product, buyer=buyer, provider="demo")

    assert make_order(product, buyer=buyer, buys_again=False).status == "awaiting_payment"


# --- Stock -----------------------------------------------------------------------------------------------------


def test_an_order_takes_its_pieces_and_gives_them_back_when_its_time_is_over():
    print_ = make_product(kind="physical", stock=5)
    order = make_order((print_, 3), provider="demo")
    print_.refresh_from_db()
    left = print_.stock

    Order.objects.update(reserved_until=timezone.now() - timedelta(seconds=1))
    checkout.sweep()
    checkout.sweep()

    order.refresh_from_db()
    print_.refresh_from_db()
    assert (left, print_.stock, order.status) == (2, 5, "canceled")
    assert order.payments.get().status == "canceled"


def test_the_last_piece_goes_to_one_of_two_carts():
    print_ = make_product(kind="physical", stock=1)
    first, second = make_cart(print_), make_cart(print_)
    wish = make_wish(second)

    checkout.place_order(first, make_buyer(), make_wish(first))
    with pytest.raises(Refusal):
        checkout.place_order(second, make_buyer(), wish)

    print_.refresh_from_db()
    assert print_.stock == 0
    assert Order.objects.count() == 1


def test_money_that_comes_late_takes_the_pieces_again():
    print_ = make_product(kind="physical", stock=1)
    order = make_order(print_)
    checkout.cancel(order)

    checkout.mark_paid(order.payments.get())

    order.refresh_from_db()
    print_.refresh_from_db()
    assert (order.status, order.problem, print_.stock) == ("paid", "", 0)


def test_money_for_a_piece_that_is_gone_is_booked_as_owed_and_proposed_to_be_refunded():
    print_, file = make_product(kind="physical", stock=1, title="Print"), make_product(price_minor=500)
    order = make_order(print_, file)
    checkout.cancel(order)
    make_paid_order(print_)

    checkout.mark_paid(order.payments.get())
    checkout.mark_paid(order.payments.get())

    order.refresh_from_db()
    assert order.status == "paid"
    assert order.problem.startswith("Paid, but sold out meanwhile: Print.")
    assert list(order.lines.values_list("is_short", "reserved")) == [(True, 0), (False, 0)]
    assert balances(f"order:{order.number}:line:1") == {"unearned": 2900, "deferred": -2900}
    assert balances(f"order:{order.number}:line:2") == {"pending": 500, "revenue": -500}
    refund = Refund.objects.get()
    assert (refund.status, refund.amount_minor) == ("proposed", 2900)
    assert list(refund.lines.values_list("line__number", "amount_minor")) == [(1, 2900)]


# --- Being paid ----------------------------------------------------------------------------------------------


def test_a_payment_is_booked_once_a_line_and_hands_everything_over():
    file, package = make_product("FILE", price_minor=2900), make_gig("logo", price_minor=10000).packages.get()
    order = make_order(file, package)
    payment = order.payments.get()

    checkout.mark_paid(payment)
    checkout.mark_paid(payment)

    order.refresh_from_db()
    assert (order.status, payment.status, payment.kind) == ("paid", "captured", "real")
    assert balances(f"order:{order.number}:line:1") == {"pending": 2900, "revenue": -2900}
    assert balances(f"order:{order.number}:line:2") == {"unearned": 10000, "deferred": -10000}
    assert list(
        Earning.objects.order_by("id").values_list("reference", "product_sku", "gig", "kind", "client")
    ) == [
        (order.number, "FILE", "", "real", "Ada Byron"),
        (order.number, "", "logo", "real", "Ada Byron"),
    ]
    taken = ServiceOrder.objects.get()
    assert (taken.status, taken.kind, taken.amount_minor) == ("awaiting_brief", "real", 10000)
    assert taken.external_id == f"{order.number}:2"
    assert order.lines.get(number=2).service_order == taken
    assert order.lines.get(number=1).fulfilled_at == payment.captured_at


def test_demo_money_is_simulated():
    order = make_paid_order(make_product(), make_gig().packages.get(), provider="demo")

    assert set(Earning.objects.values_list("kind", "channel_id")) == {("simulated", "demo")}
    assert order.lines.get(number=2).service_order.kind == "simulated"


def test_a_fee_is_cut_over_the_lines_to_the_cent():
    order = make_order(make_product(price_minor=1000), make_product(price_minor=1000), make_product(price_minor=1))

    payment = order.payments.get()
    checkout.mark_paid(payment, fee_minor=88)

    assert list(Earning.objects.order_by("id").values_list("fee_minor", flat=True)) == [44, 44, 0]
    assert (payment.fee_minor, payment.fee_source) == (88, "provider")


def test_a_second_payment_of_an_order_is_booked_as_owed_and_proposed_to_go_back():
    order = make_order(make_product(price_minor=2900))
    other = checkout.open_payment(order, "demo")

    checkout.mark_paid(order.payments.first())
    checkout.mark_paid(other)

    order.refresh_from_db()
    assert other.is_surplus
    assert balances(other.surplus_key) == {"unearned": 2900, "deferred": -2900}
    assert Refund.objects.get().payment == other
    assert "came on top" in order.problem


def test_the_client_of_a_sold_service_is_not_booked_twice():
    order = make_paid_order(make_gig(price_minor=10000).packages.get())
    service_order = order.lines.get().service_order
    ServiceOrder.objects.filter(pk=service_order.pk).update(status="delivered")
    service_order.refresh_from_db()

    fulfillment_engine.accept(service_order)

    assert Earning.objects.count() == 1
    assert balances(f"order:{order.number}:line:1") == {"pending": 10000, "revenue": -10000}


def test_calling_a_sold_service_off_gives_no_money_back_by_itself():
    order = make_paid_order(make_gig(price_minor=10000).packages.get())

    fulfillment_engine.cancel(order.lines.get().service_order)

    assert balances(f"order:{order.number}:line:1") == {"unearned": 10000, "deferred": -10000}


def test_others_are_told_of_an_order_without_its_buyer(django_capture_on_commit_callbacks):
    make_endpoint(events=["order.placed", "order.paid", "order.canceled"])

    order = make_paid_order(make_product())
    checkout.cancel(make_order(make_product()))

    told = WebhookDelivery.objects.order_by("id")
    assert list(told.values_list("event_type", flat=True)) == [
        "order.placed",
        "order.paid",
        "order.placed",
        "order.canceled",
    ]
    assert order.number in told[1].body
    assert not any("Ada" in row.body or "example.com" in row.body for row in told)


# --- Attribution and giving up ---------------------------------------------------------------------------------


def test_an_order_remembers_the_promotion_whose_link_led_to_it():
    run = make_run()
    basket = make_cart(make_product())
    source = attribution.Source("email", "email", f"run-{run.pk}")

    order = checkout.place_order(basket, make_buyer(), make_wish(basket, provider="manual"), source)
    checkout.mark_paid(order.payments.get())

    assert (order.utm_source, order.utm_campaign, order.run) == ("email", f"run-{run.pk}", run)
    assert Earning.objects.get().run_id == run.pk


def test_a_link_of_no_run_is_kept_as_it_says():
    assert attribution.Source(utm_campaign="run-99").columns["run"] is None
    assert attribution.Source(utm_campaign="spring").columns == {
        "utm_source": "",
        "utm_medium": "",
        "utm_campaign": "spring",
        "run": None,
    }


def test_a_paid_order_is_not_canceled():
    order = make_paid_order(make_product())

    with pytest.raises(Refusal) as refused:
        checkout.cancel(order)

    assert refused.value.allowed == ["refunded"]
    assert order.status == "paid"


def test_nothing_can_be_ordered_from_an_empty_cart():
    basket = make_cart()

    with pytest.raises(Refusal) as refused:
        checkout.place_order(basket, make_buyer(), make_wish(basket))

    assert refused.value.extra["code"] == "empty"
    assert OrderLine.objects.count() == 0
    assert cart.look(basket).total_minor == 0
