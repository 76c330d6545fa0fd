"""Django's SQLite backend, whose writers wait for each other in fractions of a millisecond, and in Python.

SQLite's own busy handler sleeps 1, 2, 5, 10, 15 ... milliseconds between two tries. Transactions here last about
one, so two workers spent most of their time asleep: a quarter of the runs that one worker finished alone.

It also sleeps with its connection locked. Python's garbage collector closes a statement of another thread's
connection in whichever thread it happens to run; if that one held the database, each waited for the other until
the timeout was over, twenty seconds, and then one of them failed.
"""

import sqlite3
import time
from functools import lru_cache

from django.db.backends.sqlite3 import base

from config.sqlite.features import DatabaseFeatures

SHORTEST, LONGEST = 0.0002, 0.002  # seconds between two tries


@lru_cache(maxsize=1000)
def _with_question_marks(query):
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


class PatientCursor(base.SQLiteCursorWrapper):
    """A cursor that asks again while another connection writes. Inside a transaction, which begins by taking the
    write lock, there is nobody to wait for."""

    patience = 5.0  # seconds

    def execute(self, query, params=None):
        try:
            return super().execute(query, params)
        except sqlite3.OperationalError as error:
            if not self._is_in_the_way(error):
                raise
        return self._ask_again(query, params)

    def convert_query(self, query, *, param_names=None):
        """As Django does, but once for a text: a worker says the same few again and again."""
        if param_names:
            return super().convert_query(query, param_names=param_names)
        return _with_question_marks(query)

    def _ask_again(self, query, params):
        ends, pause = time.monotonic() + self.patience, SHORTEST
        while True:
            time.sleep(pause)
            pause = min(pause * 1.2, LONGEST)
            try:
                return super().execute(query, params)
            except sqlite3.OperationalError as error:
                if not self._is_in_the_way(error) or time.monotonic() > ends:
                    raise

    def _is_in_the_way(self, error):
        return "locked" in str(error) and not self.connection.in_transaction


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        connection.execute("PRAGMA busy_timeout = 0")  # from here on it is we who wait
        timeout = self.settings_dict["OPTIONS"].get("timeout", PatientCursor.patience)
        self._cursor_class = type("Cursor", (PatientCursor,), {"patience": timeout})
        return connection

    def create_cursor(self, name=None):
        return self.connection.cursor(factory=self._cursor_class)
