"""SQLite's REPLACE passed by the triggers that refuse UPDATE and DELETE."""

from django.db import migrations

from earnings import append_only


def refuse_replacing(apps, schema_editor):
    append_only.refuse_replacing(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("earnings", "0012_fees_of_sales_told_later")]

    operations = [migrations.RunPython(refuse_replacing, migrations.RunPython.noop)]
