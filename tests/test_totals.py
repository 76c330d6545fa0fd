"""Totals that are kept are, at every moment, what the postings add up to."""

import random
import threading
from datetime import UTC, date, datetime
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from earnings import audit, dashboard, ledger, totals
from earnings.ledger import Work
from earnings.models import Channel, JournalEntry, RunningTotal, UncountedEntry

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def sell(number, gross=10000, when=NOON, **facts):
    facts = {"kind": "real", "currency": "USD", "channel": "fiverr", "work": Work.DONE, "fee_minor": 0} | facts
    facts["channel"] = Channel.objects.get(pk=facts["channel"])
    return ledger.record_paid(
        key=f"order:{number}", occurred_at=when, title="A sale", gross_minor=gross, source="order", **facts
    )


def kept(dimension, grain, name=""):
    """{first day: pending minor units} of the totals, whatever is not counted yet left out."""
    rows = RunningTotal.objects.filter(dimension=dimension, grain=grain, name=name)
    return {str(row.starts_on): row.pending for row in rows}


def sell_at_random(choose, number):
    when = datetime(2026, choose.randint(1, 12), choose.randint(1, 28), choose.randint(0, 23), tzinfo=UTC)
    earning = sell(
        number,
        choose.randint(1, 50000),
        when,
        channel=choose.choice(["direct", "etsy"]),
        kind=choose.choice(["real", "simulated"]),
        currency=choose.choice(["USD", "JPY"]),
        gig=choose.choice(["", "logo"]),
        product_sku=choose.choice(["", "KIT", "BOOK"]),
        work=choose.choice(list(Work)),
    )
    if choose.random() < 0.3:
        held = ledger.balances(earning)
        left = -held[ledger.DEFERRED] or -held[ledger.REVENUE]
        ledger.refund(earning, f"order:{number}:refund", when, gross_minor=choose.randint(1, left))


def test_a_sale_is_counted_for_its_day_its_month_and_all_time():
    sell(1, 100, gig="logo")
    sell(2, 10, datetime(2026, 3, 11, tzinfo=UTC), gig="logo")
    sell(3, 1, datetime(2026, 4, 1, tzinfo=UTC), product_sku="KIT")

    assert totals.count_up() == 3
    assert kept("all", "total") == {"0001-01-01": 111}
    assert kept("all", "month") == {"2026-03-01": 110, "2026-04-01": 1}
    assert kept("all", "day") == {"2026-03-10": 100, "2026-03-11": 10, "2026-04-01": 1}
    assert kept("channel", "month", "fiverr") == {"2026-03-01": 110, "2026-04-01": 1}
    assert kept("gig", "total", "logo") == {"0001-01-01": 110}
    assert kept("product", "total", "KIT") == {"0001-01-01": 1}
    assert kept("gig", "day", "logo") == {}


def test_counting_up_twice_counts_once():
    sell(1)

    assert (totals.count_up(), totals.count_up()) == (1, 0)
    assert kept("all", "total") == {"0001-01-01": 10000}


def test_more_entries_than_one_transaction_takes_are_all_counted(monkeypatch):
    monkeypatch.setattr(totals, "AT_ONCE", 2)
    for number in range(5):
        sell(number, 7)

    assert totals.count_up() == 5
    assert kept("all", "total") == {"0001-01-01": 35}


def test_a_figure_is_the_same_before_and_after_it_was_counted():
    earning = sell(1, 10000, fee_minor=2000)
    ledger.refund(earning, "order:1:refund", NOON, gross_minor=5000, fee_minor=1000)
    before = dashboard.summary(dashboard.Scope(at=NOON))

    totals.count_up()

    assert dashboard.summary(dashboard.Scope(at=NOON)) == before
    assert before["earned"]["minor"] == 4000


