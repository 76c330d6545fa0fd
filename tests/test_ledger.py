"""What happens to money is written down once, balanced, and never changed."""

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, date, datetime

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, connection, connections, transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from earnings import append_only, audit, dashboard, ledger, money, totals
from earnings.ledger import Work
from earnings.models import Account, Channel, Earning, JournalEntry, Posting
from earnings.refusals import Refusal

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def pay(key="service_order:1", **facts):
    """A service order of 100.00 on Fiverr, of which 20.00 are its fee."""
    facts = {
        "occurred_at": NOON,
        "kind": "real",
        "title": "Logo",
        "gross_minor": 10000,
        "fee_minor": 2000,
        "currency": "USD",
        "channel": Channel.objects.get(pk="fiverr"),
        "source": "service_order",
        "reference": "SO-000001",
    } | facts
    return ledger.record_paid(key=key, **facts)


def held(earning):
    return {account: amount for account, amount in ledger.balances(earning).items() if amount}


def counts():
    return Earning.objects.count(), JournalEntry.objects.count(), Posting.objects.count()


def postings(entry):
    return dict(entry.postings.values_list("account_id", "amount_minor"))


# --- The way of money ---------------------------------------------------------------------------------


def test_a_payment_for_work_is_unearned_until_the_client_accepts():
    earning = pay()

    assert postings(earning.entries.get()) == {"unearned": 8000, "fees": 2000, "deferred": -10000}
    assert earning.entries.get().key == "service_order:1:paid"
    assert (earning.net_minor, earning.kind, earning.channel_id) == (8000, "real", "fiverr")


def test_accepted_work_moves_on_to_pending_available_and_paid_out():
    earning = pay()

    earned = ledger.record_earned(earning, "service_order:1:earned", NOON)
    cleared = ledger.clear(earning, "service_order:1:cleared", NOON)
    paid_out = ledger.pay_out(earning, "service_order:1:paid_out", NOON)

    assert postings(earned) == {"pending": 8000, "unearned": -8000, "deferred": 10000, "revenue": -10000}
    assert postings(cleared) == {"available": 8000, "pending": -8000}
    assert postings(paid_out) == {"paid_out": 8000, "available": -8000}
    assert held(earning) == {"paid_out": 8000, "fees": 2000, "revenue": -10000}
    assert audit.violations() == []


def test_a_digital_product_is_earned_at_once_in_one_entry():
    earning = pay("order:DB-000001:line:1", work=Work.DONE)

    entry = earning.entries.get()
    assert (entry.key, entry.event) == ("order:DB-000001:line:1:earned", "earned")
    assert postings(entry) == {"pending": 8000, "fees": 2000, "revenue": -10000}


def test_a_sale_without_a_fee_has_no_posting_of_zero():
    earning = pay(fee_minor=0)

    assert postings(earning.entries.get()) == {"unearned": 10000, "deferred": -10000}


def test_a_sale_that_the_fee_eats_up_is_booked_and_earned():
    earning = pay(fee_minor=10000)
    entry = ledger.record_earned(earning, "service_order:1:earned", NOON)

    assert postings(entry) == {"deferred": 10000, "revenue": -10000}
    assert held(earning) == {"fees": 10000, "revenue": -10000}


def test_a_refund_of_work_that_is_owed_lessens_what_is_owed():
    earning = pay()

    entry = ledger.refund(earning, "service_order:1:refund:1", NOON, gross_minor=10000, fee_minor=2000)

    assert postings(entry) == {"deferred": 10000, "unearned": -8000, "fees": -2000}
    assert held(earning) == {}


def test_a_part_refund_leaves_the_rest_to_be_earned():
    earning = pay()
    ledger.refund(earning, "service_order:1:refund:1", NOON, gross_minor=4000, fee_minor=800)

    ledger.record_earned(earning, "service_order:1:earned", NOON)

    assert held(earning) == {"pending": 4800, "fees": 1200, "revenue": -6000}


