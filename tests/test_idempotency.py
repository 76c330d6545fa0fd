"""A request that is sent again is answered again, and done once."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from agency.models import RememberedAnswer, Run

pytestmark = pytest.mark.django_db
WISH = {"statement": "Boost revenue"}
PATH = "/api/v1/orchestrate/intent"


def ask(api, key="a-key", body=None, path=PATH):
    return api.post(path, body or WISH, headers={"Idempotency-Key": key})


def test_the_same_key_and_body_get_the_first_answer(api):
    first, second = ask(api), ask(api)

    assert (first.status_code, second.status_code) == (202, 202)
    assert (first.json(), first["Location"]) == (second.json(), second["Location"])
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Run.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(api):
    ask(api)

    answer = ask(api, body={"statement": "Maximize profit"})

    assert answer.status_code == 422
    assert Run.objects.count() == 1


def test_keys_belong_to_their_caller_and_path(api):
    other = APIClient()
    other.force_authenticate(User.objects.create_superuser("other", "o@example.com", "a long pass phrase"))

    ask(api)
    ask(other)
    refused = ask(api, path="/api/v1/orchestrate/sales", body={"operation": "inventory_audit"})

    assert refused.status_code == 202
    assert Run.objects.count() == 3


def test_while_the_first_runs_a_second_is_told_to_come_back(api):
    ask(api)
    RememberedAnswer.objects.update(status=None)

    answer = ask(api)

    assert (answer.status_code, answer["Retry-After"]) == (409, "1")
    assert Run.objects.count() == 1


def test_a_refused_value_is_remembered_and_a_conflict_is_not(api):
    assert ask(api, body={"statement": "Bake a cake"}).status_code == 422
    assert ask(api, body={"statement": "Bake a cake"})["Idempotent-Replayed"] == "true"
    run = api.post(PATH, WISH).json()
    Run.objects.filter(pk=run["id"]).update(status="succeeded")

    path = f"/api/v1/runs/{run['id']}/cancel"
    conflict = ask(api, key="b", path=path, body={})

    assert conflict.status_code == 409
    assert "Idempotent-Replayed" not in ask(api, key="b", path=path, body={})


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_without_or_with_too_many_characters_is_refused(api, key):
    assert ask(api, key=key).status_code == 400
    assert Run.objects.count() == 0


def test_after_a_day_a_key_is_new_again(api):
    ask(api)
    RememberedAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))

    assert "Idempotent-Replayed" not in ask(api)
    assert Run.objects.count() == 2


def test_who_may_no_longer_ask_gets_no_remembered_answer(api, staff):
    ask(api)
    staff.is_superuser = False
    staff.save()
    api.force_authenticate(User.objects.get(pk=staff.pk))

    assert ask(api).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_twenty_equal_requests_at_once_make_one_run():
    user = User.objects.create_superuser("owner", "owner@example.com", "a long pass phrase")
    answers, barrier = [], threading.Barrier(20)

    def send():
        client = APIClient()
        client.force_authenticate(user)
        barrier.wait()
        answers.append(ask(client).status_code)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Run.objects.count() == 1
    assert set(answers) <= {202, 409} and 202 in answers


def test_a_slash_at_the_end_does_not_make_a_key_new(api):
    first = ask(api)
    second = ask(api, path=PATH + "/")

    assert second["Idempotent-Replayed"] == "true"
    assert second.json()["id"] == first.json()["id"]
