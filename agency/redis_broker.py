"""django-q2's Redis broker with the clock's bells: a lost Redis delays work by half a second and loses nothing."""

import logging
import time

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django_q.brokers.redis_broker import Redis

from agency import dead_letters, watchdog
from agency.clock import Clock
from agency.outages import Outage

log = logging.getLogger(__name__)

outage = Outage(log, "the backlog can't be read; trying again until it can", "the backlog is read again")

IDLE = 1.0  # seconds in one wait, after which django-q2 may stop or go on
BELL = b"bell"  # no message: it wakes one cluster, whose clock then looks what is due
MOST_BELLS = settings.Q_WORKERS * 2  # waiting ones: workers that are all busy must not find thousands of them
AWAY_FOR = 1.0  # seconds without another try, so that only few of those who ring wait for a Redis that is gone


class BellsInRedis(Redis):
    # On the class: django-q2 copies brokers between processes without calling __init__.
    _clock = None
    _away_until = 0.0
    _is_lost = False

    @staticmethod
    def get_connection(list_key=None):
        # Short, because a POST rings and must not wait for a Redis that is gone; longer than any wait for a bell.
        return redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.75)

    def ping(self):
        """A cluster starts without its Redis, too: its own clock rings."""
        try:
            return super().ping()
        except redis.RedisError:
            return False

    def set_stat(self, key, value, timeout):
        """What django-q2's own monitor shows. It would log ten times a second that it can't be written."""
        try:
            super().set_stat(key, value, timeout)
            self._found()
        except redis.RedisError as error:
            self._lost(error)

    def ring(self):
        """Queue a bell for whichever cluster is idle. Without Redis each cluster's clock rings a little later."""
        if time.monotonic() < self._away_until:
            return
        try:
            if self.queue_size() < MOST_BELLS:
                self.enqueue(BELL)
            self._found()
        except redis.RedisError as error:
            self._away_until = time.monotonic() + AWAY_FOR
            self._lost(error)

    def dequeue(self):
        watchdog.watch()
        try:
            messages = self._next_messages()
            outage.over()
            return messages
        except (DatabaseError, InterfaceError):
            # The database is away or busy. django-q2 would end this process and pause for ten seconds.
            outage.met()
            connection.close()
            time.sleep(IDLE)
            return None

    def _next_messages(self):
        self._clock = self._clock or Clock()
        until = time.monotonic() + IDLE
        is_woken = False
        while True:
            messages = self._clock.bells(is_woken=is_woken)
            if messages or time.monotonic() >= until:
                return messages
            payload = self._wait(max(min(until, self._clock.next_at) - time.monotonic(), 0.01))
            is_woken = payload == BELL
            if payload and not is_woken:
                return [] if dead_letters.put_aside(payload, "a message in Redis") else [(None, payload)]

    def _wait(self, seconds):
        """What the queue has, or None after so many seconds."""
        try:
            found = self.connection.blpop(self.list_key, seconds)
            self._found()
        except redis.RedisError as error:
            self._lost(error)
            time.sleep(seconds)
            return None
        return found and found[1]

    def _lost(self, error):
        if not self._is_lost:
            log.warning("no bells while Redis is away: %s", type(error).__name__)
        self._is_lost = True

    def _found(self):
        if self._is_lost:
            log.warning("Redis is back")
        self._is_lost = False