def test_a_refund_after_acceptance_is_booked_against_income():
    earning = pay(work=Work.DONE)
    ledger.clear(earning, "service_order:1:cleared", NOON)

    entry = ledger.refund(earning, "service_order:1:refund:1", NOON, gross_minor=5000)

    assert postings(entry) == {"refunds": 5000, "available": -5000}
    assert held(earning) == {"available": 3000, "fees": 2000, "revenue": -10000, "refunds": 5000}


def test_a_lost_dispute_is_refunded_out_of_the_disputed_money():
    earning = pay(work=Work.DONE)

    contested = ledger.dispute(earning, "service_order:1:dispute:1", NOON)
    ledger.refund(earning, "service_order:1:refund:1", NOON, gross_minor=8000)

    assert postings(contested) == {"disputed": 8000, "pending": -8000}
    assert held(earning) == {"fees": 2000, "revenue": -10000, "refunds": 8000}


def test_a_won_dispute_is_reversed():
    earning = pay(work=Work.DONE)
    contested = ledger.dispute(earning, "service_order:1:dispute:1", NOON)

    undone = ledger.reverse(contested, "service_order:1:dispute:1:won", NOON, memo="won")

    assert (undone.event, undone.reverses, undone.memo) == ("reversed", contested, "won")
    assert held(earning) == {"pending": 8000, "fees": 2000, "revenue": -10000}


# --- Once ---------------------------------------------------------------------------------------------


def test_every_verb_called_twice_books_once():
    for _ in range(2):
        earning = pay()
        ledger.record_earned(earning, "service_order:1:earned", NOON)
        ledger.clear(earning, "service_order:1:cleared", NOON)
        ledger.pay_out(earning, "service_order:1:paid_out", NOON)
        contested = ledger.dispute(earning, "service_order:1:dispute", NOON)
        ledger.reverse(contested, "service_order:1:dispute:won", NOON)
        ledger.refund(earning, "service_order:1:refund", NOON, gross_minor=1000, fee_minor=200)

    assert counts() == (1, 7, 3 + 4 + 2 + 2 + 2 + 2 + 3)
    assert audit.violations() == []


def test_a_repeated_payment_may_come_later_and_from_another_run():
    first = pay(run_id=1)

    second = pay(run_id=2, title="Logo, renamed", occurred_at=datetime(2026, 4, 1, tzinfo=UTC))

    assert second == first
    assert second.run_id == 1
    assert counts() == (1, 1, 3)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"gross_minor": 10001}, "gross_minor"),
        ({"fee_minor": 0}, "fee_minor"),
        ({"currency": "EUR"}, "currency"),
        ({"kind": "simulated"}, "kind"),
        ({"reference": "SO-000002"}, "reference"),
        ({"work": Work.DONE}, "event"),
    ],
)
def test_a_key_that_says_something_else_is_a_conflict(changed, named):
    pay()

    with pytest.raises(ledger.KeyConflict, match=named) as refused:
        pay(**changed)

    assert refused.value.status == 409
    assert counts() == (1, 1, 3)


def test_an_entry_key_of_another_event_earning_or_amount_is_a_conflict():
    earning, other = pay(work=Work.DONE), pay("service_order:2", work=Work.DONE)
    ledger.refund(earning, "service_order:1:refund", NOON, gross_minor=1000)
    before = counts()

    with pytest.raises(ledger.KeyConflict):
        ledger.refund(earning, "service_order:1:refund", NOON, gross_minor=1001)
    with pytest.raises(ledger.KeyConflict):
        ledger.refund(other, "service_order:1:refund", NOON, gross_minor=1000)
    with pytest.raises(ledger.KeyConflict):
        ledger.clear(earning, "service_order:1:refund", NOON)

    assert counts() == before


@pytest.mark.django_db(transaction=True)
def test_two_callers_at_once_book_one_entry():
    def call(_):
        try:
            earning = pay()
            return ledger.record_earned(earning, "service_order:1:earned", NOON).pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        entries = set(pool.map(call, range(8)))

    assert len(entries) == 1
    assert counts() == (1, 2, 3 + 4)
    assert audit.violations() == []


