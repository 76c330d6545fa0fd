"""Redis as the cache of all processes, which the site can do without."""

import logging
import time

from django.core.cache.backends import redis as backend
from redis import RedisError

log = logging.getLogger(__name__)

AWAY_FOR = 1.0  # seconds without another try, so that few requests wait for a Redis that is gone
PATIENCE = {"socket_connect_timeout": 0.4, "socket_timeout": 0.4}  # seconds


class _Client(backend.RedisCacheClient):
    """Answers like an empty cache while its Redis is away."""

    _away_until = 0.0
    _is_away = False

    def __init__(self, servers, **options):
        super().__init__(servers, **PATIENCE | options)

    def _ask(self, verb, empty, *values):
        if time.monotonic() < self._away_until:
            return empty
        try:
            found = verb(*values)
        except RedisError as error:
            self._away_until = time.monotonic() + AWAY_FOR
            if not self._is_away:  # said once: who asks every second would fill the log
                log.warning("going on without the cache: %s", type(error).__name__)
            self._is_away = True
            return empty
        if self._is_away:
            log.warning("the cache is back")
            self._is_away = False
        return found

    def add(self, key, value, timeout):
        return self._ask(super().add, True, key, value, timeout)

    def get(self, key, default):
        return self._ask(super().get, default, key, default)

    def set(self, key, value, timeout):
        return self._ask(super().set, None, key, value, timeout)

    def touch(self, key, timeout):
        return self._ask(super().touch, False, key, timeout)

    def delete(self, key):
        return self._ask(super().delete, False, key)

    def get_many(self, keys):
        return self._ask(super().get_many, {}, keys)

    def has_key(self, key):
        return self._ask(super().has_key, False, key)

    def incr(self, key, delta):
        return self._ask(super().incr, delta, key, delta)

    def set_many(self, data, timeout):
        return self._ask(super().set_many, None, data, timeout)

    def delete_many(self, keys):
        return self._ask(super().delete_many, None, keys)

    def clear(self):
        return self._ask(super().clear, False)


class RedisCache(backend.RedisCache):
    """Django's Redis cache. Without its Redis nothing is cached, and throttles let everybody in."""

    def __init__(self, server, params):
        super().__init__(server, params)
        self._class = _Client
