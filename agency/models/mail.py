"""What we write to buyers and clients, and what became of each mail."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from agency.models.transitions import Transitions, TransitionsQuerySet


def new_message_name():
    return uuid.uuid4().hex


class MailQuerySet(TransitionsQuerySet):
    def due(self, now):
        """What waits to be sent and may be sent now, the longest wait first."""
        return self.filter(status=Mail.Status.QUEUED, due_at__lte=now).order_by("due_at", "id")

    def lost(self, now):
        """What a sender claimed and did not end within its lease."""
        return self.filter(status=Mail.Status.SENDING, lease_until__lt=now)


class Mail(Transitions):
    """One mail to one address: written in the transaction of what it tells, sent by a thread under a lease.

    `key` says what it tells, once: `order:12:paid`. `template` and `context` are what it is made of when it is
    sent. `attempts` is the fence: only the newest sender writes how it ended. `tries` lists `{"at", "error"}` of
    each send; `failed_tries` and `queued_at` belong to the present round, which "send again" begins anew.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed", "given up"

    TERMINAL = (Status.SENT, Status.FAILED)
    TRANSITIONS = {
        Status.QUEUED: {Status.SENDING},
        Status.SENDING: {Status.QUEUED, Status.SENT, Status.FAILED},
        # Sent again on request.
        Status.SENT: {Status.QUEUED},
        Status.FAILED: {Status.QUEUED},
    }

    key = models.CharField(max_length=120, unique=True)
    to = models.EmailField()
    template = models.CharField(max_length=40)
    context = models.JSONField(default=dict, blank=True)
    message_name = models.CharField(
        max_length=32, default=new_message_name, help_text="Of the Message-ID: the same at every try."
    )
    status = models.CharField(max_length=7, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    failed_tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    tries = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "mail"
        constraints = [
            # One address and no second header, whoever writes the row.
            models.CheckConstraint(
                condition=Q(to__regex=r"^[^\s@,;<>]+@[^\s@,;<>]+\Z"), name="mail_to_one_address"
            ),
            models.CheckConstraint(condition=~Q(key=""), name="mail_has_key"),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "sending", "sent", "failed"]), name="mail_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(lease_until__isnull=False), name="mail_sending_has_lease"
            ),
            models.CheckConstraint(
                condition=~Q(status="sent") | Q(sent_at__isnull=False), name="mail_sent_has_time"
            ),
        ]
        indexes = [
            # MailQuerySet.due: what waits, whatever the history behind it.
            models.Index(fields=["due_at"], condition=Q(status="queued"), name="mail_due"),
            # MailQuerySet.lost: what a killed sender left.
            models.Index(fields=["lease_until"], condition=Q(status="sending"), name="mail_leased"),
            # mail.forget: the oldest, to be deleted.
            models.Index(fields=["created_at"], name="mail_age"),
        ]

    def __str__(self):
        return f"Mail {self.pk}: {self.template}"

    @property
    def error(self):
        """What went wrong at the last try, or ""."""
        return self.tries[-1]["error"] if self.tries else ""
