"""What workflows suggest and staff decide."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from agency.models.transitions import Transitions


class Proposal(Transitions):
    """One concrete edit of a gig or package that a workflow suggests; staff accept it or not, one by one.

    `old` and `new` are JSON values of `field`. Accepting writes `new` only while the row still holds `old`.
    """

    class Status(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        REJECTED = "rejected"
        OUTDATED = "outdated"

    TRANSITIONS = {Status.OPEN: {Status.ACCEPTED, Status.REJECTED, Status.OUTDATED}}

    task = models.ForeignKey("Task", on_delete=models.PROTECT, related_name="proposals")
    gig = models.ForeignKey("Gig", on_delete=models.CASCADE, related_name="proposals")
    package = models.ForeignKey(
        "Package", on_delete=models.CASCADE, null=True, blank=True, related_name="proposals"
    )
    code = models.CharField(max_length=40, help_text="What was found, e.g. title_too_long.")
    field = models.CharField(max_length=40)
    old = models.JSONField(null=True, blank=True)
    new = models.JSONField(null=True, blank=True)
    reason = models.TextField()
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            # A second review of an unchanged gig finds the same thing; it is proposed once.
            models.UniqueConstraint(
                fields=["gig", "code", "field"],
                condition=Q(status="open", package=None),
                name="proposal_open_once_per_gig",
            ),
            models.UniqueConstraint(
                fields=["package", "code", "field"],
                condition=Q(status="open", package__isnull=False),
                name="proposal_open_once_per_package",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["open", "accepted", "rejected", "outdated"]),
                name="proposal_status_known",
            ),
        ]

    def __str__(self):
        return f"{self.gig}: {self.code}"


class Promotion(Transitions):
    """A promotion of services whose every figure comes from one measured inventory.

    `items` are `{"sku", "title", "price_minor", "currency", "stock", "url"}` copied from the observation,
    `channels` maps a channel to its ready text. It is a draft until staff publish it; one is live on the
    storefront at a time.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        WITHDRAWN = "withdrawn"

    TRANSITIONS = {
        Status.DRAFT: {Status.PUBLISHED, Status.WITHDRAWN},
        Status.PUBLISHED: {Status.WITHDRAWN},
        Status.WITHDRAWN: {Status.PUBLISHED},
    }

    task = models.OneToOneField("Task", on_delete=models.PROTECT, related_name="promotion")
    observation = models.ForeignKey("Observation", on_delete=models.PROTECT, related_name="promotions")
    headline = models.CharField(max_length=120)
    body = models.TextField()
    link = models.CharField(max_length=300, help_text="Where the banner leads, with its UTM parameters.")
    items = models.JSONField(default=list)
    channels = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-id"]
        permissions = [("publish_promotion", "Can publish a promotion on the storefront")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["draft", "published", "withdrawn"]), name="promotion_status_known"
            ),
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="published"), name="one_promotion_published"
            ),
        ]

    def __str__(self):
        return self.headline
