"""Totals that are kept. What was booked before is written down as not counted yet; the first sweep counts it."""

import django.db.models.deletion
from django.db import migrations, models

ACCOUNTS = (
    *("unearned", "pending", "available", "paid_out", "disputed"),
    *("deferred", "revenue", "refunds", "adjustments", "fees"),
)
NOTE_ALL = """
    INSERT INTO earnings_uncountedentry
        (entry_id, kind, currency, local_date, channel, gig, product, {accounts})
    SELECT entry.id, entry.kind, entry.currency, entry.local_date, entry.channel_id,
           COALESCE(earning.gig, ''), COALESCE(earning.product_sku, ''), {sums}
    FROM earnings_journalentry AS entry
    JOIN earnings_posting AS posting ON posting.entry_id = entry.id
    LEFT JOIN earnings_earning AS earning ON earning.id = entry.earning_id
    GROUP BY entry.id, entry.kind, entry.currency, entry.local_date, entry.channel_id, earning.gig,
             earning.product_sku
"""


def note_all(apps, schema_editor):
    sums = [
        f"COALESCE(SUM(CASE WHEN posting.account_id = '{account}' THEN posting.amount_minor END), 0)"
        for account in ACCOUNTS
    ]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(NOTE_ALL.format(accounts=", ".join(ACCOUNTS), sums=", ".join(sums)))
        if schema_editor.connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [
        ("earnings", "0006_statements"),
    ]

    operations = [
        migrations.CreateModel(
            name="UncountedEntry",
            fields=[
                ("kind", models.CharField(choices=[("real", "Real"), ("simulated", "Simulated")], max_length=10)),
                ("currency", models.CharField(max_length=3)),
                ("unearned", models.BigIntegerField(default=0)),
                ("pending", models.BigIntegerField(default=0)),
                ("available", models.BigIntegerField(default=0)),
                ("paid_out", models.BigIntegerField(default=0)),
                ("disputed", models.BigIntegerField(default=0)),
                ("deferred", models.BigIntegerField(default=0)),
                ("revenue", models.BigIntegerField(default=0)),
                ("refunds", models.BigIntegerField(default=0)),
                ("adjustments", models.BigIntegerField(default=0)),
                ("fees", models.BigIntegerField(default=0)),
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="uncounted",
                        serialize=False,
                        to="earnings.journalentry",
                    ),
                ),
                ("local_date", models.DateField()),
                ("channel", models.CharField(max_length=50)),
                ("gig", models.CharField(blank=True, max_length=120)),
                ("product", models.CharField(blank=True, max_length=120)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="RunningTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("kind", models.CharField(choices=[("real", "Real"), ("simulated", "Simulated")], max_length=10)),
                ("currency", models.CharField(max_length=3)),
                ("unearned", models.BigIntegerField(default=0)),
                ("pending", models.BigIntegerField(default=0)),
                ("available", models.BigIntegerField(default=0)),
                ("paid_out", models.BigIntegerField(default=0)),
                ("disputed", models.BigIntegerField(default=0)),
                ("deferred", models.BigIntegerField(default=0)),
                ("revenue", models.BigIntegerField(default=0)),
                ("refunds", models.BigIntegerField(default=0)),
                ("adjustments", models.BigIntegerField(default=0)),
                ("fees", models.BigIntegerField(default=0)),
                (
                    "dimension",
                    models.CharField(
                        choices=[("all", "All"), ("channel", "Channel"), ("gig", "Gig"), ("product", "Product")],
                        max_length=7,
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="The channel, gig or product; empty for all.", max_length=120
                    ),
                ),
                (
                    "grain",
                    models.CharField(
                        choices=[("total", "Total"), ("month", "Month"), ("day", "Day")], max_length=5
                    ),
                ),
                (
                    "starts_on",
                    models.DateField(help_text="The day, the month's first, or 0001-01-01 for all time."),
                ),
                ("entries", models.BigIntegerField(default=0, help_text="How many entries were added up.")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("dimension", "grain", "starts_on", "name", "kind", "currency"),
                        name="running_total_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("grain__in", ["total", "month", "day"])), name="running_total_grain"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("dimension", "all"), ("name", "")),
                            models.Q(("dimension", "channel"), models.Q(("name", ""), _negated=True)),
                            models.Q(
                                ("dimension__in", ["gig", "product"]),
                                ("grain", "total"),
                                models.Q(("name", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="running_total_dimension",
                    ),
                ],
            },
        ),
        migrations.RunPython(note_all, migrations.RunPython.noop),
    ]
