from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

import agency.webhook_signing


class Migration(migrations.Migration):
    dependencies = [
        ("agency", "0006_engine"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(model_name="webhookdelivery", name="webhook_due"),
        migrations.AddField(
            model_name="webhookdelivery",
            name="failed_tries",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="webhookendpoint", name="old_secrets", field=models.JSONField(blank=True, default=list)
        ),
        migrations.AddField(
            model_name="webhookendpoint", name="removed_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AlterField(
            model_name="webhookdelivery", name="tries", field=models.JSONField(blank=True, default=list)
        ),
        migrations.AlterField(
            model_name="webhookendpoint",
            name="secret",
            field=models.CharField(default=agency.webhook_signing.new_secret, max_length=100),
        ),
        migrations.AlterField(model_name="webhookendpoint", name="url", field=models.CharField(max_length=500)),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(condition=Q(status="queued"), fields=["endpoint", "due_at"], name="webhook_due"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery", index=models.Index(fields=["created_at"], name="webhook_age")
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                condition=Q(status="sending"), fields=("endpoint",), name="webhook_one_at_a_time_per_endpoint"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=Q(status="delivered", delivered_at__isnull=False)
                | Q(~Q(status="delivered"), delivered_at=None),
                name="webhook_delivered_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.UniqueConstraint(
                condition=Q(removed_at=None), fields=("url",), name="webhook_address_has_one_endpoint"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=Q(removed_at=None) | Q(is_active=False, secret=""), name="webhook_removed_is_silent"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=Q(removed_at__isnull=False) | Q(secret__startswith="whsec_"),  # noqa: S106  a prefix
                name="webhook_endpoint_has_secret",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=Q(is_active=False) | Q(disabled_reason=""), name="webhook_active_has_no_reason_against"
            ),
        ),
    ]
