"""Pages of other sites reach the API only where the owner named them, and never with cookies."""

import pytest

pytestmark = pytest.mark.django_db
APP = "https://app.example.com"


@pytest.fixture
def named(settings):
    settings.CORS_ORIGINS = [APP]


def ask_first(client, path="/api/v1/runs", origin=APP):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,idempotency-key,last-event-id",
    }
    return client.options(path, headers=headers)


def allowed(answer):
    return {name for name in answer.headers if name.lower().startswith("access-control-")}


def test_without_the_setting_no_origin_is_let_in(client):
    assert allowed(ask_first(client)) == allowed(client.get("/api/v1/portfolio", headers={"Origin": APP})) == set()


def test_a_named_origin_may_send_a_token_a_key_and_the_last_event(client, named):
    answer = ask_first(client)

    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Origin"] == APP
    assert {"POST", "PATCH"} <= set(answer["Access-Control-Allow-Methods"].split(", "))
    sendable = set(answer["Access-Control-Allow-Headers"].split(", "))
    assert {"Authorization", "Idempotency-Key", "Last-Event-ID", "Content-Type"} <= sendable


def test_a_named_origin_reads_answers_and_their_headers_but_brings_no_cookies(client, named):
    answer = client.get("/api/v1/portfolio", headers={"Origin": APP})

    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, APP)
    assert "X-Request-ID" in answer["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer
    assert "Origin" in answer["Vary"]


def test_a_refusal_is_readable_too(client, named):
    answer = client.get("/api/v1/runs", headers={"Origin": APP})

    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (401, APP)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://app.example.com", APP + ".evil.example"]
)
def test_any_other_origin_is_not_let_in(client, named, origin):
    assert allowed(ask_first(client, origin=origin)) == set()
    answer = client.get("/api/v1/portfolio", headers={"Origin": origin})
    assert allowed(answer) == set()
    assert "Origin" in answer["Vary"]  # a shared cache must not hand this answer to the named one


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/healthz"])
def test_only_the_api_is_shared(client, named, path):
    assert allowed(client.get(path, headers={"Origin": APP})) == set()
