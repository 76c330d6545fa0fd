from django.db import migrations

from earnings.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("earnings", "0001_initial")]
    operations = [
        AppendOnly("earnings_earning"),
        AppendOnly("earnings_journalentry"),
        AppendOnly("earnings_posting"),
    ]
