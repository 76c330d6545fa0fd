"""The database itself refuses to change what was written down."""

import pytest
from django.db import DatabaseError, connection, transaction

from agency.models import Event
from tests.factories import make_run

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
