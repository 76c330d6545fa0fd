"""Catalog files that people uploaded, and what was done with them."""

from django.conf import settings
from django.core.files.storage import storages
from django.db import models
from django.db.models import Q


def private_storage():
    return storages["default"]


class CatalogImport(models.Model):
    """One catalog file, kept as it came, with the report of its import.

    `report` is a list of rows `{"row", "sku", "outcome", "changes", "problems"}`; `row` counts from 1 at the
    header, as a spreadsheet shows it. What is created has `"title"`, `"price_minor"` and `"currency"`, too. It
    holds at most 10,000 rows, the refused and changed ones first.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"  # a worker is to preview it
        PREVIEWED = "previewed"
        APPLIED = "applied"
        REFUSED = "refused"

    name = models.CharField(max_length=200, help_text="File name as uploaded.")
    file = models.FileField(upload_to="catalogs/%Y/%m/", storage=private_storage, max_length=255)
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=40)
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=4, blank=True)
    status = models.CharField(max_length=10, choices=Status)
    run_id = models.BigIntegerField(null=True, blank=True, help_text="The run that works on it, or did.")
    publish = models.BooleanField(
        default=False, help_text="List the rows that the file itself marks as published."
    )
    leaves_out = models.BooleanField(
        default=False, help_text="Rows that can't be imported are left out, and the others are imported."
    )
    created_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    refused_count = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "previewed", "applied", "refused"]), name="import_status_known"
            )
        ]

    def __str__(self):
        return self.name

    def read(self):
        """The file's bytes, as they came."""
        with self.file.open("rb") as stored:
            return stored.read()
