"""What the figures count, on which day, and what they never count."""

import random
from datetime import UTC, date, datetime

import pytest

from earnings import dashboard, ledger, totals
from earnings.dashboard import Scope, Span
from earnings.history import history
from earnings.ledger import Work
from earnings.models import Channel
from earnings.refusals import Refusal

pytestmark = pytest.mark.django_db
# A Wednesday: the ISO week began on Monday, March 9, the month on Sunday, March 1.
NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)


def at(month, day, hour=12, minute=0, year=2026):
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def sell(number, gross, when, *, fee=0, work=Work.DONE, currency="USD", kind="real", channel="direct", **facts):
    return ledger.record_paid(
        key=f"order:{number}",
        occurred_at=when,
        work=work,
        kind=kind,
        title=f"Sale {number}",
        gross_minor=gross,
        fee_minor=fee,
        currency=currency,
        channel=Channel.objects.get(pk=channel),
        source="order",
        **facts,
    )


def minors(figures):
    return {name: figures[name]["minor"] for name in ("daily", "weekly", "monthly", "yearly", "total", "earned")}


def summary(**scope):
    return dashboard.summary(Scope(**({"at": NOW} | scope)))


def test_an_empty_ledger_has_figures_of_zero():
    answer = summary()

    assert minors(answer) == dict.fromkeys(["daily", "weekly", "monthly", "yearly", "total", "earned"], 0)
    assert answer["buckets"]["disputed"] == {"amount": "0.00", "minor": 0, "currency": "USD"}
    assert (answer["recent"], answer["currencies"]) == ([], [])
    assert answer["sources"] == {"channel": {}, "gig": {}, "product": {}}


def test_each_period_begins_with_its_own_first_day():
    for number, when in enumerate(
        [
            at(3, 11, 0, 0),  # first minute of today
            at(3, 10, 23, 59),  # yesterday, this week
            at(3, 9, 0, 0),  # Monday
            at(3, 8, 23, 59),  # Sunday: last week, this month
            at(3, 1, 0, 0),  # first of the month
            at(2, 28, 23, 59),  # last month, this year
            at(1, 1, 0, 0),  # New Year
            at(12, 31, 23, 59, year=2025),
        ]
    ):
        sell(number, 10**number, when)

    assert minors(summary()) == {
        "daily": 1,
        "weekly": 111,
        "monthly": 11111,
        "yearly": 1111111,
        "total": 11111111,
        "earned": 11111111,
    }


def test_the_iso_week_runs_over_new_year():
    sell(1, 100, at(12, 29, year=2025))
    sell(2, 10, at(12, 28, year=2025))

    figures = minors(summary(at=at(1, 1)))

    assert (figures["daily"], figures["weekly"], figures["monthly"], figures["yearly"]) == (0, 100, 0, 0)


def test_days_are_cut_in_the_stores_time_zone(settings):
    settings.STORE_TIMEZONE = "Europe/Istanbul"
    sell(1, 100, at(3, 10, 20, 59))  # 23:59 on the 10th
    sell(2, 10, at(3, 10, 21, 0))  # midnight

    answer = summary(at=at(3, 10, 22, 0))

    assert (answer["timezone"], answer["daily"]["minor"], answer["weekly"]["minor"]) == (
        "Europe/Istanbul",
        10,
        110,
    )


def test_money_for_work_that_is_owed_is_received_and_not_earned():
    earning = sell(1, 10000, NOW, fee=2000, work=Work.OWED, channel="fiverr", gig="logo-design")
    before = summary()

    ledger.record_earned(earning, "order:1:earned", NOW)

    after = summary()
    assert minors(before) == {"daily": 0, "weekly": 0, "monthly": 0, "yearly": 0, "total": 8000, "earned": 0}
    assert before["buckets"]["unearned"]["amount"] == "80.00"
    assert before["recent"] == []
    assert set(minors(after).values()) == {8000}
    assert after["buckets"]["pending"]["amount"] == "80.00"
    assert after["sources"]["gig"] == {"logo-design": {"amount": "80.00", "minor": 8000, "currency": "USD"}}


