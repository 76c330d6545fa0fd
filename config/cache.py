"""The cache of an installation without Redis."""

import os
import pickle
import sqlite3
import threading
import time
from pathlib import Path

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

SWEEP_EVERY = 500  # new keys


class OneFileCache(BaseCache):
    """One SQLite file that all processes of a machine share, and in which they can count together.

    Throttles count here. Django's own caches without a server read, add and write: two processes at once lose
    counts (its file cache), or never see each other's (its memory cache); and its file cache throws away a third
    of all keys whenever there are 300. A table of the main database would cost it a write for every GET.
    """

    def __init__(self, location, params):
        super().__init__(params)
        self._path = Path(location)
        self._of_thread = threading.local()
        self._added = 0

    def _run(self, sql, *values):
        mine = self._of_thread
        if getattr(mine, "process", None) != os.getpid():  # a connection does not survive a fork
            mine.connection, mine.process = self._connect(), os.getpid()
        return mine.connection.execute(sql, values).fetchone()

    def _connect(self):
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=OFF")  # a cache may forget when the machine falls over
        connection.execute(
            "CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, value, expires REAL) WITHOUT ROWID"
        )
        return connection

    def _stored(self, value):
        # Integers stay integers, so that the database can count them.
        is_count = type(value) is int and -(2**63) <= value < 2**63
        return value if is_count else pickle.dumps(value, pickle.HIGHEST_PROTOCOL)

    def _expires(self, timeout):
        moment = self.get_backend_timeout(timeout)
        return float("inf") if moment is None else moment

    def add(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        self._sweep()
        found = self._run(
            "INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE"
            " SET value = excluded.value, expires = excluded.expires WHERE expires <= ? RETURNING 1",
            self.make_and_validate_key(key, version=version),
            self._stored(value),
            self._expires(timeout),
            time.time(),
        )
        return found is not None

    def get(self, key, default=None, version=None):
        key = self.make_and_validate_key(key, version=version)
        found = self._run("SELECT value FROM entry WHERE key = ? AND expires > ?", key, time.time())
        if found is None:
            return default
        return found[0] if isinstance(found[0], int) else pickle.loads(found[0])  # noqa: S301  our own file

    def set(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        self._sweep()
        key = self.make_and_validate_key(key, version=version)
        self._run(
            "INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", key, self._stored(value), self._expires(timeout)
        )

    def touch(self, key, timeout=DEFAULT_TIMEOUT, version=None):
        key = self.make_and_validate_key(key, version=version)
        sql = "UPDATE entry SET expires = ? WHERE key = ? AND expires > ? RETURNING 1"
        return self._run(sql, self._expires(timeout), key, time.time()) is not None

    def incr(self, key, delta=1, version=None):
        """The new count, added to in one step. ValueError where there is no count under the key."""
        sql = (
            "UPDATE entry SET value = value + ? WHERE key = ? AND expires > ? AND typeof(value) = 'integer'"
            " RETURNING value"
        )
        found = self._run(sql, delta, self.make_and_validate_key(key, version=version), time.time())
        if found is None:
            raise ValueError(f"Key {key!r} holds no count.")
        return found[0]

    def delete(self, key, version=None):
        key = self.make_and_validate_key(key, version=version)
        return self._run("DELETE FROM entry WHERE key = ? RETURNING 1", key) is not None

    def clear(self):
        self._run("DELETE FROM entry")

    def _sweep(self):
        self._added += 1
        if self._added % SWEEP_EVERY == 0:
            self._run("DELETE FROM entry WHERE expires <= ?", time.time())


def _write_ahead(connection):
    """The file itself says that it is written ahead; while it is new, two processes may want to say so at once."""
    for _ in range(50):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:  # busy, and this one statement does not wait
            time.sleep(0.02)
