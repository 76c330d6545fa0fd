"""Runs as they happen."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path

from agency import attributed, direction_board
from agency.admin.holdups import holdups
from agency.admin.restarts import ReplayForm, ResumeForm
from agency.admin.verbs import ReadOnlyAdmin, Verb, VerbAdmin, status_in
from agency.models import Artifact, Run

STOP_POLLING = 286  # htmx's own: what came is shown, and it does not ask again by the clock
SHOWN_EVENTS = 100
LONGEST_CHAIN = 10


@admin.register(Run)
class RunAdmin(VerbAdmin, ReadOnlyAdmin):
    """What the board did and is doing; the page follows a run while it is open."""

    list_display = ["id", "title", "status", "origin", "intent", "created_at", "finished_at"]
    list_filter = ["status", "origin", "created_at"]
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
            lambda run, request, **said: direction_board.resume(run, user=request.user, **said),
            "agency.add_run",
            "A new run keeps what had succeeded and does the rest.",
            form=ResumeForm,
            fits=status_in("partial", "failed", "canceled", "timed_out"),
        ),
        Verb(
            "replay",
            "Run again",
            lambda run, request, **said: direction_board.replay(
                run, params=ReplayForm.edited(run, said), user=request.user
            ),
            "agency.add_run",
            "A new run of the same steps, measured anew, with the same or other parameters.",
            form=ReplayForm,
        ),
    )

    def get_urls(self):
        live = self.admin_site.admin_view(self.live_view)
        return [path("<int:pk>/live/", live, name="agency_run_live"), *super().get_urls()]

    def live_view(self, request, pk):
        """The part of the page that changes, with the buttons that fit what the run is now."""
        run = get_object_or_404(Run, pk=pk)
        if not self.has_view_permission(request):
            raise PermissionDenied
        story = self.story(run, request.user) | {"verbs": self.verbs_of(run, request), "is_refresh": True}
        status = 200 if story["is_moving"] else STOP_POLLING
        return TemplateResponse(request, "admin/agency/run/live.html", story, status=status)

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
        tasks = list(
            run.tasks.select_related("promotion").prefetch_related(files, "bound_to", "tries", "proposals")
        )
        return {
            "run": run,
            "origins": origins(run),
            "restarts": run.restarts.order_by("pk")[:LONGEST_CHAIN],
            "tasks": [(task, holdup) for task, holdup in zip(tasks, holdups(tasks), strict=True)],
            "attributed": attributed.to_run(run),
            "observations": run.observations.select_related("task"),
            "events": run.events.select_related("task").order_by("-number")[:SHOWN_EVENTS],
            "unfinished": ("queued", "running", "waiting"),
            "is_open": not run.is_terminal,
            "is_moving": run.status in ("queued", "running", "waiting"),
        }


def origins(run):
    """Where a run comes from, nearest first: `(what was done to it, the run)`."""
    chain = []
    while run.restart_of and len(chain) < LONGEST_CHAIN:
        chain.append((run.get_origin_display(), run.restart_of))
        run = run.restart_of
    return chain
