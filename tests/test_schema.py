"""The API does what its schema says, and nothing else.

Schemathesis makes requests of the schema, valid ones and such that it forbids, and checks every answer against it.
"""

import re

import jsonschema_rs
import pytest
import schemathesis
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.transport.wsgi import WSGITransport

from agency import streams
from agency.models import Observation
from agency.tokens import make_token
from config.schema import NOT_BLANK
from config.wsgi import application
from storefront.models import Order
from tests.factories import make_order, make_paid_order, make_product, make_run, make_service_order, make_task

CHANGING = ("post", "put", "patch", "delete")
# A valid request may still be refused: for a right, a row that is not there, a state, or a rule of the business.
# 400 is for what the schema itself forbids.
ANSWERS_TO_VALID = ["2xx", "401", "403", "404", "409", "422", "429", "503"]
# Rules of products that JSON Schema can't say (the price before is above the price, pictures are addresses, ...)
# are told as 400 with the field's pointer.
HAS_MORE_RULES = [
    *("POST /api/v1/products", "PATCH /api/v1/products/{id}", "POST /api/v1/products/import"),
    "POST /api/v1/earnings/statements",
]


def the_schema():
    return APIClient().get("/api/v1/schema", headers={"Accept": "application/json"}).json()


@pytest.fixture
def rows(transactional_db):
    """Something of everything, so that numbers that the schema's reader tries out exist."""
    task = make_task(make_run(status="failed"), status="failed")
    Observation.objects.create(run=task.run, task=task, kind="inventory", body="{}", sha256="a" * 64)
    make_task(make_run(status="waiting"), status="waiting")
    make_product()
    make_service_order()
    make_paid_order()
    make_order()


@pytest.fixture
def explore(rows, monkeypatch):
    """Send what the schema allows and forbids as one caller; a list of what was not as the schema says."""
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anon": None, "user": None})
    monkeypatch.setattr(streams, "LONGEST", 0.2)
    send = WSGITransport.send

    def send_in_process(self, case, *, session=None, **options):
        for name in ("max_redirects", "verify", "cert", "proxies"):  # of sockets; its probes pass them here, too
            options.pop(name, None)
        return send(self, case, session=session, **options)

    monkeypatch.setattr(WSGITransport, "send", send_in_process)

    def run(user, *phases, examples=1):
        raw = the_schema()
        for calls in raw["paths"].values():
            for call in calls.values():  # a cursor is what the last page gave out: text made up is rightly refused
                call["parameters"] = [p for p in call.get("parameters", ()) if p["name"] != "cursor"]
        schema = schemathesis.openapi.from_dict(raw, config=_config(user, phases, examples))
        schema.app = application
        return list(_complaints(schema))

    return run


def _config(user, phases, examples):
    every = ("examples", "coverage", "fuzzing", "stateful")
    return SchemathesisConfig.from_dict(
        {
            "seed": 11,
            "headers": {"Authorization": f"Token {make_token(user)[1]}"} if user else {},
            # No database keeps NUL and lone surrogates; the API refuses them wherever they stand.
            "generation": {"max-examples": examples, "database": "none", "allow-x00": False, "codec": "utf-8"},
            "phases": {phase: {"enabled": phase in phases} for phase in every},
            "checks": {"positive_data_acceptance": {"expected-statuses": ANSWERS_TO_VALID}},
            "operations": [
                {"include-name": name, "checks": {"positive_data_acceptance": {"enabled": False}}}
                for name in HAS_MORE_RULES
            ],
        }
    )


def _said(complaints):
    """In full: pytest would cut the one request that tells what is wrong."""
    return "\n\n".join(complaints)


def _complaints(schema):
    asked = 0
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            yield f"{event}"
        if isinstance(event, events.ScenarioFinished):
            asked += len(event.recorder.interactions)
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.failure_info:
                        found, sample = check.failure_info.failure, check.failure_info.code_sample
                        yield f"{check.name}: {found.operation}: {found.message} {sample}"
    if asked < 50:
        yield f"Only {asked} requests were sent."


