"""Wishes that come back."""

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery

from agency.models.intents import Intent
from agency.models.runs import Run

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class ScheduleQuerySet(models.QuerySet):
    def with_last_run(self):
        """Each with `last_run_id` and `last_run_status` of the newest run that it opened."""
        # By way of the newest intent, which one index finds: whatever the history behind it.
        intents = Intent.objects.filter(schedule=OuterRef("pk")).order_by("-pk")
        runs = Run.objects.filter(intent=OuterRef("last_intent_id")).order_by("-pk")
        return self.annotate(last_intent_id=Subquery(intents.values("pk")[:1])).annotate(
            last_run_id=Subquery(runs.values("pk")[:1]), last_run_status=Subquery(runs.values("status")[:1])
        )


class Schedule(models.Model):
    """An intent that is opened and collapsed again and again.

    `next_at` is the slot that comes next; who moves it on by a conditional UPDATE opens the intent, so that two
    clusters run a slot once. A slot that was missed runs once when somebody is there again, however many passed.
    `last_error` is why the slot of `last_at` did not open a run; empty when it did.
    """

    class Cadence(models.TextChoices):
        DAILY = "daily", "every day"
        WEEKLY = "weekly", "every week"
        MONTHLY = "monthly", "every month"
        CRON = "cron"

    statement = models.CharField(max_length=300)
    cadence = models.CharField(max_length=8, choices=Cadence, default=Cadence.DAILY)
    at = models.TimeField(default="06:00", help_text="Time of day in the store's time zone.")
    weekday = models.PositiveSmallIntegerField(null=True, blank=True, help_text="0 = Monday, for every week.")
    day = models.PositiveSmallIntegerField(null=True, blank=True, help_text="1 to 28, for every month.")
    cron = models.CharField(max_length=100, blank=True, help_text="Minute hour day month weekday.")
    is_active = models.BooleanField(default=True)
    next_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True, help_text="The slot that ran last.")
    last_error = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(cadence__in=["daily", "weekly", "monthly", "cron"]), name="schedule_cadence_known"
            ),
            # "Is not null" is said, too: a comparison with null is neither true nor false, and passes a check.
            models.CheckConstraint(
                condition=~Q(cadence="weekly") | Q(weekday__isnull=False, weekday__range=(0, 6)),
                name="schedule_weekday",
            ),
            models.CheckConstraint(
                condition=~Q(cadence="monthly") | Q(day__isnull=False, day__range=(1, 28)), name="schedule_day"
            ),
            models.CheckConstraint(condition=~Q(cadence="cron") | ~Q(cron=""), name="schedule_cron"),
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(next_at__isnull=False), name="schedule_active_has_next"
            ),
        ]
        indexes = [
            # schedules.fire: the slots whose time has come.
            models.Index(fields=["next_at"], condition=Q(is_active=True), name="schedule_next"),
        ]

    def __str__(self):
        return self.statement

    @property
    def expression(self):
        """The slots as cron writes them: minute, hour, day, month, weekday in the store's time zone."""
        if self.cadence == self.Cadence.CRON:
            return self.cron
        days = "* * *"
        if self.cadence == self.Cadence.WEEKLY:
            days = f"* * {(self.weekday + 1) % 7}"  # cron counts from Sunday
        elif self.cadence == self.Cadence.MONTHLY:
            days = f"{self.day} * *"
        return f"{self.at.minute} {self.at.hour} {days}"

    @property
    def when(self):
        """The slots in words."""
        if self.cadence == self.Cadence.CRON:
            return f"cron {self.cron}"
        days = "every day"
        if self.cadence == self.Cadence.WEEKLY:
            days = f"every {DAYS[self.weekday]}"
        elif self.cadence == self.Cadence.MONTHLY:
            days = f"day {self.day} of every month"
        return f"{days} at {self.at:%H:%M}"
