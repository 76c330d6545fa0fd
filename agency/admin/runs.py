"""Runs as they happen, the tasks that wait for a person, and the files that prove the work."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Prefetch, Subquery
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join

from agency import direction_board
from agency.admin.verbs import ReadOnlyAdmin, ReadOnlyInline, Verb, VerbAdmin, status_in
from agency.models import Artifact, Attempt, Observation, Run, Task

# A report is somebody's HTML: it may show itself, and nothing else.
REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SHOWN_IN_BROWSER = ("text/html", "text/plain", "text/csv", "text/markdown", "image/png", "image/jpeg")


@admin.register(Run)
class RunAdmin(VerbAdmin, ReadOnlyAdmin):
    """What the board did and is doing; the page refreshes itself while a run is open."""

    list_display = ["id", "title", "status", "intent", "created_at", "finished_at"]
    list_filter = ["status", "created_at"]
    list_select_related = ["intent"]
    search_fields = ["title"]
    change_form_template = "admin/agency/run/change_form.html"
    fields = ["title"]
    verbs = (
        Verb(
            "cancel",
            "Cancel",
            lambda run, request: direction_board.cancel(run),
            "agency.change_run",
            "Every task that has not ended is stopped; a result that comes later changes nothing.",
            fits=status_in("queued", "running", "waiting", "needs_human"),
        ),
        Verb(
            "resume",
            "Resume",
            lambda run, request: direction_board.resume(run, user=request.user),
            "agency.add_run",
            "A new run keeps what had succeeded and does the rest.",
            fits=status_in("partial", "failed", "canceled", "timed_out"),
        ),
        Verb(
            "replay",
            "Run again",
            lambda run, request: direction_board.replay(run, user=request.user),
            "agency.add_run",
            "A new run of the same steps, measured anew.",
        ),
    )

    def get_urls(self):
        live = self.admin_site.admin_view(self.live_view)
        return [path("<int:pk>/live/", live, name="agency_run_live"), *super().get_urls()]

    def live_view(self, request, pk):
        """The part of the page that changes."""
        run = get_object_or_404(Run, pk=pk)
        self._check_view(request)
        story = self.story(run, request.user)
        answer = TemplateResponse(request, "admin/agency/run/live.html", story)
        if request.htmx and not story["is_open"]:
            answer["HX-Refresh"] = "true"  # the buttons above are those of an open run
        return answer

    def _check_view(self, request):
        if not self.has_view_permission(request):
            raise PermissionDenied

    def change_view(self, request, object_id, form_url="", extra_context=None):
        run = self.get_object(request, object_id)
        # The wish, if there is one, stands below: said once.
        extra = (
            {
                "title": f"Run {run.pk}" if run.intent else str(run),
                "subtitle": None,
                **self.story(run, request.user),
            }
            if run
            else {}
        )
        return super().change_view(request, object_id, form_url, (extra_context or {}) | extra)

    def story(self, run, user):
        files = Prefetch("artifacts", Artifact.objects.visible_to(user))
        tasks = run.tasks.select_related("promotion").prefetch_related(files, "bound_to", "tries", "proposals")
        return {
            "run": run,
            "tasks": tasks,
            "observations": run.observations.select_related("task"),
            "events": run.events.select_related("task").order_by("-number")[:50],
            "unfinished": ("queued", "running", "waiting"),
            "is_open": run.status in ("queued", "running", "waiting"),
        }


class ReasonForm(forms.Form):
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=500)


class AttemptInline(ReadOnlyInline):
    model = Attempt
    fields = ["number", "worker", "started_at", "finished_at", "outcome", "error"]


@admin.register(Task)
class TaskAdmin(VerbAdmin, ReadOnlyAdmin):
    """All tasks; filtered by "needs a human" it is the queue of what waits for a person, and since when."""

    list_display = [
        *("id", "workflow", "status", "waiting_on", "waiting_since", "about_order", "run_link", "finished_at"),
    ]
    list_filter = ["status", "pipeline", "workflow"]
    list_select_related = ["run"]
    fields = [
        *("workflow", "pipeline", "status", "waiting_on", "waiting_since", "about_order", "run_link"),
        *("params", "result", "error", "started_at", "finished_at", "measures", "binds"),
    ]
    readonly_fields = ["waiting_since", "about_order", "run_link"]
    inlines = [AttemptInline]
    verbs = (
        Verb(
            "approve",
            "Approve and go on",
            lambda task, request: direction_board.approve(task),
            "agency.approve_task",
            "You did what it waited for; it is tried again.",
            fits=status_in("needs_human"),
        ),
        Verb(
            "reject",
            "Reject",
            lambda task, request, reason: direction_board.reject(task, reason=reason),
            "agency.approve_task",
            "The task ends as failed.",
            form=ReasonForm,
            fits=status_in("needs_human"),
        ),
    )

    def get_queryset(self, request):
        ended = Attempt.objects.filter(task=OuterRef("pk"), finished_at__isnull=False).order_by("-number")
        return super().get_queryset(request).annotate(last_try_at=Subquery(ended.values("finished_at")[:1]))

    @admin.display(description="waiting since", ordering="last_try_at")
    def waiting_since(self, task):
        """When the try ended that left it to a person."""
        if task.status != Task.Status.NEEDS_HUMAN or task.last_try_at is None:
            return "-"
        return date_format(timezone.localtime(task.last_try_at), "DATETIME_FORMAT")

    @admin.display(description="service order")
    def about_order(self, task):
        rows = [(reverse("admin:agency_serviceorder_change", args=[pk]), f"SO-{pk:06d}") for pk in _orders(task)]
        return format_html_join(", ", '<a href="{}">{}</a>', rows) or "-"

    @admin.display(description="run")
    def run_link(self, task):
        page = reverse("admin:agency_run_change", args=[task.run_id])
        return format_html('<a href="{}">{}</a>', page, task.run)


def _orders(task):
    """The service orders that a task was asked for or has looked at."""
    if "service_order" in task.params:
        return [task.params["service_order"]]
    orders = (task.result or {}).get("orders") or []
    return [order["id"] for order in orders if isinstance(order, dict) and "id" in order]


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    """Files that workflows made."""

    list_display = ["name", "kind", "size", "run", "service_order", "created_at", "open_link"]
    list_filter = ["kind"]
    list_select_related = ["run", "service_order__gig"]
    search_fields = ["name", "sha256"]
    readonly_fields = ["open_link"]
    exclude = ["file"]

    def get_queryset(self, request):
        return super().get_queryset(request).visible_to(request.user)

    def get_urls(self):
        open_ = self.admin_site.admin_view(self.open_view)
        return [path("<int:pk>/open/", open_, name="agency_artifact_open"), *super().get_urls()]

    def open_view(self, request, pk):
        """The file, shown in the browser where that is safe; `?download` saves it."""
        artifact = get_object_or_404(Artifact.objects.visible_to(request.user), pk=pk)
        if not self.has_view_permission(request, artifact):
            raise PermissionDenied
        response = FileResponse(
            artifact.file.open(),
            as_attachment="download" in request.GET or artifact.content_type.split(";")[0] not in SHOWN_IN_BROWSER,
            filename=artifact.name,
            content_type=artifact.content_type,
        )
        response["Content-Security-Policy"] = REPORT_POLICY
        return response

    @admin.display(description="file")
    def open_link(self, artifact):
        page = reverse("admin:agency_artifact_open", args=[artifact.pk])
        return format_html('<a href="{}">Open</a> · <a href="{}?download=1">Save</a>', page, page)


@admin.register(Observation)
class ObservationAdmin(ReadOnlyAdmin):
    """What was measured: immutable and hashed."""

    list_display = ["id", "kind", "run", "short_hash", "measured_at"]
    list_filter = ["kind"]
    list_select_related = ["run"]
    fields = ["kind", "run", "task", "sha256", "hash_is_true", "measured_at", "body"]

    @admin.display(description="sha256")
    def short_hash(self, seen):
        return seen.sha256[:16]

    @admin.display(boolean=True, description="hash recomputed now is equal")
    def hash_is_true(self, seen):
        return seen.recomputed_sha256 == seen.sha256
