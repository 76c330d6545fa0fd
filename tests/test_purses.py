"""What a channel takes, gives and pays out without a sale; and the id by which it knows a sale."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from earnings import append_only, audit, dashboard, groups, ledger
from earnings.dashboard import Scope, Span
from earnings.ledger import Purse, Work
from earnings.models import Channel, Earning, JournalEntry
from earnings.refusals import Refusal
from tests.factories import make_gig
from tests.test_ledger import NOON, counts, held, pay, plant, postings

pytestmark = pytest.mark.django_db


def purse(channel="etsy", currency="USD", kind="real"):
    return Purse(Channel.objects.get(pk=channel), currency, kind)


def summary():
    return dashboard.summary(Scope(at=NOON))


def test_a_cost_without_a_sale_lowers_what_was_earned_that_day():
    pay(work=Work.CLEARED)
    ledger.charge(purse(), "row:1:row:2", NOON, 250, "Etsy Ads")

    answer = summary()

    assert (answer["daily"]["minor"], answer["total"]["minor"], answer["earned"]["minor"]) == (7750, 7750, 7750)
    assert answer["buckets"]["available"]["minor"] == 7750
    assert {name: amount["minor"] for name, amount in answer["sources"]["channel"].items()} == {
        "fiverr": 8000,
        "etsy": -250,
    }
    assert [(row["title"], row["net"]["minor"], row["fee"]["minor"]) for row in answer["recent"]] == [
        ("Etsy Ads", -250, 250),
        ("Logo", 8000, 2000),
    ]


def test_the_history_of_the_file_sums_to_its_total_with_costs_in_it():
    pay(work=Work.CLEARED)
    ledger.charge(purse(), "row:1:row:2", NOON, 250)
    ledger.transfer(purse("fiverr"), "row:1:row:3", NOON, 5000)

    file = dashboard.earnings_file(Scope(at=NOON), 10)

    assert file["total_earnings"]["minor"] == sum(row["net"]["minor"] for row in file["history"]) == 7750
    assert [row["event"] for row in file["history"]] == ["cost", "earned"]


def test_a_payout_of_a_channel_is_never_income():
    pay(work=Work.CLEARED)

    entry = ledger.transfer(purse("fiverr"), "row:1:row:2", NOON, 7000, "To the bank")

    assert postings(entry) == {"paid_out": 7000, "available": -7000}
    answer = summary()
    assert (answer["earned"]["minor"], answer["daily"]["minor"]) == (8000, 8000)
    assert (answer["buckets"]["available"]["minor"], answer["buckets"]["paid_out"]["minor"]) == (1000, 7000)


def test_each_verb_of_a_purse_moves_what_it_says():
    etsy = purse()

    entries = [
        ledger.charge(etsy, "row:1:row:1", NOON, 20),
        ledger.credit(etsy, "row:1:row:2", NOON, 5),
        ledger.take_back(etsy, "row:1:row:3", NOON, gross_minor=1000, fee_minor=65),
        ledger.take_back(etsy, "row:1:row:4", NOON, gross_minor=15000, fee_minor=-1500),
        ledger.adjust(etsy, "row:1:row:5", NOON, -10),
        ledger.transfer(etsy, "row:1:row:6", NOON, -300),
    ]

    assert [postings(entry) for entry in entries] == [
        {"fees": 20, "available": -20},
        {"fees": -5, "available": 5},
        {"refunds": 1000, "fees": -65, "available": -935},
        {"refunds": 15000, "fees": 1500, "available": -16500},
        {"adjustments": 10, "available": -10},
        {"paid_out": -300, "available": 300},
    ]
    assert {(entry.earning, entry.channel_id, entry.kind) for entry in entries} == {(None, "etsy", "real")}
    assert audit.violations() == []


def test_gross_less_fee_is_what_was_earned_in_every_grouping():
    ledger.take_back(purse(), "row:1:row:1", NOON, gross_minor=1000, fee_minor=65)
    ledger.adjust(purse(), "row:1:row:2", NOON, 30)

    for by in ("day", "channel", "gig", "product", "run"):
        (group,) = groups.grouped(Scope(at=NOON), Span(by=by))
        figures = [group[name]["minor"] for name in ("gross", "refunds", "fees", "adjustments", "net")]
        assert figures == [0, 1000, -65, 30, -905]


def test_a_purse_may_stand_below_zero_and_an_earning_may_not():
    ledger.transfer(purse("fiverr"), "row:1:row:1", NOON, 9000)
    earning = pay(work=Work.CLEARED)

    with pytest.raises(Refusal, match="we hold of it"):
        ledger.refund(earning, "service_order:1:refund", NOON, gross_minor=8001)

    assert summary()["buckets"]["available"]["minor"] == -1000
    assert audit.violations() == []


def test_every_verb_of_a_purse_called_twice_books_once():
    for _ in range(2):
        ledger.charge(purse(), "row:1:row:1", NOON, 20)
        entry = ledger.transfer(purse(), "row:1:row:2", NOON, 500)
        ledger.reverse(entry, "row:1:row:2:undo", NOON)

    assert counts() == (0, 3, 6)
    assert audit.violations() == []


@pytest.mark.parametrize(
    "other",
    [
        lambda: ledger.charge(purse(), "row:1:row:1", NOON, 21),
        lambda: ledger.credit(purse(), "row:1:row:1", NOON, 20),
        lambda: ledger.charge(purse("gumroad"), "row:1:row:1", NOON, 20),
        lambda: ledger.charge(purse(currency="EUR"), "row:1:row:1", NOON, 20),
        lambda: ledger.charge(purse(kind="simulated"), "row:1:row:1", NOON, 20),
    ],
)
def test_a_key_that_says_something_else_of_a_purse_is_a_conflict(other):
    ledger.charge(purse(), "row:1:row:1", NOON, 20)

    with pytest.raises(ledger.KeyConflict):
        other()

    assert counts() == (0, 1, 2)


@pytest.mark.parametrize(
    "impossible",
    [
        lambda: ledger.charge(purse(), "row:1:row:1", NOON, 0),
        lambda: ledger.charge(purse(), "row:1:row:1", NOON, -5),
        lambda: ledger.credit(purse(), "row:1:row:1", NOON, 2.5),
        lambda: ledger.transfer(purse(), "row:1:row:1", NOON, 0),
        lambda: ledger.take_back(purse(), "row:1:row:1", NOON, gross_minor=0),
        lambda: ledger.adjust(purse(currency="XYZ"), "row:1:row:1", NOON, 5),
        lambda: ledger.adjust(purse(), "no key", NOON, 5),
    ],
)
def test_what_can_not_be_is_refused_and_nothing_is_booked(impossible):
    with pytest.raises(Refusal) as refused:
        impossible()

    assert refused.value.status == 422
    assert counts() == (0, 0, 0)


def test_an_entry_of_a_purse_is_reversed_at_most_once():
    entry = ledger.charge(purse(), "row:1:row:1", NOON, 20)
    ledger.reverse(entry, "row:1:row:1:undo", NOON)

    with pytest.raises(Refusal, match="reversed before"):
        ledger.reverse(entry, "row:1:row:1:again", NOON)

    assert summary()["total"]["minor"] == 0
    assert audit.violations() == []


@pytest.mark.django_db(transaction=True)
def test_two_callers_reverse_an_entry_of_a_purse_once():
    entry = ledger.charge(purse(), "row:1:row:1", NOON, 20)

    def call(number):
        try:
            ledger.reverse(entry, f"row:1:row:1:undo:{number}", NOON)
            return "booked"
        except Refusal as refusal:
            return refusal.status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        answers = Counter(pool.map(call, range(3)))

    assert answers == {"booked": 1, 409: 2}
    assert counts() == (0, 2, 4)


def test_the_database_knows_which_events_need_an_earning():
    earning = pay()
    columns = {"kind": "real", "currency": "USD", "occurred_at": NOON, "local_date": NOON.date()}

    for wrong in ({"event": "paid"}, {"event": "adjusted", "earning": earning}, {"event": "cleared"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            JournalEntry.objects.create(key="x:1", channel=earning.channel, **columns, **wrong)


PLANTED = {
    "entry.differs": "UPDATE earnings_journalentry SET channel_id = 'gumroad' WHERE earning_id IS NOT NULL",
    "purse.accounts": "UPDATE earnings_posting SET account_id = 'revenue' WHERE account_id = 'paid_out'",
    "purse.sign": "UPDATE earnings_posting SET amount_minor = -amount_minor WHERE entry_id IN "
    "(SELECT id FROM earnings_journalentry WHERE event = 'cost')",
}


@pytest.mark.parametrize("code", PLANTED)
def test_the_ledger_check_finds_what_a_purse_can_not_do(code):
    pay()
    ledger.charge(purse(), "row:1:row:1", NOON, 20)
    ledger.transfer(purse(), "row:1:row:2", NOON, 500)
    assert audit.violations() == []

    plant(PLANTED[code])

    assert {violation.code for violation in audit.violations()} == {code}


# --- The channel's own id of a sale -----------------------------------------------------------------------


def test_a_sale_is_found_by_the_id_that_its_channel_gave_it():
    earning = pay(external_id="FO1")

    fiverr, etsy = Channel.objects.get(pk="fiverr"), Channel.objects.get(pk="etsy")
    assert ledger.find_sale(fiverr, "FO1") == earning
    assert ledger.find_sale(etsy, "FO1") is None
    assert ledger.find_sale(fiverr, "FO1", "simulated") is None
    assert ledger.find_sale(fiverr, "") is None


def test_one_sale_of_a_channel_is_not_booked_under_two_keys():
    pay(external_id="FO1")

    with pytest.raises(ledger.KeyConflict, match="FO1 of fiverr was booked before as service_order:1"):
        pay("row:1:row:1", external_id="FO1")

    assert counts() == (1, 1, 3)


def test_a_sale_whose_booking_was_reversed_may_be_booked_anew():
    first = pay(external_id="FO1")
    ledger.reverse(first.entries.get(), "service_order:1:undo", NOON)

    second = pay("row:2:row:1", external_id="FO1")

    assert (second.external_id, held(second)["unearned"]) == ("", 8000)
    assert audit.violations() == []


def test_an_order_of_a_marketplace_gives_its_number_to_its_sale(api):
    make_gig("video-thumbnail", price_minor=10000)
    external = {"channel": "fiverr", "order_id": "FO77", "amount": "100.00", "currency": "USD"}
    order = {"gig": "video-thumbnail", "package": "basic", "external": external}

    answer = api.post("/api/v1/service-orders", order, format="json")

    assert answer.status_code == 201
    assert Earning.objects.get().external_id == "FO77"


def test_an_order_that_a_statement_told_of_first_is_taken_and_its_money_not_doubled(api):
    make_gig("video-thumbnail", price_minor=10000)
    told = pay("row:1:row:1", work=Work.CLEARED, external_id="FO77", source="statement")
    external = {"channel": "fiverr", "order_id": "FO77", "amount": "100.00", "currency": "USD"}

    taken = api.post(
        "/api/v1/service-orders",
        {"gig": "video-thumbnail", "package": "basic", "external": external},
        format="json",
    )

    assert taken.status_code == 201
    assert (counts(), held(told)["available"]) == ((1, 1, 3), 8000)


# --- The way of rows that were there before ---------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_rows_that_were_there_before_get_their_channel_and_the_orders_number(api):
    """Down to the day before the migrations and up again, with an order and its entries on board."""
    make_gig("video-thumbnail", price_minor=10000)
    external = {"channel": "fiverr", "order_id": "FO77", "amount": "100.00", "currency": "USD"}
    order = {"gig": "video-thumbnail", "package": "basic", "external": external}
    api.post("/api/v1/service-orders", order, format="json")
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()

    try:
        before = [("agency", "0024_sweep_indexes"), ("earnings", "0004_balanced_on_postgresql")]
        MigrationExecutor(connection).migrate(before)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM earnings_journalentry")
            columns = {column[0] for column in cursor.description}
    finally:
        MigrationExecutor(connection).migrate(latest)

    assert "channel_id" not in columns
    assert JournalEntry.objects.values_list("channel_id", "earning__external_id").get() == ("fiverr", "FO77")
    assert audit.violations() == []
    assert {"earnings_earning", "earnings_journalentry"} <= set(append_only.tables(connection))


def test_a_day_of_the_store_is_the_entrys_day(settings):
    settings.STORE_TIMEZONE = "Asia/Tokyo"

    entry = ledger.charge(purse(), "row:1:row:1", datetime(2026, 3, 10, 20, tzinfo=UTC), 20)

    assert entry.local_date.isoformat() == "2026-03-11"
