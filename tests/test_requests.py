"""Every request has a name, programs leave a line in the log, and what is known is not sent again."""

import json
import logging
import re

import pytest
from csp.constants import HEADER
from django.http import HttpRequest, HttpResponse

from agency.models import Event, Run
from config.logs import JsonFormatter, RequestId
from config.requests import ContentSecurityPolicy
from tests.factories import make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(caplog):
    """What the log says of a request, as (message, request id) pairs."""
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(RequestId())
    return lambda name: [(r.getMessage(), r.request_id) for r in caplog.records if r.name == name]


@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/nothing", "/healthz", "/", "/nothing/"])
def test_every_answer_carries_a_request_id_of_its_own(client, path):
    ids = {client.get(path)["X-Request-ID"] for _ in range(2)}

    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


def test_an_id_that_the_caller_gave_is_kept(client):
    assert client.get("/healthz", headers={"X-Request-ID": "job-7.try_2"})["X-Request-ID"] == "job-7.try_2"


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", "é", "a/b", "a\nb"])
def test_an_id_that_could_spoil_a_log_is_replaced(client, given):
    assert re.fullmatch("[0-9a-f]{32}", client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"])


def test_a_call_of_the_api_is_one_line_without_parameters_or_names(api, lines):
    run = make_run()

    api.get(f"/api/v1/runs/{run.pk}?secret=1", headers={"X-Request-ID": "a-1"})
    api.get("/healthz")

    ((message, request_id),) = lines("config.requests")
    assert re.fullmatch(rf"GET /api/v1/runs/{run.pk} 400 [0-9.]+ ms", message)
    assert request_id == "a-1"


def test_a_path_can_not_write_lines_of_its_own(client, lines):
    client.get("/api/v1/x%0A2026-01-01 ERROR forged")

    ((message, _),) = lines("config.requests")
    assert message.startswith("GET /api/v1/x%0A2026-01-01%20ERROR%20forged 404 ")


def test_a_fault_is_found_in_the_log_by_the_id_in_its_answer(api, monkeypatch, lines):
    def explode(*args, **kwargs):
        raise RuntimeError("no")

    monkeypatch.setattr("agency.quantum_state.superpose", explode)
    api.raise_request_exception = False

    answer = api.post("/api/v1/orchestrate/intent", {"statement": "x"})

    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer["X-Request-ID"]
    assert lines("django.request") == [
        ("Internal Server Error: /api/v1/orchestrate/intent", answer["X-Request-ID"])
    ]


def test_a_line_for_machines_has_the_call_in_fields():
    record = logging.makeLogRecord({"name": "config.requests", "levelname": "INFO", "msg": "GET / 200"})
    record.request_id, record.fields = "a-1", {"status": 200, "ms": 1.5}

    line = json.loads(JsonFormatter().format(record))

    assert (line["request_id"], line["status"], line["ms"], line["message"]) == ("a-1", 200, 1.5, "GET / 200")


def test_outside_a_request_a_line_has_no_request_id():
    record = logging.makeLogRecord({"msg": "a worker's"})
    RequestId().filter(record)

    assert record.request_id == "-"
    assert "request_id" not in json.loads(JsonFormatter().format(record))


@pytest.mark.parametrize("path", ["runs", "runs/{run}", "intents", "intents/{intent}", "dashboard/earnings"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_what_is_known_is_not_sent_again(api, path, method):
    run = api.post("/api/v1/orchestrate/intent", {"statement": "Boost revenue"}).json()
    url = f"/api/v1/{path.format(run=run['id'], intent=run['intent'])}"
    first = api.get(url)

    again = getattr(api, method)(url, headers={"If-None-Match": first["ETag"], "Accept-Encoding": "gzip"})

    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert "Content-Encoding" not in first


@pytest.mark.parametrize("path", ["runs", "runs/{run}"])
def test_head_names_the_same_version_as_get(api, path):
    url = f"/api/v1/{path.format(run=make_run().pk)}"

    assert api.head(url)["ETag"] == api.get(url)["ETag"]


@pytest.mark.parametrize("path", ["runs", "runs/{run}", "intents"])
def test_what_changed_is_sent_again(api, path):
    run = api.post("/api/v1/orchestrate/intent", {"statement": "Boost revenue"}).json()
    url = f"/api/v1/{path.format(run=run['id'])}"
    known = {"If-None-Match": api.get(url)["ETag"]}

    Event.record(run["id"], "x", "x")
    Run.objects.filter(pk=run["id"]).update(status="running")
    api.post("/api/v1/orchestrate/intent", {"statement": "Maximize profit"})

    assert api.get(url, headers=known).status_code == 200
    assert api.head(url, headers=known).status_code == 200


def test_an_answer_that_changes_its_policy_changes_no_other(client):
    """The policy is remembered: neither may an answer's own be lost, nor be kept for everybody."""
    plain = client.get("/healthz")[HEADER]
    policy = ContentSecurityPolicy(lambda request: None)

    def said(own=None, use_nonce=False):
        request, response = HttpRequest(), HttpResponse()
        policy.process_request(request)
        nonce = str(request.csp_nonce) if use_nonce else None
        if own:
            response._csp_update = own
        return policy.process_response(request, response)[HEADER], nonce

    assert "default-src 'none'" in plain
    assert "https://pictures.example" in said({"img-src": "https://pictures.example"})[0]
    with_nonce, nonce = said(use_nonce=True)
    assert f"'nonce-{nonce}'" in with_nonce
    assert said()[0] == plain


@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/portfolio", "/api/v1/nothing", "/api/v1/schema"])
def test_no_cache_keeps_what_the_api_answers_for_others(api, path):
    first = api.get(path)
    again = api.get(path, headers={"If-None-Match": first.get("ETag", "none")})

    assert {first["Cache-Control"], again["Cache-Control"]} == {"private, no-cache"}


def test_what_must_not_be_stored_at_all_says_so_itself(api):
    assert api.get("/api/v1/earnings/export.csv")["Cache-Control"] == "private, no-store"
