"""Staff read the ledger here; nobody writes it by hand."""

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from earnings import board, money, totals
from earnings.channel_forms import ChannelForm, percent
from earnings.entry_filters import EntryFilter
from earnings.list_filters import CurrencyFilter, PeriodFilter
from earnings.models import Account, Channel, Earning, JournalEntry, Posting
from earnings.refusals import Refusal


class ReadOnly:
    """Rows that only `earnings.ledger` writes."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Channel)
class ChannelAdmin(admin.ModelAdmin):
    """The marketplaces and what they keep. A new rate counts for sales from now on."""

    form = ChannelForm
    list_display = ["name", "key", "fee", "fee_per_sale", "clearing_days"]
    search_fields = ["name", "key"]

    @admin.display(description="fee", ordering="fee_basis_points")
    def fee(self, channel):
        return percent(channel.fee_basis_points)

    @admin.display(ordering="fee_fixed_minor")
    def fee_per_sale(self, channel):
        return money.amount_text(channel.fee_fixed_minor, settings.STORE_CURRENCY)

    def get_fields(self, request, obj=None):
        if obj and not self.has_change_permission(
            request, obj
        ):  # no form writes the amounts for who may only look
            return ["name", "key", "fee", "fee_per_sale", "clearing_days"]
        return super().get_fields(request, obj)

    def get_readonly_fields(self, request, obj=None):
        return ["key"] if obj else []


@admin.register(Account)
class AccountAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "code", "type", "balance"]
    list_filter = ["type"]

    @admin.display(description="balance (debit positive)")
    def balance(self, account):
        rows = totals.balances(account.code)
        shown = (f"{money.display(minor, currency)} {kind}" for kind, currency, minor in rows if minor)
        return " · ".join(shown) or "0"


class EntriesInline(ReadOnly, admin.TabularInline):
    model = JournalEntry
    fields = ["key", "event", "local_date", "memo"]
    readonly_fields = fields
    ordering = ["pk"]
    extra = 0
    show_change_link = True
    can_delete = False


@admin.register(Earning)
class EarningAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["title", "reference", "channel", "kind", "gross", "fee", "net", "occurred_at"]
    list_filter = ["kind", "channel", ("currency", CurrencyFilter), "source", ("occurred_at", PeriodFilter)]
    list_select_related = ["channel"]
    search_fields = ["key", "title", "reference", "client", "product_sku", "gig"]
    show_full_result_count = False
    fields = [
        *(
            "title",
            "reference",
            "kind",
            "gross",
            "fee",
            "net",
            "channel",
            "source",
            "external_id",
            "product_sku",
            "gig",
        ),
        *("client", "run_id", "intent_id", "occurred_at", "created_at", "key"),
    ]
    readonly_fields = ["gross", "fee", "net"]
    inlines = [EntriesInline]
    change_list_template = "admin/earnings/earning/change_list.html"

    @admin.display(ordering="gross_minor")
    def gross(self, earning):
        return money.display(earning.gross_minor, earning.currency)

    @admin.display(ordering="fee_minor")
    def fee(self, earning):
        return money.display(earning.fee_minor, earning.currency)

    @admin.display(ordering="net_minor")
    def net(self, earning):
        return money.display(earning.net_minor, earning.currency)

    def get_urls(self):
        guard = self.admin_site.admin_view
        return [
            path("dashboard/", guard(self.dashboard_view), name="earnings_earning_dashboard"),
            path("dashboard/figures/", guard(self.figures_view), name="earnings_earning_figures"),
            *super().get_urls(),
        ]

    def dashboard_view(self, request):
        asked = self.asked(request)
        context = self.admin_site.each_context(request) | board.figures(asked) | {"title": "Earnings"}
        context["may_pay_out"] = request.user.has_perm("earnings.add_payout")
        return TemplateResponse(request, "admin/earnings/earning/dashboard.html", context)

    def figures_view(self, request):
        """The part of the page that refreshes itself; 204 while it is as the page has it, so that nobody's place
        in it is lost.
        """
        asked = self.asked(request)
        if request.GET.get("seen") == asked.fingerprint:
            return HttpResponse(status=204)
        return TemplateResponse(request, "admin/earnings/earning/figures.html", board.figures(asked))

    def asked(self, request):
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            return board.Asked.read(request.GET)
        except Refusal as refusal:
            raise Http404(refusal.detail) from None

    def changelist_view(self, request, extra_context=None):
        response = super().changelist_view(request, extra_context)
        changelist = getattr(response, "context_data", None) and response.context_data.get("cl")
        if changelist:
            rows = changelist.queryset.order_by("kind", "currency").values("kind", "currency")
            response.context_data["totals"] = [
                f"{money.display(row['net'], row['currency'])} {row['kind']}"
                for row in rows.annotate(net=Sum("net_minor"))
            ]
        return response


class PostingsInline(ReadOnly, admin.TabularInline):
    model = Posting
    fields = ["account", "debit", "credit"]
    readonly_fields = fields
    ordering = ["-amount_minor"]
    extra = 0
    can_delete = False

    def debit(self, posting):
        return money.display(posting.amount_minor, posting.currency) if posting.amount_minor > 0 else ""

    def credit(self, posting):
        return money.display(-posting.amount_minor, posting.currency) if posting.amount_minor < 0 else ""


class OfFigure(admin.ListFilter):
    """The entries that a figure of the dashboard is made of, in the words of the API's filters."""

    title = "figure"
    NAMES = tuple(name for name in EntryFilter.base_filters if name not in ("currency", "key"))

    def __init__(self, request, params, model, model_admin):
        super().__init__(request, params, model, model_admin)
        self.used_parameters = {name: params.pop(name)[-1] for name in self.NAMES if name in params}

    def expected_parameters(self):
        return list(self.NAMES)

    def has_output(self):
        return bool(self.used_parameters)

    def choices(self, changelist):
        said = ", ".join(f"{name} {value}" for name, value in self.used_parameters.items())
        yield {"selected": True, "query_string": changelist.get_query_string(), "display": said}
        everything = changelist.get_query_string(remove=self.NAMES)
        yield {"selected": False, "query_string": everything, "display": "All"}

    def queryset(self, request, queryset):
        found = EntryFilter(self.used_parameters, queryset)
        if not found.is_valid():
            raise IncorrectLookupParameters(found.errors)
        return found.qs


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["key", "event", "kind", "moved", "title", "channel", "local_date"]
    list_filter = [
        *(OfFigure, "kind", "event", ("currency", CurrencyFilter), "channel"),
        ("local_date", PeriodFilter),
    ]
    change_list_template = "admin/earnings/journalentry/change_list.html"
    list_select_related = ["earning", "channel"]
    search_fields = ["key", "memo", "earning__title", "earning__reference"]
    show_full_result_count = False
    inlines = [PostingsInline]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("postings")

    def changelist_view(self, request, extra_context=None):
        """With the sum of what is shown where a figure was opened, so that it can be compared."""
        response = super().changelist_view(request, extra_context)
        changelist = getattr(response, "context_data", None) and response.context_data.get("cl")
        if changelist and {"figure", "account"} & set(request.GET):
            response.context_data["totals"] = board.sums_of(changelist.queryset, request.GET)
        return response

    @admin.display(description="moved")
    def moved(self, entry):
        debits = sum(posting.amount_minor for posting in entry.postings.all() if posting.amount_minor > 0)
        return money.display(debits, entry.currency)


@admin.register(Posting)
class PostingAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["entry", "account", "amount", "kind", "local_date"]
    list_filter = ["account", "kind", ("currency", CurrencyFilter), ("local_date", PeriodFilter)]
    list_select_related = ["entry", "account"]
    search_fields = ["entry__key"]
    show_full_result_count = False

    @admin.display(description="amount (debit positive)", ordering="amount_minor")
    def amount(self, posting):
        return money.display(posting.amount_minor, posting.currency)
