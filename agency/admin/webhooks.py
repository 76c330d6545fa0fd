"""Programs that are told what happens: their addresses, and what became of each message."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from agency import webhooks
from agency.admin.verbs import ReadOnlyAdmin, RowForm, Verb, VerbAdmin, blame, status_in
from agency.models import WebhookDelivery, WebhookEndpoint
from earnings.list_filters import PeriodFilter
from earnings.refusals import Refusal

NAMED_EVENTS = 3  # in the list; more are counted


class EndpointForm(forms.Form):
    """Where to send messages, and which."""

    url = forms.CharField(
        label="Address",
        max_length=500,
        widget=forms.URLInput(attrs={"size": 60}),
        help_text="A public https address of the program that is to be told.",
    )
    description = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text="For you: whose program it is.",
    )
    events = forms.MultipleChoiceField(
        required=False,
        choices=[(name, name) for name in webhooks.EVENT_TYPES],
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen = all of them, those of later versions too.",
    )


class ChangeForm(RowForm, EndpointForm):
    def __init__(self, *args, row, **kwargs):
        super().__init__(*args, row=row, **kwargs)
        self.initial = {name: getattr(row, name) for name in ("url", "description", "events")}


class NewSecretForm(RowForm):
    """Asks nothing; its answer is shown, so that it is no action for several rows."""


def _change(endpoint, request, **given):
    webhooks.change_endpoint(endpoint, **given)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(VerbAdmin):
    """Addresses that get signed messages. A secret is shown when it is made, and never again."""

    list_display = ["url", "description", "told", "is_active", "disabled_reason", "failures", "created_at"]
    list_filter = ["is_active"]
    search_fields = ["url", "description"]
    fields = [
        *("url", "description", "told_in_full", "is_active", "disabled_reason", "failures", "messages"),
        *("created_by", "created_at"),
    ]
    readonly_fields = ["told_in_full", "messages"]
    verbs = (
        Verb(
            "test",
            "Send a test",
            lambda row, request: webhooks.send_test(row) and None,
            "agency.change_webhookendpoint",
            "A message that says nothing but that it is a test. Its own page tells what was answered.",
            fits=lambda row: row.is_active,
        ),
        Verb(
            "change",
            "Change",
            _change,
            "agency.change_webhookendpoint",
            "What waits to be sent goes to the new address.",
            form=ChangeForm,
        ),
        Verb(
            "pause",
            "Pause",
            lambda row, request: webhooks.disable(row) and None,
            "agency.change_webhookendpoint",
            "Nothing is sent to it until it is enabled again, and what happens meanwhile is not told later.",
            fits=lambda row: row.is_active,
        ),
        Verb(
            "resume",
            "Enable again",
            lambda row, request: webhooks.enable(row) and None,
            "agency.change_webhookendpoint",
            "It is told again what happens from now on.",
            fits=lambda row: not row.is_active,
        ),
        Verb(
            "new_secret",
            "Make a new secret",
            lambda row, request: webhooks.rotate_secret(row) and None,
            "agency.change_webhookendpoint",
            "For 24 hours messages are signed with the old one, too, so that the program can change over.",
            form=NewSecretForm,
        ),
        Verb(
            "remove",
            "Remove",
            lambda row, request: webhooks.remove(row) and None,
            "agency.delete_webhookendpoint",
            "Its address and secret are forgotten for good; the log of its messages stays for 30 days.",
        ),
    )

    def get_queryset(self, request):
        return super().get_queryset(request).present().select_related("created_by")

    def has_change_permission(self, request, obj=None):
        return False  # by its verbs

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description="is told")
    def told(self, endpoint):
        more = len(endpoint.events) - NAMED_EVENTS
        named = ", ".join(endpoint.events[:NAMED_EVENTS]) or "everything"
        return f"{named} and {more} more" if more > 0 else named

    @admin.display(description="is told")
    def told_in_full(self, endpoint):
        return ", ".join(endpoint.events) or "everything"

    @admin.display()
    def messages(self, endpoint):
        address = reverse("admin:agency_webhookdelivery_changelist")
        return format_html('<a href="{}?endpoint__id__exact={}">What became of them</a>', address, endpoint.pk)

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = EndpointForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                made = webhooks.add_endpoint(**form.cleaned_data, user=request.user)
            except Refusal as refusal:
                blame(form, refusal)
            else:
                self.log_addition(request, made, "Added")
                return self._secret_page(request, made, "The new webhook endpoint")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Add a webhook endpoint",
            "form": form,
            "back": reverse("admin:agency_webhookendpoint_changelist"),
        }
        return render(request, "admin/agency/verb.html", context)

    def after(self, verb, row, request, answer):
        row.refresh_from_db()
        if verb.name == "new_secret":
            return self._secret_page(request, row, f"The new secret of {row}")
        if row.removed_at:  # its page is gone with it
            return redirect("admin:agency_webhookendpoint_changelist")
        return super().after(verb, row, request, answer)

    def _secret_page(self, request, endpoint, title):
        """Shown in the answer itself: a redirect would have to keep the secret in a cookie or the session."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "endpoint": endpoint,
            "back": self.page_of(endpoint),
        }
        return render(request, "admin/agency/webhook_secret.html", context)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(VerbAdmin, ReadOnlyAdmin):
    """Messages of the last 30 days, with each try."""

    list_display = ["id", "event_type", "status", "attempts", "last_answer", "endpoint", "due_at", "created_at"]
    list_filter = ["status", "endpoint", ("created_at", PeriodFilter)]
    list_select_related = ["endpoint"]
    search_fields = ["message_id", "event_type"]
    fields = [
        *("event_type", "endpoint", "message", "status", "attempts", "what_happened", "due_at"),
        *("created_at", "delivered_at", "message_id"),
    ]
    readonly_fields = ["message", "what_happened"]
    verbs = (
        Verb(
            "redeliver",
            "Send again",
            lambda row, request: webhooks.redeliver(row) and None,
            "agency.change_webhookdelivery",
            "It is sent now, under its old id; if that fails, it is tried again along the schedule.",
            fits=status_in(*WebhookDelivery.TERMINAL),
        ),
        Verb(
            "send_now",
            "Send now",
            lambda row, request: webhooks.redeliver(row) and None,
            "agency.change_webhookdelivery",
            "The next try is made now instead of later.",
            fits=status_in(WebhookDelivery.Status.QUEUED),
        ),
    )

    @admin.display(description="last answer")
    def last_answer(self, delivery):
        return _said(delivery.tries[-1]) if delivery.tries else "none yet"

    @admin.display()
    def message(self, delivery):
        return format_html('<div class="board-code">{}</div>', delivery.body)

    @admin.display(description="tries")
    def what_happened(self, delivery):
        rows = [(tried["at"][:19].replace("T", " "), _said(tried)) for tried in delivery.tries]
        told = format_html_join("", "<li>{} UTC: {}</li>", rows)
        return format_html('<ul class="board-list">{}</ul>', told) if rows else "none yet"


def _said(tried):
    """`200 in 35 ms`, or what went wrong."""
    answered = f"{tried['status']} in {tried['ms']} ms" if tried["status"] else ""
    return ", ".join(filter(None, [answered, tried["error"]]))
