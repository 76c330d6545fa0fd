"""Bells in Redis, and the work that goes on when there is no Redis."""

import shutil
import signal
import time

import pytest
from django_q.models import Failure
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from agency import clock
from agency.redis_broker import BELL, MOST_BELLS, BellsInRedis
from tests.crash_app import gone
from tests.crash_site import RedisServer, free_port
from tests.test_crash import environment, report_of

pytestmark = pytest.mark.django_db(transaction=True)


def functions(messages):
    return [SignedPackage.loads(payload)["func"] for _, payload in messages]


def seconds(call):
    began = time.monotonic()
    call()
    return time.monotonic() - began


@pytest.fixture
def port(settings):
    number = free_port()
    settings.REDIS_URL = f"redis://127.0.0.1:{number}/0"
    return number


@pytest.fixture
def server(port):
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server is installed here; CI has one")
    server = RedisServer(port)
    server.start()
    yield server
    if server.is_running:
        server.kill()


@pytest.fixture
def broker(server, monkeypatch):
    """A broker whose clock has nothing to say for a while."""
    monkeypatch.setattr(clock, "LOOK_EVERY", 60.0)
    broker = BellsInRedis("direction-board")
    assert functions(broker.dequeue()) == ["agency.jobs.sweep"]
    assert broker.dequeue() == []
    return broker


def test_without_redis_a_cluster_starts_and_its_clock_rings(port, caplog):
    broker = BellsInRedis("direction-board")

    assert broker.ping() is False
    broker.set_stat("cluster", "stat", 3)
    assert functions(broker.dequeue()) == ["agency.jobs.sweep"]
    assert broker.dequeue() == []
    assert caplog.text.count("no bells while Redis is away") == 1


def test_without_redis_ringing_is_prompt_and_refused_to_nobody(port, caplog):
    broker = BellsInRedis("direction-board")

    took = seconds(lambda: [broker.ring() for _ in range(50)])

    assert took < 1


@pytest.mark.slow
def test_a_redis_that_stands_still_is_waited_for_once(server, caplog):
    broker = BellsInRedis("direction-board")
    broker.ring()
    server.signal(signal.SIGSTOP)

    first, second = seconds(broker.ring), seconds(broker.ring)
    server.signal(signal.SIGCONT)

    assert (first < 1, second < 0.1) == (True, True)


@pytest.mark.slow
def test_bells_do_not_pile_up_and_one_wakes_the_clock(broker):
    for _ in range(100):
        broker.ring()
    assert broker.queue_size() == MOST_BELLS

    assert broker.dequeue() == []  # nothing is due: no worker is sent to look
    assert broker.connection.lrange(broker.list_key, 0, -1) == []


@pytest.mark.slow
def test_garbage_and_unreadable_messages_are_failed_background_jobs_and_the_rest_goes_on(broker, caplog):
    for payload in (b"\xff\xfe\x00", gone.message(), "no message at all"):
        broker.enqueue(payload)
    async_task("agency.jobs.work", broker=broker)

    messages = [message for _ in range(4) for message in broker.dequeue()]

    assert functions(messages) == ["agency.jobs.work"]
    assert sorted(
        str(result).partition(":")[0] for result in Failure.objects.values_list("result", flat=True)
    ) == [
        "BadSignature",
        "DjangoUnicodeDecodeError",
        "ModuleNotFoundError",
    ]


@pytest.mark.slow
def test_a_redis_that_was_lost_and_came_back_empty_is_used_again(server, broker, caplog):
    server.kill()
    assert broker.dequeue() == []
    server.start()
    broker._away_until = 0.0  # a second later

    broker.ring()

    assert broker.connection.lrange(broker.list_key, 0, -1) == [BELL]
    assert "Redis is back" in caplog.text


@pytest.mark.slow
@pytest.mark.xdist_group("mission")
@pytest.mark.django_db(databases=[])
def test_the_queue_behind_garbage_in_redis_goes_on(tmp_path):
    told = report_of("crash_scenes", "poison", env=environment(tmp_path, "redis"))

    assert told["failed"] == [
        ["agency.jobs.no_such_job", "Function agency.jobs.no_such_job is not defined "],
        ["unreadable", "BadSignature"],
        ["unreadable", "DjangoUnicodeDecodeError"],
        ["unreadable", "ModuleNotFoundError"],
    ]
    assert (told["succeeded"], told["waiting"]) == ([["math.factorial", 120]], 0)
    assert (told["run"]["run"], told["run"]["effects"]) == ("succeeded", 1)
    assert told["lost"]["task"] == "failed"


@pytest.mark.slow
@pytest.mark.xdist_group("mission")
@pytest.mark.django_db(databases=[])
def test_runs_go_on_whatever_becomes_of_redis(tmp_path):
    told = report_of("crash_scenes", "lose_redis", env=environment(tmp_path, "redis"))

    assert told["runs"] == {"succeeded": 67}  # the first one, and 10 + 20 + 6 + 10 + 20
    # A look of the clock every half second, and the time that a loaded machine takes.
    assert max(part["median_to_done"] for part in told["asked"].values()) < 1.5, told
    assert max(part["longest_to_open"] for part in told["asked"].values()) < 1.5, told
