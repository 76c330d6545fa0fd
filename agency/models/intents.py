"""A wish, the states it may collapse to, and the playbooks that know wishes."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from agency.models.transitions import Transitions


class Pipeline(models.TextChoices):
    SALES = "sales"
    OPS = "ops"


class Playbook(models.Model):
    """What the agency does about one kind of wish; staff edit it."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80, unique=True)
    description = models.TextField(blank=True)
    phrases = models.TextField(help_text="Wishes that mean this playbook, one on each line.")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class PlaybookStep(models.Model):
    """One workflow that could serve the playbook's wish, with its share before evidence is weighed."""

    playbook = models.ForeignKey(Playbook, on_delete=models.CASCADE, related_name="steps")
    workflow = models.CharField(max_length=40)
    weight = models.PositiveIntegerField(default=10, help_text="Share beside the other steps, 1 to 100.")
    is_chosen = models.BooleanField(
        "part of the collapse",
        default=True,
        help_text="Without it the state stays an alternative that can be chosen by hand.",
    )
    params = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["playbook", "workflow"], name="step_once_per_playbook"),
            models.CheckConstraint(condition=Q(weight__range=(1, 100)), name="step_weight_1_to_100"),
        ]

    def __str__(self):
        return self.workflow


class Intent(Transitions):
    """A client's or owner's wish. It stays in superposition until it collapses, exactly once."""

    class Status(models.TextChoices):
        SUPERPOSED = "superposed"
        COLLAPSED = "collapsed"
        EXPIRED = "expired"

    TRANSITIONS = {Status.SUPERPOSED: {Status.COLLAPSED, Status.EXPIRED}}

    statement = models.CharField(max_length=300)
    status = models.CharField(max_length=12, choices=Status, default=Status.SUPERPOSED)
    playbook = models.ForeignKey(Playbook, on_delete=models.PROTECT, related_name="intents")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    schedule = models.ForeignKey(
        "Schedule", on_delete=models.SET_NULL, null=True, blank=True, related_name="intents"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    collapsed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["superposed", "collapsed", "expired"]), name="intent_status_known"
            )
        ]
        indexes = [
            # direction_board.sweep: wishes that nobody collapsed in time.
            models.Index(fields=["created_at"], condition=Q(status="superposed"), name="intent_superposed"),
        ]

    def __str__(self):
        return self.statement


class CandidateState(models.Model):
    """One workflow that the intent may collapse to.

    `weight_bp` is its share in basis points: those of one intent sum to 10,000, exactly. `evidence` is a list
    of `{"text", "factor", "source"}`: what in the data raised or lowered the share.
    """

    intent = models.ForeignKey(Intent, on_delete=models.CASCADE, related_name="states")
    key = models.CharField(max_length=40)
    workflow = models.CharField(max_length=40)
    pipeline = models.CharField(max_length=5, choices=Pipeline)
    weight_bp = models.PositiveIntegerField()
    evidence = models.JSONField(default=list)
    params = models.JSONField(default=dict)
    is_chosen = models.BooleanField(default=True)

    class Meta:
        ordering = ["-weight_bp", "key"]
        constraints = [
            models.UniqueConstraint(fields=["intent", "key"], name="state_once_per_intent"),
            models.CheckConstraint(condition=Q(weight_bp__lte=10_000), name="state_weight_at_most_one"),
        ]

    def __str__(self):
        return f"{self.workflow} {self.weight_bp / 100:.0f} %"

    @property
    def weight(self):
        """The share as a number from 0 to 1."""
        return self.weight_bp / 10_000
