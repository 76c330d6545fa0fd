"""Answers that a repeated request gets again."""

from django.db import models
from django.utils import timezone


class RememberedAnswer(models.Model):
    """What a POST with an Idempotency-Key was answered; `status` is empty while the first one still runs.

    `scope` is the SHA-256 of caller, method, path and key; `body_sha256` that of the request's canonical JSON.
    """

    scope = models.CharField(max_length=64, unique=True)
    body_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    content_type = models.CharField(max_length=80, blank=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self):
        return self.scope[:12]
