"""A payout names what it paid out, and pays nothing out twice."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from earnings import audit, dashboard, ledger, payouts
from earnings.ledger import Purse, Work
from earnings.models import Channel, JournalEntry, Payout
from earnings.refusals import Refusal
from tests.test_ledger import held, plant

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def sell(number, gross=10000, fee=2000, channel="fiverr", **facts):
    """A sale whose money is available."""
    facts = {"kind": "real", "currency": "USD"} | facts
    earning = ledger.record_paid(
        key=f"service_order:{number}",
        occurred_at=NOON,
        work=Work.DONE,
        title="Logo",
        gross_minor=gross,
        fee_minor=fee,
        channel=Channel.objects.get(pk=channel),
        source="service_order",
        **facts,
    )
    ledger.clear(earning, f"service_order:{number}:cleared", NOON)
    return earning


def purse(channel="fiverr", currency="USD", kind="real"):
    return Purse(Channel.objects.get(pk=channel), currency, kind)


def record(key="payout:1", **more):
    return payouts.record(purse(), key, NOON, **more)


def bucket(name):
    return dashboard.summary(dashboard.Scope(at=NOON))["buckets"][name]["minor"]


def test_a_payout_is_everything_available_at_its_channel_and_names_it():
    sell(1)
    sell(2, 5000, 1000)
    sell(3, channel="etsy")
    sell(4, currency="EUR")
    sell(5, kind="simulated")

    payout = record(reference="BANK-77")

    assert (payout.amount_minor, payout.currency, payout.channel_id, payout.kind) == (
        12000,
        "USD",
        "fiverr",
        "real",
    )
    assert [part.entry.earning.key for part in payout.parts.order_by("pk")] == [
        "service_order:1",
        "service_order:2",
    ]
    assert (bucket("paid_out"), bucket("available")) == (12000, 8000)
    assert audit.violations() == []


def test_what_the_channel_charged_beside_sales_is_taken_of_the_payout():
    sell(1)
    ledger.charge(purse(), "cost:1", NOON, 300)

    payout = record(amount_minor=7700)

    assert payout.amount_minor == 7700
    assert payout.parts.count() == 2
    assert (bucket("paid_out"), bucket("available")) == (7700, 0)


def test_a_payout_of_some_earnings_leaves_the_others():
    sell(1)
    sell(2)

    payout = record(earnings=["service_order:2"], amount_minor=8000)

    assert [part.entry.earning.key for part in payout.parts.all()] == ["service_order:2"]
    assert bucket("available") == 8000


def test_the_same_payout_recorded_twice_is_one():
    sell(1)

    first, again = record(amount_minor=8000), record(amount_minor=8000)

    assert (first, Payout.objects.count(), bucket("paid_out")) == (again, 1, 8000)
    with pytest.raises(ledger.KeyConflict):
        record(amount_minor=7000)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"amount_minor": 7999}, 422),
        ({"earnings": ["service_order:9"]}, 422),
        ({"earnings": ["service_order:1", "service_order:9"]}, 422),
    ],
)
def test_a_payout_that_the_books_do_not_show_is_refused_and_nothing_moves(asked, status):
    sell(1)

    with pytest.raises(Refusal) as refused:
        record(**asked)

    assert refused.value.status == status
    assert (Payout.objects.count(), bucket("available")) == (0, 8000)
    assert not JournalEntry.objects.filter(event="paid_out").exists()


def test_where_nothing_is_available_nothing_is_paid_out():
    sell(1)
    record()

    with pytest.raises(Refusal, match="nothing to pay out"):
        record("payout:2")

    assert Payout.objects.count() == 1


def test_a_payout_that_came_back_is_available_again_once():
    sell(1)
    ledger.charge(purse(), "cost:1", NOON, 300)
    payout = record()

    payouts.take_back(payout, NOON)
    returned = payouts.take_back(payout, NOON)

    assert returned.returned_at == NOON
    assert (bucket("paid_out"), bucket("available")) == (0, 7700)
    assert record("payout:2").amount_minor == 7700
    assert audit.violations() == []


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_what_a_payout_paid_out_can_not_be_changed(statement):
    sell(1)
    record()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement.format("earnings_payoutpart"))


def test_what_can_be_paid_out_is_told_by_channel_and_money():
    sell(1)
    sell(2, 900, 0, channel="etsy")

    assert payouts.waiting() == [("fiverr", "real", "USD", 8000), ("etsy", "real", "USD", 900)]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE earnings_payout SET amount_minor = amount_minor + 1", "payout.sum"),
        ("UPDATE earnings_payout SET channel_id = 'etsy'", "payout.differs"),
    ],
)
def test_the_ledger_check_finds_a_payout_that_is_not_its_entries(statement, code):
    sell(1)
    record()

    plant(statement)

    assert [violation.code for violation in audit.violations()] == [code]


@pytest.mark.django_db(transaction=True)
def test_two_payouts_at_once_pay_nothing_out_twice():
    for number in range(5):
        sell(number)
    ledger.charge(purse(), "cost:1", NOON, 300)
    answers = []

    def work(number):
        try:
            answers.append(record(f"payout:{number}").amount_minor)
        except Refusal as refusal:
            answers.append(refusal.status)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [409, 409, 39700]
    assert audit.violations() == []


@pytest.mark.parametrize("newest_first", [True, False])
def test_what_is_given_back_after_its_payout_is_taken_of_the_next_one(newest_first):
    first = sell(1)
    out = record()

    ledger.refund(first, "refund:1", NOON, gross_minor=5000)
    meanwhile = bucket("paid_out"), bucket("available")
    with pytest.raises(Refusal, match="nothing to pay out"):
        record("payout:2")
    sell(2)
    second = record("payout:2", amount_minor=3000)

    assert meanwhile == (8000, -5000)
    assert [part.entry.earning.key for part in second.parts.order_by("pk")] == [
        "service_order:1",
        "service_order:2",
    ]
    assert (bucket("paid_out"), bucket("available")) == (11000, 0)
    assert audit.violations() == []

    for payout in sorted([out, second], key=lambda payout: payout.pk, reverse=newest_first):
        payouts.take_back(payout, NOON)
        assert audit.violations() == []

    assert (bucket("paid_out"), bucket("available")) == (0, 11000)
    assert record("payout:3").amount_minor == 11000
    assert audit.violations() == []


def test_a_payout_that_left_before_something_was_given_back_is_recorded_by_its_earnings():
    first = sell(1)
    record()
    sell(2)
    ledger.refund(first, "refund:1", NOON, gross_minor=5000)

    payout = record("payout:2", amount_minor=8000, earnings=["service_order:2"])

    assert payout.amount_minor == 8000
    assert (bucket("paid_out"), bucket("available")) == (16000, -5000)
    assert audit.violations() == []


def test_what_we_transfer_back_ourselves_leaves_our_bank():
    earning = sell(1)
    record()

    ledger.refund(earning, "refund:1", NOON, gross_minor=5000, from_bank=True)

    assert held(earning) == {"paid_out": 3000, "fees": 2000, "revenue": -10000, "refunds": 5000}
    sell(2)
    assert record("payout:2").amount_minor == 8000
    assert audit.violations() == []


def test_staff_see_that_less_than_nothing_is_available_and_why(staff_client):
    earning = sell(1)
    pages = "/admin/earnings/earning/dashboard/", "/admin/earnings/payout/add/"
    before = [staff_client.get(page).content.decode() for page in pages]
    record()

    ledger.refund(earning, "refund:1", NOON, gross_minor=5000)

    assert ["taken from what comes next" in page for page in before] == [False, False]
    for page in pages:
        said = staff_client.get(page).content.decode()
        assert "taken from what comes next" in said
        assert "-$50.00" in said


def test_what_was_paid_out_is_not_taken_by_undoing_what_brought_it():
    earning = sell(1)
    record()

    for key in ("service_order:1:earned", "service_order:1:cleared"):
        with pytest.raises(Refusal, match="moved on since"):
            ledger.reverse(JournalEntry.objects.get(key=key), "undo:1", NOON)

    assert held(earning) == {"paid_out": 8000, "fees": 2000, "revenue": -10000}


def test_a_lost_dispute_and_a_late_fee_of_what_was_paid_out_leave_what_the_bank_has():
    earning = sell(1)
    record()

    ledger.correct_fee(earning, "fee:1", NOON, 500)
    ledger.dispute(earning, "dispute:1", NOON)
    meanwhile = held(earning)
    ledger.refund(earning, "dispute:1:lost", NOON, gross_minor=7500)

    assert meanwhile == {"disputed": 7500, "available": -8000, "paid_out": 8000, "fees": 2500, "revenue": -10000}
    lost = {"available": -8000, "paid_out": 8000, "fees": 2500, "revenue": -10000, "refunds": 7500}
    assert held(earning) == lost
    assert audit.violations() == []
