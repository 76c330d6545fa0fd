"""The version of the shop's pages, kept by triggers on every table that they read."""

from django.db import migrations

from storefront import page_index


def install(apps, schema_editor):
    page_index.install(schema_editor.connection)


def remove(apps, schema_editor):
    page_index.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("storefront", "0006_library"), ("agency", "0001_initial")]

    operations = [migrations.RunPython(install, remove)]
