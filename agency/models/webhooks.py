"""Who wants to be told what happened, and what became of each message (Standard Webhooks)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from agency.models.transitions import Transitions, TransitionsQuerySet


class WebhookEndpoint(models.Model):
    """An address that gets signed messages. `events` lists event types or is empty for all of them."""

    url = models.URLField(max_length=500)
    description = models.CharField(max_length=200, blank=True)
    events = models.JSONField(default=list, blank=True)
    secret = models.CharField(max_length=100, help_text="whsec_ and base64 of 24 to 64 random bytes.")
    is_active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0, help_text="Messages given up in a row.")
    disabled_reason = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return self.url


class WebhookDelivery(Transitions):
    """One message to one endpoint: written in the transaction of what it tells, sent by workers under a lease.

    `body` is the exact text that is signed. `tries` lists `{"at", "status", "error", "ms"}` of each send.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"
        DELIVERED = "delivered"
        FAILED = "failed"

    TERMINAL = (Status.DELIVERED, Status.FAILED)
    TRANSITIONS = {
        Status.QUEUED: {Status.SENDING, Status.FAILED},
        Status.SENDING: {Status.QUEUED, Status.SENDING, Status.DELIVERED, Status.FAILED},
        # Redelivered on request.
        Status.DELIVERED: {Status.QUEUED},
        Status.FAILED: {Status.QUEUED},
    }

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries")
    message_id = models.CharField(max_length=40, help_text="webhook-id: the same at every try.")
    event_type = models.CharField(max_length=60)
    body = models.TextField()
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    tries = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True, blank=True)

    objects = TransitionsQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "message_id"], name="webhook_message_once_per_endpoint"),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "sending", "delivered", "failed"]),
                name="webhook_delivery_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(lease_until__isnull=False), name="webhook_sending_has_lease"
            ),
        ]
        indexes = [
            # webhooks.send_due: what waits to be sent, whatever the history behind it.
            models.Index(fields=["due_at"], condition=Q(status="queued"), name="webhook_due"),
            models.Index(fields=["lease_until"], condition=Q(status="sending"), name="webhook_leased"),
        ]

    def __str__(self):
        return f"{self.event_type} to {self.endpoint_id}"
