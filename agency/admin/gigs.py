"""Services on offer, and the edits that reviews propose for them."""

import json

from django.contrib import admin

from agency import proposals
from agency.admin.gig_forms import GigForm, PackageForm
from agency.admin.verbs import ReadOnlyAdmin, Verb, VerbAdmin, status_in
from agency.models import Gig, Package, Proposal
from earnings import money


class PackageInline(admin.StackedInline):
    model = Package
    form = PackageForm

    def get_extra(self, request, obj=None, **kwargs):
        return 0 if obj else 1  # a new service has nothing to buy without one


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
