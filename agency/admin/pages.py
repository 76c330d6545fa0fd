"""Ways from one page of the admin to another, shown to who may go there: a link to a refusal is a broken one."""

from django.contrib.auth import get_permission_codename
from django.urls import reverse
from django.utils.html import format_html


def may(user, what, model):
    """Whether the user has Django's `what` ("view", "add", ...) right to a model."""
    return user.has_perm(f"{model._meta.app_label}.{get_permission_codename(what, model._meta)}")


def link(row, text, user):
    """The row's own page under this text; the text alone for who may not look at it."""
    if not may(user, "view", row):
        return format_html("{}", text)
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, text)


class SeenBy:
    """An admin whose rows know who looks at their page: display methods get the row alone from Django."""

    def get_object(self, request, object_id, from_field=None):
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            row.seen_by = request.user
        return row
