"""What the nightly check of the ledger found."""

from django.db import models
from django.db.models import Q


class LedgerCheck(models.Model):
    """One proof of the ledger: of a night (`night` is the store's day), or asked for by somebody."""

    night = models.DateField(null=True, blank=True, unique=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    number = models.PositiveIntegerField(default=0, help_text="How many violations there were.")
    violations = models.JSONField(default=list, help_text="The first hundred: code, subject and detail.")
    counts = models.JSONField(default=dict, help_text="How many rows were looked at.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at__isnull=False) | Q(number=0), name="ledger_check_found_when_finished"
            )
        ]

    def __str__(self):
        return f"Check of {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def is_sound(self):
        return self.finished_at is not None and not self.number
