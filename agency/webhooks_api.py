"""The agency's door for programs that want to be told: their endpoints, and what became of each message."""

import hashlib

import django_filters
from django_filters import CharFilter, ChoiceFilter
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from agency import webhooks
from agency.api import Rows, checked
from agency.idempotency import RemembersAnswers
from agency.models import WebhookDelivery, WebhookEndpoint
from agency.serializers import Request
from earnings.filters import of_flag, of_id, of_instant
from earnings.refusals import Refusal

EVENTS = "Event types; none = all of them."


# --- How they are shown and given -----------------------------------------------------------------------------


class EventsField(serializers.ListField):
    child = serializers.ChoiceField(choices=webhooks.EVENT_TYPES)


class WebhookEndpointRequest(Request):
    """Where to send messages, and which."""

    url = serializers.CharField(max_length=500, help_text="A public https address, which is checked now.")
    events = EventsField(required=False, default=list, help_text=EVENTS)
    description = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)


class WebhookEndpointChange(Request):
    """What to change of an endpoint; what is left out stays."""

    url = serializers.CharField(required=False, max_length=500, help_text="A public https address.")
    events = EventsField(required=False, help_text=EVENTS)
    description = serializers.CharField(required=False, allow_blank=True, max_length=200)


class WebhookEndpointSerializer(serializers.ModelSerializer):
    events = EventsField(help_text=EVENTS)

    class Meta:
        model = WebhookEndpoint
        fields = ["id", "url", "description", "events", "is_active", "disabled_reason", "failures", "created_at"]


class WebhookEndpointWithSecretSerializer(WebhookEndpointSerializer):
    class Meta(WebhookEndpointSerializer.Meta):
        fields = [*WebhookEndpointSerializer.Meta.fields, "secret"]


class WebhookTrySerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True, help_text="Of HTTP; null if no answer came.")
    ms = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)


class WebhookDeliverySerializer(serializers.ModelSerializer):
    tries = WebhookTrySerializer(many=True)

    class Meta:
        model = WebhookDelivery
        fields = [
            *("id", "endpoint", "message_id", "event_type", "body", "status", "tries"),
            *("due_at", "created_at", "delivered_at"),
        ]


class EndpointFilter(django_filters.FilterSet):
    url = CharFilter()
    is_active = of_flag()

    class Meta:
        model = WebhookEndpoint
        fields = []


class DeliveryFilter(django_filters.FilterSet):
    endpoint = of_id()
    status = ChoiceFilter(choices=WebhookDelivery.Status.choices)
    event_type = CharFilter()
    message_id = CharFilter()
    created_from = of_instant("created_at", "gte")
    created_before = of_instant("created_at", "lt")

    class Meta:
        model = WebhookDelivery
        fields = []


# --- The calls --------------------------------------------------------------------------------------------------


@extend_schema(tags=["webhooks"])
class WebhookEndpointViewSet(RemembersAnswers, Rows):
    """Addresses that get a signed message when something happens (Standard Webhooks).

    Verify with any library of the standard. An answer from 200 to 299 within 15 seconds delivers a message; it is
    tried ten times within some 76 hours. 410 disables the endpoint, and so do five messages given up in a row.
    """

    queryset = WebhookEndpoint.objects.present()
    serializer_class = WebhookEndpointSerializer
    filterset_class = EndpointFilter
    ordering_fields = ("id", "created_at")

    def kept(self, data):
        """Without the secret: a copy of it beside the endpoint would outlive both its change and its removal."""
        return data | {"secret": _digest(data["secret"])} if data and "secret" in data else data

    def recalled(self, data):
        if not data or "secret" not in data:
            return data
        secret = WebhookEndpoint.objects.present().filter(pk=data["id"]).values_list("secret", flat=True).first()
        if secret is None or _digest(secret) != data["secret"]:
            raise Refusal("The secret of this answer was changed since, or its endpoint removed.")
        return data | {"secret": secret}

    def _answer(self, verb):
        return Response(WebhookEndpointSerializer(verb(self.get_object())).data)

    @extend_schema(request=WebhookEndpointRequest, responses={201: WebhookEndpointWithSecretSerializer})
    def create(self, request):
        """Add an endpoint. Keep its `secret`: lists do not show it. An address that is there is a 409."""
        endpoint = webhooks.add_endpoint(**checked(WebhookEndpointRequest, request), user=request.user)
        location = {"Location": f"/api/v1/webhook-endpoints/{endpoint.pk}"}
        body = WebhookEndpointWithSecretSerializer(endpoint).data
        return Response(body, status=status.HTTP_201_CREATED, headers=location)

    @extend_schema(request=WebhookEndpointChange)
    def partial_update(self, request, pk=None):
        """Change the address, the events or the description; what waits to be sent goes to the new address."""
        endpoint = self.get_object()
        return Response(
            WebhookEndpointSerializer(
                webhooks.change_endpoint(endpoint, **checked(WebhookEndpointChange, request))
            ).data
        )

    def destroy(self, request, pk=None):
        """Remove the endpoint and its secret. The log of its messages stays for 30 days."""
        webhooks.remove(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def enable(self, request, pk=None):
        """Send to it again, with a clean record."""
        return self._answer(webhooks.enable)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def disable(self, request, pk=None):
        """Send nothing to it until it is enabled. What happens meanwhile is not told later."""
        return self._answer(webhooks.disable)

    @extend_schema(request=None, responses=WebhookEndpointWithSecretSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request, pk=None):
        """Get a new secret. For 24 hours messages carry a signature with the old one, too."""
        return Response(WebhookEndpointWithSecretSerializer(webhooks.rotate_secret(self.get_object())).data)

    @extend_schema(request=None, responses={202: WebhookDeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request, pk=None):
        """Send a message of the type `webhook.test`. 409 while the endpoint is disabled."""
        return _on_its_way(webhooks.send_test(self.get_object()))


@extend_schema(tags=["webhooks"])
class WebhookDeliveryViewSet(RemembersAnswers, Rows):
    """Messages to endpoints, of the last 30 days, with each try."""

    queryset = WebhookDelivery.objects.all()
    serializer_class = WebhookDeliverySerializer
    filterset_class = DeliveryFilter
    ordering_fields = ("id", "created_at")

    @extend_schema(request=None, responses={202: WebhookDeliverySerializer})
    @action(detail=True, methods=["post"])
    def redeliver(self, request, pk=None):
        """Send it again now, under its old id. 409 while its endpoint is disabled."""
        return _on_its_way(webhooks.redeliver(self.get_object()))


def _digest(secret):
    return hashlib.sha256(secret.encode()).hexdigest()


def _on_its_way(delivery):
    location = {"Location": f"/api/v1/webhook-deliveries/{delivery.pk}"}
    return Response(WebhookDeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED, headers=location)
