"""Orders for services: taken, briefed, worked on, delivered and accepted."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join

from agency import direction_board, fulfillment_engine, recipes
from agency.admin.order_forms import (
    AcceptForm,
    BriefForm,
    DeliverByHandForm,
    TakeOrderForm,
)
from agency.admin.verbs import ReadOnlyAdmin, ReadOnlyInline, ReasonForm, Verb, VerbAdmin, blame, status_in
from agency.brief_forms import as_text
from agency.briefs import asked_of_client
from agency.direction_board import Step
from agency.models import Delivery, Gig, Package, Run, ServiceOrder, Task
from agency.workflows import NewArtifact
from earnings import money
from earnings.refusals import Refusal


class DeliveryInline(ReadOnlyInline):
    """What was offered, newest last: its files, what its checklist said, and what was written to the client."""

    model = Delivery
    template = "admin/edit_inline/stacked.html"
    fields = ["created_at", "delivered_at", "files", "checklist", "cover_note", "asked_to_change"]
    show_change_link = False

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("service_order").prefetch_related("artifacts")

    @admin.display()
    def files(self, delivery):
        rows = [
            (reverse("admin:agency_artifact_open", args=[artifact.pk]), artifact.name)
            for artifact in delivery.artifacts.all()
        ]
        return format_html(
            '<ul class="board-list">{}</ul>',
            format_html_join("", '<li><a href="{0}">{1}</a> · <a href="{0}?download=1">Save</a></li>', rows),
        )

    @admin.display()
    def checklist(self, delivery):
        rows = [("✓" if c.get("passed") else "✗", c.get("label", ""), c.get("seen", "")) for c in delivery.checks]
        return format_html('<ul class="board-list">{}</ul>', format_html_join("", "<li>{} {}: {}</li>", rows))

    @admin.display(description="message")
    def cover_note(self, delivery):
        return _wrapped(delivery.message)

    @admin.display(description="revision asked for")
    def asked_to_change(self, delivery):
        return _wrapped(delivery.revision_request)


def _wrapped(text):
    return format_html('<div class="board-text">{}</div>', text) if text else "none"


def _set_brief(order, request, brief):
    fulfillment_engine.set_requirements(order, brief)


def _offer_files(order, request, files, message):
    made = [
        NewArtifact("deliverable", file.name, file.content_type or "application/octet-stream", file.read())
        for file in files
    ]
    fulfillment_engine.offer_by_hand(order, made, message=message)


def _work_on(order, user):
    """The run that works on the order: the one that is at it already, or a new one."""
    at_it = Task.objects.open().filter(workflow="fiverr_bot", params__service_order=order.pk).first()
    if at_it:
        return at_it.run
    step = Step("fiverr_bot", {"service_order": order.pk})
    return direction_board.open_run([step], title=f"Work on {order.number}", user=user)


def _latest_run(order):
    """The newest run that took the order, was asked to work on it, or made files for it."""
    worked = Q(tasks__workflow="fiverr_bot", tasks__params__service_order=order.pk)
    return Run.objects.filter(Q(pk=order.run_id) | worked | Q(artifacts__service_order=order)).first()


RIGHT = "agency.change_serviceorder"
ORDER_VERBS = (
    Verb(
        "work",
        "Do the work now",
        lambda order, request: _work_on(order, request.user),
        "agency.add_run",
        "The Fiverr Bot makes the files by the gig's recipe, asks them the package's checklist and offers them.",
        fits=lambda order: order.status in ("queued", "revision") and recipes.get(order.gig.recipe) is not None,
    ),
    Verb(
        "deliver",
        "Deliver",
        lambda order, request: fulfillment_engine.deliver(order),
        RIGHT,
        "The delivery below goes to the client.",
        fits=status_in("ready"),
    ),
    Verb(
        "accept",
        "Accept",
        lambda order, request, consent, quote: fulfillment_engine.accept(
            order, consent=consent, quote=quote, by=request.user
        ),
        RIGHT,
        "The client took the work: its money is earned.",
        form=AcceptForm,
        fits=status_in("ready", "delivered"),
    ),
    Verb(
        "request_revision",
        "Ask for a revision",
        lambda order, request, reason: fulfillment_engine.request_revision(order, reason),
        RIGHT,
        "Something has to change. What the client has seen costs one of the package's revisions; what was not "
        "delivered yet costs none. During a revision it is added to what was asked for.",
        form=ReasonForm,
        fits=status_in("ready", "delivered", "revision"),
    ),
    Verb(
        "brief",
        "Add to the brief",
        _set_brief,
        RIGHT,
        "What the client said is added to the brief; once nothing is missing the order is queued.",
        form=BriefForm,
        fits=status_in("awaiting_brief", "queued", "revision", "on_hold"),
    ),
    Verb(
        "offer",
        "Offer files made by hand",
        _offer_files,
        RIGHT,
        "They become the order's next delivery; the package's checklist is asked first.",
        form=DeliverByHandForm,
        fits=status_in("queued", "in_progress", "revision"),
    ),
    Verb(
        "hold",
        "Put on hold",
        lambda order, request: fulfillment_engine.hold(order),
        RIGHT,
        "Nobody works on it until it is resumed.",
        fits=lambda order: "on_hold" in order.allowed,
    ),
    Verb(
        "resume",
        "Resume",
        lambda order, request: fulfillment_engine.resume(order),
        RIGHT,
        "It goes on where it was.",
        fits=status_in("on_hold"),
    ),
    Verb(
        "cancel",
        "Cancel the order",
        lambda order, request: fulfillment_engine.cancel(order),
        RIGHT,
        "This can't be undone: what the marketplace paid is booked as refunded in full.",
        fits=lambda order: "canceled" in order.allowed,
    ),
)


@admin.register(ServiceOrder)
class ServiceOrderAdmin(VerbAdmin, ReadOnlyAdmin):
    """Work owed to clients."""

    list_display = ["number", "gig", "status", "amount", "kind", "channel", "client", "due_at", "problem"]
    list_filter = ["status", "kind", "channel", "gig"]
    list_select_related = ["gig", "channel"]
    search_fields = ["external_id", "client"]
    fields = [
        *("package", "status", "problem", "due_at", "latest_run", "the_brief", "showcase_consent"),
        *("kind", "amount", "fee", "channel", "external_id", "client", "created_at", "accepted_at"),
    ]
    readonly_fields = ["amount", "fee", "the_brief", "latest_run"]
    inlines = [DeliveryInline]
    verbs = ORDER_VERBS
    change_list_template = "admin/agency/serviceorder/change_list.html"

    def get_urls(self):
        take = self.admin_site.admin_view(self.take_view)
        return [path("take/", take, name="agency_serviceorder_take"), *super().get_urls()]

    def take_view(self, request):
        """First which package, then what the client said and what was paid."""
        if not request.user.has_perm("agency.add_serviceorder"):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Take an order",
            "back": reverse("admin:agency_serviceorder_changelist"),
        }
        chosen = request.GET.get("package", "")
        if not chosen.isdecimal():
            context["gigs"] = Gig.objects.filter(packages__isnull=False).distinct().prefetch_related("packages")
            return render(request, "admin/agency/serviceorder/take.html", context)
        package = get_object_or_404(Package.objects.select_related("gig"), pk=int(chosen))
        given = (request.POST, request.FILES) if request.method == "POST" else ()
        form = TakeOrderForm(*given, package=package)
        if request.method == "POST" and form.is_valid():
            order = self._take(package, form)
            if order:
                return redirect(self.page_of(order))
        again = reverse("admin:agency_serviceorder_take")
        context |= {"form": form, "subtitle": f"{package.gig}, {package.name}", "back": again}
        return render(request, "admin/agency/verb.html", context)

    def _take(self, package, form):
        brief = form.brief(form.cleaned_data)
        try:
            return fulfillment_engine.take_order(
                package.gig.slug, package.tier, brief=brief, external=form.external
            )
        except Refusal as refusal:
            blame(form, refusal)
            return None

    @admin.display(ordering="amount_minor")
    def amount(self, order):
        return money.display(order.amount_minor, order.currency)

    @admin.display(description="the channel's fee")
    def fee(self, order):
        return money.display(order.fee_minor, order.currency)

    @admin.display(description="brief")
    def the_brief(self, order):
        labels = {asked["name"]: asked.get("label") or asked["name"] for asked in asked_of_client(order.gig)}
        rows = [
            (labels.get(name, name), as_text(value))
            for name, value in order.brief.items()
            if name != "showcase_consent"
        ]
        said = format_html_join("", '<dt>{}</dt><dd class="board-text">{}</dd>', rows)
        return format_html('<dl class="board-brief">{}</dl>', said) if rows else "nothing yet"

    @admin.display(description="latest run that worked on it")
    def latest_run(self, order):
        run = _latest_run(order)
        if run is None:
            return "none"
        page = reverse("admin:agency_run_change", args=[run.pk])
        return format_html('<a href="{}">{}</a>: {}', page, run, run.get_status_display())
