"""Staff write down that a marketplace's sale is contested, and who won."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from earnings import audit, dashboard, disputes, ledger
from earnings.ledger import Work
from earnings.models import Earning, JournalEntry
from storefront.staff import create_groups
from tests.factories import make_paid_order, make_product
from tests.test_disputes import NOON, refund, sell

pytestmark = pytest.mark.django_db
PAGE = "/admin/earnings/earning/{}/"


def do(client, earning, verb, **values):
    return client.post(f"{PAGE.format(earning.pk)}do/{verb}/", values, follow=True)


def figures():
    answer = dashboard.summary(dashboard.Scope())
    return answer["earned"]["minor"], {
        name: one["minor"] for name, one in answer["buckets"].items() if one["minor"]
    }


def buttons(client, earning):
    page = client.get(f"{PAGE.format(earning.pk)}change/").content.decode()
    return [name for name in ("contest", "win", "lose") if f"/do/{name}/" in page]


def test_a_dispute_is_opened_with_its_fee_and_lost(staff_client):
    earning = sell()
    before = buttons(staff_client, earning)
    asked = staff_client.get(f"{PAGE.format(earning.pk)}do/contest/").content.decode()

    for _ in range(2):
        do(staff_client, earning, "contest", fee="15.00")
    opened, meanwhile = figures(), buttons(staff_client, earning)
    for _ in range(2):
        do(staff_client, earning, "lose")
    refused = do(staff_client, earning, "win").content.decode()

    assert "set apart until the channel decides" in asked
    assert (before, meanwhile, buttons(staff_client, earning)) == (["contest"], ["win", "lose"], [])
    assert opened == (8200, {"available": -1500, "disputed": 9700})
    assert figures() == (-1800, {"available": -1800})
    assert "This dispute was lost before." in refused
    assert audit.violations() == []


def test_a_dispute_that_was_won_may_be_followed_by_another(staff_client):
    earning = sell()
    do(staff_client, earning, "contest")

    for _ in range(2):
        do(staff_client, earning, "win")

    assert figures() == (9700, {"pending": 9700})
    assert buttons(staff_client, earning) == ["contest"]


def test_of_a_sale_that_was_given_back_the_fee_alone_is_booked(staff_client):
    earning = sell()
    refund(earning)

    without = do(staff_client, earning, "contest").content.decode()
    do(staff_client, earning, "contest", fee="15.00")

    assert "There is nothing to book" in without
    assert figures() == (-1500, {"available": -1500})


@pytest.mark.parametrize("fee", ["-1", "1.234", "much"])
def test_a_fee_that_is_none_is_refused_at_its_field(staff_client, fee):
    earning = sell()

    page = do(staff_client, earning, "contest", fee=fee).content.decode()

    assert "errorlist" in page
    assert not JournalEntry.objects.filter(event="disputed").exists()


def test_the_page_shows_money_as_people_write_it(staff_client):
    earning = sell()

    page = staff_client.get(f"/admin/earnings/earning/{earning.pk}/change/").content.decode()

    assert "$100.00" in page and "$97.00" in page
    assert "inor" not in page  # no field in minor units


def test_what_is_owed_has_no_button(staff_client):
    assert buttons(staff_client, sell(work=Work.OWED)) == []


def test_of_the_own_shop_the_provider_tells(staff_client, api):
    make_paid_order(make_product(price_minor=2900))
    earning = Earning.objects.get()

    page = do(staff_client, earning, "contest").content.decode()
    answer = api.post("/api/v1/earnings/disputes", {"earning": earning.key, "outcome": "open"}, format="json")

    assert buttons(staff_client, earning) == []
    assert "its provider tells of disputes" in page
    assert answer.status_code == 409
    for verb in (disputes.contest, disputes.win, disputes.lose):
        with pytest.raises(disputes.Refusal, match="provider tells"):
            verb(earning, NOON)
    assert ledger.balances(earning)["disputed"] == 0


@pytest.mark.parametrize(("who", "may"), [("Accountants", True), ("Operators", False)])
def test_accountants_decide_and_who_only_looks_does_not(client, who, may):
    create_groups()
    user = User.objects.create_user("eve", password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=who))
    client.force_login(user)
    earning = sell()

    answer = do(client, earning, "contest")

    assert (answer.status_code, bool(buttons(client, earning))) == (200 if may else 403, may)
    assert JournalEntry.objects.filter(event="disputed").exists() == may


def test_a_get_changes_nothing_and_a_stranger_sees_nothing(client):
    user = User.objects.create_user("eve", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_earning"))
    client.force_login(user)
    earning = sell()

    assert client.get(f"{PAGE.format(earning.pk)}do/contest/").status_code == 403
    assert client.get(f"{PAGE.format(earning.pk)}change/").status_code == 200
    assert not JournalEntry.objects.filter(event="disputed").exists()
