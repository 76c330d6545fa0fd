"""How workers show that they are alive, and who notices that they are not."""

import threading
import time

import pytest
from django.db import connection, transaction
from django.utils import timezone

from agency import heartbeats
from agency.heartbeats import Silence
from agency.models import Heartbeat

pytestmark = pytest.mark.django_db


def beat(cluster="here:1"):
    Heartbeat.objects.update_or_create(cluster=cluster, defaults={"beat_at": timezone.now()})


def test_so_many_looks_at_nothing_new_are_silence():
    silence = Silence("here:", looks=3)
    beat()

    looks = [silence.is_broken_off() for _ in range(4)]

    assert looks == [False, False, False, True]


def test_a_heartbeat_in_between_starts_the_count_anew():
    silence = Silence("here:", looks=2)
    beat()
    looks = [silence.is_broken_off(), silence.is_broken_off()]
    beat()
    looks += [silence.is_broken_off(), silence.is_broken_off()]

    assert looks == [False, False, False, False]
    assert silence.is_broken_off()


def test_another_machines_workers_do_not_speak_for_these():
    silence = Silence("here:", looks=2)
    beat("here:1")
    for _ in range(2):
        beat("there:1")
        silence.is_broken_off()
    beat("there:1")

    assert silence.is_broken_off()


def test_workers_that_were_started_again_get_their_time():
    silence = Silence("here:", looks=1)
    beat()
    silence.is_broken_off()
    assert silence.is_broken_off()

    silence.forget()
    beat()

    assert not silence.is_broken_off()


@pytest.mark.django_db(transaction=True)
def test_while_nobody_can_write_silence_says_nothing():
    beat()
    silence = Silence("here:", looks=1)
    silence.is_broken_off()
    held, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Heartbeat.objects.select_for_update().update(beat_at=timezone.now())
            held.set()
            done.wait(10)
            transaction.set_rollback(True)
        connection.close()

    writer = threading.Thread(target=hold)
    writer.start()
    held.wait(10)
    threading.Timer(1.3, done.set).start()

    assert not silence.is_broken_off()
    writer.join()
    assert silence.is_broken_off()


def test_a_process_beats_at_most_once_a_second(monkeypatch):
    monkeypatch.setattr(heartbeats, "_last_beat", 0.0)

    heartbeats.beat()
    first = Heartbeat.objects.get().beat_at
    heartbeats.beat()
    assert Heartbeat.objects.get().beat_at == first

    monkeypatch.setattr(heartbeats, "_last_beat", time.monotonic() - 2)
    heartbeats.beat()

    assert Heartbeat.objects.get().beat_at > first
