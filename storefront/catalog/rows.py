"""Products as rows of their table, by the thousand: the ORM takes longer to word these statements than the
database to execute them.
"""

import json
from functools import cache

from django.db import connection
from django.utils import timezone

from storefront.models import Product
from storefront.models.products import identity

AT_ONCE = 1000  # rows a statement, where the database takes as many values
_AMONG = {
    "sqlite": "IN (SELECT value FROM json_each(%s))",
    "postgresql": "= ANY(%s)",
}


def find(column, values):
    """Which of these values, any number of them, stand in a column of the products."""
    values = list(values)
    if not values:
        return set()
    name, table = connection.ops.quote_name(column), connection.ops.quote_name(Product._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {name} FROM {table} WHERE {name} {_AMONG[connection.vendor]}",  # noqa: S608  names of our own
            [json.dumps(values) if connection.vendor == "sqlite" else values],
        )
        return {value for (value,) in cursor.fetchall()}


def new(*fields):
    """A product that is to be, as a dict of its columns: the defaults, then these fields, the later ones first.

    No lead of its family before it is chosen. Raises TypeError for a field that a product does not have.
    """
    row = _defaults().copy()
    for given in fields:
        row.update(given)
    if len(row) > len(_defaults()):
        raise TypeError(f"a product has no {', '.join(sorted(row.keys() - _defaults().keys()))}")
    row["is_lead"] = False
    return row


def insert(rows):
    """Write new products, whose address is known, as they stand; their times are set."""
    if not rows:
        return
    now, columns = connection.ops.adapt_datetimefield_value(timezone.now()), list(_columns())
    for row in rows:
        row["sku_key"], row["tags"] = identity(row["sku"]), json.dumps(row["tags"])
        row["kind"], row["status"] = str(row["kind"]), str(row["status"])
        row["created_at"] = row["updated_at"] = now
    most = min((connection.features.max_query_params or 65_000) // len(columns), AT_ONCE)
    for at in range(0, len(rows), most):
        part = rows[at : at + most]
        with connection.cursor() as cursor:
            cursor.execute(_statement(len(part)), [row[name] for row in part for name in columns])


@cache
def _columns():
    """Attribute and column of each field that a new row states."""
    return {field.attname: field.column for field in Product._meta.concrete_fields if not field.primary_key}


@cache
def _defaults():
    fields = [field for field in Product._meta.concrete_fields if not field.primary_key]
    return {field.attname: field.get_default() for field in fields}


def _statement(count):
    names = ", ".join(connection.ops.quote_name(column) for column in _columns().values())
    row = f"({', '.join(['%s'] * len(_columns()))})"
    table = connection.ops.quote_name(Product._meta.db_table)
    return f"INSERT INTO {table} ({names}) VALUES {', '.join([row] * count)}"  # noqa: S608  names of our own
