"""What the agency's lists can be asked for."""

import django_filters
from django_filters import CharFilter, ChoiceFilter

from agency.models import (
    Artifact,
    ChimeraTask,
    Gig,
    Intent,
    Observation,
    Run,
    ServiceOrder,
    SuccessStory,
    Task,
)
from agency.models.intents import Pipeline
from earnings.filters import of_flag, of_id, of_instant
from earnings.models import Kind


class IntentFilter(django_filters.FilterSet):
    status = ChoiceFilter(choices=Intent.Status.choices)
    playbook__slug = CharFilter()
    schedule = of_id()
    created_from = of_instant("created_at", "gte")
    created_before = of_instant("created_at", "lt")

    class Meta:
        model = Intent
        fields = []


class RunFilter(django_filters.FilterSet):
    status = ChoiceFilter(choices=Run.Status.choices)
    origin = ChoiceFilter(choices=Run.Origin.choices)
    intent = of_id()
    restart_of = of_id()
    created_from = of_instant("created_at", "gte")
    created_before = of_instant("created_at", "lt")

    class Meta:
        model = Run
        fields = []


class TaskFilter(django_filters.FilterSet):
    status = ChoiceFilter(choices=Task.Status.choices)
    pipeline = ChoiceFilter(choices=Pipeline.choices)
    workflow = CharFilter()
    run = of_id()
    asked_of = CharFilter(help_text="The right that the person needs for whom it waits.")

    class Meta:
        model = Task
        fields = []


class ObservationFilter(django_filters.FilterSet):
    run = of_id()
    task = of_id()
    kind = CharFilter()
    sha256 = CharFilter()
    measured_from = of_instant("measured_at", "gte")
    measured_before = of_instant("measured_at", "lt")

    class Meta:
        model = Observation
        fields = []


class ArtifactFilter(django_filters.FilterSet):
    run = of_id()
    task = of_id()
    service_order = of_id()
    kind = CharFilter()
    sha256 = CharFilter()
    created_from = of_instant("created_at", "gte")
    created_before = of_instant("created_at", "lt")

    class Meta:
        model = Artifact
        fields = []


class ChimeraTaskFilter(django_filters.FilterSet):
    agent = CharFilter()
    outcome = ChoiceFilter(choices=ChimeraTask.Outcome.choices)
    provider = CharFilter()
    task = of_id()
    service_order = of_id()
    created_from = of_instant("created_at", "gte")
    created_before = of_instant("created_at", "lt")

    class Meta:
        model = ChimeraTask
        fields = []


class GigFilter(django_filters.FilterSet):
    is_listed = of_flag()
    category = CharFilter()

    class Meta:
        model = Gig
        fields = []


class ServiceOrderFilter(django_filters.FilterSet):
    status = ChoiceFilter(choices=ServiceOrder.Status.choices)
    kind = ChoiceFilter(choices=Kind.choices)
    channel = CharFilter(field_name="channel_id")
    external_id = CharFilter()
    gig__slug = CharFilter()
    run = of_id()
    created_from = of_instant("created_at", "gte")
    created_before = of_instant("created_at", "lt")
    due_before = of_instant("due_at", "lt")

    class Meta:
        model = ServiceOrder
        fields = []


class StoryFilter(django_filters.FilterSet):
    gig = CharFilter(field_name="service_order__gig__slug")
    kind = ChoiceFilter(field_name="service_order__kind", choices=Kind.choices)

    class Meta:
        model = SuccessStory
        fields = []
