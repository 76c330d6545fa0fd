"""Gigs, the orders for them, and what workflows propose and write about them."""

import json

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join

from agency import fulfillment_engine, promotions, proposals, recipes
from agency.admin.runs import ReasonForm
from agency.admin.verbs import ReadOnlyAdmin, ReadOnlyInline, Verb, VerbAdmin, status_in
from agency.models import Delivery, Gig, Package, Promotion, Proposal, ServiceOrder, SuccessStory
from agency.workflows import NewArtifact
from earnings import money
from earnings.models import Channel
from earnings.refusals import Refusal


class PackageInline(admin.StackedInline):
    model = Package
    extra = 0


class GigForm(forms.ModelForm):
    recipe = forms.ChoiceField(required=False, help_text="Who makes the deliverable; empty = by hand.")

    class Meta:
        model = Gig
        fields = "__all__"  # noqa: DJ007  every column is the editor's

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        known = [(recipe.key, recipe.title) for recipe in recipes.every()]
        self.fields["recipe"].choices = [("", "by hand"), *known]


@admin.register(Gig)
class GigAdmin(admin.ModelAdmin):
    """Services on offer."""

    form = GigForm
    list_display = ["name", "title", "category", "prices", "recipe", "is_listed"]
    list_editable = ["is_listed"]
    list_filter = ["is_listed", "category", "recipe"]
    search_fields = ["name", "title", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [PackageInline]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("packages")

    def view_on_site(self, gig):
        return gig.get_absolute_url() if gig.is_listed else None

    @admin.display()
    def prices(self, gig):
        return " / ".join(money.display(p.price_minor, p.currency) for p in gig.packages.all())


class DeliveryInline(ReadOnlyInline):
    model = Delivery
    fields = ["number", "created_at", "delivered_at", "files", "checklist", "message", "revision_request"]
    readonly_fields = ["files", "checklist"]
    show_change_link = False

    @admin.display()
    def files(self, delivery):
        rows = [
            (reverse("admin:agency_artifact_open", args=[artifact.pk]), artifact.name)
            for artifact in delivery.artifacts.all()
        ]
        return format_html_join(" · ", '<a href="{}">{}</a>', rows)

    @admin.display()
    def checklist(self, delivery):
        rows = [("✓" if c.get("passed") else "✗", c.get("label", ""), c.get("seen", "")) for c in delivery.checks]
        return format_html_join(", ", "{} {} ({})", rows)


class AcceptForm(forms.Form):
    consent = forms.NullBooleanField(
        required=False,
        label="The client agrees that the work is shown in the portfolio",
        widget=forms.Select(choices=[("", "as the client said in the brief"), ("true", "yes"), ("false", "no")]),
    )
    quote = forms.CharField(required=False, max_length=300, label="What the client said of it")


class BriefForm(forms.Form):
    brief = forms.JSONField(
        widget=forms.Textarea(attrs={"rows": 8}), help_text='For example {"title": "Ten desks under 200"}'
    )
    catalog_file = forms.FileField(
        required=False, label="The client's catalog file", help_text="Becomes the brief's catalog_csv."
    )

    def clean(self):
        values = super().clean()
        upload = values.get("catalog_file")
        if upload and isinstance(values.get("brief"), dict):
            values["brief"]["catalog_csv"] = upload.read().decode("utf-8-sig", errors="replace")
        return values


class DeliverByHandForm(forms.Form):
    file = forms.FileField()
    message = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))


def _set_brief(order, request, brief, catalog_file=None):
    fulfillment_engine.set_requirements(order, brief)


def _offer_file(order, request, file, message):
    new = NewArtifact("deliverable", file.name, file.content_type or "application/octet-stream", file.read())
    fulfillment_engine.offer_by_hand(order, [new], message=message)


