"""Nobody asks more than their share, however many processes answer."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import RequestFactory
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from config.throttles import Anybody, Users

ROOT = Path(__file__).resolve().parent.parent
ASK_OFTEN = """
import os, sys, time
import django
django.setup()
from django.test import RequestFactory
from config.throttles import Anybody

class Anybody(Anybody):
    rate = "100/day"

request = RequestFactory(REMOTE_ADDR=sys.argv[1]).get("/")
request.user = None
print("ready", flush=True)
sys.stdin.readline()
print(sum(Anybody().allow_request(request, None) for _ in range(100)))
"""


def throttle(clock, rate="4/min", of=Anybody):
    made = type("Throttle", (of,), {"rate": rate})()
    made.timer = lambda: clock[0]
    return made


@pytest.fixture
def ask():
    """Ask as one caller at a moment; True if it is allowed, else the seconds to wait."""
    request = RequestFactory(REMOTE_ADDR="10.0.0.1").get("/")
    request.user = None

    def ask(moment, rate="4/min"):
        asked = throttle([moment], rate)
        return asked.allow_request(request, None) or asked.wait()

    return ask


def test_so_many_are_allowed_and_the_next_is_told_how_long_to_wait(ask):
    start = 6000.0  # the border of a minute

    assert [ask(start + second) for second in range(4)] == [True] * 4
    assert ask(start + 4) == 60 - 4 + 60 * (1 - 3 / 4)


def test_after_the_wait_exactly_one_more_is_allowed(ask):
    start = 6000.0
    wait = [ask(start + second) for second in range(5)][-1]

    assert ask(start + 4 + wait - 0.1) is not True
    assert ask(start + 4 + wait + 0.1) is True
    assert ask(start + 4 + wait + 0.2) is not True


def test_the_border_of_two_minutes_gives_nobody_twice_the_rate(ask):
    border = 6000.0

    assert [ask(border - 1) for _ in range(4)] == [True] * 4
    assert ask(border + 1) is not True
    assert ask(border + 59.5) is True


def test_a_refused_request_does_not_make_the_wait_longer(ask):
    start = 6000.0
    for _ in range(4):
        ask(start)

    assert [ask(start + 1) for _ in range(50)][-1] == ask(start + 1)


def test_callers_have_shares_of_their_own(db):
    owner, other = (User.objects.create_user(name) for name in ("owner", "other"))

    def allowed(user):
        request = RequestFactory().get("/")
        request.user = user
        return throttle([6000.0], of=Users).allow_request(request, None)

    assert [allowed(owner) for _ in range(5)] == [True] * 4 + [False]
    assert allowed(other) is True


def test_four_processes_at_once_let_through_what_one_would():
    caller = f"10.0.0.{uuid.uuid4()}"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ASK_OFTEN, caller],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"

    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    allowed = [int(process.communicate(timeout=60)[0]) for process in processes]

    assert sum(allowed) == 100


@pytest.mark.django_db
def test_two_clients_of_one_address_share_a_rate_and_the_refusal_is_a_problem(monkeypatch):
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anon": "3/day", "user": "3/day"})
    cache.clear()
    clients = [APIClient(), APIClient()]

    answers = [client.get("/api/v1/portfolio") for client in clients * 2]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3]["Content-Type"] == "application/problem+json"
    assert int(answers[3]["Retry-After"]) > 0
    assert answers[3].json()["title"] == "Too many requests"
