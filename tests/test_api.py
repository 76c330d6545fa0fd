"""The agency's door for programs."""

import hashlib
import json
from io import StringIO
from pathlib import Path

import drf_spectacular
import jsonschema_rs
import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.cache import cache
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from agency.models import Event, Intent, PlaybookStep, Run, Task
from agency.work import work_off
from tests.factories import make_gig, make_product, make_run, make_service_order, make_task

pytestmark = pytest.mark.django_db

# `spectacular --validate` reads it with the same file, and takes a thousand times as long.
OPENAPI = Path(drf_spectacular.__file__).parent / "validation" / "openapi_3_1_schema.json"


@pytest.fixture
def nobody():
    return APIClient()


def member_of(*groups):
    user = User.objects.create_user("member", password="a long pass phrase")
    user.groups.set(Group.objects.filter(name__in=groups))
    client = APIClient()
    client.force_authenticate(user)
    return client


PRIVATE = [
    "intents",
    "runs",
    "tasks",
    "chimera/tasks",
    "artifacts",
    "gigs",
    "service-orders",
    "products",
    "workflows",
    "dashboard/earnings",
    "earnings/entries",
]


@pytest.mark.parametrize("path", PRIVATE)
def test_without_credentials_the_answer_is_401_as_a_problem(nobody, path):
    answer = nobody.get(f"/api/v1/{path}")

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert answer["WWW-Authenticate"].startswith("Token")


@pytest.mark.parametrize("path", PRIVATE)
def test_without_the_right_the_answer_is_403(path):
    answer = member_of().get(f"/api/v1/{path}")

    assert (answer.status_code, answer.json()["status"]) == (403, 403)


@pytest.mark.parametrize("path", PRIVATE)
def test_with_a_slash_at_its_end_an_address_means_the_same(api, path):
    assert api.get(f"/api/v1/{path}/").status_code == api.get(f"/api/v1/{path}").status_code == 200


def test_a_group_can_do_its_work_and_no_other(db):
    operators = member_of("Operators")

    assert operators.post("/api/v1/orchestrate/intent", {"statement": "Health check"}).status_code == 202
    assert operators.get("/api/v1/dashboard/earnings").status_code == 200
    assert operators.post("/api/v1/products", {}).status_code == 403


def test_an_accountant_reads_money_and_starts_nothing(db):
    accountants = member_of("Accountants")

    assert accountants.get("/api/v1/dashboard/earnings").status_code == 200
    assert accountants.post("/api/v1/orchestrate/intent", {"statement": "Health check"}).status_code == 403
    assert Run.objects.count() == 0


def test_a_token_opens_the_api_until_it_expires(staff, nobody):
    out = StringIO()
    call_command("create_token", "owner", "--days", "1", stdout=out)
    token = out.getvalue()

    nobody.credentials(HTTP_AUTHORIZATION=f"Token {token.strip()}")

    assert token.count("\n") == 1
    assert nobody.get("/api/v1/runs").status_code == 200
    staff.auth_token_set.update(expiry="2020-01-01T00:00:00Z")
    assert nobody.get("/api/v1/runs").status_code == 401


def test_no_token_for_an_unknown_user(db):
    with pytest.raises(CommandError, match="no active user 'ghost'"):
        call_command("create_token", "ghost")


def test_a_wish_collapses_into_a_run(api):
    answer = api.post("/api/v1/orchestrate/intent", {"statement": "Maximize profit"})

    run = answer.json()
    assert (answer.status_code, answer["Location"]) == (202, f"/api/v1/runs/{run['id']}")
    assert [(t["pipeline"], t["workflow"], t["status"]) for t in run["tasks"]] == [
        ("sales", "inventory_audit", "queued"),
        ("ops", "service_promotion", "queued"),
    ]
    assert Intent.objects.get().pk == run["intent"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sales", {"operation": "inventory_audit", "params": {"verify_pages": False}}),
        ("service", {"workflow": "gig_optimization"}),
        ("service", {"workflow": "service_promotion", "deadline_seconds": 3600}),
    ],
)
def test_the_answer_to_who_opens_a_run_is_what_stands_in_the_database(api, path, body):
    opened = api.post(f"/api/v1/orchestrate/{path}", body)

    assert opened.status_code == 202
    assert opened.json() == api.get(opened["Location"]).json()