RIGHT = "agency.change_serviceorder"
ORDER_VERBS = (
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
        "The client wants something changed.",
        form=ReasonForm,
        fits=status_in("ready", "delivered"),
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
        "Offer a file made by hand",
        _offer_file,
        RIGHT,
        "The package's checklist is asked first.",
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


class TakeOrderForm(forms.Form):
    """An order that came in somewhere; without a marketplace order it is simulated, and says so."""

    package = forms.ModelChoiceField(Package.objects.select_related("gig"))
    brief = forms.JSONField(initial=dict, widget=forms.Textarea(attrs={"rows": 6}), required=False)
    channel = forms.ModelChoiceField(
        Channel.objects.exclude(key="demo"), required=False, help_text="Empty = a simulated order: no real money."
    )
    order_id = forms.CharField(required=False, max_length=80, label="Order number there")
    amount = forms.CharField(required=False, max_length=20, label="Amount paid there", help_text="e.g. 100.00")
    currency = forms.CharField(required=False, max_length=3, help_text="e.g. USD")
    client = forms.CharField(required=False, max_length=120)

    @property
    def external(self):
        values = self.cleaned_data
        if not values["channel"]:
            return None
        return {"channel": values["channel"].pk} | {
            name: values[name] for name in ("order_id", "amount", "currency", "client") if values[name]
        }


@admin.register(ServiceOrder)
class ServiceOrderAdmin(VerbAdmin, ReadOnlyAdmin):
    """Work owed to clients."""

    list_display = ["number", "gig", "status", "amount", "kind", "channel", "client", "due_at", "problem"]
    list_filter = ["status", "kind", "channel", "gig"]
    list_select_related = ["gig", "channel"]
    search_fields = ["external_id", "client"]
    readonly_fields = ["amount", "fee"]
    exclude = ["amount_minor", "fee_minor", "token", "held_from"]
    inlines = [DeliveryInline]
    verbs = ORDER_VERBS
    change_list_template = "admin/agency/serviceorder/change_list.html"

    def get_queryset(self, request):
        deliveries = Prefetch("deliveries", Delivery.objects.prefetch_related("artifacts"))
        return super().get_queryset(request).prefetch_related(deliveries)

    def get_urls(self):
        take = self.admin_site.admin_view(self.take_view)
        return [path("take/", take, name="agency_serviceorder_take"), *super().get_urls()]

    def take_view(self, request):
        if not request.user.has_perm("agency.add_serviceorder"):
            raise PermissionDenied
        form = TakeOrderForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            values = form.cleaned_data
            package = values["package"]
            try:
                order = fulfillment_engine.take_order(
                    package.gig.slug, package.tier, brief=values["brief"] or {}, external=form.external
                )
            except Refusal as refusal:
                for error in refusal.errors or [{"pointer": "", "detail": refusal.detail}]:
                    name = error["pointer"].rpartition("/")[2]
                    form.add_error(name if name in form.fields else None, error["detail"])
            else:
                return redirect(self.page_of(order))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Take an order",
            "form": form,
        }
        context["back"] = reverse("admin:agency_serviceorder_changelist")
        return render(request, "admin/agency/verb.html", context)

    @admin.display(ordering="amount_minor")
    def amount(self, order):
        return money.display(order.amount_minor, order.currency)

    @admin.display(description="the channel's fee")
    def fee(self, order):
        return money.display(order.fee_minor, order.currency)


@admin.register(Proposal)
class ProposalAdmin(VerbAdmin, ReadOnlyAdmin):
    """Concrete edits that a gig review suggests; accepted one by one."""

    list_display = ["gig", "package", "code", "old_text", "new_text", "reason", "status"]
    list_filter = ["status", "code", "gig"]
    list_select_related = ["gig", "package__gig"]
    verbs = (
        Verb(
            "accept",
            "Accept",
            lambda proposal, request: proposals.accept(proposal, by=request.user),
            "agency.change_proposal",
            "The new value is written, if the old one is still there.",
            fits=status_in("open"),
        ),
        Verb(
            "reject",
            "Reject",
            lambda proposal, request: proposals.reject(proposal, by=request.user),
            "agency.change_proposal",
            "The gig stays as it is.",
            fits=status_in("open"),
        ),
    )

    @admin.display(description="now")
    def old_text(self, proposal):
        return json.dumps(proposal.old, ensure_ascii=False)[:120]

    @admin.display(description="proposed")
    def new_text(self, proposal):
        return json.dumps(proposal.new, ensure_ascii=False)[:120]


@admin.register(Promotion)
class PromotionAdmin(VerbAdmin, ReadOnlyAdmin):
    """Drafts with figures from a measured inventory; one at a time is live on the storefront."""

    list_display = ["headline", "status", "observation", "created_at", "published_at"]
    list_filter = ["status"]
    list_select_related = ["observation"]
    readonly_fields = ["texts"]
    exclude = ["channels"]
    verbs = (
        Verb(
            "publish",
            "Publish on the storefront",
            lambda promotion, request: promotions.publish(promotion, by=request.user),
            "agency.publish_promotion",
            "It becomes the storefront's banner; the one that is there now is withdrawn.",
            fits=status_in("draft", "withdrawn"),
        ),
        Verb(
            "withdraw",
            "Withdraw",
            lambda promotion, request: promotions.withdraw(promotion),
            "agency.publish_promotion",
            "The banner disappears from the storefront.",
            fits=status_in("draft", "published"),
        ),
    )

    @admin.display(description="texts by channel")
    def texts(self, promotion):
        rows = [(name, text) for name, text in promotion.channels.items()]
        files = [
            (reverse("admin:agency_artifact_open", args=[a.pk]), a.name) for a in promotion.task.artifacts.all()
        ]
        return format_html(
            "{}<p>Files: {}</p>",
            format_html_join("", '<h3>{}</h3><pre class="board-text">{}</pre>', rows),
            format_html_join(" · ", '<a href="{}?download=1">{}</a>', files),
        )


@admin.register(SuccessStory)
class SuccessStoryAdmin(admin.ModelAdmin):
    """What the portfolio shows: accepted work that its client agreed to show."""

    list_display = ["title", "service_order", "is_published", "published_at"]
    list_editable = ["is_published"]
    list_select_related = ["service_order__gig"]
    fields = ["title", "summary", "quote", "is_published", "service_order", "slug", "image", "published_at"]
    readonly_fields = ["service_order", "slug", "image", "published_at"]

    def has_add_permission(self, request):
        return False
