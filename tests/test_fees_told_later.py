"""What a provider kept of a payment may be told days after it: the books then say that, once."""

import threading

import pytest
from django.db import connection

from earnings import audit, ledger
from earnings.models import Channel, JournalEntry
from earnings.refusals import Refusal
from earnings.statements import booking
from storefront import checkout, refunds
from storefront.models import Payment
from tests.factories import make_gig, make_product
from tests.stripe_fake import SECRET, FakeStripe
from tests.test_disputes import NOON, sell
from tests.test_statements import make_format
from tests.test_stripe import balances, begun, paid, tell, total

pytestmark = pytest.mark.django_db


@pytest.fixture
def stripe(settings):
    with FakeStripe() as fake:
        fake.knows_fees, fake.fee = False, (150, 25)
        settings.STRIPE_SECRET_KEY = "sk_live_fake"
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        settings.STRIPE_API_BASE = fake.url
        yield fake


def test_a_fee_that_is_told_later_takes_the_place_of_the_estimate_once(stripe, client):
    order, payment = paid(
        stripe, client, make_product(price_minor=10000), make_gig(price_minor=5000).packages.get()
    )
    estimated = total("fees")

    event = stripe.settle_fee(payment.external_id)
    for told in (event, event, {**event, "id": "evt_again"}, stripe.settle_fee(payment.external_id)):
        tell(client, told)

    payment.refresh_from_db()
    assert (estimated, total("fees"), payment.fee_minor, payment.fee_source) == (465, 250, 250, "provider")
    assert balances(f"order:{order.number}:line:1") == {"pending": 9833, "fees": 167, "revenue": -10000}
    assert balances(f"order:{order.number}:line:2") == {"unearned": 4917, "fees": 83, "deferred": -5000}
    assert audit.violations() == []


def test_a_fee_may_be_more_than_was_estimated_and_be_told_by_any_later_event(stripe, client):
    order, payment = paid(stripe, client, make_product(price_minor=10000))
    stripe.fee = (500, 0)
    stripe.settle_fee(payment.external_id)

    stripe.refund(payment.external_id, 5000)
    tell(client, stripe.events[-1])

    assert balances(f"order:{order.number}:line:1") == {
        "pending": 4750,
        "fees": 250,
        "revenue": -10000,
        "refunds": 5000,
    }
    assert total("fees") == 500
    assert audit.violations() == []


@pytest.mark.parametrize("rate", [0, 150, 600])
def test_the_fee_of_what_was_given_back_meanwhile_is_right_too(stripe, client, rate):
    order, payment = paid(stripe, client, make_product(price_minor=10000))
    refunds.carry_out(refunds.request(order, "wish-1"))
    stripe.fee = (rate, 1)

    tell(client, stripe.settle_fee(payment.external_id))

    assert total("fees") == rate + 1
    assert balances(f"order:{order.number}:line:1") == {"revenue": -10000, "refunds": 10000}
    assert audit.violations() == []


def test_a_fee_that_is_told_with_the_payment_is_not_told_again(stripe, client):
    stripe.knows_fees = True
    _, payment = paid(stripe, client, make_product(price_minor=10000))

    stripe.fee = (900, 0)
    tell(client, stripe.settle_fee(payment.external_id))

    assert total("fees") == 175
    assert not JournalEntry.objects.filter(event__in=["cost", "credited"]).exists()


def test_a_change_of_a_charge_books_a_payment_that_we_did_not_hear_of(stripe, client):
    order, payment = begun(make_product(price_minor=10000))
    stripe.pay(payment.session_id)

    tell(client, stripe.settle_fee(stripe.charge_of(payment.session_id)["id"]))

    order.refresh_from_db()
    assert (order.status, total("fees")) == ("paid", 175)


def test_a_statement_is_compared_with_the_fee_that_was_told_later(stripe, client):
    make_format(
        channel=Channel.objects.get(pk="stripe"),
        columns={"date": "Day", "gross": "Amount", "fee": "Fee", "id": "Id", "sale": "Id"},
        fee_sign="minus",
        words={},
        currency="USD",
    )
    _, payment = paid(stripe, client, make_product(price_minor=10000))
    tell(client, stripe.settle_fee(payment.external_id))

    data = f"Day,Amount,Fee,Id\n2026-01-01,100.00,1.75,{payment.external_id}\n".encode()
    statement = booking.book(booking.upload(data, "stripe.csv"))

    assert statement.rows.get().outcome == "matched"


@pytest.mark.django_db(transaction=True)
def test_a_fee_that_two_processes_hear_at_once_is_booked_once(stripe, client):
    _, payment = paid(stripe, client, make_product(price_minor=10000))
    broken = []

    def work():
        try:
            checkout.note_fee(Payment.objects.get(pk=payment.pk), 700)
        except Exception as error:
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (broken, total("fees")) == ([], 700)
    assert audit.violations() == []


def test_the_ledger_corrects_a_fee_within_what_the_sale_holds():
    earning = sell()

    first, again = (ledger.correct_fee(earning, "service_order:1:fee", NOON, 200) for _ in range(2))

    assert first == again
    assert ledger.balances(earning) == {"pending": 9500, "fees": 500, "revenue": -10000}
    with pytest.raises(ledger.KeyConflict):
        ledger.correct_fee(earning, "service_order:1:fee", NOON, 201)
    for more in (9501, -501):
        with pytest.raises(Refusal, match="does not fit"):
            ledger.correct_fee(earning, "service_order:1:fee:2", NOON, more)
    for more in (0, 1.5):
        with pytest.raises(Refusal, match="other than zero"):
            ledger.correct_fee(earning, "service_order:1:fee:2", NOON, more)
