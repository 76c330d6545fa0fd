"""Wishes, their superpositions, and the playbooks that know them."""

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from agency import attributed, direction_board, outcomes, quantum_state, workflows
from agency.admin.fields import StorableJSONField
from agency.admin.verbs import ReadOnlyInline
from agency.models import Intent, Playbook, PlaybookStep, Run
from earnings.list_filters import PeriodFilter
from earnings.refusals import Refusal


class PlaybookStepForm(forms.ModelForm):
    workflow = forms.ChoiceField()
    params = StorableJSONField(required=False)

    class Meta:
        model = PlaybookStep
        fields = ["workflow", "weight", "is_chosen", "params"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["workflow"].choices = [(w.key, f"{w.title} ({w.pipeline})") for w in workflows.every()]

    def clean(self):
        values = super().clean()
        if values.get("workflow"):
            try:
                direction_board.validated(values["workflow"], values.get("params") or {})
            except Refusal as refusal:
                self.add_error("params", " ".join(error["detail"] for error in refusal.errors))
        values["params"] = values.get("params") or {}
        return values


class PlaybookStepInline(admin.TabularInline):
    model = PlaybookStep
    form = PlaybookStepForm
    extra = 0


@admin.register(Playbook)
class PlaybookAdmin(admin.ModelAdmin):
    list_display = ["name", "is_active", "workflows"]
    list_editable = ["is_active"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [PlaybookStepInline]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("steps")

    @admin.display()
    def workflows(self, playbook):
        return " + ".join(step.workflow for step in playbook.steps.all() if step.is_chosen)


class RunInline(ReadOnlyInline):
    model = Run
    fields = ["id", "status", "created_at", "finished_at"]


def known_wishes():
    """What can be wished, for who stands before an empty field."""
    names = Playbook.objects.filter(is_active=True).values_list("name", flat=True)
    return f"In your own words. The board knows: {', '.join(f'“{name}”' for name in names)}." if names else ""


class WishForm(forms.ModelForm):
    """A wish, checked by weighing it: what no playbook knows is answered with the nearest ones."""

    class Meta:
        model = Intent
        fields = ["statement"]
        widgets = {"statement": forms.TextInput(attrs={"class": "vTextField", "placeholder": "Maximize profit"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["statement"].help_text = known_wishes()


@admin.register(Intent)
class IntentAdmin(admin.ModelAdmin):
    """Write a wish, look at its superposition, collapse it."""

    list_display = ["statement", "status", "playbook", "created_by", "created_at"]
    list_filter = ["status", "playbook", ("created_at", PeriodFilter)]
    list_select_related = ["playbook", "created_by"]
    search_fields = ["statement"]
    change_form_template = "admin/agency/intent/change_form.html"
    inlines = [RunInline]

    def get_form(self, request, obj=None, **kwargs):
        return WishForm if obj is None else super().get_form(request, obj, **kwargs)

    def get_fields(self, request, obj=None):
        return ["statement"] if obj is None else []

    def get_inlines(self, request, obj):
        return self.inlines if obj else []

    def has_change_permission(self, request, obj=None):
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request, obj=None):
        return False

    def get_urls(self):
        collapse = self.admin_site.admin_view(self.collapse_view)
        fork = self.admin_site.admin_view(self.fork_view)
        return [
            path("<int:pk>/collapse/", collapse, name="agency_intent_collapse"),
            path("<int:pk>/fork/", fork, name="agency_intent_fork"),
            *super().get_urls(),
        ]

    def add_view(self, request, form_url="", extra_context=None):
        if request.method == "POST" and self.has_add_permission(request):
            try:
                intent = quantum_state.superpose(request.POST.get("statement", ""), user=request.user)
            except Refusal as refusal:
                self.message_user(request, refusal.detail, messages.ERROR)
            else:
                return HttpResponseRedirect(reverse("admin:agency_intent_change", args=[intent.pk]))
        context = {"title": "Make a wish", "show_save_and_add_another": False, "show_save_and_continue": False}
        if request.method == "POST":
            request.method = "GET"  # show the form again with what was written
            request.GET = request.GET.copy()
            request.GET["statement"] = request.POST.get("statement", "")
        return super().add_view(request, form_url, (extra_context or {}) | context)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        intent = self.get_object(request, object_id)
        extra = {"title": "Superposition"} if intent and intent.status == "superposed" else {}
        if intent:
            extra["subtitle"] = None  # the wish stands below
            extra["states"] = intent.states.all()
            extra["attributed"] = attributed.to_intent(intent)
            extra["outcome"] = outcomes.of_intent(intent) if _sees_money(request) else None
            extra["can_run"] = request.user.has_perm("agency.add_run")
            extra["are_left"] = intent.status == "collapsed" and intent.states.filter(is_chosen=False).exists()
        return super().change_view(request, object_id, form_url, (extra_context or {}) | extra)

    def collapse_view(self, request, pk):
        """Run the chosen states: once, however often this is sent."""
        return self._run_states(request, pk, quantum_state.collapse)

    def fork_view(self, request, pk):
        """Run states that the collapse did not choose, beside what it did."""
        return self._run_states(request, pk, quantum_state.fork)

    def _run_states(self, request, pk, verb):
        intent = self.get_object(request, str(pk))
        if intent is None or not request.user.has_perm("agency.add_run"):
            return TemplateResponse(request, "403.html", status=403)
        page = reverse("admin:agency_intent_change", args=[pk])
        if request.method != "POST":
            return HttpResponseRedirect(page)
        try:
            run = verb(intent, choose=request.POST.getlist("choose"), user=request.user)
        except Refusal as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
            return HttpResponseRedirect(page)
        return HttpResponseRedirect(reverse("admin:agency_run_change", args=[run.pk]))


def _sees_money(request):
    return request.user.has_perm("earnings.view_earning")
