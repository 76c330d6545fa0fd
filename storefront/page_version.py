"""Reading the version of the shop's pages (`page_index`), as cheaply as it can be proved."""

import os
import sqlite3
import threading

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from storefront.page_index import TABLE

_SUM = f"SELECT sum(number) FROM {TABLE}"  # noqa: S608
TUPLES_OK = 2  # psycopg.pq.ExecStatus, without psycopg, which who uses SQLite does not have
_of_thread = threading.local()


def current(connection=None):
    """The version of what is committed now; None where there is none yet. Raises the database's errors.

    `connection` is this thread's own, where the caller has it at hand: each look through Django's proxy of it
    costs a tenth of the answer.
    """
    connection = connection or connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "sqlite":
        return _of_sqlite(connection.settings_dict["NAME"])
    return _of_postgresql(connection)


def _of_postgresql(connection):
    """By libpq itself, as psycopg offers it: cursors of Django and psycopg cost three times the look."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        result = connection.connection.pgconn.exec_(_SUM.encode())
    if result.status != TUPLES_OK:
        raise DatabaseError(result.get_error_message())
    number = result.get_value(0, 0)
    return number and int(number)


def _of_sqlite(name):
    """`PRAGMA data_version` changes when another connection has committed; only then is the version read.

    On a connection of its own for each thread: Django's own would not notice what it wrote itself.
    """
    mine, place = _of_thread, (name, os.getpid())
    if getattr(mine, "place", None) != place:
        mine.own = sqlite3.connect(name, timeout=5, isolation_level=None)
        mine.place, mine.seen = place, None
    ((seen,),) = mine.own.execute("PRAGMA data_version").fetchall()
    if seen != mine.seen:
        # Remembered last: a commit in between is noticed by the next look.
        ((mine.version,),) = mine.own.execute(_SUM).fetchall()
        mine.seen = seen
    return mine.version