def test_totals_are_proved_equal_to_the_postings_over_a_random_year():
    choose = random.Random(11)
    for number in range(60):
        sell_at_random(choose, number)
        if choose.random() < 0.2:
            totals.count_up()

    assert audit.violations() == []
    totals.count_up()
    assert audit.violations() == []
    assert UncountedEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("spoil", "subject"),
    [
        (lambda: RunningTotal.objects.filter(grain="day").update(pending=5), "all day 2026-03-10 real USD"),
        (lambda: RunningTotal.objects.filter(dimension="gig").delete(), "gig total 0001-01-01 logo real USD"),
        (lambda: RunningTotal.objects.update(entries=3), "all total 0001-01-01 real USD"),
    ],
)
def test_the_ledger_check_names_a_total_that_is_not_the_sum_and_the_command_mends_it(spoil, subject, capsys):
    sell(1, gig="logo")
    totals.count_up()
    spoil()

    found = audit.violations()
    call_command("rebuild_totals")

    assert {violation.code for violation in found} == {"total.differs"}
    assert subject in [violation.subject for violation in found]
    assert audit.violations() == []
    assert capsys.readouterr().out == "The totals were counted anew; entries: 1.\n"


def test_a_total_of_nothing_is_a_violation():
    RunningTotal.objects.create(
        dimension="all", grain="day", starts_on=NOON, kind="real", currency="EUR", entries=1
    )

    (found,) = audit.violations()

    assert str(found) == "total.differs all day 2026-03-10 real EUR: entries is 1 and should be 0"


def test_what_was_booked_before_there_were_totals_is_counted_by_the_first_sweep():
    sell(1, gig="logo")
    ledger.charge(ledger.Purse(Channel.objects.get(pk="etsy"), "USD"), "cost:1", NOON, 20)
    UncountedEntry.objects.all().delete()

    migration = import_module("earnings.migrations.0007_running_totals")
    migration.note_all(apps, SimpleNamespace(connection=connection))

    assert totals.count_up() == 2
    assert audit.violations() == []


def test_a_month_starts_on_its_first_day():
    assert totals.start_of("month", date(2026, 2, 28)) == "2026-02-01"


# --- While others write ----------------------------------------------------------------------------------


def at_once(*works):
    """Run each in a thread of its own with a connection of its own; what any of them raised is raised."""
    errors = []

    def run(work):
        try:
            work()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.django_db(transaction=True)
def test_sales_booked_and_counted_at_once_are_counted_once():
    def write(writer):
        for number in range(12):
            sell(f"{writer}-{number}", 100, gig=f"gig-{(number + writer) % 3}")

    def count():
        for _ in range(25):
            totals.count_up()

    at_once(*[lambda w=w: write(w) for w in range(4)], count, count)
    totals.count_up()

    assert audit.violations() == []
    assert kept("all", "total") == {"0001-01-01": 4800}


@pytest.mark.django_db(transaction=True)
def test_the_buckets_sum_to_the_total_and_the_sequence_grows_while_others_write():
    done = threading.Event()
    seen = []

    def write():
        for number in range(40):
            earning = sell(number, 100, fee_minor=20, work=Work.OWED)
            ledger.record_earned(earning, f"order:{number}:earned", NOON)
            ledger.clear(earning, f"order:{number}:cleared", NOON)
        done.set()

    def count():
        while not done.is_set():
            totals.count_up()

    def read():
        while not done.is_set():
            answer = dashboard.summary(dashboard.Scope(at=NOON), dashboard.Span(by="channel"))
            seen.append(answer)

    at_once(write, count, read)

    assert len(seen) > 3
    for answer in seen:
        earned = answer["earned"]["minor"]
        assert sum(bucket["minor"] for bucket in answer["buckets"].values()) == answer["total"]["minor"]
        assert answer["total"]["minor"] - answer["buckets"]["unearned"]["minor"] == earned
        assert answer["range"]["earned"]["minor"] == earned
        assert sum(source["minor"] for source in answer["sources"]["channel"].values()) == earned
    sequences = [answer["sequence"] for answer in seen]
    assert sequences == sorted(sequences)
    assert dashboard.summary(dashboard.Scope(at=NOON))["sequence"] == JournalEntry.objects.count() == 120


@pytest.mark.django_db(transaction=True)
def test_totals_are_rebuilt_while_sales_are_booked():
    def write():
        for number in range(25):
            sell(number, 100)

    def rebuild():
        for _ in range(5):
            totals.rebuild()

    at_once(write, rebuild, totals.count_up)

    assert audit.violations() == []
    assert dashboard.summary(dashboard.Scope(at=NOON))["earned"]["minor"] == 2500
