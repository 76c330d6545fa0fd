"""Who wants to be told what happened, and what became of each message (Standard Webhooks)."""

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone

from agency.models.transitions import Transitions, TransitionsQuerySet
from agency.webhook_signing import new_secret


class WebhookEndpointQuerySet(models.QuerySet):
    def present(self):
        return self.filter(removed_at=None)


class WebhookEndpoint(models.Model):
    """An address that gets signed messages. `events` lists event types or is empty for all of them.

    `old_secrets` lists `{"secret", "until"}`: what signs beside `secret` for a while after a rotation. An endpoint
    is removed by a mark and never deleted: a run that ends at that moment may just be writing a message to it.
    """

    url = models.CharField(max_length=500)
    description = models.CharField(max_length=200, blank=True)
    events = models.JSONField(default=list, blank=True)
    secret = models.CharField(max_length=100, default=new_secret)
    old_secrets = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0, help_text="Messages given up in a row.")
    disabled_reason = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["url"], condition=Q(removed_at=None), name="webhook_address_has_one_endpoint"
            ),
            models.CheckConstraint(
                condition=Q(removed_at=None) | Q(is_active=False, secret=""),
                name="webhook_removed_is_silent",
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=False) | Q(secret__startswith="whsec_"),  # noqa: S106  a prefix
                name="webhook_endpoint_has_secret",
            ),
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(disabled_reason=""), name="webhook_active_has_no_reason_against"
            ),
        ]

    def __str__(self):
        return self.url


class WebhookDeliveryQuerySet(TransitionsQuerySet):
    def lost(self, now):
        """What a sender claimed and did not end within its lease."""
        return self.filter(status=WebhookDelivery.Status.SENDING, lease_until__lt=now)

    def first_due(self, now):
        """The oldest due message of each endpoint that nothing is being sent to."""
        sending = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), status=WebhookDelivery.Status.SENDING)
        queued = WebhookDelivery.objects.filter(
            endpoint=OuterRef("pk"), status=WebhookDelivery.Status.QUEUED, due_at__lte=now
        ).order_by("due_at", "id")
        firsts = WebhookEndpoint.objects.filter(~Exists(sending)).annotate(first=Subquery(queued.values("pk")[:1]))
        return self.filter(pk__in=firsts.exclude(first=None).values("first"))


class WebhookDelivery(Transitions):
    """One message to one endpoint: written in the transaction of what it tells, sent by a thread under a lease.

    `body` is the exact text that is signed. `attempts` is the fence: only the newest sender writes how it ended.
    `tries` lists `{"at", "status", "ms", "error"}` of each send; `failed_tries` counts those of the present round,
    which "send again" begins anew.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"
        DELIVERED = "delivered"
        FAILED = "failed"

    TERMINAL = (Status.DELIVERED, Status.FAILED)
    TRANSITIONS = {
        Status.QUEUED: {Status.SENDING},
        Status.SENDING: {Status.QUEUED, Status.DELIVERED, Status.FAILED},
        # Sent again on request.
        Status.DELIVERED: {Status.QUEUED},
        Status.FAILED: {Status.QUEUED},
    }

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries")
    message_id = models.CharField(max_length=40, help_text="webhook-id: the same at every try.")
    event_type = models.CharField(max_length=60)
    body = models.TextField()
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    failed_tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    tries = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "message_id"], name="webhook_message_once_per_endpoint"),
            # One slow receiver takes one thread, however many senders there are.
            models.UniqueConstraint(
                fields=["endpoint"], condition=Q(status="sending"), name="webhook_one_at_a_time_per_endpoint"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "sending", "delivered", "failed"]),
                name="webhook_delivery_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(lease_until__isnull=False), name="webhook_sending_has_lease"
            ),
            models.CheckConstraint(
                condition=Q(status="delivered", delivered_at__isnull=False)
                | Q(~Q(status="delivered"), delivered_at=None),
                name="webhook_delivered_has_time",
            ),
        ]
        indexes = [
            # first_due: what waits for each endpoint, whatever the history behind it.
            models.Index(fields=["endpoint", "due_at"], condition=Q(status="queued"), name="webhook_due"),
            # lost: what a killed sender left.
            models.Index(fields=["lease_until"], condition=Q(status="sending"), name="webhook_leased"),
            # webhooks.forget: the oldest, to be deleted.
            models.Index(fields=["created_at"], name="webhook_age"),
        ]

    def __str__(self):
        return f"{self.event_type} to {self.endpoint}"
