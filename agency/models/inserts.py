"""Rows written by hand: the ORM's insert takes several times as long, and opening a run is made of inserts."""

import json
from datetime import datetime
from functools import cache

from django.db import connection
from django.db.models.fields.files import FieldFile

from agency.models.round_trips import Statement, together


def insert(rows):
    """Write unsaved rows of one model with one statement, and give them their primary keys.

    Unlike `bulk_create` it takes the values as they stand: nothing like `auto_now_add` is filled in.
    """
    (keys,) = together(inserting(rows))
    for row, (pk,) in zip(rows, keys, strict=True):
        row.pk = pk
        row._state.adding, row._state.db = False, connection.alias


def inserting(rows):
    """The `Statement` that `insert` executes, for who has more to say in the same message."""
    text, names, size = _text(type(rows[0]))
    values = [_adapted(getattr(row, name)) for row in rows for name in names]
    return Statement(text.format(", ".join([size] * len(rows))), values)


@cache
def _text(model):
    """The INSERT with a place for its rows, the attributes that make up a row, and the placeholders of one."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    text = f"INSERT INTO {table} ({columns}) VALUES {{}} RETURNING id"  # noqa: S608  names of our own
    return text, [field.attname for field in fields], f"({', '.join(['%s'] * len(fields))})"


def _adapted(value):
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, FieldFile):
        return value.name
    return value
