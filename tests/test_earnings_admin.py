"""Staff read the ledger and watch the earnings; nobody writes them by hand."""

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from earnings import ledger
from earnings.ledger import Work
from earnings.models import Channel
from earnings.templatetags.earnings import earnings_chart

pytestmark = pytest.mark.django_db
BOARD = "/admin/earnings/earning/dashboard/"


@pytest.fixture
def earning():
    return ledger.record_paid(
        key="service_order:1",
        occurred_at=timezone.now(),
        work=Work.OWED,
        kind="real",
        title="<b>Logo</b>",
        gross_minor=123456,
        fee_minor=23456,
        currency="USD",
        channel=Channel.objects.get(pk="fiverr"),
        source="service_order",
        reference="SO-000001",
    )


def test_the_page_shows_the_money_where_it_is(staff_client, earning):
    before = staff_client.get(BOARD).content.decode()
    ledger.record_earned(earning, "service_order:1:earned", timezone.now())

    page = staff_client.get(BOARD).content.decode()

    assert "Nothing was earned yet" in before
    assert "&lt;b&gt;Logo&lt;/b&gt;" in page
    today = timezone.now().date()
    asked = f"kind=real&amp;currency=USD&amp;to={today}&amp;from={today}&amp;figure=earned"
    opened = f"/admin/earnings/journalentry/?{asked}"
    assert f'<dt>Today</dt><dd><a href="{opened}">$1,000.00</a></dd>' in page
    assert "<style" not in page
    assert 'style="' not in page


def test_the_part_that_refreshes_itself_is_sent_when_a_figure_changed(staff_client, earning):
    seen = staff_client.get(BOARD).context["fingerprint"]

    unchanged = staff_client.get(f"{BOARD}figures/?kind=real&currency=USD&seen={seen}")
    ledger.record_earned(earning, "service_order:1:earned", timezone.now())
    changed = staff_client.get(f"{BOARD}figures/?kind=real&currency=USD&seen={seen}")

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert changed.status_code == 200
    assert changed.content.decode().lstrip().startswith('<div id="figures"')


def test_simulated_money_has_its_own_page_that_says_so(staff_client, earning):
    page = staff_client.get(f"{BOARD}?kind=simulated").content.decode()

    assert "Simulated: nobody paid this." in page
    assert "SO-000001" not in page


@pytest.mark.parametrize("query", ["kind=all", "kind=pretend", "currency=usd", "series=minute", "by=color"])
def test_a_page_of_something_else_does_not_exist(staff_client, query):
    assert staff_client.get(f"{BOARD}?{query}").status_code == 404


@pytest.mark.parametrize("model", ["account", "earning", "journalentry", "posting"])
def test_the_ledger_is_read_only(staff_client, earning, model):
    row = {
        "account": "deferred",
        "earning": earning.pk,
        "journalentry": earning.entries.get().pk,
        "posting": earning.entries.get().postings.first().pk,
    }[model]

    assert staff_client.get(f"/admin/earnings/{model}/").status_code == 200
    assert staff_client.get(f"/admin/earnings/{model}/?q=logo").status_code == 200
    assert staff_client.get(f"/admin/earnings/{model}/{row}/change/").status_code == 200
    assert staff_client.get(f"/admin/earnings/{model}/add/").status_code == 403
    assert staff_client.post(f"/admin/earnings/{model}/{row}/change/", {}).status_code == 403
    assert staff_client.post(f"/admin/earnings/{model}/{row}/delete/", {"post": "yes"}).status_code == 403


def test_every_figure_of_the_page_opens_to_its_entries_and_their_sum(staff_client, earning):
    ledger.record_earned(earning, "service_order:1:earned", timezone.now())
    ledger.charge(ledger.Purse(earning.channel, "USD"), "cost:1", timezone.now(), 2500, "Ads")
    context = staff_client.get(BOARD).context

    opened = {name: staff_client.get(address).context_data for name, _, _, address in context["buckets"]}
    today = staff_client.get(context["periods"][0][2]).context_data
    group = staff_client.get(context["groups"][0]["address"]).context_data

    assert today["totals"] == group["totals"] == ["Earned: $975.00 real"]
    assert opened["Pending"]["totals"] == ["Pending: $1,000.00 real"]
    assert opened["Available"]["totals"] == ["Available: -$25.00 real"]
    assert opened["Disputed"]["totals"] == []
    assert [entry.key for entry in opened["Unearned"]["cl"].result_list] == [
        "service_order:1:earned",
        "service_order:1:paid",
    ]
    assert opened["Unearned"]["totals"] == ["Unearned: $0.00 real"]


