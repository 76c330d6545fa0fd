"""Programs manage their endpoints and read what became of each message."""

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from agency import webhook_sender
from agency.models import RememberedAnswer, WebhookDelivery, WebhookEndpoint
from tests.factories import make_endpoint
from tests.factories import make_webhook as make_message
from tests.test_webhook_addresses import resolves_to

pytestmark = pytest.mark.django_db
ENDPOINTS, DELIVERIES = "/api/v1/webhook-endpoints", "/api/v1/webhook-deliveries"
URL = "https://receiver.example/hook"


@pytest.fixture(autouse=True)
def _on_the_internet(monkeypatch):
    resolves_to(monkeypatch, ["93.184.215.14"])


def member_of(group):
    user = User.objects.create_user(group.lower().replace(" ", "-"))
    user.groups.add(Group.objects.get(name=group))
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_the_secret_is_told_when_it_is_made_and_when_it_is_rotated_and_never_else(api):
    made = api.post(ENDPOINTS, {"url": URL, "events": ["run.failed"], "description": "CRM"})
    address = made["Location"]
    rotated = api.post(f"{address}/rotate-secret")

    endpoint = WebhookEndpoint.objects.get()
    assert made.status_code == 201
    assert made.json()["secret"] == endpoint.old_secrets[0]["secret"]
    assert rotated.json()["secret"] == endpoint.secret
    shown = {
        "id": endpoint.pk,
        "url": URL,
        "description": "CRM",
        "events": ["run.failed"],
        "is_active": True,
        "disabled_reason": "",
        "failures": 0,
        "created_at": made.json()["created_at"],
    }
    assert api.get(address).json() == shown
    assert api.get(ENDPOINTS).json()["results"] == [shown]


def test_an_endpoint_is_changed_disabled_enabled_and_removed(api):
    address = f"{ENDPOINTS}/{make_endpoint(URL).pk}"

    changed = api.patch(address, {"events": ["run.partial"]}).json()
    disabled = [api.post(f"{address}/disable").json() for _ in range(2)]
    enabled = [api.post(f"{address}/enable").json() for _ in range(2)]
    removed = api.delete(address)

    assert (changed["url"], changed["events"]) == (URL, ["run.partial"])
    assert disabled == [changed | {"is_active": False, "disabled_reason": "Switched off by a person."}] * 2
    assert enabled == [changed] * 2
    assert (removed.status_code, removed.content) == (204, b"")
    assert [api.get(address).status_code, api.delete(address).status_code] == [404, 404]
    assert api.get(ENDPOINTS).json()["results"] == []


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 400, "/url"),
        ({"url": "http://receiver.example/"}, 422, "/url"),
        ({"url": "https://user@receiver.example/"}, 422, "/url"),
        ({"url": URL, "events": ["run.flies"]}, 400, "/events/0"),
        ({"url": URL, "events": "run.failed"}, 400, "/events"),
        ({"url": URL, "secret": "whsec_mine"}, 400, "/secret"),
        ({"url": URL + "x" * 500}, 400, "/url"),
    ],
)
def test_what_can_not_be_an_endpoint_is_named_and_nothing_is_kept(api, body, status, pointer):
    answer = api.post(ENDPOINTS, body)

    assert answer.status_code == status, answer.json()
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert WebhookEndpoint.objects.count() == 0


def test_a_private_address_is_refused_over_the_api(api, monkeypatch):
    endpoint = make_endpoint(URL)
    resolves_to(monkeypatch, ["10.0.0.1"])

    made = api.post(ENDPOINTS, {"url": "https://inside.example/"})
    changed = api.patch(f"{ENDPOINTS}/{endpoint.pk}", {"url": "https://inside.example/"})

    for answer in (made, changed):
        assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
        assert answer.json()["errors"] == [
            {"pointer": "/url", "detail": "inside.example is not on the public internet."}
        ]
    endpoint.refresh_from_db()
    assert (WebhookEndpoint.objects.count(), endpoint.url) == (1, URL)


def test_an_address_that_is_there_is_a_conflict_and_a_repeated_request_is_not(api):
    key = {"Idempotency-Key": "one"}

    first = api.post(ENDPOINTS, {"url": URL}, headers=key)
    again = api.post(ENDPOINTS, {"url": URL}, headers=key)
    other = api.post(ENDPOINTS, {"url": URL})

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert again.json() == first.json()
    assert WebhookEndpoint.objects.count() == 1


