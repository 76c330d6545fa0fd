"""Waking workers. A bell carries nothing: the backlog is the Task table."""

from django.db import connection, transaction
from django_q.brokers import get_broker

CHANNEL = "direction_board_bell"


def ring():
    """Wake workers when the present transaction commits.

    With the ORM broker nothing is queued: on PostgreSQL the commit sends a notification, and on SQLite the commit
    itself is seen (agency.broker). The Redis broker gets a message.
    """
    broker = _broker()
    if hasattr(broker, "ring"):
        transaction.on_commit(broker.ring)
    elif connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


_kept = None


def _broker():
    """One broker, and so one connection, for each process."""
    global _kept
    if _kept is None:
        _kept = get_broker()
    return _kept
