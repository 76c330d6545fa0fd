"""A run's events as they happen: nothing missed, nothing twice, and pages stay fast meanwhile."""

import json
import random
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from agency import streams
from agency.models import Event, Run
from earnings.refusals import Refusal
from tests.factories import make_run, make_task

pytestmark = pytest.mark.django_db


def record(run, count, **fields):
    for _ in range(count):
        with transaction.atomic():
            Event.record(run.pk, "test.event", "ölçüm – done", data={"rows": [1, None]}, **fields)
    run.refresh_from_db()


def end(run):
    Run.objects.filter(pk=run.pk).update(status="succeeded")
    run.refresh_from_db()


def text_of(answer):
    text = b"".join(answer.streaming_content).decode()
    answer.close()
    return text


def numbers(text):
    return [int(line[4:]) for line in text.splitlines() if line.startswith("id: ")]


def listen(api, run, **headers):
    return api.get(f"/api/v1/runs/{run.pk}/events", headers={"Accept": "text/event-stream", **headers})


def test_the_stream_and_the_json_tell_the_same_events(api):
    run = make_run()
    record(run, 2)
    record(run, 1, task_id=make_task(run).pk)
    end(run)

    streamed = text_of(listen(api, run))

    as_json = api.get(f"/api/v1/runs/{run.pk}/events?after=0", headers={"Accept": "application/json"}).json()
    assert [json.loads(line[6:]) for line in streamed.splitlines() if line.startswith("data: ")] == as_json
    assert [event["id"] for event in as_json] == numbers(streamed) == [1, 2, 3]
    assert streamed.startswith("retry: 1000\n\nid: 1\nevent: test.event\ndata: {")


def test_times_are_told_alike_wherever_the_store_is(api, settings):
    settings.TIME_ZONE = "Europe/Istanbul"
    run = make_run()
    record(run, 1)
    end(run)

    streamed = text_of(listen(api, run))

    as_json = api.get(f"/api/v1/runs/{run.pk}/events", headers={"Accept": "application/json"}).json()
    assert json.loads(streamed.partition("data: ")[2].partition("\n")[0]) == as_json[0]


def test_a_browser_that_reconnects_goes_on_where_it_was_whatever_its_address_says(api):
    run = make_run()
    record(run, 5)
    end(run)

    address = f"/api/v1/runs/{run.pk}/events?after=1"
    first = api.get(address, headers={"Accept": "text/event-stream"})
    again = api.get(address, headers={"Accept": "text/event-stream", "Last-Event-ID": "3"})

    assert (numbers(text_of(first)), numbers(text_of(again))) == ([2, 3, 4, 5], [4, 5])


def test_who_has_everything_of_an_ended_run_is_told_not_to_come_back(api):
    run = make_run()
    record(run, 2)
    end(run)

    answer = listen(api, run, **{"Last-Event-ID": "2"})

    assert (answer.status_code, answer.content, streams.places.taken) == (204, b"", 0)


def test_a_stream_goes_on_until_the_run_ends():
    run = make_run()
    record(run, 1)
    stream = iter(streams.respond(run, 0).streaming_content)

    assert next(stream) == b"retry: 1000\n\n"
    assert numbers(next(stream).decode()) == [1]
    record(run, 1)
    assert numbers(next(stream).decode()) == [2]
    record(run, 1)
    end(run)
    assert [numbers(block.decode()) for block in stream] == [[3]]


def test_a_silent_stream_shows_that_it_is_alive(monkeypatch):
    monkeypatch.setattr(streams, "HEARTBEAT_EVERY", 0.2)
    answer = streams.respond(make_run(), 0)
    stream = iter(answer.streaming_content)

    said = [next(stream), next(stream), next(stream)]
    answer.close()

    assert said == [b"retry: 1000\n\n", b": still here\n\n", b": still here\n\n"]


