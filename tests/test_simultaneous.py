"""Requests that come at the same moment over HTTP, to a server with threads."""

import json
import threading
import urllib.error
import urllib.request

import pytest
from django.contrib.auth.models import User
from rest_framework.throttling import SimpleRateThrottle

from agency.models import Intent, RememberedAnswer, Run
from agency.tokens import make_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post(live_server, monkeypatch):
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anon": None, "user": None})
    token = make_token(User.objects.create_superuser("owner"))[1]

    def post(path, body, key):
        """`(status, body, headers)` of a POST on a connection of its own."""
        request = urllib.request.Request(
            f"{live_server.url}/api/v1/{path}",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Token {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer), answer.headers
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.status, json.load(refused), refused.headers

    return post


def at_once(count, call):
    """What `count` threads got that called at the same moment."""
    barrier, answers = threading.Barrier(count), []

    def run():
        barrier.wait()
        answers.append(call())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize(
    ("path", "body", "intents"),
    [
        ("orchestrate/intent", {"statement": "Boost revenue"}, 1),
        ("orchestrate/sales", {"operation": "inventory_audit", "params": {"verify_pages": False}}, 0),
    ],
)
def test_twenty_equal_posts_with_one_key_make_one_run(post, path, body, intents):
    answers = at_once(20, lambda: post(path, body, "the-key"))

    assert (Intent.objects.count(), Run.objects.count(), RememberedAnswer.objects.count()) == (intents, 1, 1)
    run = Run.objects.get()
    by_status = {status for status, _, _ in answers}
    assert 202 in by_status and by_status <= {202, 409}
    first = [headers for status, _, headers in answers if status == 202 and "Idempotent-Replayed" not in headers]
    assert len(first) == 1
    for status, answer, headers in answers:
        if status == 202:
            assert (answer["id"], headers["Location"]) == (run.pk, f"/api/v1/runs/{run.pk}")
        else:
            assert (headers["Retry-After"], headers["Content-Type"]) == ("1", "application/problem+json")


def test_whoever_was_told_to_come_back_gets_the_first_answer_then(post):
    body = {"statement": "Boost revenue"}
    at_once(5, lambda: post("orchestrate/intent", body, "the-key"))

    status, answer, headers = post("orchestrate/intent", body, "the-key")

    assert (status, answer["id"], headers["Idempotent-Replayed"]) == (202, Run.objects.get().pk, "true")


def test_with_a_key_of_its_own_each_post_is_a_wish_of_its_own(post):
    keys = iter(range(5))
    lock = threading.Lock()

    def ask():
        with lock:
            key = next(keys)
        return post("orchestrate/intent", {"statement": "Boost revenue", "collapse": False}, f"key-{key}")

    answers = at_once(5, ask)

    assert [status for status, _, _ in answers] == [201] * 5
    assert len({answer["id"] for _, answer, _ in answers}) == Intent.objects.count() == 5


def test_after_a_conflict_another_try_with_another_key_is_a_first_one(post):
    status, run, _ = post("orchestrate/intent", {"statement": "Boost revenue"}, "start")
    Run.objects.filter(pk=run["id"]).update(status="succeeded")

    refused = post(f"runs/{run['id']}/resume", {}, "resume-1")
    Run.objects.filter(pk=run["id"]).update(status="failed")
    same_key = post(f"runs/{run['id']}/resume", {}, "resume-1")
    other_key = post(f"runs/{run['id']}/resume", {}, "resume-2")

    assert (status, refused[0]) == (202, 409)
    assert same_key[0] == other_key[0] == 202  # a conflict is no answer to remember
    assert same_key[1]["id"] == other_key[1]["id"]
    assert Run.objects.count() == 2


def test_ten_collapses_at_once_make_one_run(post):
    wish = {"statement": "Boost revenue", "collapse": False}
    _, intent, _ = post("orchestrate/intent", wish, "wish")
    number = iter(range(10))
    lock = threading.Lock()

    def collapse():
        with lock:
            key = next(number)
        return post(f"intents/{intent['id']}/collapse", {}, f"collapse-{key}")

    answers = at_once(10, collapse)

    assert [status for status, _, _ in answers] == [202] * 10
    assert {answer["id"] for _, answer, _ in answers} == {Run.objects.get().pk}
