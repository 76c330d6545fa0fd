"""Status changes along a table, decided by the database."""

from django.db import models


class TransitionsQuerySet(models.QuerySet):
    def may_become(self, to):
        """The rows whose status may change to `to`."""
        return self.filter(status__in=[now for now, next_ in self.model.TRANSITIONS.items() if to in next_])


class Transitions(models.Model):
    """A row whose `status` moves only along `TRANSITIONS` (status -> statuses that may follow)."""

    TRANSITIONS = {}

    objects = TransitionsQuerySet.as_manager()

    class Meta:
        abstract = True

    def advance(self, to, **fields):
        """Move to `to` if the stored row still allows it; False if another process got there first."""
        moved = type(self).objects.may_become(to).filter(pk=self.pk).update(status=to, **fields)
        self.refresh_from_db()
        return bool(moved)

    @property
    def allowed(self):
        """The statuses that may follow the present one."""
        return sorted(self.TRANSITIONS.get(self.status, ()))
