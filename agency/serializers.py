"""The agency's rows as the API shows and takes them."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agency import workflows
from agency.models import Artifact, CandidateState, ChimeraTask, Event, Intent, Observation, Run, Task
from agency.models.intents import Pipeline
from earnings import money
from earnings.models import Kind
from earnings.serializers import MeasuresSerializer
from earnings.strict import Strict

MONEY = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "example": "12.34"},
        "minor": {"type": "integer", "example": 1234},
        "currency": {"type": "string", "example": "USD"},
    },
    "required": ["amount", "minor", "currency"],
}


class Request(Strict, serializers.Serializer):
    """A body: every field known, every value of its own JSON type."""


class WorkflowKeyField(serializers.CharField):
    """A workflow of one pipeline by its key. The schema lists those that are registered (`config.schema`)."""

    def __init__(self, pipeline, **kwargs):
        self.pipeline = pipeline
        super().__init__(**kwargs)

    def known(self):
        return [workflow.key for workflow in workflows.every(self.pipeline)]


_DEADLINE = {
    "required": False,
    "min_value": 60,
    "max_value": 86_400,
    "help_text": "The run ends as timed_out after this long; without it, after what its tasks may take.",
}


class OrchestrateSales(Request):
    """Which Sales workflow to run."""

    operation = WorkflowKeyField("sales")
    params = serializers.DictField(required=False, default=dict)
    deadline_seconds = serializers.IntegerField(**_DEADLINE)


class OrchestrateService(Request):
    """Which service workflow to run."""

    workflow = WorkflowKeyField("ops")
    params = serializers.DictField(required=False, default=dict)
    deadline_seconds = serializers.IntegerField(**_DEADLINE)


class OrchestrateIntent(Request):
    """A wish. With `collapse` false it stays in superposition."""

    statement = serializers.CharField(max_length=300, help_text="For example: Maximize profit")
    collapse = serializers.BooleanField(required=False, default=True)
    deadline_seconds = serializers.IntegerField(**_DEADLINE)


class CollapseRequest(Request):
    """Which states to collapse to; without `choose`, those of the playbook."""

    choose = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, allow_null=True, max_length=50
    )
    dry_run = serializers.BooleanField(required=False, default=False)


class ForkRequest(Request):
    """Which of the states to run that the collapse did not choose; without `choose`, all of them."""

    choose = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, allow_null=True, max_length=50
    )
    dry_run = serializers.BooleanField(required=False, default=False)


class ReplayRequest(Request):
    """Parameters for some of the run's workflows, in place of those that they had."""

    params = serializers.DictField(
        child=serializers.DictField(), required=False, allow_null=True, help_text='`{"inventory_audit": {...}}`'
    )


class ResumeRequest(Request):
    """Whether what was measured is measured anew."""

    measure_again = serializers.BooleanField(required=False, default=False)


class RejectRequest(Request):
    """Why a person says no."""

    reason = serializers.CharField(required=False, max_length=500, default="A person rejected it.")


class EvidenceSerializer(serializers.Serializer):
    text = serializers.CharField()
    factor = serializers.FloatField()
    source = serializers.CharField()


class StateSerializer(serializers.ModelSerializer):
    params = serializers.DictField()
    weight = serializers.FloatField(help_text="0 to 1; those of one intent sum to 1.")
    evidence = EvidenceSerializer(many=True)

    class Meta:
        model = CandidateState
        fields = ["key", "workflow", "pipeline", "weight", "evidence", "params", "is_chosen"]


class IntentSerializer(serializers.ModelSerializer):
    states = StateSerializer(many=True, read_only=True)
    schedule = serializers.PrimaryKeyRelatedField(read_only=True, allow_null=True)
    playbook = serializers.SlugRelatedField("slug", read_only=True)
    runs = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta:
        model = Intent
        fields = [
            *("id", "statement", "status", "playbook", "schedule", "states", "runs"),
            *("created_at", "collapsed_at"),
        ]


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
    params = serializers.DictField(read_only=True)
    result = serializers.JSONField(allow_null=True)
    approved_by = serializers.SlugRelatedField("username", read_only=True, allow_null=True)

    class Meta:
        model = Task
        fields = [
            *("id", "run", "pipeline", "workflow", "subject", "status", "params", "attempts", "worker"),
            *("progress", "measures", "binds", "bound_to", "result", "error", "waiting_on"),
            *("asked_of", "asked_at", "expires_at", "approved_by", "approved_at"),
            *("artifacts", "started_at", "finished_at"),
        ]


class RunSerializer(serializers.ModelSerializer):
    tasks = TaskSerializer(many=True, read_only=True)
    observations = serializers.SerializerMethodField()

    class Meta:
        model = Run
        fields = [
            *("id", "title", "status", "intent", "restart_of", "origin", "tasks", "observations"),
            *("created_at", "deadline_at", "started_at", "finished_at"),
        ]

    @extend_schema_field(serializers.DictField(child=ObservationSerializer()))
    def get_observations(self, run):
        return {seen.kind: ObservationSerializer(seen).data for seen in run.observations.all()}


