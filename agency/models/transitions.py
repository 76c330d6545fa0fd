"""Status changes along a table, decided by the database."""

from django.db import models


class Transitions(models.Model):
    """A row whose `status` moves only along `TRANSITIONS` (status -> statuses that may follow)."""

    TRANSITIONS = {}

    class Meta:
        abstract = True

    def advance(self, to, **fields):
        """Move to `to` if the stored row still allows it; False if another process got there first."""
        sources = [status for status, targets in self.TRANSITIONS.items() if to in targets]
        moved = type(self).objects.filter(pk=self.pk, status__in=sources).update(status=to, **fields)
        self.refresh_from_db()
        return bool(moved)

    @property
    def allowed(self):
        """The statuses that may follow the present one."""
        return sorted(self.TRANSITIONS.get(self.status, ()))
