"""What Stripe tells of disputes beside refunds and fees, in every order."""

from collections import Counter
from itertools import permutations

import pytest

from earnings import audit, ledger
from earnings.models import Earning
from storefront import disputes, refunds
from storefront.models import Dispute, PaymentEvent, Refund
from storefront.payments import Answer
from tests.factories import make_gig, make_product
from tests.stripe_fake import SECRET, FakeStripe
from tests.test_stripe import balances, paid, tell, total

pytestmark = pytest.mark.django_db


@pytest.fixture
def stripe(settings):
    with FakeStripe() as fake:
        settings.STRIPE_SECRET_KEY = "sk_live_fake"
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        settings.STRIPE_API_BASE = fake.url
        yield fake


def sold(stripe, client, **product):
    order, payment = paid(stripe, client, make_product(price_minor=2900, **product))
    return order, payment, f"order:{order.number}:line:1"


def contest(stripe, payment, **more):
    return stripe.dispute(payment.external_id, **more)["data"]["object"]["id"]


def tell_all(stripe, client, since=0):
    for event in stripe.events[since:]:
        tell(client, event)


@pytest.mark.parametrize("end", ["won", "lost"])
@pytest.mark.parametrize("order_of_events", [*permutations(range(4))][::3])
def test_a_chargeback_after_a_full_refund_costs_its_fee_and_nothing_else(stripe, client, end, order_of_events):
    _, payment, line = sold(stripe, client)
    heard = len(stripe.events)
    stripe.refund(payment.external_id, 2900)
    stripe.decide(contest(stripe, payment), end)
    events = stripe.events[heard:]

    for number in order_of_events:
        tell(client, events[number])
    tell_all(stripe, client, heard)

    payment.refresh_from_db()
    assert payment.refunded_minor == 2900
    assert balances(line) == {"revenue": -2900, "refunds": 2900}
    assert total("fees") == 114 + (1500 if end == "lost" else 0)
    assert (Dispute.objects.get().status, Refund.objects.count()) == (end, 1)
    assert not PaymentEvent.objects.filter(status="refused").exists()
    assert audit.violations() == []


def clear(line):
    earning = Earning.objects.get(key=line)
    ledger.clear(earning, f"{line}:cleared", earning.occurred_at)
    return earning


@pytest.mark.parametrize("bucket", ["pending", "available", "paid_out"])
def test_of_what_is_given_back_in_a_dispute_that_is_won_the_rest_lies_where_it_was(stripe, client, bucket):
    order, payment, line = sold(stripe, client)
    if bucket != "pending":
        earning = clear(line)
    if bucket == "paid_out":
        ledger.pay_out(earning, f"{line}:out", earning.occurred_at)
    on_its_way = refunds.request(order, "wish-1", amount_minor=900)
    dispute = contest(stripe, payment)
    tell_all(stripe, client)
    refunds.settle(on_its_way, Answer("succeeded"))

    stripe.decide(dispute, "won")
    tell_all(stripe, client)

    held = Counter(balances(line))
    at_the_bank = 2786 if bucket == "paid_out" else 0
    assert (held["refunds"], held["disputed"], held["paid_out"]) == (900, 0, at_the_bank)
    rest = "available" if at_the_bank else bucket
    assert held[rest] == 2000 - held["fees"] - at_the_bank
    assert Dispute.objects.get().status == "won"
    assert not PaymentEvent.objects.filter(status="refused").exists()
    assert audit.violations() == []


def test_a_refund_that_fails_after_the_dispute_was_won_is_free_again(stripe, client):
    order, payment, line = sold(stripe, client)
    on_its_way = refunds.request(order, "wish-1", amount_minor=900)
    dispute = contest(stripe, payment)
    tell_all(stripe, client)
    refunds.settle(on_its_way, Answer("succeeded", external_id="re_1"))
    stripe.decide(dispute, "won")
    tell_all(stripe, client)

    refunds.settle(on_its_way, Answer("failed"))

    assert balances(line) == {"pending": 2786, "fees": 114, "revenue": -2900}
    assert audit.violations() == []


@pytest.mark.parametrize("amount", [900, 2900])
@pytest.mark.parametrize("end", ["won", "lost"])
def test_a_refund_that_fails_in_an_open_dispute_waits_for_the_decision_too(stripe, client, amount, end):
    order, payment, line = sold(stripe, client)
    on_its_way = refunds.request(order, "wish-1", amount_minor=amount)
    refunds.settle(on_its_way, Answer("succeeded", external_id="re_1"))
    dispute = contest(stripe, payment)
    tell_all(stripe, client)

    refunds.settle(on_its_way, Answer("failed"))
    meanwhile = balances(line)
    stripe.decide(dispute, end)
    tell_all(stripe, client)
    tell_all(stripe, client)

    assert meanwhile == {"disputed": 2786, "fees": 114, "revenue": -2900}
    free = {"pending": 2786, "fees": 114, "revenue": -2900}
    assert balances(line) == (free if end == "won" else {"revenue": -2900, "refunds": 2900})
    assert audit.violations() == []


def test_what_a_failed_refund_brings_into_two_disputes_still_waits_for_its_clearing_day(stripe, client):
    _, payment, line = sold(stripe, client)
    refunds.told(payment, Answer("succeeded", external_id="re_1"), amount_minor=1000)
    for number, amount in (("dp_1", 1000), ("dp_2", 900)):
        disputes.told(payment, disputes.Told(number, "open", amount))

    refunds.told(payment, Answer("failed", external_id="re_1"), amount_minor=1000)
    for number, amount in (("dp_1", 1000), ("dp_2", 900)):
        disputes.told(payment, disputes.Told(number, "won", amount))

    assert balances(line) == {"pending": 2786, "fees": 114, "revenue": -2900}
    assert audit.violations() == []


