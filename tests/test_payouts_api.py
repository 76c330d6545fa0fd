"""Programs write down payouts, once, and staff do in the admin."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from earnings import ledger, nightly
from earnings.ledger import Purse
from earnings.models import Channel, LedgerCheck, Payout
from tests.test_ledger import PLANTED, plant
from tests.test_payouts import bucket, sell

pytestmark = pytest.mark.django_db
URL = "/api/v1/earnings/payouts"
ADMIN = "/admin/earnings/payout/"
FIVERR = {"channel": "fiverr", "currency": "USD"}


def test_a_payout_names_what_it_paid_out(api):
    sell(1)
    ledger.charge(Purse(Channel.objects.get(pk="fiverr"), "USD"), "cost:1", timezone.now(), 300, "Ads")

    answer = api.post(URL, FIVERR | {"amount": "77.00", "reference": "BANK-7"}, format="json")

    body = answer.json()
    assert (answer.status_code, answer["Location"]) == (201, f"{URL}/{body['id']}")
    assert (body["amount"]["amount"], body["reference"], body["returned_at"]) == ("77.00", "BANK-7", None)
    assert [(part["earning"], part["amount"]["minor"]) for part in body["parts"]] == [
        ("service_order:1", 8000),
        (None, -300),
    ]
    assert api.get(answer["Location"]).json() == body
    assert [row["id"] for row in api.get(URL).json()["results"]] == [body["id"]]


def test_a_payout_sent_again_is_the_same_one_and_another_wish_needs_another_key(api):
    sell(1)

    first = api.post(URL, FIVERR, format="json", headers={"Idempotency-Key": "one"})
    again = api.post(URL, FIVERR, format="json", headers={"Idempotency-Key": "one"})
    other = api.post(URL, FIVERR | {"reference": "x"}, format="json", headers={"Idempotency-Key": "one"})
    unkeyed = api.post(URL, FIVERR, format="json")

    assert (first.status_code, again.status_code, again["Idempotent-Replayed"]) == (201, 201, "true")
    assert again.json() == first.json()
    assert (other.status_code, unkeyed.status_code) == (422, 409)
    assert Payout.objects.count() == 1


@pytest.mark.parametrize(
    ("asked", "status", "pointer"),
    [
        ({"amount": "79.99"}, 422, "/amount"),
        ({"amount": "80.001"}, 422, "/amount"),
        ({"channel": "nowhere"}, 422, "/channel"),
        ({"currency": "XXQ"}, 422, "/currency"),
        ({"currency": "usd"}, 400, "/currency"),
        ({"earnings": ["service_order:9"]}, 422, "/earnings"),
        ({"kind": "pretend"}, 400, "/kind"),
        ({"color": "red"}, 400, "/color"),
    ],
)
def test_a_payout_that_can_not_be_is_refused_by_name_and_nothing_moves(api, asked, status, pointer):
    sell(1)

    answer = api.post(URL, FIVERR | asked, format="json")

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (Payout.objects.count(), bucket("available")) == (0, 8000)


def test_a_payout_that_came_back_is_told_once(api):
    sell(1)
    address = api.post(URL, FIVERR, format="json")["Location"]

    first, again = api.post(f"{address}/return").json(), api.post(f"{address}/return").json()

    assert first["returned_at"] == again["returned_at"] is not None
    assert bucket("available") == 8000


def test_who_may_only_look_at_payouts_records_none(client, api):
    sell(1)
    user = User.objects.create_user("clerk")
    user.user_permissions.add(Permission.objects.get(codename="view_payout"))
    api.force_authenticate(User.objects.get(pk=user.pk))

    assert (api.get(URL).status_code, api.post(URL, FIVERR, format="json").status_code) == (200, 403)


# --- Staff ------------------------------------------------------------------------------------------------


def test_staff_record_a_payout_and_the_form_sent_twice_is_one(staff_client):
    sell(1)
    page = staff_client.get(f"{ADMIN}add/").content.decode()
    form = FIVERR | {"kind": "real", "amount": "80.00", "reference": "BANK-7", "token": uuid4()}

    first, again = staff_client.post(f"{ADMIN}add/", form), staff_client.post(f"{ADMIN}add/", form)

    payout = Payout.objects.get()
    assert "fiverr: $80.00" in page
    assert first["Location"] == again["Location"] == f"{ADMIN}{payout.pk}/change/"
    shown = staff_client.get(first["Location"]).content.decode()
    assert "service_order:1" in shown
    assert "It came back" in shown


def test_staff_see_why_a_payout_was_refused(staff_client):
    sell(1)
    form = FIVERR | {"kind": "real", "amount": "79.00", "token": uuid4()}

    page = staff_client.post(f"{ADMIN}add/", form).content.decode()

    assert "$79.00 is not what is available of these at Fiverr: $80.00." in page
    assert Payout.objects.count() == 0


def test_staff_write_down_that_a_payout_came_back(staff_client):
    sell(1)
    staff_client.post(f"{ADMIN}add/", FIVERR | {"kind": "real", "token": uuid4()})
    payout = Payout.objects.get()

    staff_client.post(f"{ADMIN}{payout.pk}/do/return/")

    payout.refresh_from_db()
    assert payout.returned_at is not None
    assert bucket("available") == 8000


def test_the_front_page_says_what_the_last_check_found(staff_client):
    never = staff_client.get("/admin/").content.decode()
    sell(1)
    nightly.check_if_due()
    sound = staff_client.get("/admin/").content.decode()
    plant(PLANTED["earning key"])
    LedgerCheck.objects.all().delete()
    found = nightly.check_if_due()
    broken = staff_client.get("/admin/").content.decode()
    page = staff_client.get(f"/admin/earnings/ledgercheck/{found.pk}/change/").content.decode()

    assert "The ledger was not checked yet" in never
    assert "The ledger is sound" in sound
    assert "The ledger breaks 1 rule" in broken
    assert "key.malformed no key" in broken
    assert "<strong>key.malformed</strong> no key: a key is written like" in page