def operator():
    user = User.objects.create_user("operator")
    user.groups.set(Group.objects.filter(name="Operators"))
    return user


def owner():
    return User.objects.create_superuser("owner")


WHO = {"owner": owner, "operator": operator, "nobody": lambda: None}


def test_the_api_is_as_its_schema_says(explore):
    """A short look; CI looks longer, and as everybody."""
    complaints = explore(owner(), "examples", "fuzzing", examples=3)
    assert not complaints, _said(complaints)


@pytest.mark.slow
@pytest.mark.parametrize("who", WHO)
def test_the_api_is_as_its_schema_says_at_every_border(explore, who):
    complaints = explore(WHO[who](), "coverage")
    assert not complaints, _said(complaints)


@pytest.mark.slow
@pytest.mark.parametrize(("who", "examples"), [("owner", 20), ("operator", 12), ("nobody", 6)])
def test_the_api_is_as_its_schema_says_in_any_order(explore, who, examples):
    """The fewer calls a caller may make, the fewer ways there are to be answered."""
    complaints = explore(WHO[who](), "examples", "fuzzing", "stateful", examples=examples)
    assert not complaints, _said(complaints)


# --- What holds for every call ------------------------------------------------------------------------------


def test_every_call_refuses_a_parameter_that_it_does_not_know(api):
    known = 0
    for path, calls in the_schema()["paths"].items():
        for method in calls:
            answer = getattr(api, method)(re.sub(r"\{\w+\}", "1", path) + "?colour=red")

            assert answer.status_code == 400, (method, path, answer.content)
            assert answer.json()["errors"][0]["pointer"] == "/colour", (method, path)
            known += 1
    assert known > 50


@pytest.mark.django_db
def test_every_body_is_closed_and_says_how_large_it_may_be():
    schema = the_schema()
    bodies = [
        call["requestBody"]
        for calls in schema["paths"].values()
        for method, call in calls.items()
        if method in CHANGING and "requestBody" in call
    ]

    for body in bodies:
        (content,) = body["content"].values()
        for name in _objects(content, schema["components"]["schemas"]):
            assert schema["components"]["schemas"][name]["additionalProperties"] is False, name
        assert re.fullmatch(
            r"At most (2,500,000|256,000,000) bytes; more is answered with 413\.", body["description"]
        )
    assert len(bodies) > 10


def _objects(part, schemas):
    """Names of what has fields in a body: itself, and what stands inside of it."""
    if isinstance(part, list):
        return {name for each in part for name in _objects(each, schemas)}
    if not isinstance(part, dict):
        return set()
    found = {name for each in part.values() for name in _objects(each, schemas)}
    name = part.get("$ref", "").rpartition("/")[2]
    if name:
        found |= _objects(schemas[name], schemas) | ({name} if "properties" in schemas[name] else set())
    return found


def test_a_line_of_a_refund_is_read_as_strictly_as_its_schema_says(api, rows):
    number = Order.objects.first().number

    answer = api.post(f"/api/v1/orders/{number}/refund", {"lines": [{"number": 1, "colour": "red"}]}, "json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/lines/0/colour"


@pytest.mark.django_db
def test_every_answer_has_a_shape():
    """An object of anything is no promise."""
    shapeless = [
        (path, method, status)
        for path, calls in the_schema()["paths"].items()
        for method, call in calls.items()
        for status, answer in call["responses"].items()
        for content in answer.get("content", {}).values()
        if content["schema"] in ({}, {"type": "object"}, {"type": "object", "additionalProperties": {}})
    ]

    assert shapeless == []


def test_a_text_of_blanks_is_as_wrong_to_the_schema_as_to_the_api():
    """Its expressions are read as JSON Schema says, where two control characters were a text."""
    is_text = jsonschema_rs.validator_for({"type": "string", "pattern": NOT_BLANK}).is_valid

    letters = [chr(code) for code in range(0x10000) if not 0xD800 <= code <= 0xDFFF]
    assert [hex(ord(each)) for each in letters if is_text(each) and not each.strip()] == []
    assert is_text(" a ") and is_text("ş")
