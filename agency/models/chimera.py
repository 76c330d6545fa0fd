"""The Chimera Engine's log."""

from django.db import models
from django.db.models import Q


class ChimeraTask(models.Model):
    """One call for words: who asked, who answered, what it cost and how it ended."""

    class Outcome(models.TextChoices):
        ANSWERED = "answered"
        FAILED = "failed"
        REFUSED = "refused"  # it answered, and its text was not used: a figure in it is not in the facts

    agent = models.CharField(max_length=40)
    purpose = models.CharField(max_length=80)
    task = models.ForeignKey("Task", on_delete=models.PROTECT, null=True, blank=True, related_name="chimera_tasks")
    service_order = models.ForeignKey(
        "ServiceOrder", on_delete=models.PROTECT, null=True, blank=True, related_name="chimera_tasks"
    )
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    prompt = models.TextField()
    output = models.TextField(blank=True)
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    latency_ms = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["agent", "-id"], name="chimera_agent")]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["answered", "failed", "refused"]), name="chimera_outcome_known"
            )
        ]

    def __str__(self):
        return f"{self.agent}: {self.purpose}"