class EventSerializer(serializers.ModelSerializer):
    data = serializers.DictField()
    id = serializers.IntegerField(source="number", help_text="Counts from 1 in each run, without gaps.")

    class Meta:
        model = Event
        fields = ["id", "kind", "message", "task", "data", "created_at"]


class ChimeraTaskSerializer(serializers.ModelSerializer):
    class Meta:
        model = ChimeraTask
        fields = [
            *("id", "agent", "purpose", "task", "service_order", "provider", "model", "output"),
            *("tokens_in", "tokens_out", "latency_ms", "outcome", "error", "created_at"),
        ]


class ObservationRowSerializer(ObservationSerializer):
    class Meta(ObservationSerializer.Meta):
        fields = [*ObservationSerializer.Meta.fields, "run"]


class ObservationBodySerializer(ObservationSerializer):
    payload = serializers.DictField(read_only=True)

    class Meta(ObservationSerializer.Meta):
        fields = [*ObservationSerializer.Meta.fields, "run", "body", "payload"]


# --- What is asked about wishes and runs --------------------------------------------------------------------


class PlannedTaskSerializer(serializers.Serializer):
    """A task that a collapse would open."""

    workflow = serializers.CharField()
    title = serializers.CharField()
    pipeline = serializers.ChoiceField(Pipeline.choices)
    params = serializers.DictField()
    measures = serializers.ListField(child=serializers.CharField())
    binds = serializers.ListField(child=serializers.CharField())
    description = serializers.CharField()
    touches = serializers.ListField(child=serializers.CharField(), help_text="What it would change.")
    asks = serializers.CharField(help_text="What it asks a person before it does it; empty = nothing.")


class PreviewSerializer(serializers.Serializer):
    """What a collapse or a fork would run; nothing runs."""

    tasks = PlannedTaskSerializer(many=True)


class MeasuredBySerializer(serializers.Serializer):
    task = serializers.IntegerField()
    workflow = serializers.CharField()


class BoundTaskSerializer(MeasuredBySerializer):
    status = serializers.ChoiceField(Task.Status.choices)


class DriftedPartSerializer(serializers.Serializer):
    """A part of the measurement that is not as it was."""

    part = serializers.CharField(help_text="For example products/DESK-1/price_minor.")
    then = serializers.JSONField(allow_null=True)
    now = serializers.JSONField(allow_null=True)


class ProvedObservationSerializer(serializers.Serializer):
    observation_id = serializers.IntegerField()
    sha256 = serializers.CharField()
    measured_at = serializers.DateTimeField()
    kind = serializers.CharField()
    measured_by = MeasuredBySerializer()
    bound = BoundTaskSerializer(many=True)
    hash_ok = serializers.BooleanField(help_text="The stored body still has its hash.")
    drift = serializers.ChoiceField(["fresh", "drifted", "broken", "unknown"])
    drifted = DriftedPartSerializer(many=True)


class EntanglementSerializer(serializers.Serializer):
    run = serializers.IntegerField()
    observations = ProvedObservationSerializer(many=True)


class AttributedSerializer(serializers.Serializer):
    """Orders of one kind of money in one currency; `amount` is what was paid less what was given back."""

    kind = serializers.ChoiceField(Kind.choices)
    orders = serializers.IntegerField()
    amount = serializers.SerializerMethodField()

    @extend_schema_field(MONEY)
    def get_amount(self, row):
        return money.as_json(row.amount_minor, row.currency)


class KindOutcomeSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(Kind.choices)
    before = MeasuresSerializer(help_text="Of as many days before.")
    after = MeasuresSerializer(help_text="Of as many days from the collapse on.")


class WindowSerializer(serializers.Serializer):
    days = serializers.ChoiceField([7, 14, 30])
    is_complete = serializers.BooleanField(help_text="Whether its last day is over.")
    kinds = KindOutcomeSerializer(many=True)


class OutcomeSerializer(serializers.Serializer):
    """What the whole store earned before and after; it claims no cause."""

    since = serializers.DateField(help_text="The store's day on which the wish was collapsed.")
    currency = serializers.CharField()
    windows = WindowSerializer(many=True)


class AttributionSerializer(serializers.Serializer):
    attributed = AttributedSerializer(many=True)


class ParamsSchemaSerializer(serializers.Serializer):
    """A JSON Schema."""

    type = serializers.ChoiceField(["object"])
    properties = serializers.DictField(child=serializers.DictField())
    required = serializers.ListField(child=serializers.CharField())
    additionalProperties = serializers.BooleanField()


class WorkflowSerializer(serializers.Serializer):
    key = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    pipeline = serializers.ChoiceField(Pipeline.choices)
    measures = serializers.ListField(child=serializers.CharField())
    binds = serializers.ListField(child=serializers.CharField())
    concurrency = serializers.ChoiceField([each.value for each in workflows.Concurrency])
    subject = serializers.CharField(help_text="What two tasks at once would fight over; empty = nothing.")
    timeout = serializers.IntegerField(help_text="Seconds for one attempt.")
    max_attempts = serializers.IntegerField()
    approval = serializers.CharField(help_text="When it asks a person first; empty = never.")
    approval_right = serializers.CharField(help_text="The right that this person needs.")
    params = ParamsSchemaSerializer()


class WorkflowListSerializer(serializers.Serializer):
    results = WorkflowSerializer(many=True)
