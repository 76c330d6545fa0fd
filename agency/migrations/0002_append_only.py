from django.db import migrations

from earnings.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("agency", "0001_initial")]
    operations = [
        AppendOnly("agency_observation"),
        AppendOnly("agency_event"),
    ]