@pytest.mark.django_db(transaction=True)
def test_two_callers_with_different_keys_can_not_spend_the_same_money():
    earning = pay(work=Work.DONE)

    def call(number):
        try:
            ledger.refund(earning, f"service_order:1:refund:{number}", NOON, gross_minor=5000)
            return "booked"
        except Refusal as refusal:
            return refusal.status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        answers = Counter(pool.map(call, range(3)))

    assert answers == {"booked": 1, 409: 2}
    assert held(earning)["pending"] == 3000


def test_an_entry_falls_with_the_callers_transaction():
    with pytest.raises(RuntimeError), transaction.atomic():
        pay()
        raise RuntimeError

    assert counts() == (0, 0, 0)


# --- Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"gross_minor": 0}, "/gross_minor"),
        ({"gross_minor": -1}, "/gross_minor"),
        ({"gross_minor": 100.0}, "/gross_minor"),
        ({"gross_minor": True}, "/gross_minor"),
        ({"fee_minor": -1}, "/fee_minor"),
        ({"fee_minor": 10001}, "/fee_minor"),
        ({"currency": "usd"}, "/currency"),
        ({"currency": "XYZ"}, "/currency"),
        ({"currency": ""}, "/currency"),
        ({"kind": "pretend"}, "/kind"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 201}, "/title"),
        ({"reference": "x" * 81}, "/reference"),
        ({"occurred_at": datetime(2026, 3, 10)}, "/occurred_at"),
        ({"key": "no key"}, "/key"),
        ({"key": "service_order"}, "/key"),
        ({"key": "service_order:" + "1" * 200}, "/key"),
    ],
)
@pytest.mark.filterwarnings("ignore:DateTimeField")
def test_an_impossible_payment_is_refused_by_the_name_of_its_value(changed, pointer):
    with pytest.raises(Refusal) as refused:
        pay(**changed)

    assert refused.value.status == 422
    assert [error["pointer"] for error in refused.value.errors] == [pointer]
    assert counts() == (0, 0, 0)


@pytest.mark.parametrize("verb", [ledger.clear, ledger.pay_out, ledger.dispute])
def test_work_that_is_owed_can_only_be_earned_or_refunded(verb):
    earning = pay()

    with pytest.raises(Refusal) as refused:
        verb(earning, "service_order:1:too_early", NOON)

    assert (refused.value.status, refused.value.allowed) == (409, ["earned", "refunded"])
    assert counts() == (1, 1, 3)


def test_work_is_earned_once_whatever_the_key():
    earning = pay()
    ledger.record_earned(earning, "service_order:1:earned", NOON)

    with pytest.raises(Refusal) as refused:
        ledger.record_earned(earning, "service_order:1:earned:again", NOON)

    assert refused.value.allowed == ["cleared", "refunded", "disputed"]
    assert counts() == (1, 2, 7)


@pytest.mark.parametrize(
    ("amounts", "status"),
    [
        ({"gross_minor": 10001}, 409),
        ({"gross_minor": 9000}, 409),  # without a part of the fee we hold 80.00 only
        ({"gross_minor": 10000, "fee_minor": 2001}, 409),
        ({"gross_minor": 0}, 422),
        ({"gross_minor": 10.5}, 422),
        ({"gross_minor": 10, "fee_minor": 11}, 422),
    ],
)
def test_more_than_was_paid_can_not_be_refunded(amounts, status):
    earning = pay(work=Work.DONE)

    with pytest.raises(Refusal) as refused:
        ledger.refund(earning, "service_order:1:refund", NOON, **amounts)

    assert refused.value.status == status
    assert counts() == (1, 1, 3)


