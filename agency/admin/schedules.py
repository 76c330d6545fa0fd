"""Wishes that come back: when, what came of the last slot, and the next ones."""

from copy import copy
from dataclasses import dataclass
from datetime import time

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html

from agency import schedules
from agency.admin.intents import known_wishes
from agency.admin.verbs import Verb, VerbAdmin, blame
from agency.models import Schedule
from agency.models.schedules import DAYS
from earnings.refusals import Refusal

SHOWN_SLOTS = 5
STARTS_RUNS = "agency.add_run"


class TimingForm(forms.Form):
    """When a schedule's slots come. Fields that the cadence does not read are hidden, and not looked at."""

    cadence = forms.ChoiceField(choices=Schedule.Cadence.choices, label="How often")
    at = forms.TimeField(
        required=False, initial=time(6), widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"})
    )
    weekday = forms.TypedChoiceField(
        choices=[("", "---------"), *enumerate(DAYS)], coerce=int, empty_value=None, required=False
    )
    day = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=28,
        label="Day of the month",
        help_text="1 to 28: every month has those.",
    )
    cron = forms.CharField(
        required=False,
        max_length=100,
        help_text="Minute, hour, day of month, month, weekday. 0 6 * * 1-5 is 06:00 from Monday to Friday.",
        widget=forms.TextInput(attrs={"class": "vTextField", "placeholder": "0 6 * * 1-5", "spellcheck": "false"}),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "at" in self.fields:  # not for who may only look
            self.fields["at"].help_text = f"In the store's time zone, {settings.STORE_TIMEZONE}."

    def read(self):
        """What was given, of what the cadence reads."""
        reads = schedules.READS.get(self.cleaned_data.get("cadence"), set())
        for name in {"at", *schedules.EMPTY} - reads:
            self.errors.pop(name, None)
        wanted = {"statement", "cadence", *reads}
        return {name: value for name, value in self.cleaned_data.items() if name in wanted}


class ScheduleForm(forms.ModelForm, TimingForm):
    class Meta:
        model = Schedule
        fields = ["statement", "cadence", "at", "weekday", "day", "cron"]
        widgets = {"statement": forms.TextInput(attrs={"class": "vTextField", "placeholder": "Maximize profit"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "statement" in self.fields:  # not for who may only look
            self.fields["statement"].help_text = known_wishes()

    def clean(self):
        super().clean()
        self.given = self.read()
        if not self.errors:
            try:
                schedules.filled(copy(self.instance), self.given)
            except Refusal as refusal:
                blame(self, refusal)
        return self.cleaned_data


@dataclass(frozen=True)
class StartingVerb(Verb):
    """A verb after which runs are opened: who may not open one may not let it be opened."""

    def allows(self, user, row):
        return super().allows(user, row) and user.has_perm(STARTS_RUNS)


@admin.register(Schedule)
class ScheduleAdmin(VerbAdmin):
    """Wishes that come back; paused, not deleted, because what they ran points to them."""

    form = ScheduleForm
    list_display = ["statement", "times", "is_active", "next_at", "last_slot", "last_run", "last_error"]
    list_filter = ["is_active", "cadence"]
    search_fields = ["statement"]
    fields = ScheduleForm.Meta.fields
    change_form_template = "admin/agency/schedule/change_form.html"
    verbs = (
        StartingVerb(
            "run_now",
            "Run now",
            lambda schedule, request: schedules.run_now(schedule, request.user),
            "agency.change_schedule",
            "The wish is run beside its slots. While its last run is open, that one is shown.",
        ),
        Verb(
            "pause",
            "Pause",
            lambda schedule, request: schedules.pause(schedule),
            "agency.change_schedule",
            "No slot runs until it is unpaused.",
            fits=lambda schedule: schedule.is_active,
        ),
        StartingVerb(
            "unpause",
            "Unpause",
            lambda schedule, request: schedules.unpause(schedule),
            "agency.change_schedule",
            "It goes on with the next slot; those that passed meanwhile are not run.",
            fits=lambda schedule: not schedule.is_active,
        ),
    )

    class Media:
        css = {"all": ["board/schedule.css"]}

    def get_queryset(self, request):
        return super().get_queryset(request).with_last_run()

    def get_urls(self):
        slots = self.admin_site.admin_view(self.slots_view)
        return [path("slots/", slots, name="agency_schedule_slots"), *super().get_urls()]

    def has_add_permission(self, request):
        return super().has_add_permission(request) and request.user.has_perm(STARTS_RUNS)

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and request.user.has_perm(STARTS_RUNS)

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        if change:
            schedules.change(obj, **form.given)
        else:
            obj.pk = schedules.create(user=request.user, **form.given).pk

    def slots_view(self, request):
        """The next slots of the times that stand in the form now."""
        if not self.has_view_or_change_permission(request) and not self.has_add_permission(request):
            raise PermissionDenied
        form = TimingForm(request.GET)
        form.full_clean()
        given = form.read()
        context = {"complaints": [error for errors in form.errors.values() for error in errors]}
        if form.is_valid():
            context = told(Schedule(), given)
        return TemplateResponse(request, "admin/agency/schedule/slots.html", context)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        context |= told(copy(obj) if obj else Schedule(at=time(6)), {})
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    @admin.display(description="when")
    def times(self, schedule):
        return schedule.when

    @admin.display(description="last slot", ordering="last_at", empty_value="never")
    def last_slot(self, schedule):
        return schedule.last_at

    @admin.display(description="last run", empty_value="never")
    def last_run(self, schedule):
        if schedule.last_run_id is None:
            return None
        page = reverse("admin:agency_run_change", args=[schedule.last_run_id])
        return format_html('<a href="{}">Run {}</a>, {}', page, schedule.last_run_id, schedule.last_run_status)


def told(schedule, given):
    """The next slots of a schedule with these times, or why there are none, for the template."""
    try:
        slots = schedules.next_slots(schedules.timed(schedule, given), SHOWN_SLOTS)
    except Refusal as refusal:
        return {"complaints": [error["detail"] for error in refusal.errors]}
    return {"slots": slots, "words": schedule.when, "zone": settings.STORE_TIMEZONE}
