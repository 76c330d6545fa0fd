"""Earned money is available when its channel has held it back for long enough."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection

from earnings import audit, clearing, ledger, totals
from earnings.ledger import Work
from earnings.models import Channel, Clearing, JournalEntry

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def sell(number=1, when=NOON, channel="fiverr", work=Work.DONE, gross=10000):
    return ledger.record_paid(
        key=f"service_order:{number}",
        occurred_at=when,
        work=work,
        kind="real",
        title="Logo",
        gross_minor=gross,
        fee_minor=0,
        currency="USD",
        channel=Channel.objects.get(pk=channel),
        source="service_order",
    )


def sweep(at):
    """What the workers' sweep does: count up, then clear."""
    totals.count_up()
    return clearing.clear_due(at)


def held(earning):
    return {account: amount for account, amount in ledger.balances(earning).items() if amount and amount > 0}


def test_money_is_available_on_the_day_that_the_channel_lets_it_go():
    earning = sell()

    too_early = sweep(datetime(2026, 3, 23, 23, 59, tzinfo=UTC))
    before = held(earning)
    in_time = sweep(datetime(2026, 3, 24, 0, 0, tzinfo=UTC))

    assert (too_early, before) == (0, {"pending": 10000})
    assert (in_time, held(earning)) == (1, {"available": 10000})


def test_the_day_is_the_stores_own(settings):
    settings.STORE_TIMEZONE = "Europe/Istanbul"
    earning = sell(when=datetime(2026, 3, 10, 21, 0, tzinfo=UTC))  # midnight of the 11th

    assert sweep(datetime(2026, 3, 24, 20, 59, tzinfo=UTC)) == 0
    assert sweep(datetime(2026, 3, 24, 21, 0, tzinfo=UTC)) == 1
    assert held(earning) == {"available": 10000}


def test_each_channel_has_its_own_time_and_a_new_one_counts_at_once():
    slow, quick, direct = sell(1), sell(2, channel="upwork"), sell(3, channel="direct")

    assert sweep(NOON) == 1
    assert sweep(datetime(2026, 3, 15, tzinfo=UTC)) == 1
    assert [list(held(earning)) for earning in (slow, quick, direct)] == [
        ["pending"],
        ["available"],
        ["available"],
    ]
    Channel.objects.filter(pk="fiverr").update(clearing_days=3)
    assert sweep(datetime(2026, 3, 15, tzinfo=UTC)) == 1
    assert Clearing.objects.count() == 0


def test_clearing_twice_clears_once():
    sell(channel="direct")

    assert (sweep(NOON), sweep(NOON)) == (1, 0)
    assert JournalEntry.objects.filter(event="cleared").count() == 1


def test_what_is_owed_or_given_back_is_not_cleared():
    sell(1, channel="direct", work=Work.OWED)
    refunded = sell(2, channel="direct")
    totals.count_up()
    ledger.refund(refunded, "service_order:2:refund", NOON, gross_minor=10000)

    sweep(NOON)

    assert not JournalEntry.objects.filter(event="cleared").exists()
    assert Clearing.objects.count() == 0


def test_work_clears_from_its_acceptance_on():
    earning = sell(work=Work.OWED)
    ledger.record_earned(earning, "service_order:1:earned", datetime(2026, 3, 20, tzinfo=UTC))

    assert sweep(datetime(2026, 4, 2, tzinfo=UTC)) == 0
    assert sweep(datetime(2026, 4, 3, tzinfo=UTC)) == 1


def test_contested_money_is_cleared_after_the_dispute_was_won_by_its_first_day():
    earning = sell()
    contested = ledger.dispute(earning, "service_order:1:dispute", NOON)
    meanwhile = sweep(datetime(2026, 4, 1, tzinfo=UTC))
    was = held(earning)
    ledger.reverse(contested, "service_order:1:dispute:won", datetime(2026, 4, 2, tzinfo=UTC))

    assert sweep(datetime(2026, 4, 2, tzinfo=UTC)) == 1
    assert (meanwhile, was) == (1, {"disputed": 10000})
    assert held(earning) == {"available": 10000}


def test_what_staff_took_back_is_not_cleared_again():
    earning = sell(channel="direct")
    sweep(NOON)
    ledger.reverse(JournalEntry.objects.get(event="cleared"), "service_order:1:uncleared", NOON)

    assert sweep(NOON) == 0
    assert held(earning) == {"pending": 10000}


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_clear_each_sale_once():
    for number in range(12):
        sell(number, channel="direct", gross=100)
    totals.count_up()
    errors = []

    def work():
        try:
            clearing.clear_due(NOON)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert JournalEntry.objects.filter(event="cleared").count() == 12
    assert Clearing.objects.count() == 0
    assert audit.violations() == []
