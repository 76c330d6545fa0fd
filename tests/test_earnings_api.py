"""Programs read the earnings, and every way of reading them tells the same."""

import csv
import io
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from rest_framework.test import APIClient

from earnings import ledger, totals
from earnings.ledger import Work
from earnings.models import Channel, JournalEntry
from earnings.refusals import Refusal

pytestmark = pytest.mark.django_db


def sell(number=1, gross=10000, fee=2000, when=None, **facts):
    facts = {"kind": "real", "currency": "USD", "title": "Logo", "work": Work.DONE} | facts
    return ledger.record_paid(
        key=f"service_order:{number}",
        occurred_at=when or timezone.now(),
        gross_minor=gross,
        fee_minor=fee,
        channel=Channel.objects.get(pk="fiverr"),
        source="service_order",
        reference=f"SO-{number:06d}",
        **facts,
    )


def read_csv(response):
    return list(csv.DictReader(io.StringIO(response.getvalue().decode())))


def test_an_accepted_order_is_on_the_dashboard_to_the_cent(api):
    earning = sell(work=Work.OWED)
    before = api.get("/api/v1/dashboard/earnings").json()

    ledger.record_earned(earning, "service_order:1:earned", timezone.now())

    after = api.get("/api/v1/dashboard/earnings").json()
    eighty = {"amount": "80.00", "minor": 8000, "currency": "USD"}
    assert (before["daily"]["minor"], before["buckets"]["unearned"]) == (0, eighty)
    assert [after[name] for name in ("daily", "weekly", "monthly", "yearly", "total", "earned")] == [eighty] * 6
    assert set(after) == {
        "as_of",
        "timezone",
        "currency",
        "currencies",
        "kind",
        "daily",
        "weekly",
        "monthly",
        "yearly",
        "total",
        "earned",
        "buckets",
        "sources",
        "recent",
        "range",
        "sequence",
        "entries",
        "series",
    }
    assert list(after["buckets"]) == ["unearned", "pending", "available", "paid_out", "disputed"]
    assert after["as_of"].endswith("Z")


def test_a_slash_at_the_end_means_the_same(api):
    for name in ("dashboard/earnings", "earnings/entries", "earnings/export.csv", "earnings/earnings.json"):
        assert api.get(f"/api/v1/{name}").status_code == 200
        assert api.get(f"/api/v1/{name}/").status_code == 200


@pytest.mark.parametrize("name", ["dashboard/earnings", "earnings/earnings.json"])
def test_unchanged_figures_are_not_sent_again(api, name):
    sell()
    first = api.get(f"/api/v1/{name}")

    again = api.get(f"/api/v1/{name}", headers={"If-None-Match": first["ETag"]})
    sell(2)
    changed = api.get(f"/api/v1/{name}", headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert (changed.status_code, changed["ETag"] == first["ETag"]) == (200, False)


def test_csv_json_entries_and_dashboard_agree(api):
    now = timezone.now()
    sell(1, 10000, 2000, work=Work.OWED)
    earning = sell(2, 5000, 1000)
    ledger.refund(earning, "service_order:2:refund", now, gross_minor=2000, fee_minor=400)
    ledger.clear(earning, "service_order:2:cleared", now)
    sell(3, 700, 0, kind="simulated")
    sell(4, 700, 0, currency="EUR")

    board = api.get("/api/v1/dashboard/earnings").json()
    file = api.get("/api/v1/earnings/earnings.json").json()
    rows = read_csv(api.get("/api/v1/earnings/export.csv"))
    entries = api.get("/api/v1/earnings/entries?kind=real&currency=USD").json()["results"]

    cents = {
        name: sum(int(row[name].replace(".", "")) for row in rows)
        for name in ("net", "gross", "fee", *ledger.BUCKETS)
    }
    assert (cents["gross"], cents["fee"], cents["net"]) == (3000, 600, 2400)
    assert board["earned"]["minor"] == file["total_earnings"]["minor"] == cents["net"]
    assert sum(row["net"]["minor"] for row in file["history"]) == 2400
    assert file["history_complete"] is True
    assert {name: board["buckets"][name]["minor"] for name in ledger.BUCKETS} == {
        name: cents[name] for name in ledger.BUCKETS
    }
    assert board["buckets"]["unearned"]["minor"] == 8000
    assert [row["key"] for row in rows] == [entry["key"] for entry in reversed(entries)]
    assert len(rows) == 4


def test_the_history_says_when_it_was_cut(api):
    for number in range(3):
        sell(number)

    file = api.get("/api/v1/earnings/earnings.json?limit=2").json()

    assert (len(file["history"]), file["history_complete"]) == (2, False)
    assert file["total_earnings"]["minor"] == 24000
    assert set(file["history"][0]) == {
        "timestamp",
        "event",
        "title",
        "amount",
        "fee",
        "net",
        "source",
        "channel",
        "reference",
        "kind",
        "key",
    }


def test_a_title_that_a_spreadsheet_would_run_is_disarmed(api):
    sell(title="=HYPERLINK(1)", client="@SUM(A1)")

    response = api.get("/api/v1/earnings/export.csv")

    row = read_csv(response)[0]
    assert (row["title"], row["client"]) == ("'=HYPERLINK(1)", "'@SUM(A1)")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="earnings-real-USD-')


def test_the_export_takes_a_range_of_days(api):
    for day in (1, 2, 3):
        sell(day, when=datetime(2026, 3, day, 12, tzinfo=UTC))

    rows = read_csv(api.get("/api/v1/earnings/export.csv?from=2026-03-02&to=2026-03-02"))

    assert [row["date"] for row in rows] == ["2026-03-02"]


def test_an_entry_shows_its_postings(api):
    sell(work=Work.OWED)

    entry = api.get("/api/v1/earnings/entries").json()["results"][0]

    amounts = {posting["account"]: posting["money"]["amount"] for posting in entry["postings"]}
    assert amounts == {"unearned": "80.00", "fees": "20.00", "deferred": "-100.00"}
    assert (entry["key"], entry["earning"], entry["event"]) == ("service_order:1:paid", "service_order:1", "paid")
    assert (entry["channel"], entry["reverses"]) == ("fiverr", None)


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("event=paid", ["service_order:1:paid"]),
        ("kind=simulated", ["service_order:2:earned"]),
        ("account=deferred", ["service_order:1:paid"]),
        ("key=service_order:2:earned", ["service_order:2:earned"]),
        ("earning=service_order:1", ["service_order:1:paid"]),
        ("channel=etsy", []),
    ],
)
def test_entries_are_filtered(api, query, keys):
    sell(1, work=Work.OWED)
    sell(2, kind="simulated")

    results = api.get(f"/api/v1/earnings/entries?{query}").json()["results"]

    assert [entry["key"] for entry in results] == keys


