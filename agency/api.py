"""The agency's door for programs: wishes, runs and what they leave behind."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Prefetch
from django.http import FileResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from agency import attributed, direction_board, entanglement, outcomes, quantum_state, streams, workflows
from agency import filters as f
from agency import serializers as s
from agency.idempotency import RemembersAnswers
from agency.models import Artifact, ChimeraTask, Event, Intent, Observation, Run, Task
from earnings.parameters import KnowsItsParameters
from earnings.refusals import Refusal

TASKS = Task.objects.select_related("approved_by").prefetch_related("artifacts", "bound_to")
RUNS = Run.objects.prefetch_related(Prefetch("tasks", TASKS), "observations")
RUN = s.RunSerializer()  # kept: to make its fields takes longer than to fill them
AFTER = OpenApiParameter(
    "after",
    {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    description="Only events after this number.",
)
LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    {"type": "string", "pattern": "^[0-9]{1,9}$"},
    OpenApiParameter.HEADER,
    description="The same, as a browser says it when it reconnects; it goes before `after`.",
)

STREAMED = {
    "type": "object",
    "description": "One event of the stream; its `data` is the event as JSON.",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "event": {"type": "string"},
        "data": {"type": "string"},
        "retry": {"type": "integer"},
    },
}


class Rows(KnowsItsParameters, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """A list and its rows, to read."""


def accepted(run):
    """202 with the run and where to follow it."""
    return _to_follow(RUNS.get(pk=run.pk))


def opened(run):
    """The same for a run that this request has opened: what was written a moment ago is not read again."""
    for task in run.opened_with:
        _know(task, artifacts=[], bound_to=[])
    _know(run, tasks=run.opened_with, observations=[])
    return _to_follow(run)


def _know(instance, **related):
    """Do for these what `prefetch_related` does, without asking."""
    instance._prefetched_objects_cache = {}
    for name, rows in related.items():
        known = getattr(instance, name).all()
        known._result_cache, known._prefetch_done = rows, True
        instance._prefetched_objects_cache[name] = known


def _to_follow(run):
    return Response(
        RUN.to_representation(run), status=status.HTTP_202_ACCEPTED, headers={"Location": f"/api/v1/runs/{run.pk}"}
    )


def deadline(asked):
    """How long the run may take, if the caller says so."""
    seconds = asked.get("deadline_seconds")
    return None if seconds is None else timedelta(seconds=seconds)


def checked(serializer_class, request):
    """The request's body as the serializer understands it; each bad value is refused by its pointer."""
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


class _Orchestrate(KnowsItsParameters, RemembersAnswers, APIView):
    rights = ("agency.add_run",)

    def start(self, request, asked, name, pipeline):
        key = asked[name]
        known = [w.key for w in workflows.every(pipeline)]
        if key not in known:
            raise Refusal.of_field(f"/{name}", f"There is no {name} {key!r}. Known: {', '.join(known)}.")
        step = direction_board.Step(key, asked["params"])
        title = workflows.get(key).title
        run = direction_board.open_run([step], title=title, user=request.user, deadline=deadline(asked))
        return opened(run)


class OrchestrateSales(_Orchestrate):
    @extend_schema(request=s.OrchestrateSales, responses={202: s.RunSerializer}, tags=["orchestrate"])
    def post(self, request):
        """Trigger a storefront build or a product audit.

        `inventory_audit` checks the catalog file and verifies the live HTML of every listed product;
        `storefront_build` imports, publishes what was approved and verifies it.
        """
        asked = checked(s.OrchestrateSales, request)
        return self.start(request, asked, "operation", "sales")


class OrchestrateService(_Orchestrate):
    @extend_schema(request=s.OrchestrateService, responses={202: s.RunSerializer}, tags=["orchestrate"])
    def post(self, request):
        """Trigger a service workflow. A Sales task that measures what it binds runs beside it."""
        asked = checked(s.OrchestrateService, request)
        return self.start(request, asked, "workflow", "ops")


class OrchestrateIntent(KnowsItsParameters, RemembersAnswers, APIView):
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
            run = None
            if asked["collapse"]:
                run = quantum_state.collapse(intent, user=request.user, deadline=deadline(asked))
        if run:
            return accepted(run)
        location = {"Location": f"/api/v1/intents/{intent.pk}"}
        return Response(s.IntentSerializer(intent).data, status=status.HTTP_201_CREATED, headers=location)


