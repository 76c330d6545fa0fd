from datetime import timedelta

import pytest
from django.utils import timezone

from agency import fulfillment_engine
from agency.workflows import NewArtifact
from earnings import audit, ledger
from earnings.models import Earning, JournalEntry
from earnings.refusals import Refusal
from storefront import checkout, refunds
from storefront.models import Order, Payment, Refund
from storefront.payments import Answer
from tests.factories import make_gig, make_order, make_paid_order, make_product

pytestmark = pytest.mark.django_db


def balances(key):
    return {account: amount for account, amount in ledger.balances(Earning.objects.get(key=key)).items() if amount}


def give_back(order, key="wish", **what):
    return refunds.carry_out(refunds.request(order, key, **what))


def test_everything_goes_back_line_by_line_and_is_called_off():
    print_ = make_product(kind="physical", stock=3, price_minor=1000)
    order = make_paid_order(
        make_product(price_minor=2900), make_gig(price_minor=10000).packages.get(), (print_, 2)
    )

    refund = give_back(order, reason="Not what I meant.")

    order.refresh_from_db()
    print_.refresh_from_db()
    assert (refund.status, refund.amount_minor, order.status) == ("succeeded", 14900, "refunded")
    assert balances(f"order:{order.number}:line:1") == {"revenue": -2900, "refunds": 2900}
    assert balances(f"order:{order.number}:line:2") == {}
    assert balances(f"order:{order.number}:line:3") == {}
    assert order.lines.get(number=1).entitlements.get().status == "revoked"
    assert order.lines.get(number=2).service_order.status == "canceled"
    assert print_.stock == 3
    assert audit.violations() == []


def test_a_part_is_cut_over_the_lines_and_ends_nothing():
    order = make_paid_order(make_product(price_minor=3000), make_product(price_minor=1000))

    give_back(order, amount_minor=1001)

    order.refresh_from_db()
    assert order.status == "paid"
    assert list(order.lines.values_list("refunded_minor", flat=True)) == [751, 250]
    assert {line.entitlements.get().status for line in order.lines.all()} == {"active"}
    assert order.payments.get().refunded_minor == 1001


def test_one_line_goes_back_in_full_and_the_rest_stays():
    order = make_paid_order(make_product(price_minor=3000), make_product(price_minor=1000))

    give_back(order, amounts={2: 1000})

    order.refresh_from_db()
    assert order.status == "paid"
    assert [line.entitlements.get().status for line in order.lines.all()] == ["active", "revoked"]


def test_two_halves_are_a_whole():
    order = make_paid_order(make_product(price_minor=3000))

    give_back(order, "first", amount_minor=1500)
    give_back(order, "second", amount_minor=1500)

    order.refresh_from_db()
    assert order.status == "refunded"
    assert order.lines.get().entitlements.get().status == "revoked"


@pytest.mark.parametrize("wish", [{"amount_minor": 2000}, {"amounts": {1: 1500, 2: 500}}, {}])
def test_a_wish_asked_again_is_the_same_refund_also_when_less_is_left_by_now(wish):
    order = make_paid_order(make_product(price_minor=2000), make_product(price_minor=1000))

    first = give_back(order, **wish)
    again = give_back(order, **wish)

    assert first == again
    assert order.payments.get().refunded_minor == first.amount_minor


def test_the_same_wish_is_one_refund_and_another_with_its_key_is_refused():
    order = make_paid_order(make_product(price_minor=3000))

    first = give_back(order, amount_minor=1000)
    again = give_back(order, amount_minor=1000)
    with pytest.raises(Refusal):
        refunds.request(order, "wish", amount_minor=999)
    with pytest.raises(Refusal):
        refunds.request(make_paid_order(), "wish")

    assert first == again
    assert Refund.objects.count() == 1
    assert order.payments.get().refunded_minor == 1000


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"amount_minor": 3001}, 409),
        ({"amount_minor": 0}, 422),
        ({"amount_minor": -5}, 422),
        ({"amounts": {1: 3001}}, 409),
        ({"amounts": {1: 0}}, 422),
        ({"amounts": {2: 100}}, 422),
    ],
)
def test_an_impossible_amount_moves_nothing(wish, status):
    order = make_paid_order(make_product(price_minor=3000))

    with pytest.raises(Refusal) as refused:
        refunds.request(order, "wish", **wish)

    assert refused.value.status == status
    assert Refund.objects.count() == 0
    assert order.payments.get().refunded_minor == 0
    assert order.lines.get().refunded_minor == 0


def test_what_is_on_its_way_back_can_not_go_back_again():
    order = make_paid_order(make_product(price_minor=3000))
    refunds.request(order, "first", amount_minor=2000)

    with pytest.raises(Refusal) as refused:
        refunds.request(order, "second", amount_minor=1001)

    assert "only $10.00 are left" in refused.value.detail


def test_unpaid_and_free_orders_have_nothing_to_give_back():
    for order in (make_order(), make_paid_order(make_product(price_minor=0), provider="")):
        with pytest.raises(Refusal) as refused:
            refunds.request(order, f"wish-{order.pk}")
        assert refused.value.status == 409


