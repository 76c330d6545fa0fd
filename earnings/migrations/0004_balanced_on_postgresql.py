"""PostgreSQL can ask at commit whether the postings of an entry sum to zero; SQLite has no deferred triggers."""

from django.db import migrations

INSTALL = """
CREATE OR REPLACE FUNCTION earnings_entry_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT SUM(amount_minor) FROM earnings_posting WHERE entry_id = NEW.entry_id) <> 0 THEN
        RAISE EXCEPTION 'journal entry % is not balanced', NEW.entry_id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER earnings_posting_balanced AFTER INSERT ON earnings_posting
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION earnings_entry_is_balanced();
"""
REMOVE = """
DROP TRIGGER IF EXISTS earnings_posting_balanced ON earnings_posting;
DROP FUNCTION IF EXISTS earnings_entry_is_balanced();
"""


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(INSTALL, params=None)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(REMOVE, params=None)


class Migration(migrations.Migration):
    dependencies = [("earnings", "0003_chart_and_channels")]
    operations = [migrations.RunPython(install, remove)]
