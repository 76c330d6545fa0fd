"""Tasks: what each was asked, what its attempts came to, and the queue of those that wait for a person."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join

from agency import direction_board
from agency.admin.deciders import Deciders
from agency.admin.holdups import holdups
from agency.admin.verbs import ReadOnlyAdmin, ReasonForm, Verb, VerbAdmin
from agency.models import Artifact, ServiceOrder, Task

APPROVES = "agency.approve_task"
ON_A_PAGE = 25


def who_decides(task):
    """The right that the answer to what a task asks needs."""
    return task.asked_of or APPROVES


def is_asking(task):
    return task.asked_at is not None


@admin.register(Task)
class TaskAdmin(VerbAdmin, ReadOnlyAdmin):
    """All tasks, and a page of those that wait for a person: what they ask, of whom, since and until when."""

    list_display = ["id", "workflow", "status", "waiting_on", "asked_at", "about_order", "run_link", "finished_at"]
    list_filter = ["status", "pipeline", "workflow"]
    list_select_related = ["run"]
    change_form_template = "admin/agency/task/change_form.html"
    change_list_template = "admin/agency/task/change_list.html"
    fields = ["workflow"]
    verbs = (
        Verb(
            "approve",
            "Approve and go on",
            lambda task, request: direction_board.approve(task, by=request.user),
            who_decides,
            "You did what it waited for, or say yes to what it asks; it goes on.",
            fits=is_asking,
        ),
        Verb(
            "reject",
            "Reject",
            lambda task, request, reason: direction_board.reject(task, by=request.user, reason=reason),
            who_decides,
            "The task ends as failed, with your reason.",
            form=ReasonForm,
            fits=is_asking,
        ),
    )

    def get_urls(self):
        waiting = self.admin_site.admin_view(self.waiting_view)
        return [path("waiting/", waiting, name="agency_task_waiting"), *super().get_urls()]

    def waiting_view(self, request):
        """What waits for a person, the longest wait first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asking = (
            Task.objects.filter(asked_at__isnull=False).select_related("run__intent").order_by("asked_at", "pk")
        )
        page = Paginator(asking, ON_A_PAGE).get_page(request.GET.get("page"))
        deciders = Deciders()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Waiting for a person",
            "page": page,
            "rows": [
                {
                    "task": task,
                    "orders": orders_of(task),
                    "deciders": deciders.of(who_decides(task)),
                    "verbs": self.verbs_of(task, request),
                }
                for task in page
            ],
        }
        return TemplateResponse(request, "admin/agency/task/waiting.html", context)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        task = self.get_object(request, object_id)
        extra = {"title": str(task), "subtitle": None, **self.story(task, request.user)} if task else {}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | extra)

    def story(self, task, user):
        files = Prefetch("artifacts", Artifact.objects.visible_to(user))
        task = (
            Task.objects.select_related("run", "approved_by").prefetch_related(files, "bound_to").get(pk=task.pk)
        )
        return {
            "task": task,
            "orders": orders_of(task),
            "holdup": holdups([task])[0],
            "deciders": Deciders().of(who_decides(task)) if is_asking(task) else None,
            "tries": task.tries.order_by("-number")[:50],
            "events": task.events.order_by("number")[:100],
            "texts": [
                (name, value)
                for name, value in (("Parameters", task.params), ("Draft", task.draft), ("Result", task.result))
                if value is not None
            ],
        }

    @admin.display(description="service order")
    def about_order(self, task):
        rows = [(reverse("admin:agency_serviceorder_change", args=[pk]), number) for pk, number in orders_of(task)]
        return format_html_join(", ", '<a href="{}">{}</a>', rows) or "-"

    @admin.display(description="run")
    def run_link(self, task):
        page = reverse("admin:agency_run_change", args=[task.run_id])
        return format_html('<a href="{}">{}</a>', page, task.run)


def orders_of(task):
    """The service orders that a task was asked for or has looked at: `(id, number)`."""
    if "service_order" in task.params:
        found = [task.params["service_order"]]
    else:
        orders = (task.result or {}).get("orders") or []
        found = [order["id"] for order in orders if isinstance(order, dict) and "id" in order]
    return [(pk, ServiceOrder(pk=pk).number) for pk in found[:20] if isinstance(pk, int)]
