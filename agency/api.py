"""The agency's door for programs."""

from django.db import transaction
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from agency import direction_board, entanglement, fulfillment_engine, quantum_state, streams, workflows
from agency import serializers as s
from agency.idempotency import RemembersAnswers
from agency.models import (
    Artifact,
    ChimeraTask,
    Event,
    Gig,
    Intent,
    Observation,
    Run,
    ServiceOrder,
    SuccessStory,
    Task,
)
from earnings.refusals import Refusal

RUNS = Run.objects.prefetch_related("tasks__artifacts", "tasks__bound_to", "observations")


def accepted(run):
    """202 with the run and where to follow it."""
    body = s.RunSerializer(RUNS.get(pk=run.pk)).data
    return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": f"/api/v1/runs/{run.pk}"})


def checked(serializer_class, request):
    """The request's body as the serializer understands it; unknown fields are refused by name."""
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    unknown = sorted(set(request.data) - set(serializer.fields))
    if unknown:
        known = ", ".join(serializer.fields)
        raise Refusal(
            "The body has fields that this call does not know.",
            status=400,
            errors=[{"pointer": f"/{name}", "detail": f"Unknown field. Known: {known}."} for name in unknown],
        )
    return serializer.validated_data


class _Orchestrate(RemembersAnswers, APIView):
    rights = ("agency.add_run",)

    def start(self, request, name, key, params, pipeline):
        known = [w.key for w in workflows.every(pipeline)]
        if key not in known:
            raise Refusal.of_field(f"/{name}", f"There is no {name} {key!r}. Known: {', '.join(known)}.")
        title = workflows.get(key).title
        return accepted(
            direction_board.open_run([direction_board.Step(key, params)], title=title, user=request.user)
        )


class OrchestrateSales(_Orchestrate):
    @extend_schema(request=s.OrchestrateSales, responses={202: s.RunSerializer}, tags=["orchestrate"])
    def post(self, request):
        """Trigger a storefront build or a product audit.

        `inventory_audit` checks the catalog file and verifies the live HTML of every listed product;
        `storefront_build` imports, publishes what was approved and verifies it.
        """
        asked = checked(s.OrchestrateSales, request)
        return self.start(request, "operation", asked["operation"], asked["params"], "sales")


class OrchestrateService(_Orchestrate):
    @extend_schema(request=s.OrchestrateService, responses={202: s.RunSerializer}, tags=["orchestrate"])
    def post(self, request):
        """Trigger a service workflow. A Sales task that measures what it binds runs beside it."""
        asked = checked(s.OrchestrateService, request)
        return self.start(request, "workflow", asked["workflow"], asked["params"], "ops")


class OrchestrateIntent(RemembersAnswers, APIView):
    rights = ("agency.add_intent", "agency.add_run")

    @extend_schema(
        request=s.OrchestrateIntent,
        responses={202: s.RunSerializer, 201: s.IntentSerializer},
        tags=["orchestrate"],
    )
    def post(self, request):
        """Wish. It collapses into a run of entangled tasks, or stays in superposition with `collapse` false.

        A wish that no playbook knows is refused (422) with the `nearest` playbooks, and nothing runs.
        """
        asked = checked(s.OrchestrateIntent, request)
        with transaction.atomic():  # a wish that can't collapse leaves nothing behind
            intent = quantum_state.superpose(asked["statement"], user=request.user)
            run = quantum_state.collapse(intent, user=request.user) if asked["collapse"] else None
        if run:
            return accepted(run)
        location = {"Location": f"/api/v1/intents/{intent.pk}"}
        return Response(s.IntentSerializer(intent).data, status=status.HTTP_201_CREATED, headers=location)


