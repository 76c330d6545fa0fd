"""Breakers: which workflows were stopped because they kept failing, and the button that lets them go on."""

from django.contrib import admin
from django.urls import path, reverse
from django.utils.html import format_html

from agency import breakers
from agency.admin.verbs import ReadOnlyAdmin, Verb, VerbAdmin
from agency.models import Breaker


@admin.register(Breaker)
class BreakerAdmin(VerbAdmin, ReadOnlyAdmin):
    """The last error of a workflow that fails, how often it failed in a row, and whether it is stopped."""

    list_display = ["workflow", "state", "failures", "last_error", "opened_at", "closed_at", "closed_by"]
    list_select_related = ["closed_by"]
    ordering = ["-opened_at", "workflow"]
    fields = ["workflow", "state", "failures", "reason", "failed_tasks", "opened_at", "closed_at", "closed_by"]
    readonly_fields = ["state", "failed_tasks"]
    verbs = (
        Verb(
            "close",
            "Close",
            lambda breaker, request: breakers.close(breaker, by=request.user),
            "agency.change_breaker",
            "The workflow may run again, and what was held back goes on.",
            fits=lambda breaker: breaker.opened_at is not None,
        ),
    )

    def get_urls(self):
        # A breaker's key is the workflow's name, where other rows have a number.
        verb = path(
            "<slug:pk>/do/<slug:name>/", self.admin_site.admin_view(self.verb_view), name="agency_breaker_verb"
        )
        return [verb, *super().get_urls()]

    @admin.display(ordering="opened_at")
    def state(self, breaker):
        return "stopped" if breaker.opened_at else "may run"

    @admin.display(description="last error")
    def last_error(self, breaker):
        return breaker.reason if len(breaker.reason) <= 120 else f"{breaker.reason[:119]}…"

    @admin.display(description="what failed")
    def failed_tasks(self, breaker):
        page = reverse("admin:agency_task_changelist")
        query = f"workflow__exact={breaker.workflow}&status__exact=failed"
        return format_html('<a href="{}?{}">Failed tasks of {}</a>', page, query, breaker.workflow)
