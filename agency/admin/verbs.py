"""Buttons on an admin page that call a verb, with a page that asks first, and the same verbs as list actions."""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from earnings.refusals import Refusal

SHOWN_ROWS = 50  # of those that a list action is about


@dataclass(frozen=True)
class Verb:
    """What staff may do to a row: `call(row, request, **form values)`, allowed to who has `right`.

    `right` is a permission; `right(row)` gives it where that depends on the row. `question` is what the page asks
    before it happens; `form` what it needs to know. `fits(row)` says whether the button is shown; the verb itself
    decides.
    """

    name: str
    label: str
    call: Callable
    right: str | Callable
    question: str
    form: type[forms.Form] = forms.Form
    fits: Callable = lambda row: True

    def allows(self, user, row):
        return user.has_perm(self.right(row) if callable(self.right) else self.right)


class ReasonForm(forms.Form):
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=500)


class RowForm(forms.Form):
    """What a verb needs to know, asked in words that depend on the row.

    `about_template` shows the row as far as the answer depends on it. With `may_be_empty` the verb needs no
    answer: then it is a list action, too.
    """

    about_template = ""
    may_be_empty = False

    def __init__(self, *args, row, **kwargs):
        super().__init__(*args, **kwargs)
        self.row = row


def blame(form, refusal):
    """Show each of a refusal's errors at the field that its pointer names: `/brief/title` is `brief_title`."""
    for error in refusal.errors or [{"pointer": "", "detail": refusal.detail}]:
        parts = error["pointer"].strip("/").split("/")
        names = ["_".join(parts[:count]) for count in range(len(parts), 0, -1)]
        form.add_error(next((name for name in names if name in form.fields), None), error["detail"])


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that only the program writes."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False
    show_change_link = True

    def get_readonly_fields(self, request, obj=None):
        return self.fields

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class VerbAdmin(admin.ModelAdmin):
    """An admin whose rows have verbs: a button each on the row's page, an action each in the list."""

    verbs: tuple[Verb, ...] = ()
    change_form_template = "admin/agency/verbs_change_form.html"

    def get_urls(self):
        return [
            path(
                "<int:pk>/do/<slug:name>/",
                self.admin_site.admin_view(self.verb_view),
                name=f"{self.opts.app_label}_{self.opts.model_name}_verb",
            ),
            *super().get_urls(),
        ]

    def verb_view(self, request, pk, name):
        verb = next((verb for verb in self.verbs if verb.name == name), None)
        row = get_object_or_404(self.model, pk=pk)
        if verb is None or not verb.allows(request.user, row):
            raise PermissionDenied
        given = (request.POST, request.FILES) if request.method == "POST" else ()
        form = verb.form(*given, **({"row": row} if issubclass(verb.form, RowForm) else {}))
        if request.method == "POST" and form.is_valid():
            answer = self._do(verb, row, request, form)
            if form.is_valid():
                return self.after(verb, row, request, answer)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{verb.label}: {row}",
            "row": row,
            "verb": verb,
            "form": form,
            "back": _next(request) or self.page_of(row),
        }
        return render(request, "admin/agency/verb.html", context)

    def after(self, verb, row, request, answer):
        """What is shown once a verb was called: where the person came from, or what it answered with."""
        # An address, never the name of one, which `redirect` would look for.
        return HttpResponseRedirect(_next(request) or self.page_of(answer or row))

    def _do(self, verb, row, request, form=None):
        """Call the verb; returns the row that it answers with, or None.

        What is refused is said at the form's field that it is about, or above the row's page.
        """
        try:
            answer = verb.call(row, request, **(form.cleaned_data if form else {}))
        except Refusal as refusal:
            if form and form.fields and refusal.errors:
                blame(form, refusal)
                return None
            details = " ".join(error["detail"] for error in refusal.errors if error["detail"] != refusal.detail)
            self.message_user(request, f"{row}: {refusal.detail} {details}".strip(), messages.ERROR)
            return None
        self.message_user(request, f"“{verb.label}” is done: {row}", messages.SUCCESS)
        return answer if hasattr(answer, "_meta") else None

    def ask_about(self, verb, rows, request):
        """The page that asks before a verb is called for all chosen rows, as each row's own page does."""
        number = rows.count()
        name = self.opts.verbose_name if number == 1 else self.opts.verbose_name_plural
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{verb.label}: {number:,} {name}",
            "verb": verb,
            "rows": rows[:SHOWN_ROWS],
            "more": max(number - SHOWN_ROWS, 0),
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
        }
        return render(request, "admin/agency/verb_for_many.html", context)

    def page_of(self, row):
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])

    def verbs_of(self, row, request):
        """What this user may do to the row as it is now: `(verb, address of its page)`."""
        page = f"admin:{self.opts.app_label}_{self.opts.model_name}_verb"
        return [
            (verb, reverse(page, args=[row.pk, verb.name]))
            for verb in self.verbs
            if verb.fits(row) and verb.allows(request.user, row)
        ]

    def get_actions(self, request):
        actions = super().get_actions(request)
        for verb in self.verbs:
            needs_nothing = verb.form is forms.Form or getattr(verb.form, "may_be_empty", False)
            # Where the right depends on the row it is asked at each row.
            if needs_nothing and (callable(verb.right) or request.user.has_perm(verb.right)):
                actions[verb.name] = (_action(verb), verb.name, f"{verb.label} (selected)")
        return actions

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        context["verbs"] = self.verbs_of(obj, request) if obj else []
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


def _next(request):
    """The page of this site that the person came from, where the address names one."""
    page = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if is_ours else ""


def _action(verb):
    def do(model_admin, request, queryset):
        if "yes" not in request.POST:
            return model_admin.ask_about(verb, queryset, request)
        for row in queryset:
            if verb.allows(request.user, row):
                model_admin._do(verb, row, request)
            else:
                model_admin.message_user(request, f"{row}: this is for somebody else to decide.", messages.ERROR)

    return do


def status_in(*statuses):
    """A `fits` that shows the button while the row has one of these statuses."""
    return lambda row: row.status in statuses
