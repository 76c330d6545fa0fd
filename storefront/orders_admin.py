"""The shop's orders in the admin: what was bought, how it was paid, and what a person has to decide."""

from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from agency.admin.pages import SeenBy
from agency.admin.verbs import ReadOnlyAdmin, ReadOnlyInline, Verb, VerbAdmin, status_in
from earnings import money
from earnings.list_filters import PeriodFilter
from earnings.models import Kind
from earnings.refusals import Refusal
from storefront import checkout, handing_over, order_mail, refunds
from storefront.library_admin import mails_of, rights_of
from storefront.models import Dispute, Order, OrderLine, Payment, PaymentEvent, Refund
from storefront.orders_admin_forms import HandOverForm, RefundForm
from storefront.payments import inbox

SETTLE, REFUND = "storefront.settle_order", "storefront.refund_order"


def _shown(minor, currency):
    return money.display(minor, currency)


class LineInline(ReadOnlyInline):
    model = OrderLine
    fields = ["number", "what", "sku", "quantity", "amount", "refunded", "state"]
    show_change_link = False

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("order", "service_order")

    @admin.display()
    def what(self, line):
        return str(line)

    @admin.display()
    def amount(self, line):
        return _shown(line.amount_minor, line.currency)

    @admin.display()
    def refunded(self, line):
        return _shown(line.refunded_minor, line.currency) if line.refunded_minor else "–"

    @admin.display(description="how it stands")
    def state(self, line):
        if line.service_order:
            page = reverse("admin:agency_serviceorder_change", args=[line.service_order_id])
            said = line.service_order.get_status_display()
            return format_html('<a href="{}">{}</a>: {}', page, line.service_order.number, said)
        if line.is_short:
            return "paid, but sold out"
        return f"handed over {line.fulfilled_at:%Y-%m-%d}" if line.fulfilled_at else "not handed over"


class PaymentInline(ReadOnlyInline):
    model = Payment
    fields = ["provider", "status", "kind", "amount", "fee", "external_id", "due_on", "captured_at", "problem"]
    show_change_link = False

    @admin.display()
    def amount(self, payment):
        extra = ", not its price" if payment.is_surplus else ""
        return f"{_shown(payment.amount_minor, payment.currency)}{extra}"

    @admin.display()
    def fee(self, payment):
        if not payment.fee_source:
            return "–"
        return f"{_shown(payment.fee_minor, payment.currency)}, {payment.get_fee_source_display()}"


class EventInline(ReadOnlyInline):
    model = PaymentEvent
    verbose_name_plural = "what the provider told"
    fields = ["type", "status", "problem", "received_at"]


def _give_back(order, request, amounts, reason, key):
    refund = refunds.request(order, f"admin:{order.pk}:{key}", amounts=amounts, reason=reason, by=request.user)
    _carry_out(refund)


def _carry_out(refund):
    refund = refunds.carry_out(refund)
    if refund.status == Refund.Status.FAILED:
        raise Refusal(f"The provider refused the refund: {refund.problem}")


def _hand_over(order, request, although_contested=False):
    for line in handing_over.open_lines(order):
        handing_over.hand_over(line, although_contested=although_contested)


def _looked_after(order, request):
    Order.objects.filter(pk=order.pk, problem=order.problem).update(problem="")


ORDER_VERBS = (
    Verb(
        "mark_paid",
        "Mark as paid",
        lambda order, request: checkout.close_sessions(checkout.mark_order_paid(order, by=request.user)),
        SETTLE,
        "You saw the money on our account: it is booked as real, and what was bought is handed over.",
        fits=status_in("awaiting_payment", "canceled"),
    ),
    Verb(
        "hand_over",
        "Hand over",
        _hand_over,
        SETTLE,
        "Parcels are on their way, work is done by hand: its money is earned, and the buyer gets a mail.",
        form=HandOverForm,
        fits=lambda order: bool(handing_over.open_lines(order)),
    ),
    Verb(
        "refund",
        "Refund",
        _give_back,
        REFUND,
        "The money goes back the way it came. What is given back in full is called off and its downloads end.",
        form=RefundForm,
        fits=lambda order: order.status == "paid" and order.refunded_minor < order.total_minor,
    ),
    Verb(
        "cancel",
        "Give up",
        lambda order, request: checkout.close_sessions(checkout.cancel(order)),
        SETTLE,
        "Nothing was paid: its pieces go back into stock.",
        fits=status_in("awaiting_payment"),
    ),
    Verb(
        "send_receipt",
        "Send the receipt again",
        lambda order, request: order_mail.receipt_again(order) and None,
        SETTLE,
        "The buyer gets a mail with the way to the order's page, at most once a day.",
    ),
    Verb(
        "looked_after",
        "Looked after",
        _looked_after,
        SETTLE,
        "The problem is taken off this page and off the list of what needs attention.",
        fits=lambda order: bool(order.problem),
    ),
)


class AttentionFilter(admin.SimpleListFilter):
    title = "attention"
    parameter_name = "attention"

    def lookups(self, request, model_admin):
        return [("yes", "Needs a person"), ("hand_over", "To hand over")]

    def queryset(self, request, orders):
        if self.value() == "hand_over":
            return orders.to_hand_over()
        return orders.exclude(problem="") if self.value() == "yes" else orders


class KindFilter(admin.SimpleListFilter):
    title = "money"
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        return Kind.choices

    def queryset(self, request, orders):
        paid = Payment.objects.filter(order=OuterRef("pk"), status="captured", kind=self.value())
        return orders.filter(Exists(paid)) if self.value() else orders


