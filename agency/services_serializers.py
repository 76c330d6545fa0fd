"""Gigs, service orders and stories as the API shows and takes them."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agency.models import Delivery, Gig, Package, ServiceOrder, SuccessStory
from agency.serializers import MONEY, ArtifactSerializer, Request
from earnings import money
from earnings.models import Kind


@extend_schema_field(MONEY)
class MoneyField(serializers.Field):
    """`{"amount": "12.34", "minor": 1234, "currency": "USD"}` from the columns `minor` and `currency`."""

    def __init__(self, minor, **kwargs):
        self._minor = minor
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, row):
        return money.as_json(getattr(row, self._minor), row.currency)


_PAID = ["channel", "order_id", "amount", "currency"]


@extend_schema_field(
    {
        "type": "object",
        "description": "What its marketplace says of the order: it was paid there, so its money is real.",
        "properties": {
            "channel": {"type": "string", "minLength": 1, "example": "fiverr"},
            "order_id": {"type": "string", "minLength": 1, "maxLength": 80, "example": "FO123"},
            "amount": {"type": "string", "minLength": 1, "example": "100.00"},
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "example": "USD"},
            "client": {"type": "string", "description": "The buyer's name there."},
        },
        "dependentRequired": dict.fromkeys((*_PAID, "client"), _PAID),
        "additionalProperties": False,
    }
)
class ExternalOrderField(serializers.DictField):
    """An object that `agency.wanted_orders` reads, each value by its own rule."""


@extend_schema_field({"type": "string", "enum": Package.Tier.values, "default": Package.Tier.BASIC.value})
class TierField(serializers.CharField):
    """A tier; the refusal of another one names those that the gig has."""


class TakeOrder(Request):
    """An order for a gig."""

    gig = serializers.CharField(max_length=120, help_text="The gig's slug.")
    package = TierField(default="basic")
    brief = serializers.DictField(required=False, default=dict)
    external = ExternalOrderField(required=False, allow_null=True)


class BriefRequest(Request):
    """What the client said."""

    brief = serializers.DictField()


class AcceptRequest(Request):
    """How the client took the work."""

    consent = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Whether the portfolio may show it; without it, as the brief said.",
    )
    quote = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)


class RevisionRequest(Request):
    """What should change."""

    reason = serializers.CharField(max_length=500)


class PackageSerializer(serializers.ModelSerializer):
    features = serializers.ListField(child=serializers.CharField())
    price = MoneyField("price_minor")

    class Meta:
        model = Package
        fields = ["tier", "name", "description", "price", "delivery_days", "revisions", "features"]


class GigSerializer(serializers.ModelSerializer):
    tags = serializers.ListField(child=serializers.CharField())
    requirements = serializers.ListField(child=serializers.DictField())
    packages = PackageSerializer(many=True, read_only=True)

    class Meta:
        model = Gig
        fields = [
            *("id", "slug", "name", "title", "summary", "category", "tags", "requirements", "recipe"),
            *("is_listed", "packages"),
        ]


class DeliverySerializer(serializers.ModelSerializer):
    checks = serializers.ListField(child=serializers.DictField())
    artifacts = ArtifactSerializer(many=True, read_only=True)

    class Meta:
        model = Delivery
        fields = ["number", "message", "checks", "artifacts", "created_at", "delivered_at", "revision_request"]


class ServiceOrderSerializer(serializers.ModelSerializer):
    number = serializers.CharField(read_only=True)
    gig = serializers.SlugRelatedField("slug", read_only=True)
    package = serializers.SlugRelatedField("tier", read_only=True)
    amount = MoneyField("amount_minor")
    fee = MoneyField("fee_minor")
    allowed = serializers.ListField(child=serializers.ChoiceField(ServiceOrder.Status.choices), read_only=True)
    brief = serializers.DictField(read_only=True)
    deliveries = DeliverySerializer(many=True, read_only=True)

    class Meta:
        model = ServiceOrder
        fields = [
            *("id", "number", "status", "allowed", "gig", "package", "channel", "external_id", "kind"),
            *("amount", "fee", "client", "brief", "showcase_consent", "problem", "run", "deliveries"),
            *("created_at", "due_at", "accepted_at"),
        ]


class StorySerializer(serializers.ModelSerializer):
    gig = serializers.CharField(source="service_order.gig.slug")
    kind = serializers.ChoiceField(Kind.choices, source="service_order.kind")
    value = serializers.SerializerMethodField()
    url = serializers.CharField(source="get_absolute_url")

    class Meta:
        model = SuccessStory
        fields = ["slug", "title", "summary", "quote", "gig", "kind", "value", "url", "published_at"]

    @extend_schema_field(MONEY)
    def get_value(self, story):
        return money.as_json(story.service_order.amount_minor, story.service_order.currency)