def test_a_second_dispute_is_set_apart_when_the_first_one_is_won(stripe, client):
    _, payment, line = sold(stripe, client)
    first, _ = contest(stripe, payment), contest(stripe, payment)
    tell_all(stripe, client)

    stripe.decide(first, "won")
    tell_all(stripe, client)

    assert balances(line)["disputed"] == 2786
    assert audit.violations() == []


def test_a_bank_that_changes_its_mind_is_followed_both_ways(stripe, client):
    order, payment, line = sold(stripe, client)
    dispute = contest(stripe, payment, fee=0)
    tell(client, stripe.decide(dispute, "lost"))
    lost = balances(line)
    tell(client, stripe.decide(dispute, "won"))
    won = balances(line)
    order.refresh_from_db()
    entitled = order.lines.get().entitlements.get().status
    tell(client, stripe.decide(dispute, "lost"))

    payment.refresh_from_db()
    assert lost == balances(line) == {"revenue": -2900, "refunds": 2900}
    assert won == {"pending": 2786, "fees": 114, "revenue": -2900}
    assert (order.status, entitled, payment.refunded_minor) == ("paid", "active", 2900)
    assert audit.violations() == []


def test_a_fee_of_a_dispute_that_grows_is_booked_as_it_stands(stripe, client):
    """Countering a dispute costs a second fee; it comes back with a dispute that is won."""
    _, payment, _ = sold(stripe, client)
    dispute = contest(stripe, payment)
    tell_all(stripe, client)
    stripe.disputes[dispute]["balance_transactions"].append({"fee": 1500, "currency": "usd"})
    updated = stripe.tell("charge.dispute.updated", stripe.disputes[dispute])
    tell(client, updated)
    tell(client, {**updated, "id": "evt_again"})
    grown = total("fees")

    tell(client, stripe.decide(dispute, "won"))

    assert (grown, total("fees")) == (114 + 3000, 114)
    assert audit.violations() == []


def test_a_decision_taken_back_beside_an_open_dispute_leaves_money_where_it_waits(stripe, client):
    """What had not cleared was put back as available when the other dispute ended."""
    _, payment, line = sold(stripe, client)
    for number, status in (("dp_1", "won"), ("dp_2", "open")):
        disputes.told(payment, disputes.Told(number, status, 2900))

    disputes.told(payment, disputes.Told("dp_1", "lost", 2900))
    meanwhile = balances(line)
    for number in ("dp_1", "dp_2"):
        disputes.told(payment, disputes.Told(number, "won", 2900))

    assert meanwhile == {"disputed": 2786, "fees": 114, "revenue": -2900}
    assert balances(line) == {"pending": 2786, "fees": 114, "revenue": -2900}
    assert Earning.objects.get(key=line).entries.filter(event="disputed").count() == 2
    assert audit.violations() == []


@pytest.mark.parametrize("first", [0, 1])
def test_two_open_disputes_that_both_hold_money_put_back_what_had_not_cleared_as_not_cleared(
    stripe, client, first
):
    """Money of the second dispute was taken for that of a failed refund, and could be paid out at once."""
    order, payment = paid(stripe, client, make_gig(price_minor=2900).packages.get())
    line = f"order:{order.number}:line:1"
    disputes.told(payment, disputes.Told("dp_1", "open", 2900))
    earning = Earning.objects.get(key=line)
    refunds.told(payment, Answer("succeeded", external_id="re_1"), amount_minor=1000)
    ledger.record_earned(earning, f"{line}:earned", earning.occurred_at)
    disputes.told(payment, disputes.Told("dp_2", "open", 1900))
    refunds.told(payment, Answer("failed", external_id="re_1"), amount_minor=1000)

    for number in ("dp_1", "dp_2")[first:] + ("dp_1", "dp_2")[:first]:
        disputes.told(payment, disputes.Told(number, "won", 2900))

    assert balances(line) == {"pending": 2786, "fees": 114, "revenue": -2900}
    assert audit.violations() == []


def test_work_that_is_accepted_while_its_payment_is_contested_waits_for_the_bank(stripe, client):
    """It was cleared and could be paid out, while the bank had the money."""
    order, payment = paid(stripe, client, make_gig(price_minor=2900).packages.get(), make_product(price_minor=0))
    line = f"order:{order.number}:line:1"
    dispute = contest(stripe, payment, fee=0)
    tell_all(stripe, client)
    disputes.sweep()
    owed = balances(line)
    ledger.record_earned(Earning.objects.get(key=line), f"{line}:earned", payment.captured_at)

    for _ in range(2):
        disputes.sweep()
    meanwhile = balances(line)
    tell(client, stripe.decide(dispute, "won"))
    disputes.sweep()

    assert owed == {"unearned": 2786, "fees": 114, "deferred": -2900}
    assert meanwhile == {"disputed": 2786, "fees": 114, "revenue": -2900}
    assert balances(line) == {"pending": 2786, "fees": 114, "revenue": -2900}
    assert audit.violations() == []


def test_the_sweep_asks_one_question_where_nothing_is_contested(django_assert_num_queries):
    with django_assert_num_queries(1):
        disputes.sweep()