def test_entries_come_in_pages_with_a_fixed_number_of_queries(api, django_assert_num_queries):
    for number in range(7):
        sell(number)

    with django_assert_num_queries(2):
        page = api.get("/api/v1/earnings/entries?page_size=4").json()
    rest = api.get(page["next"]).json()

    keys = [entry["key"] for entry in page["results"] + rest["results"]]
    assert keys == [f"service_order:{number}:earned" for number in reversed(range(7))]


def test_the_export_is_one_query(api, django_assert_num_queries):
    for number in range(5):
        sell(number)

    with django_assert_num_queries(1):
        rows = read_csv(api.get("/api/v1/earnings/export.csv"))

    assert len(rows) == 5


@pytest.mark.parametrize("series", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("days", ["to=0001-01-01", "from=9999-12-31", "from=0001-01-01&to=0001-01-02"])
def test_a_series_at_the_ends_of_the_calendar_is_answered(api, settings, series, days):
    settings.STORE_TIMEZONE = "Asia/Tokyo"

    answer = api.get(f"/api/v1/dashboard/earnings?series={series}&{days}")

    assert answer.status_code == 200
    assert {point["net"]["minor"] for point in answer.json()["series"]["points"]} == {0}


@pytest.mark.parametrize(
    ("path", "status", "pointer"),
    [
        ("dashboard/earnings?series=day&from=0001-01-01", 422, "/from"),
        ("dashboard/earnings?kind=pretend", 422, "/kind"),
        ("dashboard/earnings?currency=usd", 422, "/currency"),
        ("dashboard/earnings?group_by=color", 422, "/group_by"),
        ("dashboard/earnings?series=minute", 422, "/series"),
        ("dashboard/earnings?from=yesterday", 422, "/from"),
        ("dashboard/earnings?to=2026-02-30", 422, "/to"),
        ("dashboard/earnings?from=2026-03-02&to=2026-03-01", 422, "/from"),
        ("dashboard/earnings?knid=real", 400, "/knid"),
        ("earnings/earnings.json?limit=0", 422, "/limit"),
        ("earnings/earnings.json?limit=many", 422, "/limit"),
        ("earnings/export.csv?from=x", 422, "/from"),
        ("earnings/entries?event=pretend", 400, "/event"),
        ("earnings/entries?account=pretend", 400, "/account"),
    ],
)
def test_a_bad_parameter_is_named(api, path, status, pointer):
    response = api.get(f"/api/v1/{path}")

    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "name", ["dashboard/earnings", "earnings/entries", "earnings/export.csv", "earnings/earnings.json"]
)
def test_only_who_may_see_earnings_sees_them(name):
    client = APIClient()
    nobody = client.get(f"/api/v1/{name}").status_code
    user = User.objects.create_user("clerk")
    client.force_authenticate(user)
    without_right = client.get(f"/api/v1/{name}").status_code
    user.user_permissions.add(Permission.objects.get(codename="view_earning"))
    client.force_authenticate(User.objects.get(pk=user.pk))

    assert (nobody, without_right, client.get(f"/api/v1/{name}").status_code) == (401, 403, 200)


def test_the_ledger_can_not_be_written_over_the_api(api):
    for name in ("dashboard/earnings", "earnings/entries"):
        assert api.post(f"/api/v1/{name}", {}).status_code == 405
        assert api.delete(f"/api/v1/{name}").status_code == 405


