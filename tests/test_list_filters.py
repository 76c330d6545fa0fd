"""The filters of long lists in the admin, and that no list reads everything to offer them."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from agency.models import Mail
from earnings import totals
from earnings.models import Account, Posting
from tests.factories import make_channel, make_mail, make_paid_order, make_product

MAILS = "/admin/agency/mail/"


def offered(client, path):
    """{words: query} of the list's filter by date."""
    page = client.get(path).content.decode()
    part = page[page.index("By created at") :]
    links = re.findall(r'<a href="\?([^"]*)"[^>]*>\s*([^<]*?)\s*</a>', part[: part.index("</details>")])
    return {words: query.replace("&amp;", "&") for query, words in links}


def shown(client, query):
    return [mail.to for mail in client.get(f"{MAILS}?{query}").context["cl"].result_list]


@pytest.fixture
def mails(settings, monkeypatch):
    settings.TIME_ZONE = "America/New_York"
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 2, 10, 12, tzinfo=UTC))
    moments = {
        "old@example.com": datetime(2024, 11, 30, 12, tzinfo=UTC),
        "eve@example.com": datetime(2026, 1, 1, 4, 59, tzinfo=UTC),  # in New York it is still 2025
        "new@example.com": datetime(2026, 1, 1, 5, 0, tzinfo=UTC),
        "now@example.com": datetime(2026, 2, 10, 11, tzinfo=UTC),
    }
    for to, moment in moments.items():
        Mail.objects.filter(pk=make_mail(to).pk).update(created_at=moment)


def test_periods_are_the_years_and_months_there_are_in_the_shops_own_time(admin_client, mails):
    links = offered(admin_client, MAILS)

    assert list(links) == [
        *("Any date", "Today", "Past 7 days", "This month", "This year"),
        *("February 2026", "January 2026", "2025", "2024"),
    ]
    assert shown(admin_client, links["January 2026"]) == ["new@example.com"]
    assert shown(admin_client, links["2025"]) == ["eve@example.com"]
    assert shown(admin_client, links["2024"]) == ["old@example.com"]


def test_of_a_year_that_is_chosen_its_months_are_offered(admin_client, mails):
    chosen = offered(admin_client, MAILS)["2024"]
    links = offered(admin_client, f"{MAILS}?{chosen}")

    at = list(links).index("2024")
    assert list(links)[at:] == ["2024", "December 2024", "November 2024"]
    assert shown(admin_client, links["November 2024"]) == ["old@example.com"]
    assert shown(admin_client, links["December 2024"]) == []


def test_an_empty_list_offers_what_needs_no_first_row(admin_client, db):
    assert list(offered(admin_client, MAILS))[-1] == "This year"


@pytest.mark.parametrize("value", ["x", "2024", "\x00", "9999-12-31T00:00:00Z", "-1"])
def test_what_is_no_date_costs_no_fault(admin_client, mails, value):
    answer = admin_client.get(MAILS, {"created_at__gte": value})
    assert answer.status_code in (200, 302, 400)


def test_no_list_asks_for_the_distinct_dates_of_all_its_rows():
    ours = [
        page for page in admin.site._registry.values() if not type(page).__module__.startswith(("django", "axes"))
    ]
    assert len(ours) > 30 and [page for page in ours if page.date_hierarchy] == []


def test_currencies_and_balances_come_from_the_totals_and_are_those_of_the_postings(admin_client, db):
    make_channel()
    for currency in ("USD", "EUR"):
        make_paid_order(make_product(price_minor=1900, currency=currency))
    totals.count_up()
    make_paid_order(make_product(price_minor=500))  # not counted yet

    with CaptureQueriesContext(connection) as queries:
        accounts = admin_client.get("/admin/earnings/account/").content.decode()
        ledger = admin_client.get("/admin/earnings/posting/").content.decode()

    assert "?currency=EUR" in ledger and "?currency=USD" in ledger
    everything = [q["sql"] for q in queries if "earnings_posting" in q["sql"] and "LIMIT" not in q["sql"]]
    assert [sql for sql in everything if "SUM(" in sql or "DISTINCT" in sql] == []
    for account in Account.objects.all():
        for kind, currency, minor in totals.balances(account.code):
            rows = Posting.objects.filter(account=account, kind=kind, currency=currency)
            assert sum(rows.values_list("amount_minor", flat=True)) == minor
    assert escape("$24.00 real") in accounts and escape("€19.00 real") in accounts
