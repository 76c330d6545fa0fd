"""The database itself refuses to change what was written down."""

import pytest
from django.db import DatabaseError, connection, transaction

from agency.models import Event
from earnings import append_only, audit
from earnings.models import Earning, JournalEntry, Posting
from tests.factories import make_paid_order, make_product, make_run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "statement",
    ["UPDATE agency_event SET message = 'x'", "DELETE FROM agency_event", "TRUNCATE agency_event CASCADE"],
)
def test_raw_sql_can_not_change_an_event(statement):
    if statement.startswith("TRUNCATE") and connection.vendor != "postgresql":
        statement = "DELETE FROM agency_event WHERE 1"
    run = make_run()
    Event.record(run.pk, "run.opened", "opened")
    connection.check_constraints()  # PostgreSQL refuses to truncate while deferred checks are pending

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)

    assert Event.objects.get().message == "opened"


@pytest.mark.django_db(transaction=True)
def test_a_transactional_test_leaves_the_triggers_in_place():
    Event.record(make_run().pk, "run.opened", "opened")

    with pytest.raises(DatabaseError, match="append-only"):
        Event.objects.all().delete()


@pytest.mark.parametrize("model", [Event, Earning, JournalEntry, Posting])
def test_sqlites_replace_changes_no_row(model):
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has REPLACE")
    Event.record(make_run().pk, "run.opened", "opened")
    make_paid_order(make_product(stock=None))
    table, before = model._meta.db_table, list(model.objects.order_by("pk").values())

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(f"REPLACE INTO {table} SELECT * FROM {table}")

    assert list(model.objects.order_by("pk").values()) == before != []


def test_a_database_from_before_that_rule_gets_it_once():
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has REPLACE")
    connection.cursor().execute("DROP TRIGGER agency_event_no_replace")
    connection.cursor().execute("DROP TRIGGER earnings_posting_no_replace")
    lacking = audit.missing_triggers()

    append_only.refuse_replacing(connection)
    append_only.refuse_replacing(connection)

    assert lacking == {"earnings_posting": ["earnings_posting_no_replace"]}
    assert audit.missing_triggers() == {}
    Event.record(make_run().pk, "run.opened", "opened")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute("INSERT OR REPLACE INTO agency_event SELECT * FROM agency_event")