def test_a_wish_can_stay_in_superposition_and_collapse_once(api):
    answer = api.post("/api/v1/orchestrate/intent", {"statement": "Boost revenue", "collapse": False})
    intent = answer.json()
    assert (answer.status_code, intent["status"], Run.objects.count()) == (201, "superposed", 0)
    assert abs(sum(state["weight"] for state in intent["states"]) - 1) < 1e-9

    path = f"/api/v1/intents/{intent['id']}/collapse"
    preview = api.post(path, {"dry_run": True}).json()
    first, second = api.post(path), api.post(path)

    assert [task["workflow"] for task in preview["tasks"]] == ["inventory_audit", "gig_optimization"]
    assert first.status_code == second.status_code == 202
    assert first.json()["id"] == second.json()["id"]
    assert api.get(f"/api/v1/intents/{intent['id']}").json()["status"] == "collapsed"


def test_an_unknown_wish_names_the_nearest_playbooks(api):
    answer = api.post("/api/v1/orchestrate/intent", {"statement": "Bake a cake"})

    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert len(answer.json()["nearest"]) == 3
    assert answer.json()["errors"][0]["pointer"] == "/statement"
    assert Intent.objects.count() == 0


@pytest.mark.parametrize(
    ("path", "body", "status", "pointer"),
    [
        ("orchestrate/sales", {"operation": "fly"}, 422, "/operation"),
        ("orchestrate/sales", {"operation": "fiverr_bot"}, 422, "/operation"),
        ("orchestrate/sales", {}, 400, "/operation"),
        ("orchestrate/sales", {"operation": "inventory_audit", "params": 3}, 400, "/params"),
        ("orchestrate/sales", {"operation": "inventory_audit", "extra": 1}, 400, "/extra"),
        ("orchestrate/service", {"workflow": "inventory_audit"}, 422, "/workflow"),
        ("orchestrate/service", {"workflow": "gig_optimization", "params": {"a": 1}}, 422, "/params/a"),
        ("orchestrate/intent", {"statement": 5, "collapse": "perhaps"}, 400, "/collapse"),
    ],
)
def test_bad_values_are_named_and_nothing_is_opened(api, path, body, status, pointer):
    answer = api.post(f"/api/v1/{path}", body)

    assert answer.status_code == status, answer.json()
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert Run.objects.count() == 0


@pytest.mark.parametrize(
    ("method", "path", "kwargs", "status"),
    [
        ("get", "runs/999", {}, 404),
        ("get", "runs/abc", {}, 404),
        ("get", "nothing/here", {}, 404),
        ("delete", "runs", {}, 405),
        ("post", "orchestrate/intent", {"data": "{", "content_type": "application/json"}, 400),
        ("post", "orchestrate/intent", {"data": "a=b", "content_type": "text/plain"}, 415),
        ("post", "orchestrate/intent", {"data": "[1]", "content_type": "application/json"}, 400),
        ("get", "runs?status=sleeping", {}, 400),
    ],
)
def test_every_refusal_is_a_problem(api, method, path, kwargs, status):
    answer = getattr(api, method)(f"/api/v1/{path}", **kwargs)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status


def test_a_run_is_not_sent_again_while_nothing_changed(api):
    run = make_run()
    first = api.get(f"/api/v1/runs/{run.pk}")

    second = api.get(f"/api/v1/runs/{run.pk}", headers={"If-None-Match": first["ETag"]})
    Event.record(run.pk, "x", "x")
    Run.objects.filter(pk=run.pk).update(status="running")
    third = api.get(f"/api/v1/runs/{run.pk}", headers={"If-None-Match": first["ETag"]})

    assert (second.status_code, second.content, third.status_code) == (304, b"", 200)


