"""The client's pages of a service order: brief, progress, delivery, yes or change. They hold no rules."""

import logging

from django import forms
from django.conf import settings
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from agency import file_answers, fulfillment_engine, portal
from agency.admin.verbs import blame
from agency.brief_forms import BriefFields
from agency.private_pages import private, private_form, sorry
from earnings.refusals import Refusal

log = logging.getLogger(__name__)


class ClientBriefForm(BriefFields):
    """What we ask the client, in words to them."""

    starred = "We can't start without it."
    consent_label = "You may show the finished work, its price included, in your portfolio"

    def __init__(self, *args, order, **kwargs):
        super().__init__(*args, label_suffix="", use_required_attribute=False, **kwargs)
        self.add_brief(order.gig, order.brief | {"showcase_consent": order.showcase_consent})

    @property
    def most_bytes(self):
        return settings.BRIEF_UPLOAD_MAX_BYTES


class AcceptForm(forms.Form):
    number = forms.IntegerField(widget=forms.HiddenInput)
    quote = forms.CharField(
        label="In a sentence, how was it?",
        required=False,
        max_length=300,
        help_text="We may show it with the work if you tick the box below.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    consent = forms.BooleanField(label=ClientBriefForm.consent_label, required=False)


class RevisionForm(forms.Form):
    number = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label="What should change?",
        max_length=5000,
        help_text="The more exact, the better: where, what it is now, what it should be.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )


def _desk(token):
    desk = portal.of(token)
    if desk is None:
        raise Http404("There is no such order.")
    return desk


@private_form
@require_http_methods(["GET", "HEAD", "POST"])
def show(request, token):
    """The order as it stands; a POST adds to its brief."""
    desk = _desk(token)
    given = (request.POST, request.FILES) if request.method == "POST" else ()
    form = ClientBriefForm(*given, order=desk.order) if desk.takes_brief or given else None
    if given and form.is_valid():
        try:
            order = fulfillment_engine.set_requirements(desk.order, form.brief(form.cleaned_data))
            is_complete = order.status != portal.Status.AWAITING_BRIEF
            return redirect(order.portal_path if is_complete else f"{order.portal_path}?sent#brief")
        except Refusal as refusal:
            blame(form, refusal)
    asks_more = not given and bool(desk.missing) and (bool(desk.order.brief) or "sent" in request.GET)
    if asks_more:
        _name_missing(form, desk.missing)
    context = {"desk": desk, "order": desk.order, "form": form, "asks_more": asks_more}
    return render(request, "portal/order.html", context, status=422 if given else 200)


def _name_missing(form, missing):
    """Say at each field what is still missing, once the client has said anything at all."""
    for problem in missing:
        name = "_".join(problem["pointer"].strip("/").split("/")[:2])
        if name in form.fields:
            form.fields[name].missing = problem["detail"]


@private_form
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request, token):
    """Ask, then take the delivery."""

    def done(desk, values):
        portal.accept(desk.order, values["number"], consent=values["consent"], quote=values["quote"])

    return _decide(request, token, AcceptForm, done, "portal/accept.html")


@private_form
@require_http_methods(["GET", "HEAD", "POST"])
def request_revision(request, token):
    """Ask what should change, then hand it on."""

    def done(desk, values):
        portal.request_revision(desk.order, values["number"], values["reason"])

    desk = _desk(token)
    if request.method != "POST" and not (desk.revisions_left or desk.is_in_revision):
        return redirect("portal:order", token)  # that page says so
    return _decide(request, token, RevisionForm, done, "portal/revision.html")


def _decide(request, token, form_class, done, template):
    desk = _desk(token)
    is_sent = request.method == "POST"
    number = desk.latest.delivery.number if desk.latest else None
    known = {"number": number, "consent": desk.order.showcase_consent}
    form = form_class(request.POST if is_sent else None, initial=known, label_suffix="")
    status = 200
    if is_sent:
        try:
            if form.is_valid():
                done(desk, form.cleaned_data)
                return redirect(desk.order.portal_path)
            status = 422
        except Refusal as refusal:
            blame(form, refusal)
            status = refusal.status
    elif desk.order.status != portal.Status.DELIVERED and not (form_class is RevisionForm and desk.is_in_revision):
        return redirect(desk.order.portal_path)
    return render(request, template, {"desk": desk, "order": desk.order, "form": form}, status=status)


@private
@require_safe
def send_file(request, token, pk):
    """A file of a delivery."""
    artifact = portal.file_of(token, pk)
    if artifact is None:
        raise Http404("There is no such file.")
    try:
        return file_answers.respond(
            request,
            artifact.stored,
            name=artifact.name,
            content_type=artifact.content_type,
            sha256=artifact.sha256,
            holder=f"work {artifact.service_order_id}",
        )
    except Refusal as refusal:
        return sorry(request, refusal)
    except FileNotFoundError:
        log.error("artifact %s is not in the storage", artifact.pk)
        raise Http404("The storage does not have this file.") from None
