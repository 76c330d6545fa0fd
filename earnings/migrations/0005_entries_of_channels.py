"""Entries that belong to no sale, and the id by which a channel knows a sale.

Every entry gets the channel of its earning; those of a channel alone (a listing fee, a payout) have no earning.
"""

import django.db.models.deletion
from django.db import migrations, models

from earnings.append_only import AppendOnly, Changeable

# key, name, basis points, fixed part, days until earned money clears
CHANNELS = [
    ("stripe", "Stripe", 290, 30, 2),
    ("paypal", "PayPal", 349, 49, 0),
]


def copy_channels(apps, schema_editor):
    schema_editor.execute(
        "UPDATE earnings_journalentry SET channel_id ="
        " (SELECT channel_id FROM earnings_earning WHERE earnings_earning.id = earning_id)"
    )
    if schema_editor.connection.vendor == "postgresql":
        # A table with foreign keys that are yet to be proven can't be altered.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def add(apps, schema_editor):
    account, channel = apps.get_model("earnings", "Account"), apps.get_model("earnings", "Channel")
    account.objects.get_or_create(code="adjustments", defaults={"name": "Adjustments", "type": "income"})
    for key, name, basis_points, fixed, days in CHANNELS:
        fees = {"fee_basis_points": basis_points, "fee_fixed_minor": fixed}
        channel.objects.get_or_create(key=key, defaults={"name": name, "clearing_days": days, **fees})


class Migration(migrations.Migration):
    dependencies = [("earnings", "0004_balanced_on_postgresql")]
    operations = [
        Changeable("earnings_earning"),
        Changeable("earnings_journalentry"),
        migrations.RunPython(add, migrations.RunPython.noop),
        migrations.AddField(
            model_name="earning",
            name="external_id",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The channel's own id of the sale, by which its statements name it.",
                max_length=120,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="journalentry",
            name="channel",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="earnings.channel",
            ),
        ),
        migrations.RunPython(copy_channels, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="journalentry",
            name="channel",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="earnings.channel",
            ),
        ),
        migrations.AlterField(
            model_name="journalentry",
            name="earning",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="earnings.earning",
            ),
        ),
        migrations.AlterField(
            model_name="journalentry",
            name="event",
            field=models.CharField(
                choices=[
                    ("paid", "Paid"),
                    ("earned", "Earned"),
                    ("cleared", "Cleared"),
                    ("paid_out", "Paid Out"),
                    ("refunded", "Refunded"),
                    ("disputed", "Disputed"),
                    ("reversed", "Reversed"),
                    ("cost", "Cost"),
                    ("credited", "Credited"),
                    ("adjusted", "Adjusted"),
                ],
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint(model_name="journalentry", name="entry_event_known"),
        migrations.AddConstraint(
            model_name="earning",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                fields=("channel", "kind", "external_id"),
                name="earning_external_id_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="journalentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "event__in",
                        [
                            *("paid", "earned", "cleared", "paid_out", "refunded", "disputed", "reversed"),
                            *("cost", "credited", "adjusted"),
                        ],
                    )
                ),
                name="entry_event_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="journalentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("earning__isnull", False), ("event__in", ["paid", "earned", "cleared", "disputed"])),
                    models.Q(("earning__isnull", True), ("event__in", ["cost", "credited", "adjusted"])),
                    ("event__in", ["paid_out", "refunded", "reversed"]),
                    _connector="OR",
                ),
                name="entry_event_fits_earning",
            ),
        ),
        AppendOnly("earnings_earning"),
        AppendOnly("earnings_journalentry"),
    ]
