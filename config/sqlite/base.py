"""Django's SQLite backend, whose writers wait for each other in fractions of a millisecond, and in Python.

SQLite's own busy handler sleeps 1, 2, 5, 10, 15 ... milliseconds between two tries. Transactions here last about
one, so two workers spent most of their time asleep: a quarter of the runs that one worker finished alone.

It also sleeps with its connection locked. Python's garbage collector closes a statement of another thread's
connection in whichever thread it happens to run; if that one held the database, each waited for the other until
the timeout was over, twenty seconds, and then one of them failed.
"""

import os
import sqlite3
import threading
import time
from functools import lru_cache

from django.db import utils
from django.db.backends.sqlite3 import base

from config.sqlite.features import DatabaseFeatures

SHORTEST, LONGEST = 0.0002, 0.002  # seconds between two tries

# By database: who begins a transaction while another thread of this process is in one is woken when it ends. If it
# asked again and again, it would come too late again and again, behind those who ask for the first time: of orders
# at the same time, one in a hundred took five times as long.
_turns = {}
os.register_at_fork(after_in_child=_turns.clear)  # a thread that holds one does not exist there


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

    # --- Writers of one process take turns -----------------------------------------------------------------

    _turn = None  # the lock that this connection's transaction holds

    def _start_transaction_under_autocommit(self):
        turn = _turns.setdefault(self.settings_dict["NAME"], threading.Lock())
        if not turn.acquire(timeout=self._cursor_class.patience):
            raise utils.OperationalError("database is locked")
        self._turn = turn
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._end_turn()
            raise

    def _commit(self):
        super()._commit()
        self._end_turn()

    def _rollback(self):
        try:
            super()._rollback()
        finally:
            self._end_turn()

    def _close(self):
        try:
            super()._close()
        finally:
            self._end_turn()

    def _end_turn(self):
        turn, self._turn = self._turn, None
        if turn:
            turn.release()
