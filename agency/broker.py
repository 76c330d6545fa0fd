"""django-q2's ORM broker, woken instead of polling blindly.

It hands workers the clock's bells (agency.clock), and the messages that somebody enqueued by `async_task` with the
ORM broker's guarantee: at least once, and enqueued in the caller's transaction. What wakes it: LISTEN/NOTIFY on
PostgreSQL; on SQLite `PRAGMA data_version`, which changes when another connection commits and costs microseconds.
"""

import logging
import time

from django.db import DatabaseError, InterfaceError, connections, transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

from agency import dead_letters, watchdog
from agency.bells import CHANNEL
from agency.clock import Clock
from agency.outages import Outage

log = logging.getLogger(__name__)

outage = Outage(log, "the queue can't be read; trying again until it can", "the queue is read again")

IDLE = 1.0  # seconds in one wait, after which django-q2 may stop or go on


class WakingBroker(ORM):
    # On the class: django-q2 copies brokers between processes without calling __init__.
    _clock = None
    _data_version = None
    _listening = None

    def enqueue(self, task):
        pk = super().enqueue(task)
        connection = connections[Conf.ORM]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"NOTIFY {CHANNEL}")
        return pk

    def dequeue(self):
        watchdog.watch()
        try:
            messages = self._next_messages()
            outage.over()
            return messages
        except (DatabaseError, InterfaceError):
            # The database is away or busy. django-q2 would end this process and pause for ten seconds.
            outage.met()
            connections[Conf.ORM].close()
            time.sleep(IDLE)
            return None

    def _next_messages(self):
        self._clock = self._clock or Clock()
        until = time.monotonic() + IDLE
        is_woken = False
        while True:
            self._listen()
            messages = [*self._claim(), *self._clock.bells(is_woken=is_woken)]
            if messages or time.monotonic() >= until:
                return messages
            is_woken = self._wait(min(until, self._clock.next_at))

    def _claim(self):
        """Lock some waiting messages with one statement and return `(id, payload)` of each."""
        now = timezone.now()
        waiting = self.get_connection().filter(key=self.list_key, lock__lt=now).order_by("id")
        if not waiting.exists():
            return []
        if connections[Conf.ORM].vendor == "postgresql":
            with transaction.atomic(using=Conf.ORM):
                rows = list(waiting.select_for_update(skip_locked=True)[: Conf.BULK])
                OrmQ.objects.filter(pk__in=[row.pk for row in rows]).update(lock=self.timeout(None))
        else:
            rows = [
                row
                for row in waiting[: Conf.BULK]
                if OrmQ.objects.filter(pk=row.pk, lock=row.lock).update(lock=self.timeout(row))
            ]
        return [(row.pk, row.payload) for row in rows if not self._put_aside(row)]

    def _put_aside(self, row):
        is_unreadable = dead_letters.put_aside(row.payload, f"message {row.pk}")
        if is_unreadable:
            self.delete(row.pk)
        return is_unreadable

    def _listen(self):
        connection = connections[Conf.ORM]
        if connection.vendor == "postgresql":
            connection.ensure_connection()
            if self._listening is not connection.connection:
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
                self._listening = connection.connection

    def _wait(self, until):
        """Wait for news, or for the moment `until` on the monotonic clock; True when there is news."""
        connection = connections[Conf.ORM]
        seconds = until - time.monotonic()
        if seconds <= 0:
            return False
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors:
                return any(True for _ in connection.connection.notifies(timeout=seconds, stop_after=1))
        while time.monotonic() < until:
            with connection.cursor() as cursor:
                version = cursor.execute("PRAGMA data_version").fetchone()[0]
            if version != self._data_version:
                self._data_version = version
                return True
            time.sleep(0.003)
        return False
