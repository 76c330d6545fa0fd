from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storefront", "0009_longer_problems"),
    ]

    operations = [
        migrations.AddField(
            model_name="paymentevent",
            name="forgotten_at",
            field=models.DateTimeField(blank=True, help_text="When its personal parts were deleted.", null=True),
        ),
        migrations.AddIndex(
            model_name="paymentevent",
            index=models.Index(
                condition=models.Q(("forgotten_at", None)), fields=["received_at"], name="payment_event_to_forget"
            ),
        ),
    ]
