"""The version of the shop's pages: a number that changes whenever a row changes that one of them is made of.

Database triggers change it, in the transaction of the change: whoever sees the change sees the new version, and no
way to write a row passes them by. It is made from the clock, so that it never comes back, not even with a backup.
"""

# Every table that a page of the shield reads, and what has to happen to it to change a page. A new order or file
# changes none before a story, a row of its own, tells of it. A test reads the pages' queries and holds this list.
READ = {
    "storefront_product": ("INSERT", "UPDATE", "DELETE"),
    "agency_gig": ("INSERT", "UPDATE", "DELETE"),
    "agency_package": ("INSERT", "UPDATE", "DELETE"),
    "agency_promotion": ("INSERT", "UPDATE", "DELETE"),
    "agency_successstory": ("INSERT", "UPDATE", "DELETE"),
    "agency_serviceorder": ("UPDATE", "DELETE"),
    "agency_artifact": ("UPDATE", "DELETE"),
}
TABLE = "storefront_pageversion"

_MICROSECONDS = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
    "postgresql": "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
}


def _name(table, event):
    return f"{table}_page_{event.lower()}"


# --- SQLite: one row; writers come one after the other anyway -------------------------------------------------

_SQLITE_TABLE = f"CREATE TABLE IF NOT EXISTS {TABLE} (slot integer PRIMARY KEY, number integer NOT NULL)"
_SQLITE_BUMP = f"""
INSERT INTO {TABLE} (slot, number) VALUES (1, {_MICROSECONDS["sqlite"]})
ON CONFLICT (slot) DO UPDATE SET number = max(number + 1, excluded.number);"""


def _sqlite():
    yield _SQLITE_TABLE
    for table, events in READ.items():
        for event in events:
            yield (
                f"CREATE TRIGGER IF NOT EXISTS {_name(table, event)} AFTER {event} ON {table} "
                f"BEGIN {_SQLITE_BUMP} END"
            )
    yield _SQLITE_BUMP


# --- PostgreSQL: a row for each writer at the same time, so that none waits until another commits --------------

_POSTGRESQL_TABLE = f"""
CREATE TABLE IF NOT EXISTS {TABLE} (
    slot bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number bigint NOT NULL
) WITH (fillfactor = 10)"""
_POSTGRESQL_BUMP = f"""
CREATE OR REPLACE FUNCTION storefront_page_bump() RETURNS trigger LANGUAGE plpgsql AS $bump$
DECLARE
    free bigint;
BEGIN
    SELECT slot INTO free FROM {TABLE} ORDER BY slot LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF free IS NULL THEN
        INSERT INTO {TABLE} (number) VALUES ({_MICROSECONDS["postgresql"]});
    ELSE
        UPDATE {TABLE} SET number = greatest(number + 1, {_MICROSECONDS["postgresql"]}) WHERE slot = free;
    END IF;
    RETURN NULL;
END $bump$"""


def _postgresql():
    yield _POSTGRESQL_TABLE
    yield _POSTGRESQL_BUMP
    for table, events in READ.items():
        for event in (*events, "TRUNCATE"):
            yield (
                f"CREATE OR REPLACE TRIGGER {_name(table, event)} AFTER {event} ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION storefront_page_bump()"
            )
    now = _MICROSECONDS["postgresql"]
    yield f"INSERT INTO {TABLE} (number) SELECT {now} WHERE NOT EXISTS (SELECT FROM {TABLE})"


def install(connection):
    """Make what is missing of the table, its triggers and its first version."""
    statements = {"sqlite": _sqlite, "postgresql": _postgresql}[connection.vendor]()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def remove(connection):
    with connection.cursor() as cursor:
        for table, event in _watched(connection):
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {_name(table, event)}{on}")
        if connection.vendor == "postgresql":
            cursor.execute("DROP FUNCTION IF EXISTS storefront_page_bump()")
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")


def _watched(connection):
    also = ("TRUNCATE",) if connection.vendor == "postgresql" else ()
    return [(table, event) for table, events in READ.items() for event in (*events, *also)]


def is_complete(connection):
    """Whether every trigger is there. A page kept without one of them could be stale."""
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        there = {name for (name,) in cursor}
    return there.issuperset(_name(table, event) for table, event in _watched(connection))