def test_work_counts_on_the_day_of_its_acceptance():
    earning = sell(1, 10000, at(2, 20), work=Work.OWED)

    ledger.record_earned(earning, "order:1:earned", at(3, 11))

    assert minors(summary())["daily"] == 10000
    assert minors(summary(at=at(2, 20)))["earned"] == 0


def test_a_refund_is_deducted_on_its_own_day():
    earning = sell(1, 10000, at(3, 9), fee=1000)
    ledger.refund(earning, "order:1:refund", at(3, 11), gross_minor=4000, fee_minor=400)

    assert minors(summary()) == {
        "daily": -3600,
        "weekly": 5400,
        "monthly": 5400,
        "yearly": 5400,
        "total": 5400,
        "earned": 5400,
    }
    newest, oldest = summary()["recent"]
    assert [newest[name]["minor"] for name in ("amount", "fee", "net")] == [-4000, -400, -3600]
    assert [oldest[name]["minor"] for name in ("amount", "fee", "net")] == [10000, 1000, 9000]


def test_canceled_work_that_was_never_earned_changes_no_period():
    earning = sell(1, 10000, NOW, fee=2000, work=Work.OWED)

    ledger.refund(earning, "order:1:refund", NOW, gross_minor=10000, fee_minor=2000)

    assert set(minors(summary()).values()) == {0}
    assert summary()["recent"] == []


def test_clearing_paying_out_and_a_dispute_earn_nothing_again():
    earning = sell(1, 10000, at(3, 1))
    ledger.clear(earning, "order:1:cleared", NOW)
    ledger.pay_out(earning, "order:1:paid_out", NOW)
    ledger.dispute(earning, "order:1:dispute", NOW)

    answer = summary()
    assert (answer["daily"]["minor"], answer["earned"]["minor"]) == (0, 10000)
    assert answer["buckets"]["disputed"]["minor"] == 10000
    assert len(answer["recent"]) == 1


def test_real_and_simulated_money_are_apart_unless_asked_and_then_labeled():
    sell(1, 100, NOW)
    sell(2, 10, NOW, kind="simulated", channel="demo")

    together = summary(kind="all")

    assert summary()["earned"]["minor"] == 100
    assert summary(kind="simulated")["earned"]["minor"] == 10
    assert "parts" not in summary()
    assert together["earned"]["minor"] == 110
    assert {kind: part["earned"]["minor"] for kind, part in together["parts"].items()} == {
        "real": 100,
        "simulated": 10,
    }


def test_currencies_are_never_added():
    sell(1, 100, NOW)
    sell(2, 5000, NOW, currency="JPY")
    sell(3, 1234, NOW, currency="KWD")

    assert summary()["total"] == {"amount": "1.00", "minor": 100, "currency": "USD"}
    assert summary()["currencies"] == ["JPY", "KWD"]
    assert summary(currency="JPY")["total"] == {"amount": "5000", "minor": 5000, "currency": "JPY"}
    assert summary(currency="KWD")["total"]["amount"] == "1.234"


def test_what_is_dated_after_today_is_not_counted_yet():
    sell(1, 100, at(3, 12))

    assert minors(summary())["total"] == 0
    assert minors(summary(at=at(3, 12)))["total"] == 100


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("day", [("2025-12-31", 7), ("2026-03-10", 30), ("2026-03-11", 500)]),
        ("week", [("2026-W01", 7), ("2026-W11", 530)]),
        ("month", [("2025-12", 7), ("2026-03", 530)]),
        ("channel", [("direct", 37), ("fiverr", 500)]),
        ("gig", [("", 37), ("logo", 500)]),
        ("product", [("", 507), ("KIT", 30)]),
        ("run", [("5", 500), ("", 37)]),
        ("intent", [("9", 500), ("", 37)]),
    ],
)
def test_what_was_earned_is_split_as_asked(by, expected):
    sell(1, 7, at(12, 31, year=2025))
    sell(2, 30, at(3, 10), product_sku="KIT")
    sell(3, 600, NOW, fee=100, channel="fiverr", gig="logo", run_id=5, intent_id=9)

    answer = dashboard.summary(Scope(at=NOW), Span(by=by))

    assert [(group["key"], group["net"]["minor"]) for group in answer["range"]["groups"]] == expected
    assert answer["range"]["earned"]["minor"] == 537


