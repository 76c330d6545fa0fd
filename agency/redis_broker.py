"""django-q2's Redis broker with the clock's bells: a lost Redis delays work by half a second and loses nothing."""

import logging
import time

import redis
from django.conf import settings
from django_q.brokers.redis_broker import Redis

from agency import watchdog
from agency.clock import Clock, bell

log = logging.getLogger(__name__)

IDLE = 1.0  # seconds in one wait, after which django-q2 may stop or go on
MOST_BELLS = settings.Q_WORKERS * 2  # waiting ones: workers that are all busy must not find thousands of them


class BellsInRedis(Redis):
    # On the class: django-q2 copies brokers between processes without calling __init__.
    _clock = None

    @staticmethod
    def get_connection(list_key=None):
        # Short, because a POST rings: it must not wait for a Redis that is gone.
        return redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=IDLE * 3)

    def ring(self):
        """Queue a bell for whichever cluster is idle. Without Redis each cluster's clock rings a little later."""
        try:
            if self.queue_size() < MOST_BELLS:
                self.enqueue(bell("agency.jobs.work")[1])
        except redis.RedisError as error:
            log.warning("no bell was rung: %s", type(error).__name__)

    def dequeue(self):
        watchdog.watch()
        self._clock = self._clock or Clock()
        until = time.monotonic() + IDLE
        while True:
            messages = self._clock.bells()
            if messages or time.monotonic() >= until:
                return messages
            seconds = max(min(until, self._clock.next_at) - time.monotonic(), 0.01)
            try:
                found = self.connection.blpop(self.list_key, seconds)
            except redis.RedisError as error:
                log.warning("the queue can't be read: %s", type(error).__name__)
                time.sleep(seconds)
                continue
            if found:
                return [(None, found[1])]
