"""What a program may do less than the user whose token it holds."""

from django.contrib.auth.models import User
from django.db import models


class TokenScope(models.Model):
    """Narrows one API token; a token without a scope may do what its user may.

    `rights` are permissions as "app.codename"; empty = all of the user's. With `is_read_only`, those to view only.
    """

    token = models.OneToOneField(
        "knox.AuthToken", on_delete=models.CASCADE, primary_key=True, related_name="scope"
    )
    is_read_only = models.BooleanField(default=False)
    rights = models.JSONField(default=list, blank=True)

    def __str__(self):
        said = ["read-only"] if self.is_read_only else []
        return ", ".join([*said, *self.rights]) or "everything"

    def allows(self, right):
        """Whether the token may use this right of its user."""
        is_view = right.partition(".")[2].startswith("view_")
        return (is_view or not self.is_read_only) and (not self.rights or right in self.rights)


class NarrowedUser(User):
    """A user as a narrowed token shows them: the same person with fewer rights, whoever asks for them.

    The narrowing sits on the user and not in the views, so that no right that a verb asks for later is forgotten.
    """

    scope = None

    class Meta:
        proxy = True
        default_permissions = ()

    def has_perm(self, perm, obj=None):
        return self.scope.allows(perm) and super().has_perm(perm, obj)

    def has_module_perms(self, app_label):
        return any(
            self.has_perm(right) for right in self.get_all_permissions() if right.startswith(f"{app_label}.")
        )
