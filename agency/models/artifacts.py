"""Files that prove work was done."""

import hashlib

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import models
from django.db.models import Q

from agency.models.runs import Run, Task

SMALL = 16 * 1024  # bytes


def private_storage():
    return storages["default"]


class ArtifactQuerySet(models.QuerySet):
    def visible_to(self, user):
        """What was made for a client is only for who may see service orders."""
        return self if user.has_perm("agency.view_serviceorder") else self.filter(service_order=None)


class ArtifactManager(models.Manager.from_queryset(ArtifactQuerySet)):
    def get_queryset(self):
        return super().get_queryset().defer("content")


class Artifact(models.Model):
    """A file that proves work was done; `sha256` is of its bytes. Only views that check who asks serve it.

    The bytes of a small one stand in its row: they come and go with the transaction that tells of it, and a quick
    task need not wait for a file system, or for a storage on the other side of a network.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, null=True, blank=True, related_name="artifacts")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, null=True, blank=True, related_name="artifacts")
    service_order = models.ForeignKey(
        "ServiceOrder", on_delete=models.PROTECT, null=True, blank=True, related_name="artifacts"
    )
    kind = models.CharField(max_length=40, help_text="What it is, e.g. audit_report.")
    name = models.CharField(max_length=120, help_text="File name for the one who saves it.")
    content_type = models.CharField(max_length=80)
    content = models.BinaryField(null=True)
    file = models.FileField(upload_to="artifacts/%Y/%m/", storage=private_storage, max_length=200, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ArtifactManager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["task", "name"], name="artifact_name_once_per_task"),
            models.CheckConstraint(
                condition=Q(content=None) & ~Q(file="") | Q(content__isnull=False, file=""),
                name="artifact_is_in_its_row_or_in_a_file",
            ),
        ]

    def __str__(self):
        return self.name

    def keep(self, content, name):
        """Take these bytes. Many go to the storage at once, as `name`: `discard` if the row is not written."""
        self.size = len(content)
        self.sha256 = hashlib.sha256(content).hexdigest()
        if self.size <= SMALL:
            self.content = content
        else:
            self.file.save(name, ContentFile(content), save=False)

    @property
    def stored(self):
        """The bytes as a file, to be opened; FileNotFoundError, then or before, when the storage has lost it."""
        return self.file or ContentFile(bytes(self.content))

    @property
    def is_there(self):
        return not self.file or self.file.storage.exists(self.file.name)

    def discard(self):
        """Remove from the storage what is not, or no longer, in the database."""
        if self.file:
            self.file.storage.delete(self.file.name)
