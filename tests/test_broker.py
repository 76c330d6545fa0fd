"""The broker on the project's own database: wakes, hands on, and puts aside what nobody can read."""

import os
import threading
import time

import pytest
from django.db import OperationalError, connection, connections
from django_q.conf import Conf
from django_q.models import Failure, OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from agency import clock, direction_board
from agency.broker import WakingBroker
from agency.direction_board import Step
from tests.crash_app import gone
from tests.test_crash import environment, report_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(monkeypatch):
    """A broker whose clock has nothing to say for a while: what it hands on came another way."""
    broker = WakingBroker("direction-board")
    monkeypatch.setattr(clock, "LOOK_EVERY", 60.0)
    assert [SignedPackage.loads(payload)["func"] for _, payload in broker.dequeue()] == ["agency.jobs.sweep"]
    assert broker.dequeue() == []
    return broker


def functions(messages):
    return [SignedPackage.loads(payload)["func"] for _, payload in messages]


def test_a_message_is_handed_to_one_cluster_only(broker):
    async_task("agency.jobs.work", broker=broker)
    other = WakingBroker("direction-board")
    other._clock = broker._clock

    assert functions(broker.dequeue()) == ["agency.jobs.work"]
    assert other.dequeue() == []
    assert OrmQ.objects.count() == 1  # until it is acknowledged


def test_a_commit_of_somebody_else_wakes_it(broker):
    def open_run():
        time.sleep(0.2)
        direction_board.open_run([Step("inventory_audit")], title="audit")
        connection.close()

    writer = threading.Thread(target=open_run)
    writer.start()
    messages = broker.dequeue()
    writer.join()

    # SQLite's file changes for other reasons, too; then the next look finds the run.
    assert functions(messages or broker.dequeue()) == ["agency.jobs.work"]


def test_an_unreadable_message_is_a_failed_background_job_and_the_next_one_is_handed_on(broker, caplog):
    payload = gone.message()
    for _ in range(2):  # written twice, told once
        OrmQ.objects.create(key=broker.list_key, payload=payload, lock="2020-01-01T00:00Z")
    OrmQ.objects.create(key=broker.list_key, payload="no message at all", lock="2020-01-01T00:00Z")
    async_task("agency.jobs.work", broker=broker)

    messages = [message for _ in range(2) for message in broker.dequeue() or ()]

    assert functions(messages) == ["agency.jobs.work"]
    failed = sorted(Failure.objects.values_list("func", "result"))
    assert failed == [
        ("unreadable", 'BadSignature: No ":" found in value'),
        ("unreadable", "ModuleNotFoundError: No module named 'a_module_that_was_removed'"),
    ]
    assert OrmQ.objects.count() == 1


def test_staff_see_what_was_put_aside(broker, staff_client, caplog):
    OrmQ.objects.create(key=broker.list_key, payload=gone.message(), lock="2020-01-01T00:00Z")
    broker.dequeue()

    page = staff_client.get("/admin/django_q/failure/").content.decode()

    assert "unreadable" in page
    assert "a_module_that_was_removed" in page


def test_a_database_that_is_away_for_long_is_two_entries_of_the_log(broker, caplog, monkeypatch):
    monkeypatch.setattr("agency.broker.IDLE", 0.01)

    def is_away(*args):
        raise OperationalError("the server is away")

    with connections[Conf.ORM].execute_wrapper(is_away):
        assert [broker.dequeue() for _ in range(4)] == [None] * 4
    assert broker.dequeue() == []

    said = [record.message for record in caplog.records if record.name == "agency.broker"]
    assert said == ["the queue can't be read; trying again until it can", "the queue is read again"]


@pytest.mark.skipif(
    not os.environ.get("TEST_DATABASE_URL"), reason="SQLite has no connection that a server could end"
)
def test_a_connection_that_the_database_ended_is_made_anew_and_listens_again(broker, caplog):
    mine = connections[Conf.ORM].connection.info.backend_pid

    def end_it():
        time.sleep(0.2)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [mine])
        connection.close()

    other = threading.Thread(target=end_it)
    other.start()
    assert broker.dequeue() is None
    other.join()

    assert broker.dequeue() == []
    assert connections[Conf.ORM].connection.info.backend_pid != mine
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_listening_channels()")
        assert cursor.fetchall() == [("direction_board_bell",)]


@pytest.mark.slow
@pytest.mark.xdist_group("mission")
@pytest.mark.django_db(databases=[])
def test_the_queue_behind_poison_goes_on(tmp_path):
    told = report_of("crash_scenes", "poison", env=environment(tmp_path))

    assert told["failed"] == [
        ["agency.jobs.no_such_job", "Function agency.jobs.no_such_job is not defined "],
        ["unreadable", "BadSignature"],
        ["unreadable", "ModuleNotFoundError"],
    ]
    assert (told["succeeded"], told["waiting"]) == ([["math.factorial", 120]], 0)
    assert (told["run"]["run"], told["run"]["effects"]) == ("succeeded", 1)
    assert (told["lost"]["task"], told["lost"]["error"]) == (
        "failed",
        "There is no workflow 'crash_gone' any more.",
    )
