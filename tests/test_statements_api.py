"""Programs upload statements, read what they mean, book them and take them back."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from earnings.models import JournalEntry, StatementImport
from earnings.statements import booking
from tests.test_statements import load, make_format

STATEMENTS = "/api/v1/earnings/statements"

pytestmark = pytest.mark.django_db


def client_of(group):
    user = User.objects.create_user(group, password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = APIClient()
    client.force_authenticate(user)
    return client


def send(client, name="etsy_statement", content=None, key=None, **fields):
    file = SimpleUploadedFile(f"{name}.csv", load(name) if content is None else content)
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(STATEMENTS, {"file": file, **fields}, format="multipart", headers=headers)


def money(minor, text, currency="USD"):
    return {"amount": text, "minor": minor, "currency": currency}


def test_a_dry_run_tells_everything_and_books_nothing(api):
    answer = send(api, dry_run=True)

    body = answer.json()
    assert (answer.status_code, body["status"], body["format"], body["channel"]) == (
        200,
        "previewed",
        "etsy-statement",
        "etsy",
    )
    assert body["counts"] == dict.fromkeys(body["counts"], 0) | {"waiting": 9, "left": 1}
    (total,) = body["totals"]
    assert {name: total[name] for name in ("net", "own_net", "earned", "paid_out")} == {
        "net": money(1645, "16.45"),
        "own_net": None,
        "earned": money(1685, "16.85"),
        "paid_out": money(1100, "11.00"),
    }
    assert total["meanings"][0] == {
        "meaning": "sale",
        "rows": 1,
        "taken": 1,
        "gross": money(3250, "32.50"),
        "fee": money(0, "0.00"),
        "net": money(3250, "32.50"),
    }
    assert body["warnings"][0].startswith('What "Riddle" means is not known')
    assert body["rows"][0] | {"remarks": []} == {
        "row": 2,
        "type": "Sale",
        "meaning": "sale",
        "outcome": "waiting",
        "occurred_at": "2026-05-30T12:00:00Z",
        "title": "Payment for Order #7000000001",
        "sale": "7000000001",
        "payout": "",
        "is_pending": False,
        "gross": money(3250, "32.50"),
        "fee": money(0, "0.00"),
        "net": money(3250, "32.50"),
        "remarks": [],
    }
    assert JournalEntry.objects.count() == 0


def test_a_statement_is_uploaded_and_booked_in_one_call(api):
    answer = send(api)

    body = answer.json()
    assert (answer.status_code, body["status"], body["counts"]["booked"]) == (201, "booked", 9)
    assert answer["Location"] == f"{STATEMENTS}/{body['id']}"
    assert api.get(answer["Location"]).json() == body
    figures = api.get("/api/v1/dashboard/earnings").json()
    assert (figures["earned"]["minor"], figures["buckets"]["paid_out"]["minor"]) == (1685, 1100)


def test_the_same_file_again_is_known(api):
    send(api)
    entries = JournalEntry.objects.count()

    answer = send(api)

    assert (answer.status_code, answer.json()["counts"]["booked"], answer.json()["counts"]["known"]) == (201, 0, 9)
    assert JournalEntry.objects.count() == entries


def test_a_request_that_is_sent_again_makes_one_import(api):
    first, second = send(api, key="k-1"), send(api, key="k-1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert StatementImport.objects.count() == 1


def test_a_key_that_was_used_for_another_file_is_refused(api):
    send(api, key="k-1")

    answer = send(api, "gumroad_payout", key="k-1")

    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "This Idempotency-Key was used with another body.",
    )
    assert StatementImport.objects.count() == 1


def test_a_dry_run_and_its_booking_with_one_key_are_two_wishes(api):
    send(api, key="k-1", dry_run=True)

    assert send(api, key="k-1").status_code == 422


def test_what_was_looked_at_is_booked_and_reversed(api):
    address = send(api, dry_run=True)["Location"]

    booked = [api.post(f"{address}/book") for _ in range(2)]
    undone = [api.post(f"{address}/reverse") for _ in range(2)]

    assert [(answer.status_code, answer.json()["status"]) for answer in booked] == [(200, "booked")] * 2
    assert [(answer.status_code, answer.json()["status"]) for answer in undone] == [(200, "reversed")] * 2
    assert api.get("/api/v1/dashboard/earnings").json()["total"]["minor"] == 0
    refused = api.post(f"{address}/book")
    assert (refused.status_code, refused.json()["allowed"]) == (409, [])


def test_a_long_statement_is_answered_before_it_is_booked_whole(api, monkeypatch):
    monkeypatch.setattr(booking, "CHUNK", 2)
    monkeypatch.setattr(booking.book, "__kwdefaults__", {"patience": 0})

    answer = send(api)

    assert (answer.status_code, answer.json()["status"], answer.json()["counts"]["waiting"]) == (202, "booking", 7)


def test_a_row_that_can_not_be_read_is_named_and_nothing_is_booked(api):
    answer = send(api, content=load("etsy_statement").replace(b"$32.50,--,$32.50", b"much,--,$32.50"))

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "/file/row/2", "detail": "Row 2: Amount 'much' is not a number."}
    ]
    assert JournalEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<html><title>Sign in</title></html>", "a web page"),
        (b"a,b\n1,2\n", "No format that we know has these columns: a, b."),
    ],
)
def test_what_is_no_statement_is_refused_with_the_reason(api, content, words):
    answer = send(api, content=content)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/file")
    assert words in answer.json()["detail"]
    assert StatementImport.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"format": "nonsense"}, 422, "/format"),
        ({"date_order": "ymd"}, 400, "/date_order"),
        ({"words": "Riddle"}, 422, "/words"),
        ({"color": "red"}, 400, "/color"),
    ],
)
def test_what_can_not_be_asked_is_named(api, fields, code, pointer):
    answer = send(api, **fields)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (code, pointer)


def test_a_described_format_and_words_for_one_file_are_taken(api):
    make_format()

    body = send(api, "own_layout", words="Rätsel = cost").json()

    assert (body["format"], body["counts"]["booked"], body["totals"][0]["own_net"]) == (
        "marktplatz",
        5,
        money(12050, "120.50", "EUR"),
    )


def test_imports_are_listed_newest_first_and_filtered(api):
    send(api), send(api, "gumroad_payout", dry_run=True)

    assert [each["format"] for each in api.get(STATEMENTS).json()["results"]] == [
        "gumroad-payout",
        "etsy-statement",
    ]
    assert [each["format"] for each in api.get(f"{STATEMENTS}?status=booked").json()["results"]] == [
        "etsy-statement"
    ]
    assert api.get(f"{STATEMENTS}?state=booked").status_code == 400


def test_accountants_book_and_operators_only_look(db):
    accountant, operator = client_of("Accountants"), client_of("Operators")

    booked = send(accountant)

    assert booked.status_code == 201
    assert operator.get(booked["Location"]).status_code == 200
    assert send(operator).status_code == operator.post(f"{booked['Location']}/reverse").status_code == 403
    assert APIClient().get(STATEMENTS).status_code == 401