@extend_schema(tags=["intents"])
class IntentViewSet(RemembersAnswers, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Wishes and their superpositions."""

    @property
    def rights(self):
        return ("agency.add_run",) if self.action == "collapse" else ("agency.view_intent",)

    queryset = Intent.objects.select_related("playbook").prefetch_related("states", "runs")
    serializer_class = s.IntentSerializer
    filterset_fields = ["status", "playbook__slug"]

    @extend_schema(request=s.CollapseRequest, responses={202: s.RunSerializer, 200: OpenApiTypes.OBJECT})
    @action(detail=True, methods=["post"])
    def collapse(self, request, pk=None):
        """Collapse to exactly one run, however often this is called. With `dry_run`, only say what would run."""
        asked = checked(s.CollapseRequest, request)
        intent = self.get_object()
        if asked["dry_run"]:
            return Response({"tasks": quantum_state.preview(intent, asked.get("choose"))})
        return accepted(quantum_state.collapse(intent, choose=asked.get("choose"), user=request.user))


@extend_schema(tags=["runs"])
class RunViewSet(RemembersAnswers, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Executions: their tasks, observations and events."""

    @property
    def rights(self):
        verbs = {"cancel": "change", "resume": "add", "replay": "add"}
        return (f"agency.{verbs.get(self.action, 'view')}_run",)

    queryset = RUNS
    serializer_class = s.RunSerializer
    filterset_fields = ["status", "intent"]

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        """End the run now. A result that comes later changes nothing; canceling twice is canceling once."""
        direction_board.cancel(self.get_object())
        return Response(s.RunSerializer(self.get_object()).data)

    @extend_schema(request=None, responses={202: s.RunSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request, pk=None):
        """Open a new run that keeps what had succeeded, with its observations, and does the rest."""
        return accepted(direction_board.resume(self.get_object(), user=request.user))

    @extend_schema(request=None, responses={202: s.RunSerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request, pk=None):
        """Open a new run of the same steps, measured anew."""
        return accepted(direction_board.replay(self.get_object(), user=request.user))

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    def entanglement(self, request, pk=None):
        """Who measured what, who is bound to it, whether the hashes are true, and what drifted since."""
        return Response(entanglement.of(self.get_object()))

    @extend_schema(
        parameters=[OpenApiParameter("after", int, description="Only events after this number.")],
        responses={(200, "application/json"): s.EventSerializer(many=True), (200, "text/event-stream"): str},
    )
    @action(detail=True, renderer_classes=[JSONRenderer, streams.EventStreamRenderer], pagination_class=None)
    def events(self, request, pk=None):
        """What happened, in order: as JSON, or as a live `text/event-stream` that honors `Last-Event-ID`."""
        run = self.get_object()
        after = streams.position(request)
        if request.accepted_renderer.format == "event-stream":
            return streams.respond(run, after, request.user.pk)
        events = Event.objects.filter(run=run, number__gt=after).order_by("number")[:1000]
        return Response(s.EventSerializer(events, many=True).data)


@extend_schema(tags=["tasks"])
class TaskViewSet(RemembersAnswers, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Units of work."""

    queryset = Task.objects.prefetch_related("artifacts", "bound_to")
    serializer_class = s.TaskSerializer
    filterset_fields = ["status", "pipeline", "workflow", "run"]

    @property
    def rights(self):
        return ("agency.approve_task",) if self.action in ("approve", "reject") else ("agency.view_task",)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def approve(self, request, pk=None):
        """A person did what the task waited for: it is tried again."""
        direction_board.approve(self.get_object())
        return Response(s.TaskSerializer(self.get_object()).data)

    @extend_schema(request=s.RejectRequest)
    @action(detail=True, methods=["post"])
    def reject(self, request, pk=None):
        """A person said no: the task ends as failed."""
        direction_board.reject(self.get_object(), reason=checked(s.RejectRequest, request)["reason"])
        return Response(s.TaskSerializer(self.get_object()).data)


class WorkflowsView(APIView):
    rights = ("agency.view_run",)

    @extend_schema(responses=OpenApiTypes.OBJECT, tags=["orchestrate"])
    def get(self, request):
        """Every workflow: its pipeline, what it measures and binds, and its parameters."""
        return Response({"results": [workflows.describe(w) for w in workflows.every()]})


@extend_schema(tags=["chimera"])
class ChimeraTaskViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """The Chimera Engine's log: who asked for words, who answered, and how it ended."""

    queryset = ChimeraTask.objects.all()
    serializer_class = s.ChimeraTaskSerializer
    filterset_fields = ["agent", "outcome", "provider", "task", "service_order"]


@extend_schema(tags=["runs"])
class ObservationViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """What was measured: `body` is the exact text whose SHA-256 (UTF-8) is `sha256`."""

    queryset = Observation.objects.all()
    serializer_class = s.ObservationBodySerializer


@extend_schema_view(list=extend_schema(tags=["runs"]), retrieve=extend_schema(tags=["runs"]))
class ArtifactViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Files that prove work was done."""

    queryset = Artifact.objects.all()

    def get_queryset(self):
        return Artifact.objects.visible_to(self.request.user)

    serializer_class = s.ArtifactSerializer
    filterset_fields = ["run", "task", "service_order", "kind"]

    @extend_schema(responses={(200, "*/*"): bytes}, tags=["runs"])
    @action(detail=True)
    def file(self, request, pk=None):
        """The file itself."""
        artifact = self.get_object()
        return FileResponse(
            artifact.file.open(), as_attachment=True, filename=artifact.name, content_type=artifact.content_type
        )


@extend_schema(tags=["services"])
class GigViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Services on offer."""

    queryset = Gig.objects.prefetch_related("packages")
    serializer_class = s.GigSerializer
    lookup_field = "slug"
    filterset_fields = ["is_listed", "category"]


@extend_schema(tags=["services"])
class ServiceOrderViewSet(
    RemembersAnswers, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Work owed to clients, and the verbs of its life. A refused transition is a 409 that lists `allowed`."""

    queryset = ServiceOrder.objects.select_related("gig", "package").prefetch_related("deliveries__artifacts")
    serializer_class = s.ServiceOrderSerializer
    filterset_fields = ["status", "kind", "channel", "external_id", "gig__slug"]

    def _answer(self, status_code=status.HTTP_200_OK):
        return Response(s.ServiceOrderSerializer(self.get_object()).data, status=status_code)

    @extend_schema(request=s.TakeOrder, responses={201: s.ServiceOrderSerializer})
    def create(self, request):
        """Take an order. With `external` it was paid on its marketplace and is real; without, it is simulated."""
        asked = checked(s.TakeOrder, request)
        order = fulfillment_engine.take_order(
            asked["gig"], asked["package"], brief=asked["brief"], external=asked.get("external")
        )
        body = s.ServiceOrderSerializer(order).data
        location = {"Location": f"/api/v1/service-orders/{order.pk}"}
        return Response(body, status=status.HTTP_201_CREATED, headers=location)

    @extend_schema(request=s.BriefRequest)
    @action(detail=True, methods=["post"])
    def requirements(self, request, pk=None):
        """Add what the client said to the brief; once nothing is missing the order is queued."""
        fulfillment_engine.set_requirements(self.get_object(), checked(s.BriefRequest, request)["brief"])
        return self._answer()

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def deliver(self, request, pk=None):
        """Hand the offered delivery to the client."""
        fulfillment_engine.deliver(self.get_object())
        return self._answer()

    @extend_schema(request=s.AcceptRequest)
    @action(detail=True, methods=["post"])
    def accept(self, request, pk=None):
        """The client takes the work: its money is earned, and with `consent` the portfolio shows it."""
        asked = checked(s.AcceptRequest, request)
        fulfillment_engine.accept(
            self.get_object(), consent=asked.get("consent"), quote=asked["quote"], by=request.user
        )
        return self._answer()

    @extend_schema(request=s.RevisionRequest)
    @action(detail=True, methods=["post"], url_path="request-revision")
    def request_revision(self, request, pk=None):
        """The client wants something changed."""
        fulfillment_engine.request_revision(self.get_object(), checked(s.RevisionRequest, request)["reason"])
        return self._answer()

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def hold(self, request, pk=None):
        """Set the order aside."""
        fulfillment_engine.hold(self.get_object())
        return self._answer()

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request, pk=None):
        """Take the order up where the hold interrupted it."""
        fulfillment_engine.resume(self.get_object())
        return self._answer()

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        """Call the order off before it is accepted; what its marketplace paid is booked as refunded."""
        fulfillment_engine.cancel(self.get_object())
        return self._answer()


@extend_schema_view(list=extend_schema(tags=["portfolio"]), retrieve=extend_schema(tags=["portfolio"]))
class PortfolioViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Public: accepted work that its client agreed to show."""

    queryset = SuccessStory.objects.filter(is_published=True).select_related("service_order__gig")
    serializer_class = s.StorySerializer
    lookup_field = "slug"
    permission_classes = [AllowAny]
