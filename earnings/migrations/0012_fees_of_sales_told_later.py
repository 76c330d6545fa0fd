"""What a channel keeps of a sale may be told after it was booked: a cost, or its credit, of an earning."""

from django.db import migrations, models

from earnings.append_only import AppendOnly, Changeable


class Migration(migrations.Migration):
    dependencies = [("earnings", "0011_payouts_told_by_statements")]
    operations = [
        Changeable("earnings_journalentry"),
        migrations.RemoveConstraint(model_name="journalentry", name="entry_event_fits_earning"),
        migrations.AddConstraint(
            model_name="journalentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("earning__isnull", False), ("event__in", ["paid", "earned", "cleared", "disputed"])),
                    models.Q(("earning__isnull", True), ("event", "adjusted")),
                    ("event__in", ["paid_out", "refunded", "reversed", "cost", "credited"]),
                    _connector="OR",
                ),
                name="entry_event_fits_earning",
            ),
        ),
        AppendOnly("earnings_journalentry"),
    ]