def test_a_proposal_waits_for_a_yes_and_is_done_once():
    print_ = make_product(kind="physical", stock=1)
    order = make_order(print_)
    checkout.cancel(order)
    make_paid_order(print_)
    checkout.mark_paid(order.payments.get())
    proposal = Refund.objects.get()

    refunds.carry_out(proposal)
    waiting = Refund.objects.get().status
    for _ in range(2):
        refunds.carry_out(refunds.approve(proposal))

    order.refresh_from_db()
    assert (waiting, Refund.objects.get().status, order.status) == ("proposed", "succeeded", "refunded")
    assert order.payments.get().refunded_minor == 2900
    assert balances(f"order:{order.number}:line:1") == {}


def test_a_proposal_that_was_dropped_is_not_approved():
    order = make_order()
    other = checkout.open_payment(order, "manual")
    checkout.mark_paid(order.payments.first())
    checkout.mark_paid(other)
    proposal = refunds.drop(Refund.objects.get())
    refunds.drop(proposal)

    with pytest.raises(Refusal):
        refunds.approve(proposal)

    assert Payment.objects.get(pk=other.pk).refunded_minor == 0


def test_work_that_is_called_off_is_proposed_to_be_paid_back_once():
    order = make_paid_order(make_product(), make_gig(name="Logo", price_minor=10000).packages.get())
    refunds.propose_called_off()
    before = Refund.objects.count()
    fulfillment_engine.cancel(order.lines.get(number=2).service_order)

    refunds.propose_called_off()
    proposal = refunds.drop(Refund.objects.get())
    refunds.propose_called_off()

    order.refresh_from_db()
    assert before == 0
    assert (proposal.amount_minor, Refund.objects.count()) == (10000, 1)
    assert order.problem.count("Logo (Basic) was called off: decide on its refund.") == 1


def test_a_surplus_payment_goes_back_and_the_order_stays_paid():
    order = make_order(make_product(price_minor=2900))
    other = checkout.open_payment(order, "manual")
    checkout.mark_paid(order.payments.first())
    checkout.mark_paid(other)

    refunds.carry_out(refunds.approve(Refund.objects.get()))

    order.refresh_from_db()
    assert (order.status, order.refunded_minor) == ("paid", 0)
    assert balances(other.surplus_key) == {}
    assert balances(f"order:{order.number}:line:1") == {"pending": 2900, "revenue": -2900}
    assert audit.violations() == []


def test_work_that_was_accepted_can_be_paid_back_and_stays_accepted():
    order = make_paid_order(make_gig(price_minor=10000).packages.get())
    service_order = order.lines.get().service_order
    type(service_order).objects.update(status="delivered")
    service_order.refresh_from_db()
    fulfillment_engine.accept(service_order)

    give_back(order)

    service_order.refresh_from_db()
    assert service_order.status == "accepted"
    assert balances(f"order:{order.number}:line:1") == {"revenue": -10000, "refunds": 10000}
    assert Order.objects.get().status == "refunded"


def test_a_refund_that_fails_after_the_work_was_accepted_leaves_nothing_unearned():
    order = make_paid_order(make_gig(price_minor=10000).packages.get())
    line = order.lines.get()
    refund = give_back(order, amount_minor=100)
    ledger.record_earned(Earning.objects.get(key=line.key), f"{line.key}:accepted", order.paid_at)

    refunds.settle(refund, Answer("failed", "re_1", "The card was closed."))
    refunds.settle(refund, Answer("failed", "re_1", "The card was closed."))

    held = balances(line.key)
    assert (held["revenue"], held.get("deferred"), held.get("unearned"), held["pending"]) == (
        -10000,
        None,
        None,
        10000,
    )
    assert give_back(order, "again", amount_minor=1).status == "succeeded"
    assert audit.violations() == []


def paid_twice():
    """A payment that nobody needed: of an order that was paid by another one."""
    order = make_order(make_product(price_minor=3000))
    first = order.payments.get()
    second = Payment.objects.create(
        order=order, provider="manual", kind=first.kind, status="pending", amount_minor=3000, currency="USD"
    )
    for payment in (first, second):
        checkout.mark_paid(payment)
    second.refresh_from_db()
    return second


def proposed(payment):
    return sum(payment.refunds.filter(status="proposed").values_list("amount_minor", flat=True))


def test_what_is_left_of_a_surplus_payment_is_proposed_again():
    payment = paid_twice()

    refunds.told(payment, Answer("succeeded", external_id="re_1"), amount_minor=1000)

    assert proposed(payment) == 2000
    assert audit.violations() == []


