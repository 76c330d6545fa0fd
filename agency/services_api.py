"""The agency's door for programs: services on offer, the work owed to clients, and the stories of it."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from agency import filters as f
from agency import fulfillment_engine
from agency import services_serializers as s
from agency.api import Rows, checked
from agency.idempotency import RemembersAnswers
from agency.models import Gig, ServiceOrder, SuccessStory


@extend_schema(tags=["services"])
class GigViewSet(Rows):
    """Services on offer."""

    queryset = Gig.objects.prefetch_related("packages")
    serializer_class = s.GigSerializer
    lookup_field = "slug"
    filterset_class = f.GigFilter
    ordering_fields = ("id", "position", "name")


@extend_schema(tags=["services"])
class ServiceOrderViewSet(RemembersAnswers, Rows):
    """Work owed to clients, and the verbs of its life. A refused transition is a 409 that lists `allowed`."""

    queryset = ServiceOrder.objects.select_related("gig", "package").prefetch_related("deliveries__artifacts")
    serializer_class = s.ServiceOrderSerializer
    filterset_class = f.ServiceOrderFilter
    ordering_fields = ("id", "created_at", "due_at", "amount_minor")

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
class PortfolioViewSet(Rows):
    """Public: accepted work that its client agreed to show."""

    queryset = SuccessStory.objects.filter(is_published=True).select_related("service_order__gig")
    serializer_class = s.StorySerializer
    lookup_field = "slug"
    filterset_class = f.StoryFilter
    ordering_fields = ("id", "published_at")
    permission_classes = [AllowAny]
