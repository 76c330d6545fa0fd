"""What waits for SQLite waits without holding up who has it."""

import threading
import time

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, connections, transaction

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
