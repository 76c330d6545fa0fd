"""Refunds made in Stripe's own dashboard beside ours: the books come to what Stripe did, by themselves."""

from datetime import timedelta

import pytest
from django.utils import timezone

from earnings import audit
from storefront import refunds
from storefront.models import PaymentEvent, Refund
from storefront.payments import inbox
from tests.factories import make_product
from tests.stripe_fake import SECRET, FakeStripe
from tests.test_stripe import balances, paid, tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def stripe(settings):
    with FakeStripe() as fake:
        settings.STRIPE_SECRET_KEY = "sk_live_fake"
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        settings.STRIPE_API_BASE = fake.url
        yield fake


def an_hour_later():
    past = timezone.now() - timedelta(hours=1)
    PaymentEvent.objects.update(due_at=past)
    Refund.objects.update(due_at=past)


def sweep():
    """As the workers do, every few seconds."""
    for part in (inbox, refunds, inbox):
        an_hour_later()
        part.sweep()


@pytest.mark.parametrize(("ours", "theirs"), [(2900, 2900), (1000, 2900), (2900, 1000), (2000, 1000)])
@pytest.mark.parametrize("asked", ["before it is told", "after it is told", "never until the sweep"])
def test_a_refund_by_hand_while_ours_is_on_its_way_needs_nobody(stripe, client, ours, theirs, asked):
    order, payment = paid(stripe, client, make_product(price_minor=2900))
    refund = refunds.request(order, "wish-1", amount_minor=ours)
    stripe.refund(payment.external_id, theirs)
    told = stripe.events[-2:]

    if asked == "before it is told":
        refunds.carry_out(refund)
    for event in told:
        tell(client, event)
    waiting = set(PaymentEvent.objects.exclude(status="processed").values_list("status", "problem"))
    if asked == "after it is told":
        refunds.carry_out(refund)
    sweep()

    refund.refresh_from_db()
    payment.refresh_from_db()
    order.refresh_from_db()
    assert waiting <= {("received", f"It waits for {refund}, which is on its way; nobody has to do anything.")}
    assert bool(waiting) == (asked != "before it is told")
    assert set(PaymentEvent.objects.values_list("status", flat=True)) == {"processed"}
    assert (refund.status, payment.refunded_minor) == ("failed", theirs)
    assert stripe.charges[payment.external_id]["amount_refunded"] == theirs
    assert f"Refund {refund.pk} failed" in order.problem
    held = balances(f"order:{order.number}:line:1")
    assert held["refunds"] == theirs
    assert audit.violations() == []


def test_both_are_booked_where_both_fit(stripe, client):
    order, payment = paid(stripe, client, make_product(price_minor=2900))
    refund = refunds.request(order, "wish-1", amount_minor=1000)
    stripe.refund(payment.external_id, 1900)

    for event in stripe.events[-2:]:
        tell(client, event)
    refunds.carry_out(refund)

    order.refresh_from_db()
    assert set(PaymentEvent.objects.values_list("status", flat=True)) == {"processed"}
    assert (order.status, Refund.objects.filter(status="succeeded").count()) == ("refunded", 2)
    assert audit.violations() == []


def test_a_refund_that_takes_the_place_of_one_that_failed_may_be_told_before_that(stripe, client):
    order, payment = paid(stripe, client, make_product(price_minor=2900))
    failed = refunds.carry_out(refunds.request(order, "wish-1", amount_minor=1000))
    of_failure = stripe.fail_refund(failed.external_id)
    stripe.refund(payment.external_id, 2900)

    for event in (*stripe.events[-2:], of_failure):
        tell(client, event)

    payment.refresh_from_db()
    order.refresh_from_db()
    failed.refresh_from_db()
    assert set(PaymentEvent.objects.values_list("status", flat=True)) == {"processed"}
    assert (failed.status, payment.refunded_minor, order.status) == ("failed", 2900, "refunded")
    assert audit.violations() == []


def test_a_proposal_is_dropped_when_its_money_went_back_in_another_way(stripe, client):
    order, payment = paid(stripe, client, make_product(price_minor=2000), make_product(price_minor=900))
    gone, kept = (refunds.propose(payment, "Called off.", lines=[line]) for line in order.lines.all())

    refunds.carry_out(refunds.request(order, "wish-1", amounts={1: 500}))

    for proposal in (gone, kept):
        proposal.refresh_from_db()
    assert (gone.status, kept.status) == ("dropped", "proposed")