def test_a_range_includes_both_of_its_days():
    for number, day in enumerate([1, 2, 3, 4]):
        sell(number, 10**number, at(3, day))

    answer = dashboard.summary(Scope(at=NOW), Span(date(2026, 3, 2), date(2026, 3, 3)))

    assert answer["range"]["earned"]["minor"] == 110
    assert (answer["range"]["from"], answer["range"]["to"]) == (date(2026, 3, 2), date(2026, 3, 3))
    assert answer["range"]["groups"] == []
    assert answer["earned"]["minor"] == 1111


def series(step, first=None, last=None, at=NOW):
    points = dashboard.summary(Scope(at=at), Span(first, last, series=step))["series"]["points"]
    return {point["key"]: point["net"]["minor"] for point in points}


def test_a_series_has_every_day_of_the_last_thirty():
    sell(1, 100, at(2, 10))
    sell(2, 10, NOW)
    sell(3, 5, at(2, 9))

    days = series("day")

    assert (len(days), next(iter(days.items())), list(days.items())[-1]) == (
        30,
        ("2026-02-10", 100),
        ("2026-03-11", 10),
    )
    assert sum(days.values()) == 110


def test_a_series_has_every_week_and_every_month():
    sell(1, 7, at(12, 31, year=2025))
    sell(2, 30, at(3, 10))

    weeks, months = series("week"), series("month")

    assert (len(weeks), weeks["2026-W01"], weeks["2026-W11"], next(iter(weeks))) == (12, 7, 30, "2025-W52")
    assert (len(months), months["2025-12"], months["2026-03"], next(iter(months))) == (12, 7, 30, "2025-04")


def test_a_series_of_hours_is_the_day_in_the_stores_time_zone(settings):
    settings.STORE_TIMEZONE = "Europe/Istanbul"
    sell(1, 100, at(3, 10, 20, 59))  # 23:59 on the 10th
    sell(2, 10, at(3, 10, 21, 0))  # midnight
    sell(3, 1, at(3, 11, 20, 59))

    hours = series("hour", date(2026, 3, 11), date(2026, 3, 11))

    assert len(hours) == 24
    assert hours["2026-03-11T00:00:00+03:00"] == 10
    assert hours["2026-03-11T23:00:00+03:00"] == 1
    assert sum(hours.values()) == 11


@pytest.mark.parametrize(
    ("day", "hours", "known"),
    [
        (date(2026, 3, 29), 23, ["2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"]),
        (date(2026, 10, 25), 25, ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]),
    ],
)
def test_a_day_on_which_clocks_change_has_its_own_number_of_hours(settings, day, hours, known):
    settings.STORE_TIMEZONE = "Europe/Berlin"
    later = datetime(2026, 12, 1, tzinfo=UTC)
    sell(1, 100, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))  # 2:30, the first time
    sell(2, 10, datetime(2026, 10, 25, 1, 30, tzinfo=UTC))  # 2:30, the second time
    sell(3, 5, datetime(2026, 3, 29, 0, 59, tzinfo=UTC))
    sell(4, 2, datetime(2026, 3, 29, 1, 0, tzinfo=UTC))

    found = series("hour", day, day, later)
    by_day = series("day", day, day, later)

    assert len(found) == hours
    assert [found[key] for key in known] == ([100, 10] if hours == 25 else [5, 2])
    assert by_day == {day.isoformat(): sum(found.values())}


def test_too_long_a_series_is_refused():
    with pytest.raises(Refusal) as refused:
        series("hour", date(2026, 1, 1), date(2026, 3, 1))

    assert refused.value.errors[0]["pointer"] == "/from"


