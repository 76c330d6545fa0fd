"""Reading several things as they were at one moment, while others write."""

from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def snapshot():
    """Every query of the block sees the database as the first one did; inside a transaction, as that one does.

    It writes nothing and keeps no writer waiting: on SQLite it is a deferred transaction, where `atomic` would
    take the write lock.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
