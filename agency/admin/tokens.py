"""Ways into the API for programs: made, shown once, revoked."""

import knox.admin  # noqa: F401  it registers its own page first; ours takes its place
from django import forms
from django.contrib import admin
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.urls import reverse
from knox.models import AuthToken

from agency.tokens import make_token
from earnings.refusals import Refusal

LONGEST = 3650  # days


class TokenForm(forms.Form):
    user = forms.ModelChoiceField(User.objects.none(), help_text="The program gets this user's rights.")
    days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LONGEST,
        label="Valid for days",
        help_text="Empty = until it is revoked.",
    )
    is_read_only = forms.BooleanField(
        required=False, label="Only to read", help_text="It may view what its user may view, and change nothing."
    )
    rights = forms.CharField(
        required=False,
        label="Only these rights",
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        help_text="One on each line, such as agency.view_run. Empty = all rights of the user.",
    )

    def __init__(self, *args, asked_by, **kwargs):
        super().__init__(*args, **kwargs)
        users = User.objects.filter(is_active=True).order_by("username")
        # A token is as good as its user's password: who isn't an owner makes only their own.
        self.fields["user"].queryset = users if asked_by.is_superuser else users.filter(pk=asked_by.pk)
        self.fields["user"].initial = asked_by.pk


admin.site.unregister(AuthToken)


@admin.register(AuthToken)
class TokenAdmin(admin.ModelAdmin):
    """Tokens are stored hashed: nobody sees one again. Deleting one revokes it."""

    list_display = ["begins_with", "user", "may", "created", "expiry"]
    list_select_related = ["user", "scope"]
    search_fields = ["token_key", "user__username"]
    fields = ["begins_with", "user", "may", "created", "expiry"]
    readonly_fields = fields

    def has_change_permission(self, request, obj=None):
        return False

    def get_queryset(self, request):
        found = super().get_queryset(request)
        return found if request.user.is_superuser else found.filter(user=request.user)

    def get_actions(self, request):
        actions = super().get_actions(request)
        if "delete_selected" in actions:
            call, name, _ = actions["delete_selected"]
            actions["delete_selected"] = (call, name, "Revoke the selected tokens")
        return actions

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, (extra_context or {}) | {"title": "API tokens"})

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = TokenForm(request.POST if request.method == "POST" else None, asked_by=request.user)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Make an API token",
            "plural": "API tokens",
            "form": form,
            "back": reverse("admin:knox_authtoken_changelist"),
        }
        if request.method == "POST" and form.is_valid() and (made := self._make(form)):
            row, context["token"] = made
            self.log_addition(request, row, f"Made an API token of {row.user}")
            context |= {"made": row, "title": "The new API token"}
            # Shown in the answer itself: a redirect would have to keep it in a cookie or the session.
            return render(request, "admin/agency/token.html", context)
        return render(request, "admin/agency/verb.html", context)

    def _make(self, form):
        asked = form.cleaned_data
        try:
            return make_token(
                asked["user"],
                days=asked["days"],
                is_read_only=asked["is_read_only"],
                rights=asked["rights"].split(),
            )
        except Refusal as refusal:
            form.add_error("rights", refusal.detail)

    def log_addition(self, request, obj, message):
        """In the admin's history under a name that people know: the model's own is its digest."""
        return LogEntry.objects.create(
            user=request.user,
            content_type=ContentType.objects.get_for_model(obj),
            object_id=obj.pk,
            object_repr=f"API token {self.begins_with(obj)}",
            action_flag=ADDITION,
            change_message=message,
        )

    @admin.display(description="begins with", ordering="token_key")
    def begins_with(self, token):
        return f"{token.token_key}…"

    @admin.display(description="may do")
    def may(self, token):
        return str(token.scope) if hasattr(token, "scope") else "everything that its user may"
