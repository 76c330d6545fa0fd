"""Tables whose rows can be added but never changed or removed, held by triggers of the database itself.

A rule in Python would not stop raw SQL, a data migration or a queryset's `update()`.
"""

from django.db.migrations.operations.base import Operation

SQLITE = """
CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;
CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;
"""
# SQLite's REPLACE removes the row that is in its way, and asks no trigger. Only the primary key is looked at: our
# keys are given again on purpose (ON CONFLICT DO NOTHING), and foreign keys hold what is replaced by its key.
NO_REPLACE = """
CREATE TRIGGER IF NOT EXISTS {table}_no_replace BEFORE INSERT ON {table}
WHEN NEW.id > 0 AND EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;
"""
POSTGRESQL = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23001'; END $$;
CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def install(connection, table):
    """Create the triggers of `table` on SQLite or PostgreSQL; any other database is refused."""
    scripts = {"sqlite": SQLITE + NO_REPLACE, "postgresql": POSTGRESQL}
    if connection.vendor not in scripts:
        raise NotImplementedError(f"append-only tables are not written for {connection.vendor}")
    _execute(connection, scripts[connection.vendor].format(table=table))


def remove(connection, table):
    """Drop the triggers of `table`: for a reverse migration and for a test that empties its database."""
    names = rules(connection)
    on = f" ON {table}" if connection.vendor == "postgresql" else ""
    _execute(connection, "\n".join(f"DROP TRIGGER IF EXISTS {table}_{name}{on};" for name in names))


def rules(connection):
    """How the triggers of a table end their names."""
    return ["no_update", "no_delete", "no_truncate" if connection.vendor == "postgresql" else "no_replace"]


def refuse_replacing(connection):
    """Give the tables that are append-only already the trigger that came later. Twice is once."""
    if connection.vendor == "sqlite":
        for table in tables(connection):
            _execute(connection, NO_REPLACE.format(table=table))


def _execute(connection, script):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(script)
            return
        # Not executescript: it would commit the migration's transaction.
        statements = script.replace("END;", "END\0").replace(";\nDROP", "\0DROP").split("\0")
        for statement in statements:
            if statement.strip(" ;\n"):
                cursor.execute(statement.strip(" ;\n") if "DROP" in statement else statement.strip())


class AppendOnly(Operation):
    """Migration operation: from here on the rows of `table` can only be added.

    On SQLite a migration that rebuilds the table loses its triggers: it begins with `Changeable` and ends with
    `AppendOnly` again. The check `earnings.E001` finds a table that lost them.
    """

    reversible = True

    def __init__(self, table):
        self.table = table

    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        install(schema_editor.connection, self.table)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        remove(schema_editor.connection, self.table)

    def describe(self):
        return f"Make {self.table} append-only"


class Changeable(AppendOnly):
    """Migration operation: the rows of `table` may be changed until an `AppendOnly` further down."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        remove(schema_editor.connection, self.table)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        install(schema_editor.connection, self.table)

    def describe(self):
        return f"Make {self.table} changeable"


def tables(connection):
    """The append-only tables of this database, sorted."""
    query = {
        "sqlite": "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%_no_delete'",
        "postgresql": "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%_no_delete'",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        return sorted(row[0] for row in cursor.fetchall())