def test_a_run_can_be_canceled_twice_but_not_after_its_end(api):
    run = api.post("/api/v1/orchestrate/intent", {"statement": "Boost revenue"}).json()

    first = api.post(f"/api/v1/runs/{run['id']}/cancel")
    second = api.post(f"/api/v1/runs/{run['id']}/cancel")
    ended = make_run(status="succeeded")
    refused = api.post(f"/api/v1/runs/{ended.pk}/cancel")

    assert first.json()["status"] == second.json()["status"] == "canceled"
    assert (refused.status_code, refused.json()["allowed"]) == (409, [])


def test_events_are_the_same_as_json_and_as_a_stream(api):
    run = make_run()
    for number in range(3):
        Event.record(run.pk, "test.event", f"number {number} – ölçüm")
    Run.objects.filter(pk=run.pk).update(status="succeeded")

    as_json = api.get(f"/api/v1/runs/{run.pk}/events?after=1", headers={"Accept": "application/json"}).json()
    stream = api.get(
        f"/api/v1/runs/{run.pk}/events", headers={"Accept": "text/event-stream", "Last-Event-ID": "1"}
    )
    text = b"".join(stream.streaming_content).decode()
    stream.close()

    blocks = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    assert stream["Content-Type"] == "text/event-stream"
    assert [event["id"] for event in as_json] == [event["id"] for event in blocks] == [2, 3]
    assert blocks[0]["message"] == as_json[0]["message"] == "number 1 – ölçüm"
    assert api.get(f"/api/v1/runs/{run.pk}/events?after=x").status_code == 422


def test_entanglement_shows_who_is_bound_and_what_drifted(api):
    product = make_product("DESK-1", price_minor=2900)
    make_gig(tags=["a"])
    run = api.post("/api/v1/orchestrate/service", {"workflow": "gig_optimization"}).json()
    work_off()
    fresh = api.get(f"/api/v1/runs/{run['id']}/entanglement").json()["observations"][0]

    type(product).objects.filter(pk=product.pk).update(price_minor=3100)
    drifted = api.get(f"/api/v1/runs/{run['id']}/entanglement").json()["observations"][0]

    assert (fresh["kind"], fresh["drift"], fresh["hash_ok"]) == ("inventory", "fresh", True)
    assert [bound["workflow"] for bound in fresh["bound"]] == ["gig_optimization"]
    assert drifted["drift"] == "drifted"
    assert {"part": "products/DESK-1/price_minor", "then": 2900, "now": 3100} in drifted["drifted"]
    body = api.get(f"/api/v1/observations/{fresh['observation_id']}").json()
    assert hashlib.sha256(body["body"].encode()).hexdigest() == fresh["sha256"]


def test_what_waits_for_a_person_is_approved_or_rejected_by_who_has_the_right(api):
    task = make_task(make_run(status="needs_human"), status="needs_human", waiting_on="a brief")

    refused = member_of("Catalog editors").post(f"/api/v1/tasks/{task.pk}/approve")
    rejected = api.post(f"/api/v1/tasks/{task.pk}/reject", {"reason": "not ours"})
    again = api.post(f"/api/v1/tasks/{task.pk}/approve")

    assert refused.status_code == 403
    assert (rejected.json()["status"], rejected.json()["error"]) == ("failed", "not ours")
    assert (again.status_code, again.json()["allowed"]) == (409, [])
    assert Task.objects.get().run.status == "failed"


def test_a_refused_transition_lists_what_is_allowed(api):
    order = make_service_order()

    answer = api.post(f"/api/v1/service-orders/{order.pk}/accept")

    assert answer.status_code == 409
    assert answer.json()["allowed"] == ["canceled", "on_hold", "queued"]
    order.refresh_from_db()
    assert order.status == "awaiting_brief"


