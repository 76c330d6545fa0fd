"""The agency's door for programs: wishes that come back."""

from datetime import time

import django_filters
from django.conf import settings
from django_filters import ChoiceFilter
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from agency import schedules
from agency.api import Rows, accepted, checked
from agency.idempotency import RemembersAnswers
from agency.models import Run, Schedule
from agency.serializers import Request, RunSerializer
from earnings.filters import of_flag, of_instant

TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class ScheduleRequest(Request):
    """A wish and when it comes back. What the cadence does not read is refused."""

    statement = serializers.CharField(max_length=300, help_text="For example: Maximize profit")
    cadence = serializers.ChoiceField(Schedule.Cadence.choices, required=False)
    at = serializers.RegexField(
        TIME, required=False, help_text="Time of day in the store's time zone; 06:00 without it. Not for cron."
    )
    weekday = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=6, help_text="0 = Monday; for weekly."
    )
    day = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=28, help_text="For monthly."
    )
    cron = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=100,
        help_text="Minute, hour, day of month, month and weekday, in the store's time zone; for cron.",
    )

    def validate_at(self, text):
        return time.fromisoformat(text)


class ScheduleSerializer(serializers.ModelSerializer):
    at = serializers.SerializerMethodField()
    when = serializers.CharField(help_text="The slots in words.")
    timezone = serializers.SerializerMethodField(help_text="The store's: `at` and `cron` are in it.")
    last_run = serializers.IntegerField(source="last_run_id", allow_null=True)
    last_run_status = serializers.ChoiceField(Run.Status.choices, allow_null=True)
    created_by = serializers.SlugRelatedField("username", read_only=True)

    class Meta:
        model = Schedule
        fields = [
            *("id", "statement", "cadence", "at", "weekday", "day", "cron", "when", "timezone", "is_active"),
            *("next_at", "last_at", "last_error", "last_run", "last_run_status", "created_by", "created_at"),
        ]

    @extend_schema_field({"type": ["string", "null"], "pattern": TIME, "description": "Null for cron."})
    def get_at(self, schedule):
        return None if schedule.cadence == Schedule.Cadence.CRON else f"{schedule.at:%H:%M}"

    def get_timezone(self, schedule) -> str:
        return settings.STORE_TIMEZONE


class ScheduleFilter(django_filters.FilterSet):
    is_active = of_flag()
    cadence = ChoiceFilter(choices=Schedule.Cadence.choices)
    next_from = of_instant("next_at", "gte")
    next_before = of_instant("next_at", "lt")

    class Meta:
        model = Schedule
        fields = []


@extend_schema(tags=["schedules"])
class ScheduleViewSet(RemembersAnswers, Rows):
    """Wishes that come back every day, week or month, or by cron. They are not deleted but paused: what they ran
    points to them."""

    queryset = Schedule.objects.with_last_run().select_related("created_by")
    serializer_class = ScheduleSerializer
    filterset_class = ScheduleFilter
    ordering_fields = ("id", "created_at")

    @property
    def rights(self):
        # Who decides what runs later needs the right to run it now.
        change = ("agency.change_schedule", "agency.add_run")
        verbs = {"create": ("agency.add_schedule", "agency.add_run"), "pause": ("agency.change_schedule",)}
        verbs |= dict.fromkeys(("partial_update", "unpause", "run_now"), change)
        return verbs.get(self.action, ("agency.view_schedule",))

    def _answer(self, pk, **more):
        return Response(ScheduleSerializer(self.get_queryset().get(pk=pk)).data, **more)

    @extend_schema(request=ScheduleRequest, responses={201: ScheduleSerializer})
    def create(self, request):
        """Keep a wish that comes back. A wish that no playbook knows is refused (422) with the `nearest` ones."""
        schedule = schedules.create(user=request.user, **checked(ScheduleRequest, request))
        location = {"Location": f"/api/v1/schedules/{schedule.pk}"}
        return self._answer(schedule.pk, status=status.HTTP_201_CREATED, headers=location)

    @extend_schema(request=ScheduleRequest)
    def partial_update(self, request, pk=None):
        """Change what is given. Other times start from now; another wish keeps its next slot."""
        asked = ScheduleRequest(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        return self._answer(schedules.change(self.get_object(), **asked.validated_data).pk)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def pause(self, request, pk=None):
        """Run no slot until it is unpaused. Pausing twice is pausing once."""
        return self._answer(schedules.pause(self.get_object()).pk)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def unpause(self, request, pk=None):
        """Go on with the next slot; those that passed meanwhile are not run."""
        return self._answer(schedules.unpause(self.get_object()).pk)

    @extend_schema(request=None, responses={202: RunSerializer})
    @action(detail=True, methods=["post"], url_path="run-now")
    def run_now(self, request, pk=None):
        """Run the wish outside its slots. While its last run is open, that one is the answer."""
        return accepted(schedules.run_now(self.get_object(), request.user))
