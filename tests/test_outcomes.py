"""What the store earned before and after a wish: figures of days, and no claim."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User

from agency import outcomes, quantum_state
from agency.models import Intent
from earnings import ledger, totals
from earnings.models import Channel

pytestmark = pytest.mark.django_db
COLLAPSED = datetime(2026, 3, 10, 15, tzinfo=UTC)


def sell(number, day, gross, kind="real", currency="USD"):
    return ledger.record_paid(
        key=f"order:{number}",
        occurred_at=datetime(2026, 3, 10, 12, tzinfo=UTC) + timedelta(days=day),
        work=ledger.Work.DONE,
        kind=kind,
        title="A sale",
        gross_minor=gross,
        fee_minor=0,
        currency=currency,
        channel=Channel.objects.get(pk="direct"),
        source="order",
    )


@pytest.fixture
def intent():
    wish = quantum_state.superpose("Maximize profit")
    Intent.objects.filter(pk=wish.pk).update(status="collapsed", collapsed_at=COLLAPSED)
    wish.refresh_from_db()
    return wish


def nets(outcome, kind="real"):
    """{days: (before, after)} of one kind of money."""
    return {
        window["days"]: tuple(
            each[side]["net"]["minor"]
            for each in window["kinds"]
            if each["kind"] == kind
            for side in ("before", "after")
        )
        for window in outcome["windows"]
    }


def test_each_window_has_as_many_days_before_as_after_and_the_day_itself_is_after(intent):
    for number, day in enumerate([-31, -30, -14, -7, -1, 0, 6, 7, 13, 29, 30]):
        sell(number, day, 10**number)
    totals.count_up()

    outcome = outcomes.of_intent(intent, at=COLLAPSED + timedelta(days=60))

    assert outcome["since"] == date(2026, 3, 10)
    assert nets(outcome) == {
        7: (11000, 1100000),
        14: (11100, 111100000),
        30: (11110, 1111100000),
    }


def test_refunds_are_deducted_and_kinds_and_currencies_are_apart(intent):
    earning = sell(1, -3, 1000)
    ledger.refund(earning, "order:1:refund", COLLAPSED, gross_minor=400)
    sell(2, -3, 70, kind="simulated")
    sell(3, -3, 900, currency="EUR")

    outcome = outcomes.of_intent(intent, at=COLLAPSED + timedelta(days=1))

    assert nets(outcome)[7] == (1000, -400)
    assert nets(outcome, "simulated")[7] == (70, 0)


def test_a_window_is_complete_when_its_last_day_is_over(intent):
    complete = [
        [
            window["is_complete"]
            for window in outcomes.of_intent(intent, at=COLLAPSED + timedelta(days=days))["windows"]
        ]
        for days in (6, 7, 14, 30)
    ]

    assert complete == [[False, False, False], [True, False, False], [True, True, False], [True, True, True]]


def test_the_api_tells_it_and_refuses_while_the_wish_is_in_superposition(api, intent):
    sell(1, 0, 500)
    open_wish = quantum_state.superpose("Maximize profit")

    answer = api.get(f"/api/v1/intents/{intent.pk}/outcome")

    assert answer.status_code == 200
    assert nets(answer.json())[7] == (0, 500)
    assert api.get(f"/api/v1/intents/{open_wish.pk}/outcome").status_code == 409


def test_who_may_not_see_the_earnings_does_not_see_them_here(api, client, intent):
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_intent"))
    api.force_authenticate(User.objects.get(pk=user.pk))
    client.force_login(user)

    page = client.get(f"/admin/agency/intent/{intent.pk}/change/")

    assert api.get(f"/api/v1/intents/{intent.pk}/outcome").status_code == 403
    assert page.status_code == 200
    assert "Before and after" not in page.content.decode()


def test_the_page_of_a_wish_shows_it_without_a_claim(staff_client, intent):
    sell(1, 0, 123456)

    page = staff_client.get(f"/admin/agency/intent/{intent.pk}/change/").content.decode()

    assert "Before and after" in page
    assert "this claims no cause" in page
    assert "$1,234.56" in page
