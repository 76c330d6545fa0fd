"""The groups that an installation starts with."""

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

GROUPS = {
    # room -> model -> what may be done to it
    "Operators": {
        "agency": {"*": ["view", "add", "change", "publish", "approve"], "webhookendpoint": ["delete"]},
        "storefront": {"*": ["view", "publish"], "order": ["settle", "refund"], "entitlement": ["change"]},
        "earnings": {"*": ["view"]},
    },
    "Catalog editors": {
        # Not orders: what people bought is none of a catalog editor's business.
        "storefront": {
            "product": ["view", "add", "change", "publish"],
            "catalogimport": ["view", "add", "change"],
            "productfile": ["view", "add", "change"],
            "licensekey": ["view", "add", "delete"],
            "release": ["view", "add", "change", "publish"],
        },
        "agency": {
            "gig": ["view", "add", "change"],
            "package": ["view", "add", "change"],
            "artifact": ["view"],
        },
    },
    "Accountants": {
        "earnings": {"*": ["view", "add", "change"]},
        "agency": {"serviceorder": ["view"], "run": ["view"], "artifact": ["view"]},
        "storefront": {
            **{row: ["view"] for row in ("orderline", "payment", "paymentevent", "refund", "dispute")},
            "order": ["view", "settle", "refund"],
        },
    },
}


def create_groups(**kwargs):
    """Make the three groups with their rights, and give them those that an update brings.

    What an owner took from a group later stays taken.
    """
    known = set(Permission.objects.values_list("pk", flat=True))
    for room in ("earnings", "agency", "storefront"):
        create_permissions(apps.get_app_config(room), verbosity=0)  # ours may come before Django's own call
    for name, rooms in GROUPS.items():
        group, created = Group.objects.get_or_create(name=name)
        rights = Permission.objects.filter(_rights(rooms))
        group.permissions.add(*(rights if created else rights.exclude(pk__in=known)))


def _rights(rooms):
    wanted = Q(pk=None)
    for app, models in rooms.items():
        for model, verbs in models.items():
            for verb in verbs:
                right = Q(content_type__app_label=app, codename__startswith=f"{verb}_")
                wanted |= right if model == "*" else right & Q(content_type__model=model)
    return wanted
