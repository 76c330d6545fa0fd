from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def as_their_packages_say(apps, schema_editor):
    """What was agreed before is not known any more; from now on it does not change with the package."""
    packages = apps.get_model("agency", "Package").objects.filter(pk=OuterRef("package"))
    apps.get_model("agency", "ServiceOrder").objects.update(
        agreed_days=Subquery(packages.values("delivery_days")[:1]),
        agreed_revisions=Subquery(packages.values("revisions")[:1]),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("agency", "0029_small_artifacts"),
    ]

    operations = [
        migrations.AddField(
            model_name="serviceorder",
            name="agreed_days",
            field=models.PositiveIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="serviceorder",
            name="agreed_revisions",
            field=models.PositiveIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.RunPython(as_their_packages_say, migrations.RunPython.noop),
    ]