def test_a_group_says_gross_refunds_fees_and_net():
    earning = sell(1, 10000, at(3, 9), fee=1000, gig="logo", client="Ada")
    sell(2, 500, at(3, 9), gig="banner")
    ledger.refund(earning, "order:1:refund", at(3, 11), gross_minor=4000, fee_minor=400)

    for by, key in [("gig", "logo"), ("client", "Ada")]:
        groups = dashboard.summary(Scope(at=NOW), Span(by=by))["range"]["groups"]
        group = next(group for group in groups if group["key"] == key)
        assert {name: group[name]["minor"] for name in ("gross", "refunds", "fees", "adjustments", "net")} == {
            "gross": 10000,
            "refunds": 4000,
            "fees": 600,
            "adjustments": 0,
            "net": 5400,
        }


def test_of_many_products_the_fifty_best_are_sources():
    for number in range(60):
        sell(number, 100 + number, NOW, product_sku=f"KIT-{number:02d}")

    products = summary()["sources"]["product"]

    assert list(products)[:2] == ["KIT-59", "KIT-58"]
    assert (len(products), list(products)[-1]) == (50, "KIT-10")


def test_sources_leave_out_what_is_dated_after_today():
    sell(1, 100, NOW, gig="logo")
    sell(2, 10, at(3, 12), gig="logo")
    totals.count_up()

    assert summary()["sources"]["gig"]["logo"]["minor"] == 100
    assert summary()["sources"]["channel"]["direct"]["minor"] == 100
    assert summary(at=at(3, 12))["sources"]["gig"]["logo"]["minor"] == 110


def test_the_year_is_counted_by_months_and_days_with_nothing_twice():
    for number, when in enumerate([at(1, 1), at(2, 28), at(3, 1), at(3, 11), at(3, 12), at(4, 1)]):
        sell(number, 10**number, when)
    before = minors(summary())

    totals.count_up()

    assert minors(summary()) == before
    assert (before["yearly"], before["monthly"], before["total"]) == (1111, 1100, 1111)


@pytest.mark.parametrize(
    ("ask", "pointer"),
    [
        (lambda: Scope(kind="pretend"), "/kind"),
        (lambda: Scope(currency="usd"), "/currency"),
        (lambda: Span(by="color"), "/group_by"),
        (lambda: Span(date(2026, 3, 2), date(2026, 3, 1)), "/from"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(ask, pointer):
    with pytest.raises(Refusal) as refused:
        ask()

    assert (refused.value.status, refused.value.errors[0]["pointer"]) == (422, pointer)


def test_the_dashboard_takes_six_queries_however_much_was_sold(django_assert_num_queries):
    for number in range(15):
        sell(number, 100, NOW)

    # figures, range, recent, and three sources
    with django_assert_num_queries(6):
        answer = dashboard.summary(Scope(at=NOW), Span(by="channel"))

    assert len(answer["recent"]) == 10


def test_history_sources_groups_and_buckets_agree_over_a_random_year():
    choose = random.Random(7)
    for number in range(80):
        when = at(choose.randint(1, 3), choose.randint(1, 11), choose.randint(0, 23))
        gross = choose.randint(1, 50000)
        work = choose.choice(list(Work))
        earning = sell(number, gross, when, fee=gross // 5, work=work, channel=choose.choice(["direct", "etsy"]))
        for step in range(3):
            verb = choose.choice([ledger.record_earned, ledger.clear, ledger.pay_out, ledger.dispute])
            try:
                verb(earning, f"order:{number}:step:{step}", when)
                if choose.random() < 0.2:
                    ledger.refund(earning, f"order:{number}:refund:{step}", when, gross_minor=gross // 10 + 1)
            except Refusal:
                continue

    scope = Scope(at=NOW)
    answer = dashboard.summary(scope, Span(by="day"))

    earned = answer["earned"]["minor"]
    assert sum(row["minor"] for row in answer["buckets"].values()) == answer["total"]["minor"]
    assert earned == answer["total"]["minor"] - answer["buckets"]["unearned"]["minor"]
    assert sum(entry.net for entry in history(scope)) == earned
    assert sum(value["minor"] for value in answer["sources"]["channel"].values()) == earned
    assert sum(group["net"]["minor"] for group in answer["range"]["groups"]) == earned
    assert dashboard.earnings_file(scope, 1000)["total_earnings"]["minor"] == earned
    assert earned > 0
