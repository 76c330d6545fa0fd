"""The shop's orders for programs: to find, to mark as paid, to hand over and to give money back."""

import hashlib
from uuid import uuid4

import django_filters
from django.db.models import Exists, OuterRef
from django.shortcuts import get_object_or_404
from django_filters import CharFilter, ChoiceFilter
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from agency.api import Rows, checked
from agency.idempotency import RemembersAnswers
from agency.serializers import Request
from agency.services_serializers import MoneyField
from earnings import money
from earnings.filters import FLAG, ReadFilter, of_id, of_instant, read_flag
from earnings.models import Kind
from earnings.refusals import Refusal
from storefront import checkout, handing_over, payments, refunds
from storefront.models import Order, OrderLine, Payment, Refund

NUMBER = OpenApiParameter("number", str, OpenApiParameter.PATH, description="Like DB-000123.")


class OrderLineSerializer(serializers.ModelSerializer):
    unit_price = MoneyField("unit_price_minor")
    amount = MoneyField("amount_minor")
    refunded = MoneyField("refunded_minor")
    terms = serializers.DictField(read_only=True)

    class Meta:
        model = OrderLine
        fields = [
            *("number", "sku", "title", "option", "kind", "quantity", "unit_price", "amount", "refunded"),
            *("tax_note", "terms", "service_order", "is_short", "fulfilled_at"),
        ]


class PaymentSerializer(serializers.ModelSerializer):
    """`fee_source` says whether the fee is the provider's own or estimated by the channel's rate."""

    amount = MoneyField("amount_minor")
    fee = MoneyField("fee_minor")

    class Meta:
        model = Payment
        fields = [
            *("id", "provider", "kind", "status", "amount", "fee", "fee_source", "external_id", "is_surplus"),
            *("due_on", "problem", "created_at", "captured_at"),
        ]


class RefundSerializer(serializers.ModelSerializer):
    amount = MoneyField("amount_minor")

    class Meta:
        model = Refund
        fields = ["id", "status", "amount", "reason", "problem", "external_id", "created_at", "finished_at"]


class OrderSerializer(serializers.ModelSerializer):
    """An order. `kind` is null until it is paid, and for an order that cost nothing."""

    number = serializers.CharField(read_only=True)
    allowed = serializers.ListField(child=serializers.ChoiceField(Order.Status.choices), read_only=True)
    kind = serializers.ChoiceField(Kind.choices, read_only=True, allow_null=True)
    total = MoneyField("total_minor")
    refunded = MoneyField("refunded_minor")
    lines = OrderLineSerializer(many=True, read_only=True)
    payments = PaymentSerializer(many=True, read_only=True)
    refunds = RefundSerializer(many=True, read_only=True)

    class Meta:
        model = Order
        fields = [
            *("number", "status", "allowed", "kind", "problem", "name", "email", "shipping_address"),
            *("total", "refunded", "lines", "payments", "refunds"),
            *("utm_source", "utm_medium", "utm_campaign", "run", "placed_at", "paid_at"),
        ]


class RefundedLine(Request):
    """One line, and how much of it goes back; all that is left of it without an amount."""

    number = serializers.IntegerField(min_value=1, max_value=100)
    amount = serializers.CharField(required=False, max_length=30, help_text='Like "12.34".')


class RefundRequest(Request):
    """How much goes back: everything that is left, an `amount` over all lines, or amounts of `lines`."""

    amount = serializers.CharField(required=False, max_length=30, help_text='Like "12.34".')
    lines = RefundedLine(many=True, required=False)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class HandOverRequest(Request):
    """Which lines are handed over; all that are open without any."""

    lines = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=100), required=False)
    although_contested = serializers.BooleanField(
        default=False, help_text="Hand over although the buyer's bank contests the payment."
    )


def _has(rows, **columns):
    return Exists(rows.filter(order=OuterRef("pk"), **columns))


class OrderFilter(django_filters.FilterSet):
    status = ChoiceFilter(choices=Order.Status.choices)
    kind = ChoiceFilter(choices=Kind.choices, method="paid_with")
    provider = ChoiceFilter(choices=payments.choices(), method="tried_with")
    sku = CharFilter(method="holding", label="Orders with this SKU, or gig and tier like logo/basic.")
    email = CharFilter(lookup_expr="iexact")
    utm_source = CharFilter()
    utm_campaign = CharFilter()
    run = of_id()
    intent = of_id("run__intent")
    needs_attention = extend_schema_field(FLAG)(ReadFilter(method="needing_attention", read=read_flag))
    placed_from = of_instant("placed_at", "gte")
    placed_before = of_instant("placed_at", "lt")

    class Meta:
        model = Order
        fields = []

    def paid_with(self, orders, name, kind):
        return orders.filter(_has(Payment.objects, kind=kind, status=Payment.Status.CAPTURED))

    def tried_with(self, orders, name, provider):
        return orders.filter(_has(Payment.objects, provider=provider))

    def holding(self, orders, name, sku):
        return orders.filter(_has(OrderLine.objects, sku=sku))

    def needing_attention(self, orders, name, wanted):
        return orders.exclude(problem="") if wanted else orders.filter(problem="")


