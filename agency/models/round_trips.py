"""Several statements in one message to the database: what every task passes through is many short statements,
and the way to PostgreSQL and back costs as much as most of them.
"""

from typing import NamedTuple

from django.db import connection


class Statement(NamedTuple):
    text: str
    values: list


def places(values):
    """A placeholder for each, for an IN (...)."""
    return ", ".join(["%s"] * len(values))


def together(*statements):
    """Execute `Statement`s in order, inside the caller's transaction; a list with the rows of each.

    Each sees what those before it did. psycopg's client-side binding, which is Django's default, sends them as
    one query; SQLite is in this process, where there is no way to be saved.
    """
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            return [cursor.execute(*statement) and cursor.fetchall() for statement in statements]
        text = ";\n".join(statement.text for statement in statements)
        cursor.execute(text, [value for statement in statements for value in statement.values])
        answers = [_rows(cursor)]
        while cursor.nextset():
            answers.append(_rows(cursor))
        return answers


def _rows(cursor):
    # Not `description`, which makes an object of each column.
    return cursor.fetchall() if cursor.pgresult.nfields else []
