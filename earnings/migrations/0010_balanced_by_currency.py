"""At commit PostgreSQL asks for more: every currency of an entry is balanced by itself, and no entry is empty.

What a payout paid out can't be changed any more, on both databases.
"""

from django.db import migrations

from earnings.append_only import AppendOnly

INSTALL = """
CREATE OR REPLACE FUNCTION earnings_entry_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM earnings_posting WHERE entry_id = NEW.entry_id
               GROUP BY currency HAVING SUM(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'journal entry % is not balanced', NEW.entry_id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION earnings_entry_has_postings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM earnings_posting WHERE entry_id = NEW.id) THEN
        RAISE EXCEPTION 'journal entry % is empty', NEW.id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER earnings_journalentry_not_empty AFTER INSERT ON earnings_journalentry
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION earnings_entry_has_postings();
"""
REMOVE = """
DROP TRIGGER IF EXISTS earnings_journalentry_not_empty ON earnings_journalentry;
DROP FUNCTION IF EXISTS earnings_entry_has_postings();
"""


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(INSTALL, params=None)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(REMOVE, params=None)


class Migration(migrations.Migration):
    dependencies = [("earnings", "0009_newest_entries")]
    operations = [
        migrations.RunPython(install, remove),
        AppendOnly("earnings_payoutpart"),
    ]