@extend_schema(tags=["intents"])
class IntentViewSet(RemembersAnswers, Rows):
    """Wishes and their superpositions."""

    @property
    def rights(self):
        if self.action == "outcome":
            return ("agency.view_intent", "earnings.view_earning")
        return ("agency.add_run",) if self.action in ("collapse", "fork") else ("agency.view_intent",)

    queryset = Intent.objects.select_related("playbook").prefetch_related("states", "runs")
    serializer_class = s.IntentSerializer
    filterset_class = f.IntentFilter
    ordering_fields = ("id", "created_at", "collapsed_at")

    @extend_schema(request=s.CollapseRequest, responses={202: s.RunSerializer, 200: s.PreviewSerializer})
    @action(detail=True, methods=["post"])
    def collapse(self, request, pk=None):
        """Collapse to exactly one run, however often this is called. With `dry_run`, only say what would run."""
        asked = checked(s.CollapseRequest, request)
        intent = self.get_object()
        if asked["dry_run"]:
            return Response({"tasks": quantum_state.preview(intent, asked.get("choose"))})
        return accepted(quantum_state.collapse(intent, choose=asked.get("choose"), user=request.user))

    @extend_schema(responses=s.AttributionSerializer)
    @action(detail=True)
    def attribution(self, request, pk=None):
        """Paid orders of buyers who had followed a link of a promotion of this wish. It claims no cause."""
        rows = attributed.to_intent(self.get_object())
        return Response(s.AttributionSerializer({"attributed": rows}).data)

    @extend_schema(responses=s.OutcomeSerializer)
    @action(detail=True)
    def outcome(self, request, pk=None):
        """What the whole store earned in the 7, 14 and 30 days before this wish was collapsed, and after.

        Before and after, no more: it claims no cause. The day of the collapse is the first one after. 409 while
        the wish is in superposition.
        """
        found = outcomes.of_intent(self.get_object())
        if found is None:
            raise Refusal("This wish has no outcome: it was not collapsed.", allowed=[])
        return Response(s.OutcomeSerializer(found).data)

    @extend_schema(request=s.ForkRequest, responses={202: s.RunSerializer, 200: s.PreviewSerializer})
    @action(detail=True, methods=["post"])
    def fork(self, request, pk=None):
        """Run what the collapse did not choose, in a run beside the first.

        With `dry_run`, only say what would run. An equal fork that is still open is answered again.
        """
        asked = checked(s.ForkRequest, request)
        intent = self.get_object()
        if asked["dry_run"]:
            return Response({"tasks": quantum_state.preview_fork(intent, asked.get("choose"))})
        return accepted(quantum_state.fork(intent, choose=asked.get("choose"), user=request.user))