def test_a_stream_that_lasted_or_carried_enough_ends_and_the_next_goes_on(monkeypatch):
    run = make_run()
    record(run, 150)
    monkeypatch.setattr(streams, "MOST_BYTES", 1)

    answer = streams.respond(run, 0)
    first = numbers(text_of(answer))
    second = numbers(text_of(streams.respond(run, first[-1])))
    monkeypatch.setattr(streams, "LONGEST", 0)
    third = text_of(streams.respond(run, 0))

    assert first + second == list(range(1, 151)) and first and second
    assert third == "retry: 1000\n\n"


def test_places_are_few_few_for_one_person_and_given_back(api, staff):
    run = make_run()
    mine = [streams.respond(run, 0, staff.pk) for _ in range(3)]

    refused = listen(api, run)
    others = [streams.respond(run, 0, f"user {number}") for number in range(5)]
    with pytest.raises(Refusal) as full:
        streams.respond(run, 0, "one more")
    for answer in [*mine, *others]:
        answer.close()
        answer.close()

    assert (refused.status_code, refused["Retry-After"]) == (429, "5")
    assert refused.json()["detail"].startswith("3 live streams are open for you already")
    assert (full.value.status, streams.places.taken) == (503, 0)
    with_json = api.get(f"/api/v1/runs/{run.pk}/events", headers={"Accept": "application/json"})
    assert with_json.status_code == 200


def test_the_place_of_an_answer_that_failed_on_its_way_out_is_given_back():
    answer = streams.respond(make_run(), 0)
    assert streams.places.taken == 1

    del answer

    assert streams.places.taken == 0


def test_a_position_that_is_no_number_is_refused(api):
    run = make_run()

    answers = [listen(api, run, **{"Last-Event-ID": given}) for given in ("x", "-1", "1" * 10, "")]
    answers.append(api.get(f"/api/v1/runs/{run.pk}/events?after=x", headers={"Last-Event-ID": "1"}))

    assert [answer.status_code for answer in answers] == [422] * 5


def write_events(run_id, count):
    try:
        for number in range(count):
            with transaction.atomic():
                Event.record(run_id, "test.event", f"number {number}")
                if number == count - 1:
                    Run.objects.filter(pk=run_id).update(status="succeeded")
            time.sleep(0.01)
    finally:
        connection.close()


def hear(address, run, cookie, last, most):
    """What arrives after event `last` until the connection is cut after `most` bytes: `(status, whole ids)`."""
    with socket.create_connection((address.hostname, address.port), timeout=10) as wire:
        lines = [
            f"GET /api/v1/runs/{run.pk}/events HTTP/1.0",
            f"Host: {address.netloc}",
            "Accept: text/event-stream",
            f"Cookie: {cookie}",
            *([f"Last-Event-ID: {last}"] if last else []),
        ]
        wire.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        got = b""
        while len(got) < most and (more := wire.recv(most - len(got))):
            got += more
    whole = got.rpartition(b"\n\n")[0].decode()  # a browser drops an event whose end did not arrive
    return got[9:12], numbers(whole)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_cut_fifty_times_misses_nothing_and_hears_nothing_twice(live_server, client, staff):
    client.force_login(staff)
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    address, run, dice = urlsplit(live_server.url), make_run(), random.Random(7)
    writer = threading.Thread(target=write_events, args=[run.pk, 300])
    writer.start()
    heard, cuts, status = [], 0, b""
    while cuts < 50:
        status, ids = hear(address, run, cookie, heard[-1] if heard else 0, dice.randint(1, 4000))
        cuts += status not in (b"429", b"503")
        heard += ids
        time.sleep(0.02 if status not in (b"429", b"503") else 0.1)
    while status != b"204":
        status, ids = hear(address, run, cookie, heard[-1] if heard else 0, 10_000_000)
        heard += ids
    writer.join()

    assert heard == list(range(1, 301))
    api = APIClient()
    api.force_authenticate(staff)
    as_json = api.get(f"/api/v1/runs/{run.pk}/events?after=0", headers={"Accept": "application/json"}).json()
    assert [event["id"] for event in as_json] == heard
