from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("agency", "0020_playbook_phrases")]

    operations = [
        migrations.RemoveConstraint("schedule", "schedule_weekday"),
        migrations.RemoveConstraint("schedule", "schedule_day"),
        migrations.AddConstraint(
            "schedule",
            models.CheckConstraint(
                condition=~Q(cadence="weekly") | Q(weekday__isnull=False, weekday__range=(0, 6)),
                name="schedule_weekday",
            ),
        ),
        migrations.AddConstraint(
            "schedule",
            models.CheckConstraint(
                condition=~Q(cadence="monthly") | Q(day__isnull=False, day__range=(1, 28)), name="schedule_day"
            ),
        ),
    ]
