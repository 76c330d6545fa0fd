"""What Django verifies about the ledger at start and on `manage.py check --database default`."""

from django.core.checks import Error, Tags, register
from django.db import connection

from earnings import audit


@register(Tags.database)
def ledger_is_append_only(databases=None, **kwargs):
    """`earnings.E001`: a ledger table that a migration rebuilt without its triggers."""
    if connection.alias not in (databases or ()):
        return []
    missing = audit.missing_triggers()
    # Before the first migration there is nothing to protect.
    existing = connection.introspection.table_names() if missing else []
    return [
        Error(
            f"{table} can be changed: the database lacks {', '.join(names)}.",
            hint="Call earnings.append_only.install in a migration after the one that rebuilt the table.",
            id="earnings.E001",
        )
        for table, names in missing.items()
        if table in existing
    ]