@extend_schema(tags=["runs"])
class RunViewSet(RemembersAnswers, Rows):
    """Executions: their tasks, observations and events."""

    @property
    def rights(self):
        verbs = {"cancel": "change", "resume": "add", "replay": "add"}
        return (f"agency.{verbs.get(self.action, 'view')}_run",)

    queryset = RUNS
    serializer_class = s.RunSerializer
    filterset_class = f.RunFilter
    ordering_fields = ("id", "created_at", "deadline_at", "finished_at")

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        """End the run now. A result that comes later changes nothing; canceling twice is canceling once."""
        direction_board.cancel(self.get_object())
        return Response(s.RunSerializer(self.get_object()).data)

    @extend_schema(request=s.ResumeRequest, responses={202: s.RunSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request, pk=None):
        """Open a new run that keeps what had succeeded, with its observations, and does the rest.

        Its event `run.drifted` names what changed since it was measured; with `measure_again`, that is measured
        anew, and what was bound to it is done anew.
        """
        asked = checked(s.ResumeRequest, request)
        run = direction_board.resume(self.get_object(), measure_again=asked["measure_again"], user=request.user)
        return accepted(run)

    @extend_schema(request=s.ReplayRequest, responses={202: s.RunSerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request, pk=None):
        """Open a new run of the same steps, measured anew, with the same parameters or those of `params`."""
        asked = checked(s.ReplayRequest, request)
        return accepted(direction_board.replay(self.get_object(), params=asked.get("params"), user=request.user))

    @extend_schema(responses=s.AttributionSerializer)
    @action(detail=True)
    def attribution(self, request, pk=None):
        """Paid orders of buyers who had followed a link of this run's promotion. It claims no cause."""
        rows = attributed.to_run(self.get_object())
        return Response(s.AttributionSerializer({"attributed": rows}).data)

    @extend_schema(responses=s.EntanglementSerializer)
    @action(detail=True)
    def entanglement(self, request, pk=None):
        """Who measured what, who is bound to it, whether the hashes are true, and what drifted since."""
        return Response(entanglement.of(self.get_object()))

    @extend_schema(
        parameters=[LAST_EVENT_ID],
        filters=False,
        responses={
            (200, "application/json"): s.EventSerializer(many=True),
            (200, "text/event-stream"): STREAMED,
            204: OpenApiResponse(description="As a stream: the run has ended, and this caller has everything."),
        },
    )
    @action(
        detail=True,
        renderer_classes=[JSONRenderer, streams.EventStreamRenderer],
        pagination_class=None,
        query_parameters=[AFTER],
    )
    def events(self, request, pk=None):
        """What happened, in order: as JSON, or as a live `text/event-stream` that honors `Last-Event-ID`."""
        run = self.get_object()
        after = streams.position(request)
        if request.accepted_renderer.format == "event-stream":
            return streams.respond(run, after, request.user.pk)
        events = Event.objects.filter(run=run, number__gt=after).order_by("number")[:1000]
        return Response(s.EventSerializer(events, many=True).data)


@extend_schema(tags=["tasks"])
class TaskViewSet(RemembersAnswers, Rows):
    """Units of work."""

    queryset = TASKS
    serializer_class = s.TaskSerializer
    filterset_class = f.TaskFilter
    ordering_fields = ("id", "due_at", "asked_at", "finished_at")

    @property
    def rights(self):
        return ("agency.approve_task",) if self.action in ("approve", "reject") else ("agency.view_task",)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def approve(self, request, pk=None):
        """A person says yes, or did what the task waited for: it goes on. It needs the right in `asked_of`."""
        direction_board.approve(self.get_object(), by=request.user)
        return Response(s.TaskSerializer(self.get_object()).data)

    @extend_schema(request=s.RejectRequest)
    @action(detail=True, methods=["post"])
    def reject(self, request, pk=None):
        """A person said no: the task ends as failed."""
        reason = checked(s.RejectRequest, request)["reason"]
        direction_board.reject(self.get_object(), by=request.user, reason=reason)
        return Response(s.TaskSerializer(self.get_object()).data)


class WorkflowsView(KnowsItsParameters, APIView):
    rights = ("agency.view_run",)

    @extend_schema(responses=s.WorkflowListSerializer, tags=["orchestrate"])
    def get(self, request):
        """Every workflow: its pipeline, what it measures and binds, and its parameters."""
        return Response({"results": [workflows.describe(w) for w in workflows.every()]})


@extend_schema(tags=["chimera"])
class ChimeraTaskViewSet(Rows):
    """The Chimera Engine's log: who asked for words, who answered, and how it ended."""

    queryset = ChimeraTask.objects.all()
    serializer_class = s.ChimeraTaskSerializer
    filterset_class = f.ChimeraTaskFilter
    ordering_fields = ("id", "created_at", "latency_ms")


@extend_schema(tags=["runs"])
class ObservationViewSet(Rows):
    """What was measured: `body` is the exact text whose SHA-256 (UTF-8) is `sha256`."""

    queryset = Observation.objects.all()
    filterset_class = f.ObservationFilter
    ordering_fields = ("id", "measured_at")

    def get_serializer_class(self):
        # A measurement can be megabytes: a list only names it.
        return s.ObservationRowSerializer if self.action == "list" else s.ObservationBodySerializer

    def get_queryset(self):
        rows = super().get_queryset()
        return rows.defer("body") if self.action == "list" else rows


@extend_schema_view(list=extend_schema(tags=["runs"]), retrieve=extend_schema(tags=["runs"]))
class ArtifactViewSet(Rows):
    """Files that prove work was done."""

    queryset = Artifact.objects.all()
    serializer_class = s.ArtifactSerializer
    filterset_class = f.ArtifactFilter
    ordering_fields = ("id", "created_at", "name", "size")

    def get_queryset(self):
        return Artifact.objects.visible_to(self.request.user)

    @extend_schema(responses={(200, "*/*"): bytes}, tags=["runs"])
    @action(detail=True)
    def file(self, request, pk=None):
        """The file itself."""
        artifact = self.get_object()
        try:
            content = artifact.stored.open()
        except FileNotFoundError:
            raise Refusal("The storage does not have this file.", status=404) from None
        return FileResponse(
            content, as_attachment=True, filename=artifact.name, content_type=artifact.content_type
        )
