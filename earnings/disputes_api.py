"""The door of disputes for programs."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from earnings import disputes, money
from earnings.models import Earning
from earnings.parameters import KnowsItsParameters
from earnings.refusals import Refusal
from earnings.serializers import EntrySerializer
from earnings.strict import Strict


class DisputeRequest(Strict, serializers.Serializer):
    earning = serializers.CharField(max_length=200, help_text="The earning's whole key.")
    outcome = serializers.ChoiceField(["open", disputes.WON, disputes.LOST])
    fee = serializers.CharField(
        max_length=30,
        required=False,
        help_text="What the channel charges for the dispute itself; with `open` only.",
    )


class DisputeAnswer(serializers.Serializer):
    entry = EntrySerializer(allow_null=True, help_text="Null if nothing was left to decide about.")


class Disputes(KnowsItsParameters, APIView):
    rights = ("earnings.change_earning",)

    @extend_schema(
        request=DisputeRequest, responses=DisputeAnswer, tags=["earnings"], operation_id="earnings_disputes"
    )
    def post(self, request):
        """Write down that a sale of a channel is contested, or who won.

        `open` sets apart what was not given back yet; where all was, it books the fee alone. `won` puts what is
        left back where it was; `lost` gives it back, and the channel keeps its fee. Told twice it is booked once,
        and a refund is never deducted a second time. Those of the own shop's payments are told by their
        provider, and refused here.
        """
        asked = DisputeRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given, now = asked.validated_data, timezone.now()
        earning = Earning.objects.filter(key=given["earning"]).select_related("channel").first()
        if earning is None:
            raise Refusal.of_field("/earning", f"There is no earning {given['earning']!r}.")
        fee_minor = _fee(given, earning)
        if given["outcome"] == "open":
            entry = disputes.contest(earning, now, fee_minor=fee_minor)
        else:
            entry = {disputes.WON: disputes.win, disputes.LOST: disputes.lose}[given["outcome"]](earning, now)
        return Response(DisputeAnswer({"entry": entry}).data)


def _fee(given, earning):
    if "fee" not in given:
        return 0
    if given["outcome"] != "open":
        raise Refusal.of_field("/fee", "A fee is told with the dispute itself.")
    try:
        minor = money.to_minor(given["fee"], earning.currency)
    except ValueError as error:
        raise Refusal.of_field("/fee", f"{error}.") from None
    if minor < 0:
        raise Refusal.of_field("/fee", "A fee is zero or more.")
    return minor
