"""Money that is not what the order costs: nothing is handed over, and one click of staff gives it back."""

import pytest

from earnings import audit, ledger
from earnings.models import Earning
from earnings.refusals import Refusal
from earnings.statements import booking
from storefront import checkout, refunds
from storefront.models import Payment, PaymentEvent, Refund
from tests.factories import make_product
from tests.stripe_fake import SECRET, FakeStripe
from tests.test_stripe import balances, begun, tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def stripe(settings):
    with FakeStripe() as fake:
        settings.STRIPE_SECRET_KEY = "sk_live_fake"
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        settings.STRIPE_API_BASE = fake.url
        yield fake


def odd(stripe, client, **paid_with):
    """An order, the event that tells of what came for it, and the payment that this is."""
    order, payment = begun(make_product(price_minor=2900))
    event = stripe.pay(payment.session_id, **paid_with)
    tell(client, event)
    order.refresh_from_db()
    return order, event, Payment.objects.get(is_surplus=True)


@pytest.mark.parametrize(
    ("paid_with", "came", "net"),
    [
        ({"amount": 100}, (100, "USD"), 68),
        ({"currency": "eur"}, (2900, "EUR"), 2786),
        ({"amount": 5000}, (5000, "USD"), 4825),
    ],
)
def test_another_amount_or_currency_is_booked_as_owed_and_proposed_to_go_back(
    stripe, client, paid_with, came, net
):
    order, event, payment = odd(stripe, client, **paid_with)
    for again in (event, {**event, "id": "evt_again"}):
        tell(client, again)

    refund = Refund.objects.get()
    assert (order.status, PaymentEvent.objects.first().status) == ("awaiting_payment", "processed")
    assert (payment.amount_minor, payment.currency, payment.kind) == (*came, "real")
    assert (refund.payment, refund.status, refund.amount_minor) == (payment, "proposed", came[0])
    assert f"refund {refund.pk} waits for your yes" in order.problem
    assert balances(payment.surplus_key) == {
        "unearned": net,
        "fees": came[0] - net,
        "deferred": -came[0],
    }
    assert Earning.objects.count() == 1
    assert not order.lines.get().entitlements.exists()
    assert audit.violations() == []


def test_staff_give_it_back_with_one_click_and_a_yes(stripe, client, staff_client):
    order, _, payment = odd(stripe, client, amount=100)
    refund = Refund.objects.get()
    listed = staff_client.get("/admin/storefront/refund/?status__exact=proposed").content.decode()
    page = f"/admin/storefront/refund/{refund.pk}/"
    shown = staff_client.get(f"{page}change/").content.decode()
    of_order = staff_client.get(f"/admin/storefront/order/{order.pk}/change/").content.decode()

    for _ in range(2):
        staff_client.post(f"{page}do/approve/", {})

    refund.refresh_from_db()
    payment.refresh_from_db()
    assert f"Refund {refund.pk} of {order.number}" in listed
    assert "Give it back" in shown and f"{page}do/approve/" in shown
    assert page in of_order
    assert (refund.status, payment.refunded_minor, len(stripe.refunds)) == ("succeeded", 100, 1)
    assert next(iter(stripe.refunds.values()))["amount"] == 100
    assert balances(payment.surplus_key) == {}
    assert audit.violations() == []


def test_a_refund_of_it_that_staff_made_at_stripe_settles_it(stripe, client):
    order, _, payment = odd(stripe, client, currency="eur")

    stripe.refund(payment.external_id, 2900)
    for event in stripe.events[-2:]:
        tell(client, event)

    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.refunded_minor, order.status) == (2900, "awaiting_payment")
    assert balances(payment.surplus_key) == {}
    proposal = Refund.objects.get(key__startswith="proposed:")
    assert (proposal.status, proposal.problem) == ("dropped", "It was given back in another way.")
    with pytest.raises(Refusal, match="is Dropped"):
        refunds.approve(proposal)