def test_workflows_describe_themselves(api):
    found = {w["key"]: w for w in api.get("/api/v1/workflows").json()["results"]}

    assert set(found) == {
        "catalog_import",
        "inventory_audit",
        "storefront_build",
        "fiverr_bot",
        "gig_optimization",
        "service_promotion",
        "launch_announcement",
    }
    assert found["inventory_audit"]["measures"] == ["inventory"]
    assert found["service_promotion"]["binds"] == ["inventory"]
    assert "file" in found["inventory_audit"]["params"]["properties"]


def test_the_portfolio_is_public(nobody):
    assert nobody.get("/api/v1/portfolio").json()["results"] == []


def test_the_schema_is_complete_and_has_no_warnings(capsys, nobody):
    call_command("spectacular", "--fail-on-warn", "--file", "/dev/null")

    answer = nobody.get("/api/v1/schema", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    schema = answer.json()
    assert schema["openapi"].startswith("3.1")
    assert "/api/v1/orchestrate/intent" in schema["paths"]
    jsonschema_rs.validate(json.loads(OPENAPI.read_text()), schema)
    for part in schema["components"]["schemas"].values():
        jsonschema_rs.meta.validate(part)


def test_the_documentation_page_needs_no_inline_script(nobody):
    page = nobody.get("/api/v1/docs")

    assert page.status_code == 200
    assert "<script>" not in page.content.decode()
    assert "unsafe-inline" not in page["Content-Security-Policy"]


def test_live_and_ready(client):
    assert client.get("/healthz").content == b"ok\n"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert {name: check["ok"] for name, check in answer.json()["checks"].items()} == {
        "database": True,
        "migrations": True,
        "workers": False,
        "queue": True,
        "ledger": True,
    }


@pytest.mark.parametrize("host", ["10.0.0.7:8000", "board", "no host"])
def test_a_probe_is_answered_whatever_host_it_names_and_nothing_else_is(client, host):
    assert client.get("/healthz", headers={"Host": host}).content == b"ok\n"
    assert client.head("/healthz", headers={"Host": host}).status_code == 200
    assert client.get("/readyz", headers={"Host": host}).json()["checks"]["database"]["ok"] is True

    assert client.post("/healthz", headers={"Host": host}).status_code == 405
    for path in ("/", "/healthz/", "/healthz/x", "/api/v1/healthz", "/admin/login/"):
        assert client.get(path, headers={"Host": host}).status_code in (400, 404)
    assert client.get("/", headers={"Host": host}).status_code == 400


UNSTORABLE = [
    ('{"statement": "a\\u0000b"}', "/statement"),
    ('{"statement": "\\ud800"}', "/statement"),
    ('{"\\ud800": 1}', "/\\ud800"),
    ('{"statement": 1e999}', "/statement"),
    ('{"statement": ' + "[" * 100 + "]" * 100 + "}", "/statement" + "/0" * 63),
]


@pytest.mark.parametrize(("raw", "pointer"), UNSTORABLE)
def test_what_no_database_can_keep_is_refused_before_anything_is_stored(api, raw, pointer):
    answer = api.post("/api/v1/orchestrate/intent", raw, content_type="application/json")

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert Intent.objects.count() == 0


def test_a_body_that_is_nested_without_end_is_refused(api):
    answer = api.post("/api/v1/orchestrate/intent", "[" * 50_000, content_type="application/json")

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_a_brief_that_can_not_be_stored_leaves_the_lists_readable(api):
    make_gig("logo")
    body = '{"gig": "logo", "package": "basic", "brief": {"note": {"x": "\\ud800"}}}'

    answer = api.post("/api/v1/service-orders", body, content_type="application/json")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/brief/note/x")
    assert api.get("/api/v1/service-orders").json()["results"] == []


def test_a_foreign_host_is_answered_in_the_form_of_the_address(client):
    program = client.get("/api/v1/runs", headers={"Host": "evil.example"})
    person = client.get("/", headers={"Host": "evil.example"})

    assert (program.status_code, program["Content-Type"]) == (400, "application/problem+json")
    assert (person.status_code, person["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_a_fault_of_ours_is_a_problem_too(api, monkeypatch):
    def explode(*args, **kwargs):
        raise RuntimeError("no")

    monkeypatch.setattr("agency.quantum_state.superpose", explode)
    api.raise_request_exception = False

    first = api.post("/api/v1/orchestrate/intent", {"statement": "x"}, headers={"Idempotency-Key": "k"})
    again = api.post("/api/v1/orchestrate/intent", {"statement": "x"}, headers={"Idempotency-Key": "k"})

    assert (first.status_code, first["Content-Type"]) == (500, "application/problem+json")
    assert again.status_code == 500


def test_a_replay_needs_the_right_to_start_runs(db):
    user = User.objects.create_user("reader", password="a long pass phrase")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_run", "change_run"]))
    client = APIClient()
    client.force_authenticate(user)
    run = make_run()

    assert client.post(f"/api/v1/runs/{run.pk}/replay").status_code == 403
    assert client.post(f"/api/v1/runs/{run.pk}/cancel").status_code == 200
    assert Run.objects.count() == 1


def test_a_clients_files_are_only_for_who_may_see_orders(api):
    make_product()
    gig = make_gig(recipe="thumbnail")
    brief = {"gig": gig.slug, "package": "basic", "brief": {"title": "Ten desks", "brand_color": "#1d4ed8"}}
    api.post("/api/v1/orchestrate/service", {"workflow": "fiverr_bot", "params": brief})
    work_off()
    made = [a for a in api.get("/api/v1/artifacts").json()["results"] if a["content_type"] == "image/png"]
    editors = member_of("Catalog editors")

    assert len(made) == 1
    assert editors.get(f"/api/v1/artifacts/{made[0]['id']}/file").status_code == 404
    assert all(a["id"] != made[0]["id"] for a in editors.get("/api/v1/artifacts").json()["results"])
    assert b"".join(api.get(made[0]["url"]).streaming_content).startswith(b"\x89PNG")


def test_anonymous_callers_can_not_leave_the_throttle_by_naming_another_address(nobody, settings):
    cache.clear()
    answers = {
        nobody.get("/api/v1/portfolio", headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code
        for number in range(125)
    }

    assert answers == {200, 429}


def test_a_wish_that_can_not_collapse_leaves_nothing_behind(api):
    PlaybookStep.objects.filter(workflow="service_promotion").update(params={"nosuch": 1})

    answer = api.post("/api/v1/orchestrate/intent", {"statement": "Maximize profit"})

    assert answer.status_code == 422
    assert (Intent.objects.count(), Run.objects.count()) == (0, 0)


def test_a_body_that_is_too_large_is_refused_with_a_problem(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    answer = api.post("/api/v1/orchestrate/intent", {"statement": "x" * 1000})

    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")
    assert Intent.objects.count() == 0


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token \xff\xfe", "Token zz", "Token " + "f" * 64])
def test_what_is_no_token_is_401_as_a_problem(nobody, header):
    answer = nobody.get("/api/v1/runs", headers={"Authorization": header})

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"statement": 5}, "/statement"),
        ({"statement": "Boost revenue", "collapse": "no"}, "/collapse"),
        ({"statement": "Boost revenue", "collapse": 0}, "/collapse"),
        ({"statement": True}, "/statement"),
    ],
)
def test_a_value_of_another_json_type_is_not_guessed_at(api, body, pointer):
    answer = api.post("/api/v1/orchestrate/intent", body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
    assert Intent.objects.count() == 0