@pytest.mark.parametrize("is_approved_first", [True, False])
def test_a_surplus_payment_has_a_proposal_as_long_as_something_is_left(is_approved_first):
    payment = paid_twice()
    refunds.told(payment, Answer("succeeded", external_id="re_1"), amount_minor=1000)
    refunds.told(payment, Answer("requested", external_id="re_2"), amount_minor=2000)
    refunds.told(payment, Answer("failed", external_id="re_2"), amount_minor=2000)
    steps = [
        lambda: refunds.carry_out(refunds.approve(payment.refunds.get(status="proposed"))),
        lambda: refunds.told(payment, Answer("failed", external_id="re_1"), amount_minor=1000),
    ]

    for step in steps if is_approved_first else reversed(steps):
        step()

    payment.refresh_from_db()
    assert proposed(payment) == payment.refundable_minor == 1000
    assert audit.violations() == []


def test_an_invoice_is_paid_back_from_our_bank():
    order = make_paid_order(make_product(price_minor=2900))
    earning = Earning.objects.get(reference=order.number)
    ledger.clear(earning, f"{earning.key}:cleared:1", timezone.now())
    ledger.pay_out(earning, f"{earning.key}:out", timezone.now())

    give_back(order)

    assert balances(earning.key) == {"revenue": -2900, "refunds": 2900}
    assert audit.violations() == []


def test_a_refund_whose_answer_can_not_be_booked_does_not_hold_up_those_behind_it():
    stuck, healthy = make_paid_order(), make_paid_order()
    bad, good = refunds.request(stuck, "bad"), refunds.request(healthy, "good")
    Refund.objects.update(due_at=timezone.now() - timedelta(hours=1))
    line = stuck.lines.get()
    ledger.reverse(JournalEntry.objects.get(key=f"{line.key}:earned"), "order:mistake", timezone.now())

    refunds.sweep()

    bad.refresh_from_db()
    good.refresh_from_db()
    stuck.refresh_from_db()
    assert (bad.status, bad.attempts, good.status) == ("requested", 1, "succeeded")
    assert bad.due_at > timezone.now()
    assert "could not be booked" in stuck.problem


def test_nobody_has_to_look_at_a_refund_that_is_booked_after_all():
    order = make_paid_order()
    order.refresh_from_db()
    before = order.problem
    earning = Earning.objects.get(reference=order.number)
    mistake = ledger.refund(earning, "order:mistake", timezone.now(), gross_minor=1)
    refund = give_back(order)
    order.refresh_from_db()
    noted = order.problem

    ledger.reverse(mistake, "order:mistake:undone", timezone.now())
    for _ in range(2):
        refunds.carry_out(refund)

    order.refresh_from_db()
    assert noted == f"{before} {refund} could not be booked, and is tried again."
    assert (refund.status, order.problem, order.status) == ("succeeded", before, "refunded")
    assert audit.violations() == []


def called_off_by_a_refund(*, before=lambda order: None):
    """A package's order, its refund that succeeded, and the work that this called off."""
    order = make_paid_order(make_gig(price_minor=10000).packages.get())
    work = order.lines.get().service_order
    before(work)
    refund = refunds.carry_out(refunds.request(order, "wish"))
    work.refresh_from_db()
    return order, refund, work


def test_work_that_a_refund_called_off_waits_for_a_person_when_the_refund_fails():
    """Its money was owed to the client again, and nobody was to do the work."""
    order, refund, work = called_off_by_a_refund()
    called_off = work.status

    for _ in range(2):
        refunds.settle(refund, Answer("failed", problem="account closed"))

    work.refresh_from_db()
    order.refresh_from_db()
    assert (called_off, work.status) == ("canceled", "on_hold")
    assert "on hold: resume the work, or call it off" in order.problem
    assert fulfillment_engine.resume(work).status == "queued"


def test_work_that_was_offered_before_its_refund_failed_is_resumed_where_it_was():
    def offer(work):
        work.advance("queued")
        fulfillment_engine.start(work)
        fulfillment_engine.offer_by_hand(work, [NewArtifact("deliverable", "a.txt", "text/plain", b"done")])
        fulfillment_engine.deliver(work)

    _, refund, work = called_off_by_a_refund(before=offer)
    refunds.settle(refund, Answer("failed"))
    work.refresh_from_db()

    assert fulfillment_engine.resume(work).status == "ready"
    assert fulfillment_engine.accept(work).status == "accepted"


def test_work_that_staff_called_off_stays_so_when_its_refund_fails_and_is_proposed_anew():
    order = make_paid_order(make_gig(price_minor=10000).packages.get())
    work = fulfillment_engine.cancel(order.lines.get().service_order)
    refunds.propose_called_off()
    refund = refunds.carry_out(refunds.approve(Refund.objects.get()))

    refunds.settle(refund, Answer("failed"))
    for _ in range(2):
        refunds.propose_called_off()

    work.refresh_from_db()
    assert work.status == "canceled"
    assert [each.status for each in Refund.objects.order_by("pk")] == ["failed", "proposed"]


def test_work_that_is_called_off_again_after_its_refund_failed_is_proposed_to_be_paid_back():
    _, refund, work = called_off_by_a_refund()
    refunds.settle(refund, Answer("failed"))
    work.refresh_from_db()

    fulfillment_engine.cancel(work)
    refunds.propose_called_off()

    assert Refund.objects.filter(status="proposed").count() == 1
