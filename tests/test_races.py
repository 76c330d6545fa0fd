"""Many callers at once, over HTTP against the started program: what is to happen once happens once."""

import threading

import pytest

from tests.test_mission import copy_of_checkout, running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mission")]
WISHES = "/api/v1/orchestrate/intent"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    with running(copy_of_checkout(tmp_path_factory.mktemp("races") / "board"), is_migrated=True) as program:
        yield program


def at_once(number, call):
    """What so many threads got that called at the same moment."""
    ready, got = threading.Barrier(number), []

    def go():
        ready.wait(10)
        got.append(call())

    threads = [threading.Thread(target=go) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def ids(program, name):
    return {row["id"] for row in program.get(f"/api/v1/{name}?page_size=200")["results"]}


def test_twenty_equal_posts_with_one_key_at_once_are_one_wish_and_one_run(program):
    before = ids(program, "intents"), ids(program, "runs")
    wish = {"statement": "Boost revenue"}

    def ask():
        return program.call("POST", WISHES, wish, headers={"Idempotency-Key": "twenty"})

    answers = at_once(20, ask)

    # One is answered; the others get the same answer, or are told that it is still being made.
    assert len(answers) == 20
    assert {status for status, _, _ in answers} <= {202, 409}
    runs = {body["id"] for status, body, _ in answers if status == 202}
    assert len(runs) == 1
    assert {headers["Retry-After"] for status, _, headers in answers if status == 409} <= {"1"}
    assert [len(ids(program, name) - old) for name, old in zip(("intents", "runs"), before, strict=True)] == [1, 1]
    status, body, headers = ask()
    assert (status, {body["id"]}, headers["Idempotent-Replayed"]) == (202, runs, "true")
    assert program.finished(body)["status"] == "succeeded"


def test_ten_collapses_at_once_are_one_run(program):
    _, wish, _ = program.call("POST", WISHES, {"statement": "Boost revenue", "collapse": False})
    before = ids(program, "runs")

    answers = at_once(10, lambda: program.call("POST", f"/api/v1/intents/{wish['id']}/collapse", {}))

    assert [status for status, _, _ in answers] == [202] * 10
    runs = {body["id"] for _, body, _ in answers}
    assert ids(program, "runs") - before == runs
    assert len(runs) == 1
    assert program.finished(answers[0][1])["status"] == "succeeded"
