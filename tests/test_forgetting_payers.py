"""What providers told us names people for a while, and then only ids and amounts."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from agency import jobs
from earnings.models import JournalEntry
from storefront.models import PaymentEvent
from storefront.payments import forgetting, inbox
from tests.factories import make_product
from tests.stripe_fake import SECRET, FakeStripe
from tests.test_stripe import begun, tell

pytestmark = pytest.mark.django_db
SECRETS = ("buyer@example.com", "Ada Lovelace", "Main Street 1", "4242")


@pytest.fixture
def stripe(settings):
    with FakeStripe() as fake:
        settings.STRIPE_SECRET_KEY = "sk_live_fake"
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        settings.STRIPE_API_BASE = fake.url
        yield fake


def with_people(event):
    """As Stripe tells it: the buyer stands in many places, and some are new to us."""
    event["data"]["object"] |= {
        "customer_email": SECRETS[0],
        "customer_details": {"name": SECRETS[1], "address": {"line1": SECRETS[2]}, "email": SECRETS[0]},
        "latest_charge": {"id": "ch_1", "billing_details": {"name": SECRETS[1]}},
        "payment_method_details": {"card": {"last4": SECRETS[3]}},
        "newer_field": SECRETS[0],
    }
    event["data"]["object"]["metadata"]["note"] = SECRETS[1]
    return event


def told(stripe, client, days, **status):
    order, payment = begun(make_product(price_minor=2900))
    event = with_people(stripe.pay(payment.session_id))
    tell(client, event)
    PaymentEvent.objects.update(received_at=timezone.now() - timedelta(days=days), **status)
    return order, event


def test_old_events_are_kept_without_the_people_and_still_count_once(stripe, client):
    order, event = told(stripe, client, days=91)
    entries = JournalEntry.objects.count()

    forgetting.forget()
    forgetting.forget()
    tell(client, event)

    stored = PaymentEvent.objects.get()
    thing = json.loads(stored.body)["data"]["object"]
    assert not [each for each in SECRETS if each in stored.body]
    assert (thing["amount_total"], thing["currency"], thing["client_reference_id"]) == (2900, "usd", order.number)
    assert (stored.external_id, stored.type, stored.status) == (event["id"], event["type"], "processed")
    assert (stored.order, JournalEntry.objects.count()) == (order, entries)
    assert stored.forgotten_at is not None


def test_what_is_young_is_kept_whole(stripe, client):
    told(stripe, client, days=89)

    forgetting.forget()

    assert all(each in PaymentEvent.objects.get().body for each in SECRETS)


def test_an_event_that_never_succeeds_does_not_keep_its_people(stripe, client):
    told(stripe, client, days=91, status="received")

    forgetting.forget()
    event = inbox.process(PaymentEvent.objects.get())

    assert not [each for each in SECRETS if each in event.body]
    assert event.status == "processed"


def test_what_another_program_put_in_place_of_our_order_is_not_kept():
    thing = {"id": "cs_1", "client_reference_id": "buyer@example.com"}

    assert "buyer" not in forgetting.without_people(json.dumps({"id": "evt_1", "data": {"object": thing}}))


def test_the_days_are_a_setting(stripe, client, settings):
    settings.PAYMENT_EVENT_DAYS = 7
    told(stripe, client, days=8)

    forgetting.forget()

    assert SECRETS[0] not in PaymentEvent.objects.get().body


def test_a_refused_event_can_be_processed_after_its_people_are_forgotten(stripe, client, settings):
    settings.STRIPE_SECRET_KEY = "sk_test_fake"
    order, payment = begun(make_product(price_minor=2900))
    payment.kind = "real"
    payment.save()
    tell(client, with_people(stripe.pay(payment.session_id)))
    PaymentEvent.objects.update(received_at=timezone.now() - timedelta(days=91))
    forgetting.forget()
    settings.STRIPE_SECRET_KEY = "sk_live_fake"

    inbox.try_again(PaymentEvent.objects.get())

    order.refresh_from_db()
    assert (order.status, PaymentEvent.objects.get().status) == ("paid", "processed")


@pytest.mark.parametrize(
    "body", ["", "[]", "null", '{"data": {"object": "x"}}', '{"data": {"object": [["a", 1]]}}']
)
def test_a_body_that_is_no_event_is_forgotten_as_a_whole(body):
    assert "x" not in forgetting.without_people(body) and "a" not in json.loads(forgetting.without_people(body))


def test_the_workers_sweep_forgets():
    assert forgetting.forget in jobs.SWEEPS
