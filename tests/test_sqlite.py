"""What waits for SQLite waits without holding up who has it, and comes next."""

import os
import threading
import time

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, connections, transaction

from config.sqlite import base

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite"),
]


class Beside:
    """A thread with a connection of its own that writes without a transaction, and how that ended."""

    def __init__(self, **options):
        self.left = []  # a statement of its connection that somebody else throws away
        self.outcome = None
        self._options, self._is_ready = options, threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()
        self._is_ready.wait(10)

    def _write(self):
        mine = connections["default"]
        mine.settings_dict = mine.settings_dict | {"OPTIONS": mine.settings_dict["OPTIONS"] | self._options}
        cursor = mine.cursor()
        cursor.execute("SELECT 1 UNION SELECT 2")
        self.left.append(cursor.cursor)
        del cursor
        self._is_ready.set()
        try:
            Group.objects.create(name="beside")
            self.outcome = "written"
        except OperationalError as error:
            self.outcome = str(error)
        finally:
            connections.close_all()

    def end(self):
        self._thread.join()
        return self.outcome


def test_who_waits_does_not_hold_up_who_throws_its_statements_away():
    with transaction.atomic():
        Group.objects.create(name="here")
        beside = Beside()
        time.sleep(0.1)  # it waits for us

        began = time.monotonic()
        beside.left.clear()  # as a garbage collection in this thread does
        took = time.monotonic() - began

    assert beside.end() == "written"
    assert took < 1
    assert set(Group.objects.values_list("name", flat=True)) >= {"here", "beside"}


def test_who_waits_longer_than_the_timeout_is_told():
    with transaction.atomic():
        Group.objects.create(name="here")
        beside = Beside(timeout=0.2)

        assert beside.end() == "database is locked"

    assert not Group.objects.filter(name="beside").exists()


# --- Writers of one process take turns ------------------------------------------------------------------------


def in_thread(call):
    """What the call answers or raises in a thread with a connection of its own."""
    got = []

    def go():
        try:
            got.append(call())
        except Exception as error:
            got.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=go)
    thread.start()
    return thread, got


def write(name, **options):
    mine = connections["default"]
    mine.settings_dict = mine.settings_dict | {"OPTIONS": mine.settings_dict["OPTIONS"] | options}
    with transaction.atomic():
        Group.objects.create(name=name)
    return "written"


def test_who_waits_to_begin_longer_than_the_timeout_is_told_and_holds_up_nobody_afterwards():
    with transaction.atomic():
        Group.objects.create(name="here")
        thread, got = in_thread(lambda: write("beside", timeout=0.2))
        thread.join()

    assert str(got[0]) == "database is locked"
    assert in_turn("after") == ["written"]


def in_turn(name):
    thread, got = in_thread(lambda: write(name, timeout=2))
    thread.join()
    return got


def undone():
    with transaction.atomic():
        Group.objects.create(name="undone")
        raise ValueError("on purpose")


def committed_in_vain():
    """A commit that the database refuses."""
    with transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute("PRAGMA defer_foreign_keys = ON")
        cursor.execute("INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (-1, -1)")


def closed_inside():
    with transaction.atomic():
        Group.objects.create(name="closed")
        connections["default"].close()


def begun_in_vain():
    mine = connections["default"]
    mine.ensure_connection()
    mine.transaction_mode = "NONSENSE"
    with transaction.atomic():
        pass


@pytest.mark.parametrize("badly", [undone, committed_in_vain, closed_inside, begun_in_vain])
def test_a_turn_ends_however_its_transaction_does(badly):
    thread, got = in_thread(badly)
    thread.join()

    assert in_turn("next") == ["written"]
    assert isinstance(got[0], Exception) or badly is closed_inside


def test_a_forked_process_does_not_wait_for_a_thread_that_it_does_not_have():
    with transaction.atomic():
        Group.objects.create(name="here")
        child = os.fork()
        if not child:
            os._exit(len(base._turns))
        _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


def test_many_who_write_at_the_same_time_all_get_in():
    threads = [in_thread(lambda number=number: [write(f"{number}-{i}", timeout=20) for i in range(20)])
               for number in range(8)]  # fmt: skip
    for thread, _ in threads:
        thread.join()

    assert [len(got[0]) for _, got in threads] == [20] * 8
    assert Group.objects.filter(name__contains="-").count() == 160