@admin.register(Order)
class OrderAdmin(SeenBy, VerbAdmin, ReadOnlyAdmin):
    """What was bought in the shop."""

    list_display = ["number", "status", "name", "total", "refunded", "kind", "problem", "placed_at"]
    list_filter = [
        AttentionFilter,
        "status",
        KindFilter,
        "payments__provider",
        "utm_source",
        ("placed_at", PeriodFilter),
    ]
    search_fields = ["name", "email", "lines__sku", "payments__external_id"]
    fields = [
        *("status", "problem", "name", "email", "shipping_address", "total", "refunded", "kind"),
        *("placed_at", "paid_at", "reserved_until", "came_from", "refunds_of_it"),
        *("service_orders_called_off", "handed_over", "letters"),
    ]
    readonly_fields = [
        *("total", "refunded", "kind", "came_from", "refunds_of_it", "service_orders_called_off"),
        *("handed_over", "letters"),
    ]
    inlines = [LineInline, PaymentInline, EventInline]
    verbs = ORDER_VERBS

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("lines", "payments")

    def get_search_results(self, request, queryset, search_term):
        """A number is found by itself."""
        found = queryset.numbered(search_term.strip().upper())
        if search_term.strip().upper().startswith("DB-"):
            return found, False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(ordering="id")
    def number(self, order):
        return order.number

    @admin.display()
    def total(self, order):
        return _shown(order.total_minor, order.currency)

    @admin.display()
    def refunded(self, order):
        return _shown(order.refunded_minor, order.currency) if order.refunded_minor else "–"

    @admin.display(description="money")
    def kind(self, order):
        return order.kind or "–"

    @admin.display(description="attributed to")
    def came_from(self, order):
        if order.run_id:
            page = reverse("admin:agency_run_change", args=[order.run_id])
            return format_html('<a href="{}">run {}</a>, {}', page, order.run_id, order.utm_source)
        return " / ".join(filter(None, (order.utm_source, order.utm_medium, order.utm_campaign))) or "–"

    @admin.display(description="refunds")
    def refunds_of_it(self, order):
        rows = [
            (
                reverse("admin:storefront_refund_change", args=[refund.pk]),
                _shown(refund.amount_minor, refund.currency),
                refund.get_status_display(),
            )
            for refund in Refund.objects.filter(payment__order=order).select_related("payment").order_by("pk")
        ]
        return format_html_join(", ", '<a href="{}">{}</a> {}', rows) or "none"

    @admin.display(description="called off, and not given back")
    def service_orders_called_off(self, order):
        """Work that staff canceled does not pay itself back: a person decides."""
        lines = [
            line
            for line in order.lines.select_related("service_order", "order")
            if line.service_order and line.service_order.status == "canceled" and line.refundable_minor
        ]
        rows = [(line, _shown(line.refundable_minor, order.currency)) for line in lines]
        return format_html_join(", ", "{}: {}", rows) or "none"

    @admin.display(description="handed over")
    def handed_over(self, order):
        return rights_of(order, order.seen_by)

    @admin.display(description="mails to the buyer")
    def letters(self, order):
        return mails_of(order, order.seen_by)


@admin.register(Refund)
class RefundAdmin(VerbAdmin, ReadOnlyAdmin):
    """Money on its way back; proposals wait here for a yes or a no."""

    list_display = ["__str__", "status", "amount", "reason", "problem", "requested_by", "created_at"]
    list_filter = ["status"]
    list_select_related = ["payment__order", "requested_by"]
    fields = [
        *("order", "status", "amount", "reason", "problem", "external_id"),
        *("requested_by", "created_at", "finished_at"),
    ]
    readonly_fields = ["order", "amount"]
    verbs = (
        Verb(
            "approve",
            "Give it back",
            lambda refund, request: _carry_out(refunds.approve(refund, by=request.user)),
            REFUND,
            "The money goes back the way it came.",
            fits=status_in("proposed"),
        ),
        Verb(
            "drop",
            "Do not give it back",
            lambda refund, request: refunds.drop(refund) and None,
            REFUND,
            "The proposal is dropped; the money stays here.",
            fits=status_in("proposed"),
        ),
        Verb(
            "again",
            "Ask the provider now",
            lambda refund, request: _carry_out(refund),
            REFUND,
            "It is asked under the refund's own key: what it has done already is not done twice.",
            fits=status_in("requested"),
        ),
    )

    @admin.display()
    def amount(self, refund):
        return _shown(refund.amount_minor, refund.currency)

    @admin.display()
    def order(self, refund):
        order = refund.payment.order
        page = reverse("admin:storefront_order_change", args=[order.pk])
        return format_html('<a href="{}">{}</a>', page, order.number)


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """What banks contest; it is answered at the provider."""

    list_display = ["__str__", "status", "amount", "reason", "opened_at", "closed_at"]
    list_filter = ["status"]
    list_select_related = ["payment__order"]

    @admin.display()
    def amount(self, dispute):
        return _shown(dispute.amount_minor, dispute.payment.currency)


@admin.register(PaymentEvent)
class PaymentEventAdmin(VerbAdmin, ReadOnlyAdmin):
    """What payment providers told us, as it came, and later without whom it was about. What was refused waits for
    a person."""

    list_display = ["type", "status", "order", "problem", "attempts", "received_at"]
    list_filter = ["status", "provider", "type"]
    list_select_related = ["order"]
    search_fields = ["external_id"]
    fields = [
        *("provider", "external_id", "type", "status", "problem", "order", "attempts"),
        *("received_at", "processed_at", "forgotten_at", "text"),
    ]
    readonly_fields = ["text"]
    verbs = (
        Verb(
            "again",
            "Process again",
            lambda event, request: inbox.try_again(event) and None,
            SETTLE,
            "What refused it is mended: it is read anew.",
            fits=status_in("refused", "received"),
        ),
    )

    @admin.display(description="body")
    def text(self, event):
        return format_html('<pre class="board-text">{}</pre>', event.body)