@pytest.mark.parametrize("canceled", [False, True])
def test_a_refund_of_it_that_fails_does_not_make_the_order_paid(stripe, client, canceled):
    order, _, payment = odd(stripe, client, amount=100)
    if canceled:
        checkout.cancel(order)
    refunds.carry_out(refunds.approve(Refund.objects.get()))

    tell(client, stripe.fail_refund(next(iter(stripe.refunds))))

    order.refresh_from_db()
    payment.refresh_from_db()
    assert order.status == ("canceled" if canceled else "awaiting_payment")
    assert payment.refunded_minor == 0
    assert set(PaymentEvent.objects.values_list("status", flat=True)) == {"processed"}
    assert "failed" in order.problem
    again = Refund.objects.get(status="proposed")
    assert again.amount_minor == 100
    refunds.carry_out(refunds.approve(again))
    payment.refresh_from_db()
    assert (payment.refunded_minor, balances(payment.surplus_key)) == (100, {})
    assert audit.violations() == []


def test_it_is_proposed_again_when_the_refund_made_at_stripe_fails_unless_staff_said_no(stripe, client):
    _, _, payment = odd(stripe, client, currency="eur")
    made = stripe.refund(payment.external_id, 2900)["id"]
    for event in stripe.events[-2:]:
        tell(client, event)

    for _ in range(2):
        tell(client, stripe.fail_refund(made))

    assert sorted(Refund.objects.values_list("status", flat=True)) == ["dropped", "failed", "proposed"]
    refunds.drop(Refund.objects.get(status="proposed"))
    other = stripe.refund(payment.external_id, 1000)["id"]
    for event in stripe.events[-2:]:
        tell(client, event)
    tell(client, stripe.fail_refund(other))
    assert not Refund.objects.filter(status="proposed").exists()
    assert audit.violations() == []


def test_the_admin_shows_its_refund_in_the_currency_that_came(stripe, client, staff_client):
    order, _, _ = odd(stripe, client, currency="eur")

    page = staff_client.get(f"/admin/storefront/order/{order.pk}/change/").content.decode()

    assert ">€29.00</a>" in page


def test_a_statement_leaves_refunds_of_it_to_the_provider(stripe, client):
    _, _, payment = odd(stripe, client, amount=5000)
    columns = "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,reporting_category,"
    row = f"txn_9,{payment.captured_at:%Y-%m-%d %H:%M:%S},,usd,-50.00,0.00,-50.00,refund,{payment.external_id},x\n"
    statement = booking.book(booking.upload((f"{columns}source_id,description\n{row}").encode(), "stripe.csv"))

    refunds.carry_out(refunds.approve(Refund.objects.get()))

    assert statement.rows.get().outcome != "booked"
    assert (Refund.objects.get().status, balances(payment.surplus_key)) == ("succeeded", {})
    assert audit.violations() == []


def test_the_buyer_reads_that_it_goes_back_and_may_pay_what_it_costs(stripe, client):
    order, _, _ = odd(stripe, client, amount=100)
    page = client.get(order.get_absolute_url()).content.decode()

    answer = client.post(f"/checkout/pay/{order.token}/", {"provider": "stripe"}, follow=False)
    second = order.payments.get(status="pending")
    trying = client.get(order.get_absolute_url()).content.decode()
    client.get(answer["Location"])
    second.refresh_from_db()
    tell(client, stripe.pay(second.session_id))

    order.refresh_from_db()
    assert "is not what it costs" in page and "nothing was charged" not in page
    assert "is not what it costs" not in trying and "waits for its payment" in trying
    assert order.status == "paid"
    held = ledger.balances(Earning.objects.get(key=f"order:{order.number}:line:1"))
    assert (held["revenue"], Refund.objects.get().status) == (-2900, "proposed")
    assert audit.violations() == []


def test_a_payment_of_the_other_mode_books_nothing(stripe, client):
    order, payment = begun(make_product(price_minor=2900))
    event = stripe.pay(payment.session_id)
    stripe.intents[stripe.sessions[payment.session_id]["payment_intent"]]["livemode"] = False

    tell(client, event)

    order.refresh_from_db()
    assert (order.status, PaymentEvent.objects.get().status) == ("awaiting_payment", "refused")
    assert Earning.objects.count() == 0