@extend_schema(tags=["orders"])
@extend_schema_view(retrieve=extend_schema(parameters=[NUMBER]))
class OrderViewSet(RemembersAnswers, Rows):
    """What was bought in the shop. A refused step is a 409 that lists what is `allowed`."""

    queryset = Order.objects.prefetch_related("lines", "payments__refunds")
    serializer_class = OrderSerializer
    filterset_class = OrderFilter
    ordering_fields = ("id", "placed_at", "paid_at")
    lookup_field = "number"
    lookup_value_regex = "[^/]+"

    @property
    def rights(self):
        if self.action == "refund":
            return ("storefront.refund_order",)
        settles = self.action in ("mark_paid", "hand_over")
        return ("storefront.settle_order",) if settles else ("storefront.view_order",)

    def get_object(self):
        return get_object_or_404(self.get_queryset().numbered(self.kwargs["number"]))

    def _answer(self):
        return Response(OrderSerializer(self.get_object()).data)

    @extend_schema(request=RefundRequest, responses=OrderSerializer, parameters=[NUMBER])
    @action(detail=True, methods=["post"])
    def refund(self, request, number=None):
        """Give money back: all that is left, an amount, or amounts of lines. Never more than was paid.

        With an `Idempotency-Key` the same wish is one refund, however often it is sent. The provider is asked at
        once; a refund that it carries out later stays `requested` until then.
        """
        asked, order = checked(RefundRequest, request), self.get_object()
        if "amount" in asked and "lines" in asked:
            raise Refusal.of_field("/lines", "Give an amount or lines, not both.")
        refund = refunds.request(
            order,
            _key(request, order),
            amounts=_line_amounts(order, asked.get("lines")),
            amount_minor=_minor("/amount", asked["amount"], order) if "amount" in asked else None,
            reason=asked["reason"],
            by=request.user,
        )
        refund = refunds.carry_out(refund)
        if refund.status == Refund.Status.FAILED:
            raise Refusal(f"The provider refused the refund: {refund.problem}", allowed=order.allowed)
        return self._answer()

    @extend_schema(request=None, responses=OrderSerializer, parameters=[NUMBER])
    @action(detail=True, methods=["post"], url_path="mark-paid")
    def mark_paid(self, request, number=None):
        """The money for an invoice has come: the order is booked as paid, and handed over. Twice is once."""
        checkout.close_sessions(checkout.mark_order_paid(self.get_object(), by=request.user))
        return self._answer()

    @extend_schema(request=HandOverRequest, responses=OrderSerializer, parameters=[NUMBER])
    @action(detail=True, methods=["post"], url_path="hand-over")
    def hand_over(self, request, number=None):
        """Parcels are on their way, work is done by hand: what it earned is booked, and the buyer is told.

        While the buyer's bank contests the payment it is a 409, `code` contested, unless `although_contested`.
        """
        asked, order = checked(HandOverRequest, request), self.get_object()
        lines = {line.number: line for line in order.lines.all()}
        wanted = asked.get("lines") or [line.number for line in handing_over.open_lines(order)]
        unknown = [number for number in wanted if number not in lines]
        if unknown:
            raise Refusal.of_field("/lines", f"{order.number} has no line {unknown[0]}.")
        for number in wanted:
            handing_over.hand_over(lines[number], although_contested=asked["although_contested"])
        return self._answer()


def _key(request, order):
    """What names the wish: the caller's own key, which may be longer than a column; else each call is another."""
    said = request.headers.get("Idempotency-Key") or str(uuid4())
    return f"api:{request.user.pk}:{order.pk}:{hashlib.sha256(said.encode()).hexdigest()}"


def _line_amounts(order, asked):
    """{line number: minor units} of the lines that were named, or None."""
    if asked is None:
        return None
    if not asked:
        raise Refusal.of_field("/lines", "Name at least one line, or leave the field out.")
    lines = {line.number: line for line in order.lines.all()}
    amounts = {}
    for index, named in enumerate(asked):
        number = named["number"]
        if number in amounts:
            raise Refusal.of_field(f"/lines/{index}/number", f"Line {number} is named twice.")
        if number not in lines:
            raise Refusal.of_field(f"/lines/{index}/number", f"{order.number} has no line {number}.")
        text = named.get("amount")
        left = lines[number].refundable_minor
        amounts[number] = left if text is None else _minor(f"/lines/{index}/amount", text, order)
        if text is None and not left:
            raise Refusal(f"Nothing of line {number} is left to give back.", allowed=[])
    return amounts


def _minor(pointer, text, order):
    try:
        minor = money.to_minor(text, order.currency)
    except ValueError as error:
        raise Refusal.of_field(pointer, f"{error}.") from None
    if minor < 1:
        raise Refusal.of_field(pointer, "A refund is more than zero.")
    return minor