def test_an_entry_is_reversed_once_and_not_after_its_money_moved_on():
    earning = pay(work=Work.DONE)
    opening = earning.entries.get()
    cleared = ledger.clear(earning, "service_order:1:cleared", NOON)

    with pytest.raises(Refusal, match="moved on"):
        ledger.reverse(opening, "service_order:1:undo", NOON)
    undone = ledger.reverse(cleared, "service_order:1:unclear", NOON)
    with pytest.raises(Refusal, match="before"):
        ledger.reverse(cleared, "service_order:1:unclear:again", NOON)
    with pytest.raises(Refusal, match="final"):
        ledger.reverse(undone, "service_order:1:redo", NOON)
    ledger.reverse(opening, "service_order:1:undo", NOON)

    assert held(earning) == {}
    assert audit.violations() == []


@pytest.mark.parametrize("table", ["earnings_earning", "earnings_journalentry", "earnings_posting"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {} WHERE 1 = 1"])
def test_raw_sql_can_not_change_the_ledger(table, statement):
    pay()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement.format(table))

    assert counts() == (1, 1, 3)


@pytest.mark.parametrize("table", ["earnings_earning", "earnings_journalentry", "earnings_posting"])
def test_the_ledger_can_not_be_emptied_in_one_sweep(table):
    pay()
    connection.check_constraints()  # PostgreSQL refuses to truncate while deferred checks are pending
    on_postgresql = connection.vendor == "postgresql"
    statement = f"TRUNCATE {table} CASCADE" if on_postgresql else f"DELETE FROM {table}"

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)

    assert counts() == (1, 1, 3)


# --- Fees, currencies, days ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("basis_points", "fixed", "amount", "expected"),
    [
        (2000, 0, 10000, 2000),
        (250, 0, 100, 3),  # 2.5 rounds half up
        (250, 0, 99, 2),  # 2.475
        (290, 30, 2900, 114),  # 84.1 + 30
        (0, 0, 5, 0),
        (1000, 50, 20, 20),  # never more than the amount
        (0, 0, 0, 0),
        (1, 0, 5000, 1),  # 0.5
        (1, 0, 4999, 0),
    ],
)
def test_a_fee_is_rounded_half_up_and_never_more_than_the_amount(basis_points, fixed, amount, expected):
    channel = Channel(fee_basis_points=basis_points, fee_fixed_minor=fixed)

    assert ledger.fee(channel, amount) == expected


def test_a_fee_of_a_negative_amount_is_refused():
    with pytest.raises(Refusal):
        ledger.fee(Channel(), -1)


def test_the_usual_channels_are_there_after_migration():
    rates = dict(Channel.objects.values_list("key", "fee_basis_points"))

    assert {key: rate for key, rate in rates.items() if rate} == {
        "etsy": 950,
        "fiverr": 2000,
        "gumroad": 1000,
        "paypal": 349,
        "shopier": 499,
        "shopify": 290,
        "stripe": 290,
        "upwork": 1000,
    }
    assert {key for key, rate in rates.items() if not rate} == {
        *("demo", "direct", "adsense", "affiliate", "amazon", "creative-fabrica"),
        *("opencollective", "patreon", "payhip", "square"),
    }
    assert Channel.objects.get(pk="fiverr").clearing_days == 14
    assert Account.objects.filter(type="bucket").count() == 5


@pytest.mark.parametrize("currency", ["JPY", "KWD", "USD"])
def test_minor_units_are_kept_as_they_are_in_every_currency(currency):
    earning = pay(currency=currency, gross_minor=1234567, fee_minor=7)

    assert set(Posting.objects.values_list("currency", flat=True)) == {currency}
    assert earning.net_minor == 1234560


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        ("UTC", datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC), date(2026, 3, 10)),
        ("America/New_York", datetime(2026, 3, 8, 4, 59, 59, tzinfo=UTC), date(2026, 3, 7)),  # EST, -5
        ("America/New_York", datetime(2026, 3, 9, 3, 59, 59, tzinfo=UTC), date(2026, 3, 8)),  # EDT, -4
        ("America/New_York", datetime(2026, 3, 9, 4, 0, 0, tzinfo=UTC), date(2026, 3, 9)),
        ("Europe/Istanbul", datetime(2025, 12, 31, 21, 0, 0, tzinfo=UTC), date(2026, 1, 1)),
        ("Pacific/Kiritimati", datetime(2026, 3, 10, 10, 0, 0, tzinfo=UTC), date(2026, 3, 11)),
    ],
)
def test_the_day_is_the_stores_own_across_a_clock_change(settings, zone, at, expected):
    settings.STORE_TIMEZONE = zone

    earning = pay(occurred_at=at)

    assert earning.entries.get().local_date == expected
    assert set(Posting.objects.values_list("local_date", flat=True)) == {expected}


