"""Wishes that come back."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Schedule(models.Model):
    """An intent that is opened and collapsed again and again.

    `next_at` is the slot that comes next; who moves it on by a conditional UPDATE opens the intent, so that two
    clusters run a slot once. A slot that was missed runs once when somebody is there again, however many passed.
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

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(cadence__in=["daily", "weekly", "monthly", "cron"]), name="schedule_cadence_known"
            ),
            models.CheckConstraint(
                condition=~Q(cadence="weekly") | Q(weekday__range=(0, 6)), name="schedule_weekday"
            ),
            models.CheckConstraint(condition=~Q(cadence="monthly") | Q(day__range=(1, 28)), name="schedule_day"),
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
