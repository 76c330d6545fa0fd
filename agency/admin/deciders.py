"""Who may answer what a task asks."""

from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission, User

SHOWN = 5
BACKEND = "django.contrib.auth.backends.ModelBackend"  # where rights are; the other backend only throttles logins


@dataclass(frozen=True)
class Decider:
    """Who has a right: its name in words, names of groups and people, and how many people are not named."""

    right: str
    groups: list[str]
    people: list[str]
    more: int


class Deciders:
    """Asks the database once for each right, however many tasks of a page need it."""

    def __init__(self):
        self._known = {}

    def of(self, right):
        if right not in self._known:
            self._known[right] = self._look_up(right)
        return self._known[right]

    def _look_up(self, right):
        app, _, codename = right.partition(".")
        permission = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
        if permission is None:  # a right that a later version does not know: superusers still have it
            people = User.objects.filter(is_superuser=True, is_active=True)
            groups = []
        else:
            people = User.objects.with_perm(right, backend=BACKEND)
            groups = Group.objects.filter(permissions=permission).order_by("name")
            groups = list(groups.values_list("name", flat=True)[:SHOWN])
        people = people.filter(is_staff=True).order_by("username")
        names = list(people.values_list("username", flat=True)[:SHOWN])
        return Decider(permission.name if permission else right, groups, names, max(people.count() - SHOWN, 0))
