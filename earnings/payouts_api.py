"""The door of payouts for programs."""

import hashlib

import django_filters
from django.db.models import Prefetch
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from earnings import money, payouts
from earnings.ledger import PAID_OUT, Purse
from earnings.models import Channel, Kind, Payout, PayoutPart
from earnings.parameters import KnowsItsParameters
from earnings.refusals import Refusal
from earnings.serializers import MoneySerializer
from earnings.strict import Strict

LONGEST_KEY = 255


class PayoutRequest(Strict, serializers.Serializer):
    """What arrived at the bank: everything available at a channel, or the earnings named."""

    channel = serializers.CharField(max_length=50, help_text="Its key, e.g. fiverr.")
    currency = serializers.RegexField(r"^[A-Z]{3}$", help_text="ISO 4217.")
    kind = serializers.ChoiceField(Kind.choices, default=Kind.REAL.value)
    amount = serializers.CharField(
        max_length=30, required=False, help_text="What the bank shows; refused if the books say another sum."
    )
    earnings = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=payouts.MOST,
        help_text="Their keys.",
    )
    reference = serializers.CharField(max_length=120, default="", allow_blank=True)


class PartSerializer(serializers.ModelSerializer):
    entry = serializers.CharField(source="entry.key")
    earning = serializers.CharField(
        source="entry.earning.key",
        default=None,
        allow_null=True,
        help_text="Null for what the channel charged or owed beside sales.",
    )
    title = serializers.CharField(source="entry.title")
    amount = serializers.SerializerMethodField()

    class Meta:
        model = PayoutPart
        fields = ["entry", "earning", "title", "amount"]

    @extend_schema_field(MoneySerializer)
    def get_amount(self, part):
        paid = sum(each.amount_minor for each in part.entry.postings.all() if each.account_id == PAID_OUT)
        return money.as_json(paid, part.entry.currency)


class PayoutSerializer(serializers.ModelSerializer):
    amount = serializers.SerializerMethodField()
    channel = serializers.CharField(source="channel_id")

    class Meta:
        model = Payout
        fields = [
            *("id", "channel", "kind", "currency", "amount", "reference"),
            *("occurred_at", "returned_at", "created_at"),
        ]

    @extend_schema_field(MoneySerializer)
    def get_amount(self, payout):
        return money.as_json(payout.amount_minor, payout.currency)


class PayoutDetailSerializer(PayoutSerializer):
    """A payout with everything that it paid out."""

    parts = PartSerializer(many=True)

    class Meta(PayoutSerializer.Meta):
        fields = [*PayoutSerializer.Meta.fields, "parts"]


class PayoutFilter(django_filters.FilterSet):
    channel = django_filters.CharFilter(field_name="channel_id")
    kind = django_filters.ChoiceFilter(choices=Kind.choices)
    currency = django_filters.CharFilter()

    class Meta:
        model = Payout
        fields = []


@extend_schema(tags=["earnings"])
class PayoutViewSet(KnowsItsParameters, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Payouts of channels to our bank, and which earnings each paid out."""

    queryset = Payout.objects.all()
    filterset_class = PayoutFilter
    ordering_fields = ("id", "occurred_at")
    remembers_wishes = True  # an Idempotency-Key makes one payout, for as long as that is kept

    def get_queryset(self):
        if self.action == "list":
            return super().get_queryset()
        parts = PayoutPart.objects.select_related("entry__earning").prefetch_related("entry__postings")
        return super().get_queryset().prefetch_related(Prefetch("parts", parts.order_by("pk")))

    def get_serializer_class(self):
        return PayoutSerializer if self.action == "list" else PayoutDetailSerializer

    @extend_schema(request=PayoutRequest, responses={201: PayoutDetailSerializer})
    def create(self, request):
        """Write down that a payout arrived.

        Everything available of the channel is `paid_out` then, less what it charged beside sales, or the
        `earnings` named alone. An `amount` that the books do not show is refused, and nothing moves.
        """
        asked = PayoutRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given, now = asked.validated_data, timezone.now()
        payout = payouts.record(
            _purse(given),
            _key(request),
            now,
            amount_minor=_minor(given),
            earnings=given.get("earnings"),
            reference=given["reference"],
            by=request.user,
        )
        is_new = payout.occurred_at == now
        headers = {"Location": f"/api/v1/earnings/payouts/{payout.pk}"}
        headers |= {} if is_new else {"Idempotent-Replayed": "true"}
        body = PayoutDetailSerializer(self.get_queryset().get(pk=payout.pk)).data
        return Response(body, status.HTTP_201_CREATED, headers=headers)

    @extend_schema(request=None, responses=PayoutDetailSerializer)
    @action(detail=True, methods=["post"], url_path="return")
    def take_back(self, request, pk=None):
        """The bank or the channel sent it back: all of it is available again. Twice is once."""
        payouts.take_back(self.get_object())
        return Response(PayoutDetailSerializer(self.get_object()).data)


def _purse(given):
    channel = Channel.objects.filter(pk=given["channel"]).first()
    if channel is None:
        raise Refusal.of_field("/channel", f"There is no channel {given['channel']!r}.")
    try:
        money.exponent(given["currency"])
    except ValueError as error:
        raise Refusal.of_field("/currency", f"{error}.") from None
    return Purse(channel, given["currency"], given["kind"])


def _minor(given):
    if "amount" not in given:
        return None
    try:
        return money.to_minor(given["amount"], given["currency"])
    except ValueError as error:
        raise Refusal.of_field("/amount", f"{error}.") from None


def _key(request):
    """What names the wish: who asks with which Idempotency-Key, or nothing that comes again."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return f"payout:{timezone.now():%Y%m%d%H%M%S%f}.{request.user.pk}"
    if not key.strip() or len(key) > LONGEST_KEY:
        raise Refusal(f"Idempotency-Key must have 1 to {LONGEST_KEY} characters.", status=400)
    return f"payout:{hashlib.sha256(f'{request.user.pk}:{key}'.encode()).hexdigest()[:40]}"