@pytest.mark.parametrize("verb", ["create", "rotate-secret"])
def test_a_secret_that_is_answered_again_is_kept_nowhere_else(api, verb):
    address = ENDPOINTS if verb == "create" else f"{ENDPOINTS}/{make_endpoint().pk}/rotate-secret"
    body, key = {"url": URL} if verb == "create" else {}, {"Idempotency-Key": "one"}

    first = api.post(address, body, headers=key).json()
    remembered = RememberedAnswer.objects.get().body
    again = api.post(address, body, headers=key).json()
    api.post(f"{ENDPOINTS}/{first['id']}/rotate-secret")
    changed = api.post(address, body, headers=key)
    api.delete(f"{ENDPOINTS}/{first['id']}")
    removed = api.post(address, body, headers=key)

    assert first["secret"].startswith("whsec_") and again == first
    assert first["secret"] not in remembered
    assert (changed.status_code, removed.status_code) == (409, 409)
    assert "whsec_" not in changed.content.decode()


def test_a_test_message_is_on_its_way_and_its_delivery_tells_of_each_try(api, httpserver, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    httpserver.expect_request("/hook").respond_with_data("", status=500)
    endpoint = make_endpoint(f"http://127.0.0.1:{httpserver.port}/hook")

    answer = api.post(f"{ENDPOINTS}/{endpoint.pk}/test")
    webhook_sender.send_due()
    delivery = api.get(answer["Location"]).json()

    assert (answer.status_code, answer.json()["status"], delivery["status"]) == (202, "queued", "queued")
    assert (delivery["event_type"], delivery["endpoint"]) == ("webhook.test", endpoint.pk)
    ((tried),) = delivery["tries"]
    assert (tried["status"], tried["error"]) == (500, "500 INTERNAL SERVER ERROR")


def test_deliveries_are_found_by_endpoint_status_and_type(api):
    endpoint = make_endpoint()
    wanted = make_message(endpoint, status="failed", event_type="run.failed")
    make_message(endpoint, event_type="run.failed")
    make_message(status="failed", event_type="run.failed")
    make_message(endpoint, status="failed")

    found = api.get(f"{DELIVERIES}?endpoint={endpoint.pk}&status=failed&event_type=run.failed").json()["results"]

    assert [row["id"] for row in found] == [wanted.pk]
    assert found[0]["body"] == wanted.body


def test_a_delivery_is_sent_again_on_request(api):
    message = make_message(status="failed", failed_tries=10)

    answers = [api.post(f"{DELIVERIES}/{message.pk}/redeliver") for _ in range(2)]

    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(202, "queued")] * 2
    assert WebhookDelivery.objects.get().failed_tries == 0


def test_nothing_is_sent_to_who_is_disabled(api):
    endpoint = make_endpoint(is_active=False, disabled_reason="It answered 410 Gone.")
    message = make_message(endpoint, status="failed")

    for call in (f"{ENDPOINTS}/{endpoint.pk}/test", f"{DELIVERIES}/{message.pk}/redeliver"):
        answer = api.post(call)
        assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert list(WebhookDelivery.objects.values_list("status", flat=True)) == ["failed"]


def test_operators_manage_webhooks_and_others_do_not_see_them():
    operator, accountant, anybody = member_of("Operators"), member_of("Accountants"), APIClient()
    message = make_message(make_endpoint(URL), status="failed")
    address = f"{ENDPOINTS}/{message.endpoint_id}"

    allowed = [
        operator.get(ENDPOINTS).status_code,
        operator.post(ENDPOINTS, {"url": f"{URL}/2"}).status_code,
        operator.patch(address, {"description": "x"}).status_code,
        operator.post(f"{address}/rotate-secret").status_code,
        operator.post(f"{DELIVERIES}/{message.pk}/redeliver").status_code,
        operator.delete(address).status_code,
    ]
    for client, status in ((accountant, 403), (anybody, 401)):
        refused = {
            client.get(ENDPOINTS).status_code,
            client.get(f"{DELIVERIES}/{message.pk}").status_code,
            client.post(ENDPOINTS, {"url": URL}).status_code,
            client.patch(address, {"description": "x"}).status_code,
            client.post(f"{address}/rotate-secret").status_code,
            client.post(f"{address}/test").status_code,
            client.delete(address).status_code,
        }
        assert refused == {status}

    assert allowed == [200, 201, 200, 200, 202, 204]