def test_grouping_by_day_answers_the_days_of_the_range(api):
    today = timezone.now()
    sell(1, when=today)
    sell(2, when=today - timedelta(days=40))

    answer = api.get(f"/api/v1/dashboard/earnings?group_by=day&from={today.date()}").json()

    assert [(group["key"], group["net"]["minor"]) for group in answer["range"]["groups"]] == [
        (str(today.date()), 8000)
    ]


def entries_of(api, address):
    """Every entry that a figure names, over all pages."""
    found = []
    while address:
        page = api.get(address).json()
        found += page["results"]
        address = page["next"]
    return found


def moved(entries, accounts):
    return sum(
        posting["money"]["minor"]
        for entry in entries
        for posting in entry["postings"]
        if posting["account"] in accounts
    )


def book_at_random(choose, number):
    now = timezone.now()
    when = now - timedelta(days=choose.randint(0, 40), hours=choose.randint(0, 23))
    facts = {
        "kind": choose.choice(["real", "real", "simulated"]),
        "currency": choose.choice(["USD", "USD", "JPY"]),
    }
    facts |= {"gig": choose.choice(["", "logo"]), "client": choose.choice(["", "Ada", "Ada ", " "])}
    facts["product_sku"] = choose.choice(["", "", " a&b=#+ /"])
    facts |= {"run_id": choose.choice([None, 7]), "intent_id": choose.choice([None, 3])}
    gross = choose.randint(2, 90000)
    earning = sell(number, gross, gross // 7, when, work=choose.choice(list(Work)), **facts)
    verbs = [ledger.record_earned, ledger.clear, ledger.pay_out, ledger.dispute]
    for step, verb in enumerate(choose.sample(verbs, 3)):
        with suppress(Refusal):
            verb(earning, f"service_order:{number}:step:{step}", when)
    if choose.random() < 0.3:
        with suppress(Refusal):
            ledger.refund(earning, f"service_order:{number}:refund", now, gross_minor=gross // 3 + 1)
    if choose.random() < 0.2:
        ledger.charge(ledger.Purse(earning.channel, "USD"), f"service_order:{number}:cost", when, 35)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_dashboard_groups_series_csv_and_file_agree_to_the_cent_on_random_books(api, seed):
    choose = random.Random(seed)
    for number in range(40):
        book_at_random(choose, number)
        if number == 20:
            totals.count_up()

    board = api.get("/api/v1/dashboard/earnings").json()
    file = api.get("/api/v1/earnings/earnings.json").json()
    rows = read_csv(api.get("/api/v1/earnings/export.csv"))

    earned = board["earned"]["minor"]
    assert sum(int(row["net"].replace(".", "")) for row in rows) == earned
    assert sum(row["net"]["minor"] for row in file["history"]) == file["total_earnings"]["minor"] == earned
    assert file["sequence"] == board["sequence"] == JournalEntry.objects.count()
    for bucket in ledger.BUCKETS:
        cents = sum(int(row[bucket].replace(".", "")) for row in rows)
        assert board["buckets"][bucket]["minor"] == cents
    for by in ("day", "week", "month", "channel", "gig", "product", "client", "run", "intent"):
        groups = api.get(f"/api/v1/dashboard/earnings?group_by={by}").json()["range"]["groups"]
        assert sum(group["net"]["minor"] for group in groups) == earned
        for group in groups:
            signs = {"gross": 1, "refunds": -1, "fees": -1, "adjustments": 1}
            assert sum(sign * group[name]["minor"] for name, sign in signs.items()) == group["net"]["minor"]
    first = min(row["date"] for row in rows)
    for step in ("day", "week", "month"):
        answer = api.get(f"/api/v1/dashboard/earnings?series={step}&from={first}").json()
        assert sum(point["net"]["minor"] for point in answer["series"]["points"]) == earned


@pytest.mark.parametrize("seed", [4, 5])
def test_every_figure_opens_to_the_entries_that_it_is_made_of(api, seed):
    choose = random.Random(seed)
    for number in range(30):
        book_at_random(choose, number)

    board = api.get("/api/v1/dashboard/earnings").json()

    for name in ("daily", "weekly", "monthly", "yearly", "earned", "total"):
        accounts = ledger.BUCKETS if name == "total" else ledger.EARNED_BUCKETS
        assert moved(entries_of(api, board["entries"][name]), accounts) == board[name]["minor"]
    for bucket in ledger.BUCKETS:
        assert moved(entries_of(api, board["entries"][bucket]), [bucket]) == board["buckets"][bucket]["minor"]
    for by in ("day", "week", "month", "channel", "gig", "product", "client", "run", "intent"):
        today = timezone.now().date()
        asked = f"group_by={by}&from={today - timedelta(days=30)}"
        for group in api.get(f"/api/v1/dashboard/earnings?{asked}").json()["range"]["groups"]:
            assert moved(entries_of(api, group["entries"]), ledger.EARNED_BUCKETS) == group["net"]["minor"]