@pytest.mark.parametrize("series", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("by", ["channel", "gig", "product", "client", "run", "intent"])
def test_the_page_is_split_as_asked_and_read_to_who_cant_see_it(staff_client, earning, series, by):
    ledger.record_earned(earning, "service_order:1:earned", timezone.now())

    page = staff_client.get(f"{BOARD}?series={series}&by={by}")

    shown = page.content.decode()
    assert f'<title id="chart-title">Earned by {series}</title>' in shown
    assert "changed what was earned, $1,000.00 in all; the best was" in shown
    assert 'role="img" aria-labelledby="chart-title chart-desc"' in shown
    assert [group["net"]["minor"] for group in page.context["groups"]] == [100000]


def test_an_empty_page_says_so_in_words(staff_client):
    shown = staff_client.get(BOARD).content.decode()

    assert "Nothing was earned in these 30 days." in shown
    assert "Nothing was earned yet. Accept a delivery" in shown


def test_a_page_that_is_up_to_date_is_found_with_one_query(staff_client, earning, django_assert_num_queries):
    seen = staff_client.get(BOARD).context["fingerprint"]

    with django_assert_num_queries(3):  # session, user, how many entries there are
        answer = staff_client.get(f"{BOARD}figures/?seen={seen}")

    assert answer.status_code == 204


def test_an_entry_shows_debits_and_credits(staff_client, earning):
    page = staff_client.get(f"/admin/earnings/journalentry/{earning.entries.get().pk}/change/").content.decode()

    assert [text in page for text in ("$1,000.00", "$234.56", "$1,234.56")] == [True, True, True]


def test_the_list_of_earnings_sums_what_it_shows(staff_client, earning):
    response = staff_client.get("/admin/earnings/earning/")

    assert response.context_data["totals"] == ["$1,000.00 real"]


def test_a_channels_rate_can_be_edited_and_its_key_not(staff_client):
    fields = {
        "key": "renamed",
        "name": "Fiverr",
        "fee_basis_points": "15 %",
        "fee_fixed_minor": "",
        "clearing_days": 7,
    }

    response = staff_client.post("/admin/earnings/channel/fiverr/change/", fields)

    channel = Channel.objects.get(pk="fiverr")
    assert response.status_code == 302
    assert (channel.fee_basis_points, channel.clearing_days) == (1500, 7)
    assert not Channel.objects.filter(pk="renamed").exists()


def test_a_channels_fee_is_written_as_people_write_it(staff_client):
    page = "/admin/earnings/channel/direct/change/"
    fields = {"name": "Own store", "fee_basis_points": "2,9%", "fee_fixed_minor": "0.30", "clearing_days": 2}

    staff_client.post(page, fields)

    channel = Channel.objects.get(pk="direct")
    shown = staff_client.get(page).content.decode()
    listed = staff_client.get("/admin/earnings/channel/").content.decode()
    assert (channel.fee_basis_points, channel.fee_fixed_minor) == (290, 30)
    assert 'value="2.9 %"' in shown and 'value="0.30"' in shown
    assert shown.count("2.9 %") == 1  # and not once more to be read only
    assert "2.9 %" in listed and "0.30" in listed


@pytest.mark.parametrize(
    ("percent", "fixed", "words"),
    [
        ("2.955", "0", "at most two decimals"),
        ("-1", "0", "Write a percentage"),
        ("100.01", "0", "at most 100 %"),
        ("1", "0.305", "USD has 2 decimals"),
        ("1", "-0.30", "zero or more"),
        ("1", "99999999999", "zero or more"),
    ],
)
def test_a_wrong_fee_is_refused_where_it_stands(staff_client, percent, fixed, words):
    before = Channel.objects.filter(pk="direct").values().get()
    fields = {"name": "Own store", "fee_basis_points": percent, "fee_fixed_minor": fixed, "clearing_days": 2}

    answer = staff_client.post("/admin/earnings/channel/direct/change/", fields)

    assert words in answer.content.decode()
    assert Channel.objects.filter(pk="direct").values().get() == before


def test_who_may_only_look_reads_a_channels_fee_too(client):
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_channel"))
    client.force_login(clerk)
    Channel.objects.filter(pk="direct").update(fee_basis_points=290, fee_fixed_minor=30)

    shown = client.get("/admin/earnings/channel/direct/change/").content.decode()

    assert "2.9 %" in shown and "0.30" in shown


def test_staff_without_the_right_do_not_see_the_earnings(client, earning):
    user = User.objects.create_user("clerk", is_staff=True)
    client.force_login(user)
    refused = [client.get(path).status_code for path in (BOARD, f"{BOARD}figures/", "/admin/earnings/earning/")]

    user.user_permissions.add(Permission.objects.get(codename="view_earning"))

    assert refused == [403, 403, 403]
    assert client.get(BOARD).status_code == 200


def points(*minors):
    """Points of a series that earned so much."""
    return [
        {"key": f"2026-03-{day:02d}", "net": {"minor": minor}, "gross": {"minor": minor}, "refunds": {"minor": 0}}
        for day, minor in enumerate(minors, 1)
    ]


def test_the_chart_draws_refunds_below_the_line():
    chart = earnings_chart(points(0, 7500, -2500), "USD")

    nothing, earned, refunded = chart["bars"]
    assert nothing["height"] == 0
    assert (earned["y"], earned["height"], earned["is_negative"]) == (0.0, 120.0, False)
    assert (refunded["y"], refunded["height"], refunded["is_negative"]) == (120.0, 40.0, True)
    assert (chart["line"], chart["sum"], chart["best"]["text"]) == (120.0, "$50.00", "$75.00")


def test_a_chart_of_nothing_is_a_line():
    chart = earnings_chart(points(0), "USD")

    assert [bar["height"] for bar in chart["bars"]] == [0]
    assert (chart["line"], chart["best"]) == (chart["height"], None)