# --- Any history --------------------------------------------------------------------------------------


class AnyHistory(TestCase):
    @hypothesis_settings(max_examples=25, deadline=None)
    @given(
        seed=st.integers(0, 2**32),
        gross=st.integers(1, 10**9),
        fee_share=st.integers(0, 100),
        work=st.sampled_from(list(Work)),
    )
    def test_the_buckets_always_hold_what_was_received_and_not_given_back(self, seed, gross, fee_share, work):
        choose = random.Random(seed)
        earning = pay(f"service_order:{seed}", gross_minor=gross, fee_minor=gross * fee_share // 100, work=work)
        received = earning.net_minor

        for step in range(12):
            received -= _some_step(choose, earning, f"service_order:{seed}:step:{step}")
            now = ledger.balances(earning)
            assert sum(now[bucket] for bucket in ledger.BUCKETS) == received
            assert sum(now.values()) == 0
            assert ledger.impossible(now) == []

        assert audit.violations() == []


def _some_step(choose, earning, key):
    """Try a random verb; what it gave back, net."""
    verb = choose.choice(["earn", "clear", "pay_out", "dispute", "refund", "reverse"])
    gross = choose.randint(1, earning.gross_minor)
    fee = choose.randint(0, min(gross, earning.fee_minor))
    before = sum(ledger.balances(earning)[bucket] for bucket in ledger.BUCKETS)
    steps = {
        "earn": lambda: ledger.record_earned(earning, key, NOON),
        "clear": lambda: ledger.clear(earning, key, NOON),
        "pay_out": lambda: ledger.pay_out(earning, key, NOON),
        "dispute": lambda: ledger.dispute(earning, key, NOON),
        "refund": lambda: ledger.refund(earning, key, NOON, gross_minor=gross, fee_minor=fee),
        "reverse": lambda: ledger.reverse(choose.choice(list(earning.entries.all())), key, NOON),
    }
    try:
        entry = steps[verb]()
    except Refusal:
        return 0
    if verb == "refund":
        return gross - fee
    if verb == "reverse":
        return before - sum(ledger.balances(earning)[bucket] for bucket in ledger.BUCKETS)
    assert sum(posting.amount_minor for posting in entry.postings.all()) == 0
    return 0


def test_sums_of_the_largest_amounts_can_still_be_read_and_larger_ones_are_refused():
    """Two sales near 2^63 were booked for ever, and no figure could be read or counted up any more."""
    purse = ledger.Purse(Channel.objects.get(pk="fiverr"), "USD")
    for number in range(3):
        pay(f"service_order:{number}", gross_minor=money.LARGEST, fee_minor=0, work=Work.DONE)

    for book in (
        lambda: pay("service_order:9", gross_minor=money.LARGEST + 1),
        lambda: ledger.charge(purse, "purse:1", NOON, money.LARGEST + 1),
    ):
        with pytest.raises(Refusal) as refused:
            book()
        assert f"At most {money.LARGEST} minor units" in refused.value.errors[0]["detail"]
    totals.count_up()

    assert dashboard.summary(dashboard.Scope(at=NOON))["total"]["minor"] == 3 * money.LARGEST
    assert audit.violations() == []


# --- The check ----------------------------------------------------------------------------------------


def plant(*statements):
    """Change what can't be changed: the triggers are put aside for the time of the statements."""
    tables = append_only.tables(connection)
    connection.check_constraints()  # PostgreSQL alters no table that has pending events
    for table in tables:
        append_only.remove(connection, table)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    totals.rebuild()  # so that each rule is seen alone
    connection.check_constraints()
    for table in tables:
        append_only.install(connection, table)


PLANTED = {
    "entry.unbalanced": "UPDATE earnings_posting SET amount_minor = amount_minor + 1 WHERE account_id = 'fees'",
    "posting.differs": "UPDATE earnings_posting SET kind = 'simulated' WHERE account_id = 'fees'",
    "posting.currency": "UPDATE earnings_posting SET currency = 'EUR' WHERE account_id = 'fees'",
    "posting.date": "UPDATE earnings_posting SET local_date = '2020-01-01' WHERE account_id = 'fees'",
    "entry.kind": "UPDATE earnings_journalentry SET kind = 'simulated'; "
    "UPDATE earnings_posting SET kind = 'simulated'",
    "entry.empty": "DELETE FROM earnings_posting WHERE entry_id = (SELECT MAX(id) FROM earnings_journalentry)",
    "bucket": "UPDATE earnings_posting SET amount_minor = -amount_minor WHERE entry_id = "
    "(SELECT MAX(id) FROM earnings_journalentry)",
    "net": "UPDATE earnings_earning SET gross_minor = gross_minor + 5, net_minor = net_minor + 5",
    "opening": "DELETE FROM earnings_posting; DELETE FROM earnings_journalentry WHERE event <> 'paid'; "
    "DELETE FROM earnings_journalentry",
    "key": "UPDATE earnings_journalentry SET key = 'no key' WHERE event = 'paid'",
    "earning key": "UPDATE earnings_earning SET key = 'no key'",
    "reversal": "UPDATE earnings_posting SET amount_minor = amount_minor * 2 WHERE entry_id = "
    "(SELECT MAX(id) FROM earnings_journalentry)",
    "event": "UPDATE earnings_journalentry SET event = 'cleared' WHERE event = 'earned'",
    "opening's key": "UPDATE earnings_journalentry SET key = 'service_order:9:paid' WHERE event = 'paid'",
    "earning's moment": "UPDATE earnings_earning SET occurred_at = '2020-01-01 12:00:00+00:00'",
    "day": "UPDATE earnings_posting SET local_date = '2026-03-01'; "
    "UPDATE earnings_journalentry SET local_date = '2026-03-01'",
}
FOUND = {
    "entry.unbalanced": {"entry.unbalanced", "earning.net"},
    "posting.differs": {"posting.differs"},
    "posting.currency": {"posting.differs"},
    "posting.date": {"posting.differs"},
    "entry.kind": {"entry.differs"},
    "entry.empty": {"entry.unbalanced", "reversal.inexact"},
    "bucket": {"earning.balance", "reversal.inexact"},
    "net": {"earning.net"},
    "opening": {"earning.unopened"},
    "key": {"key.malformed"},
    "earning key": {"key.malformed"},
    "reversal": {"earning.balance", "reversal.inexact"},
    "event": {"entry.event"},
    "opening's key": {"earning.opening"},
    "earning's moment": {"earning.opening"},
    "day": {"entry.day"},
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_ledger_check_finds_each_planted_violation(name, capsys):
    earning = pay()
    earned = ledger.record_earned(earning, "service_order:1:earned", NOON)
    ledger.reverse(earned, "service_order:1:earned:undo", NOON)
    call_command("ledger_check")
    capsys.readouterr()

    plant(*PLANTED[name].split("; "))

    with pytest.raises(SystemExit) as ended:
        call_command("ledger_check")
    assert ended.value.code == 1
    assert {violation.code for violation in audit.violations()} == FOUND[name]
    assert capsys.readouterr().out.splitlines() == [str(violation) for violation in audit.violations()]


def test_the_ledger_check_finds_an_event_that_turns_income_into_a_mere_move():
    """The history leaves out what is only cleared or paid out, so its sum was not what was earned."""
    earning = pay(work=Work.DONE)
    ledger.refund(earning, "service_order:1:refund", NOON, gross_minor=1000, fee_minor=200)
    ledger.correct_fee(earning, "service_order:1:fee", NOON, 5)

    plant(
        "UPDATE earnings_journalentry SET event = 'cleared' WHERE event = 'refunded'",
        "UPDATE earnings_journalentry SET event = 'credited' WHERE event = 'cost'",
    )

    assert [str(violation).split(":")[0] for violation in audit.violations()] == ["entry.event service_order"] * 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only there triggers can be switched off")
@pytest.mark.parametrize("how", ["DISABLE TRIGGER", "ENABLE REPLICA TRIGGER"])
def test_the_ledger_check_finds_a_trigger_that_does_not_fire(how):
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE earnings_posting {how} earnings_posting_no_update")

    assert [(v.code, v.subject) for v in audit.violations()] == [("trigger.missing", "earnings_posting")]


def test_the_ledger_check_finds_a_missing_trigger_and_so_does_the_system_check(capsys):
    connection.check_constraints()
    append_only.remove(connection, "earnings_posting")

    found = audit.violations()

    assert {(v.code, v.subject) for v in found} == {("trigger.missing", "earnings_posting")}
    with pytest.raises(SystemCheckError, match=r"earnings\.E001"):
        call_command("check", databases=["default"])


def test_the_ledger_check_answers_programs_in_json(capsys):
    pay()
    plant(PLANTED["earning key"])

    with pytest.raises(SystemExit):
        call_command("ledger_check", "--json")

    assert json.loads(capsys.readouterr().out) == {
        "sound": False,
        "counts": {"earnings": 1, "entries": 1, "postings": 3},
        "violations": [
            {
                "code": "key.malformed",
                "subject": "no key",
                "detail": "a key is written like order:DB-000123:line:2:paid",
            }
        ],
    }


def test_an_unbalanced_entry_is_found_and_postgresql_refuses_it_at_commit():
    entry = pay().entries.get()
    connection.check_constraints()
    refusal = pytest.raises(DatabaseError, match="not balanced") if connection.vendor == "postgresql" else None

    with refusal or nullcontext(), transaction.atomic():
        Posting.objects.create(
            entry=entry,
            account_id="paid_out",
            amount_minor=1,
            kind="real",
            currency="USD",
            local_date=entry.local_date,
        )
        connection.check_constraints()

    expected = set() if refusal else {"entry.unbalanced", "entry.event", "earning.net", "total.differs"}
    assert {violation.code for violation in audit.violations()} == expected


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no deferred triggers; the check finds it"
)
@pytest.mark.parametrize("currencies", [(), ("USD", "EUR")])
def test_postgresql_refuses_an_entry_that_is_empty_or_mixes_currencies(currencies):
    earning = pay()
    connection.check_constraints()
    money = {"kind": "real", "local_date": NOON.date()}

    with pytest.raises(DatabaseError, match=r"is empty|not balanced"), transaction.atomic():
        entry = JournalEntry.objects.create(
            key="service_order:1:odd",
            earning=earning,
            channel=earning.channel,
            event="earned",
            currency="USD",
            occurred_at=NOON,
            **money,
        )
        for currency, account, amount in zip(currencies, ("pending", "revenue"), (5, -5), strict=False):
            Posting.objects.create(
                entry=entry, account_id=account, amount_minor=amount, currency=currency, **money
            )
        connection.check_constraints()

    assert counts() == (1, 1, 3)


def test_the_ledger_check_of_a_sound_ledger_says_what_it_looked_at(capsys):
    pay()

    call_command("ledger_check")

    assert capsys.readouterr().out == "The ledger is sound: 1 earnings, 1 entries, 3 postings.\n"
