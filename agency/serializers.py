"""The agency's rows as the API shows and takes them."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agency.models import (
    Artifact,
    CandidateState,
    ChimeraTask,
    Delivery,
    Event,
    Gig,
    Intent,
    Observation,
    Package,
    Run,
    ServiceOrder,
    SuccessStory,
    Task,
)
from earnings import money

MONEY = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "example": "12.34"},
        "minor": {"type": "integer", "example": 1234},
        "currency": {"type": "string", "example": "USD"},
    },
    "required": ["amount", "minor", "currency"],
}


@extend_schema_field(MONEY)
class MoneyField(serializers.Field):
    """`{"amount": "12.34", "minor": 1234, "currency": "USD"}` from the columns `minor` and `currency`."""

    def __init__(self, minor, **kwargs):
        self._minor = minor
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, row):
        return money.as_json(getattr(row, self._minor), row.currency)


class OrchestrateSales(serializers.Serializer):
    """Which Sales workflow to run."""

    operation = serializers.CharField(help_text="`inventory_audit` or `storefront_build`.")
    params = serializers.DictField(required=False, default=dict)


class OrchestrateService(serializers.Serializer):
    """Which service workflow to run."""

    workflow = serializers.CharField(
        help_text="`fiverr_bot`, `gig_optimization`, `service_promotion` or `launch_announcement`."
    )
    params = serializers.DictField(required=False, default=dict)


class OrchestrateIntent(serializers.Serializer):
    """A wish. With `collapse` false it stays in superposition."""

    statement = serializers.CharField(max_length=300, help_text="For example: Maximize profit")
    collapse = serializers.BooleanField(required=False, default=True)


class CollapseRequest(serializers.Serializer):
    """Which states to collapse to; without `choose`, those of the playbook."""

    choose = serializers.ListField(child=serializers.CharField(), required=False, allow_null=True)
    dry_run = serializers.BooleanField(required=False, default=False)


class RejectRequest(serializers.Serializer):
    """Why a person says no."""

    reason = serializers.CharField(required=False, max_length=500, default="A person rejected it.")


class TakeOrder(serializers.Serializer):
    """An order for a gig."""

    gig = serializers.CharField(help_text="The gig's slug.")
    package = serializers.CharField(default="basic", help_text="`basic`, `standard` or `premium`.")
    brief = serializers.DictField(required=False, default=dict)
    external = serializers.DictField(
        required=False,
        allow_null=True,
        help_text='`{"channel": "fiverr", "order_id": "FO123", "amount": "100.00", "currency": "USD"}`',
    )


class BriefRequest(serializers.Serializer):
    """What the client said."""

    brief = serializers.DictField()


class AcceptRequest(serializers.Serializer):
    """How the client took the work."""

    consent = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Whether the portfolio may show it; without it, as the brief said.",
    )
    quote = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)


class RevisionRequest(serializers.Serializer):
    """What should change."""

    reason = serializers.CharField(max_length=500)


class EvidenceSerializer(serializers.Serializer):
    text = serializers.CharField()
    factor = serializers.FloatField()
    source = serializers.CharField()


class StateSerializer(serializers.ModelSerializer):
    weight = serializers.FloatField(help_text="0 to 1; those of one intent sum to 1.")
    evidence = EvidenceSerializer(many=True)

    class Meta:
        model = CandidateState
        fields = ["key", "workflow", "pipeline", "weight", "evidence", "params", "is_chosen"]


class IntentSerializer(serializers.ModelSerializer):
    states = StateSerializer(many=True, read_only=True)
    playbook = serializers.SlugRelatedField("slug", read_only=True)
    runs = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta:
        model = Intent
        fields = ["id", "statement", "status", "playbook", "states", "runs", "created_at", "collapsed_at"]


class ObservationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Observation
        fields = ["id", "kind", "task", "sha256", "measured_at"]


class ArtifactSerializer(serializers.ModelSerializer):
    url = serializers.SerializerMethodField()

    class Meta:
        model = Artifact
        fields = ["id", "kind", "name", "content_type", "size", "sha256", "url", "created_at"]

    def get_url(self, artifact) -> str:
        return f"/api/v1/artifacts/{artifact.pk}/file"


class ProgressSerializer(serializers.Serializer):
    done = serializers.IntegerField(source="progress_done")
    total = serializers.IntegerField(source="progress_total")
    message = serializers.CharField(source="progress_message")


class BoundSerializer(serializers.ModelSerializer):
    observation_id = serializers.IntegerField(source="pk")

    class Meta:
        model = Observation
        fields = ["observation_id", "kind", "sha256"]


class TaskSerializer(serializers.ModelSerializer):
    progress = ProgressSerializer(source="*", read_only=True)
    bound_to = BoundSerializer(many=True, read_only=True)
    artifacts = ArtifactSerializer(many=True, read_only=True)
    measures = serializers.ListField(child=serializers.CharField())
    binds = serializers.ListField(child=serializers.CharField())
    result = serializers.JSONField(allow_null=True)

    class Meta:
        model = Task
        fields = [
            "id",
            "run",
            "pipeline",
            "workflow",
            "status",
            "params",
            "attempts",
            "progress",
            "measures",
            "binds",
            "bound_to",
            "result",
            "error",
            "waiting_on",
            "artifacts",
            "started_at",
            "finished_at",
        ]


class RunSerializer(serializers.ModelSerializer):
    tasks = TaskSerializer(many=True, read_only=True)
    observations = serializers.SerializerMethodField()

    class Meta:
        model = Run
        fields = [
            "id",
            "title",
            "status",
            "intent",
            "restart_of",
            "tasks",
            "observations",
            "created_at",
            "deadline_at",
            "started_at",
            "finished_at",
        ]

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "object"}})
    def get_observations(self, run):
        return {seen.kind: ObservationSerializer(seen).data for seen in run.observations.all()}


class EventSerializer(serializers.ModelSerializer):
    id = serializers.IntegerField(source="number", help_text="Counts from 1 in each run, without gaps.")

    class Meta:
        model = Event
        fields = ["id", "kind", "message", "task", "data", "created_at"]


class ChimeraTaskSerializer(serializers.ModelSerializer):
    class Meta:
        model = ChimeraTask
        fields = [
            "id",
            "agent",
            "purpose",
            "task",
            "service_order",
            "provider",
            "model",
            "output",
            "tokens_in",
            "tokens_out",
            "latency_ms",
            "outcome",
            "error",
            "created_at",
        ]


class PackageSerializer(serializers.ModelSerializer):
    price = MoneyField("price_minor")

    class Meta:
        model = Package
        fields = ["tier", "name", "description", "price", "delivery_days", "revisions", "features"]


class GigSerializer(serializers.ModelSerializer):
    packages = PackageSerializer(many=True, read_only=True)

    class Meta:
        model = Gig
        fields = [
            "id",
            "slug",
            "name",
            "title",
            "summary",
            "category",
            "tags",
            "requirements",
            "recipe",
            "is_listed",
            "packages",
        ]


class DeliverySerializer(serializers.ModelSerializer):
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
    allowed = serializers.ListField(child=serializers.CharField(), read_only=True)
    deliveries = DeliverySerializer(many=True, read_only=True)

    class Meta:
        model = ServiceOrder
        fields = [
            "id",
            "number",
            "status",
            "allowed",
            "gig",
            "package",
            "channel",
            "external_id",
            "kind",
            "amount",
            "fee",
            "client",
            "brief",
            "showcase_consent",
            "problem",
            "run",
            "deliveries",
            "created_at",
            "due_at",
            "accepted_at",
        ]


class StorySerializer(serializers.ModelSerializer):
    gig = serializers.CharField(source="service_order.gig.slug")
    kind = serializers.CharField(source="service_order.kind")
    value = serializers.SerializerMethodField()
    url = serializers.CharField(source="get_absolute_url")

    class Meta:
        model = SuccessStory
        fields = ["slug", "title", "summary", "quote", "gig", "kind", "value", "url", "published_at"]

    @extend_schema_field(MONEY)
    def get_value(self, story):
        return money.as_json(story.service_order.amount_minor, story.service_order.currency)


class ObservationBodySerializer(ObservationSerializer):
    payload = serializers.JSONField(read_only=True)

    class Meta(ObservationSerializer.Meta):
        fields = [*ObservationSerializer.Meta.fields, "run", "body", "payload"]
