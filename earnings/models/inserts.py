"""Rows of the ledger written by hand: booking a sale is made of inserts, and the ORM took five times as long."""

from functools import cache

from django.db import connection


def insert(*rows):
    """Write new rows of one model with one statement; the moment of writing is filled in."""
    _write(rows, "")


def insert_unless_there(row):
    """Write the row and give it its primary key; False if one of its unique keys is taken.

    Who writes the same key at the same time is waited for.
    """
    written = _write([row], "ON CONFLICT DO NOTHING RETURNING id")
    if written:
        row.pk = written[0][0]
        row._state.adding, row._state.db = False, connection.alias
    return bool(written)


def _write(rows, ending):
    text, fields, size = _text(type(rows[0]))
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for row in rows for field in fields]
    statement = f"{text} VALUES {', '.join([size] * len(rows))} {ending}"
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if ending else []


@cache
def _text(model):
    """The INSERT up to its values, the fields that make up a row, and the placeholders of one."""
    fields = [field for field in model._meta.concrete_fields if field.column != "id"]
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    return f"INSERT INTO {table} ({columns})", fields, f"({', '.join(['%s'] * len(fields))})"
