"""Statements, their rows, layouts that people describe, and the platforms that come with them."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import earnings.models.statements

# Known by their statements only: what they keep is read there.
CHANNELS = [
    ("amazon", "Amazon"),
    ("square", "Square"),
    ("patreon", "Patreon"),
    ("adsense", "AdSense"),
    ("opencollective", "Open Collective"),
    ("payhip", "Payhip"),
    ("creative-fabrica", "Creative Fabrica"),
    ("affiliate", "Affiliate programs"),
]


def add(apps, schema_editor):
    for key, name in CHANNELS:
        apps.get_model("earnings", "Channel").objects.get_or_create(key=key, defaults={"name": name})


class Migration(migrations.Migration):
    dependencies = [
        ("earnings", "0005_entries_of_channels"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="StatementFormat",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("key", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=80)),
                (
                    "header",
                    models.JSONField(
                        default=list, help_text="The columns of the file that it was described with."
                    ),
                ),
                ("columns", models.JSONField(default=dict)),
                ("words", models.JSONField(blank=True, default=dict)),
                (
                    "positive",
                    models.CharField(
                        choices=[
                            ("sale", "Sale"),
                            ("refund", "Refund"),
                            ("chargeback", "Chargeback"),
                            ("cost", "cost, or its credit"),
                            ("tax", "buyer's tax"),
                            ("adjustment", "Adjustment"),
                            ("payout", "payout to us"),
                            ("conversion", "currency conversion"),
                            ("hold", "held or released"),
                            ("own", "own money moved"),
                            ("spent", "spent by us"),
                            ("nothing", "no movement"),
                            ("unknown", "Unknown"),
                        ],
                        default="sale",
                        max_length=12,
                    ),
                ),
                (
                    "negative",
                    models.CharField(
                        choices=[
                            ("sale", "Sale"),
                            ("refund", "Refund"),
                            ("chargeback", "Chargeback"),
                            ("cost", "cost, or its credit"),
                            ("tax", "buyer's tax"),
                            ("adjustment", "Adjustment"),
                            ("payout", "payout to us"),
                            ("conversion", "currency conversion"),
                            ("hold", "held or released"),
                            ("own", "own money moved"),
                            ("spent", "spent by us"),
                            ("nothing", "no movement"),
                            ("unknown", "Unknown"),
                        ],
                        default="unknown",
                        max_length=12,
                    ),
                ),
                (
                    "fee_sign",
                    models.CharField(
                        choices=[
                            ("minus", "printed above zero: net = amount - fee"),
                            ("plus", "printed below zero: net = amount + fee"),
                        ],
                        default="minus",
                        max_length=5,
                    ),
                ),
                (
                    "date_order",
                    models.CharField(
                        blank=True,
                        choices=[("", "as the file itself shows"), ("mdy", "month first"), ("dmy", "day first")],
                        default="",
                        max_length=3,
                    ),
                ),
                (
                    "decimal_mark",
                    models.CharField(
                        blank=True,
                        choices=[("", "as the file itself shows"), (".", "1,234.56"), (",", "1.234,56")],
                        default="",
                        max_length=1,
                    ),
                ),
                (
                    "currency",
                    models.CharField(blank=True, help_text="Where no column says it, e.g. USD.", max_length=3),
                ),
                (
                    "time_zone",
                    models.CharField(
                        blank=True, help_text="Of times without one, e.g. Europe/Berlin.", max_length=40
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="earnings.channel"
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="StatementImport",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("name", models.CharField(help_text="File name as uploaded.", max_length=200)),
                (
                    "file",
                    models.FileField(
                        max_length=255,
                        storage=earnings.models.statements.private_storage,
                        upload_to="statements/%Y/%m/",
                    ),
                ),
                ("sha256", models.CharField(db_index=True, max_length=64)),
                ("format", models.CharField(max_length=50)),
                ("encoding", models.CharField(blank=True, max_length=20)),
                ("delimiter", models.CharField(blank=True, max_length=4)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("previewed", "Previewed"),
                            ("booking", "Booking"),
                            ("booked", "Booked"),
                            ("reversed", "Reversed"),
                        ],
                        default="previewed",
                        max_length=10,
                    ),
                ),
                (
                    "warnings",
                    models.JSONField(default=list, help_text="What a person should know before it is booked."),
                ),
                (
                    "own_totals",
                    models.JSONField(
                        default=dict,
                        help_text="By currency, what the file itself says that its rows sum to, in minor units.",
                    ),
                ),
                (
                    "request_key",
                    models.CharField(
                        editable=False,
                        help_text="Who asked with which Idempotency-Key.",
                        max_length=64,
                        null=True,
                        unique=True,
                    ),
                ),
                ("request_sha256", models.CharField(blank=True, editable=False, max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("booked_at", models.DateTimeField(blank=True, null=True)),
                ("reversed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="earnings.channel",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="StatementRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("number", models.PositiveIntegerField(help_text="As a spreadsheet counts.")),
                ("type", models.CharField(blank=True, help_text="The file's own word.", max_length=80)),
                (
                    "meaning",
                    models.CharField(
                        choices=[
                            ("sale", "Sale"),
                            ("refund", "Refund"),
                            ("chargeback", "Chargeback"),
                            ("cost", "cost, or its credit"),
                            ("tax", "buyer's tax"),
                            ("adjustment", "Adjustment"),
                            ("payout", "payout to us"),
                            ("conversion", "currency conversion"),
                            ("hold", "held or released"),
                            ("own", "own money moved"),
                            ("spent", "spent by us"),
                            ("nothing", "no movement"),
                            ("unknown", "Unknown"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("waiting", "will be booked"),
                            ("booked", "Booked"),
                            ("matched", "matches what is booked"),
                            ("differs", "differs from what is booked"),
                            ("known", "booked before"),
                            ("left", "not booked"),
                            ("refused", "can't be read"),
                            ("reversed", "Reversed"),
                        ],
                        max_length=8,
                    ),
                ),
                ("occurred_at", models.DateTimeField(null=True)),
                ("title", models.CharField(blank=True, max_length=200)),
                (
                    "sale",
                    models.CharField(
                        blank=True, help_text="The platform's id of the sale it is about.", max_length=120
                    ),
                ),
                (
                    "payout",
                    models.CharField(blank=True, help_text="The payout that it was part of.", max_length=80),
                ),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("gross_minor", models.BigIntegerField(default=0)),
                ("fee_minor", models.BigIntegerField(default=0)),
                ("net_minor", models.BigIntegerField(default=0)),
                ("is_printed", models.BooleanField(default=True, help_text="Part of what the file sums up.")),
                ("is_pending", models.BooleanField(default=False, help_text="Ours, but not available yet.")),
                ("identity", models.CharField(blank=True, max_length=200)),
                ("claim", models.CharField(editable=False, max_length=250, null=True, unique=True)),
                ("remarks", models.JSONField(default=list)),
                (
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="earnings.statementimport",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddIndex(
            model_name="statementimport",
            index=models.Index(
                condition=models.Q(("status", "booking")), fields=["id"], name="statement_half_booked"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementimport",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["previewed", "booking", "booked", "reversed"])),
                name="statement_status_known",
            ),
        ),
        migrations.AddIndex(
            model_name="statementrow",
            index=models.Index(fields=["statement", "outcome", "id"], name="statement_row_outcome"),
        ),
        migrations.AddConstraint(
            model_name="statementrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "net_minor",
                        django.db.models.expressions.CombinedExpression(
                            models.F("gross_minor"), "-", models.F("fee_minor")
                        ),
                    )
                ),
                name="statement_row_net_is_gross_less_fee",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "outcome__in",
                        ["waiting", "booked", "matched", "differs", "known", "left", "refused", "reversed"],
                    )
                ),
                name="statement_row_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome", "booked"), _negated=True), ("claim__isnull", False), _connector="OR"
                ),
                name="statement_row_booked_is_claimed",
            ),
        ),
        migrations.RunPython(add, migrations.RunPython.noop),
    ]
