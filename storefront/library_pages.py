"""Pages of buyers: the receipt with its downloads, the files themselves, and the way to both sent again."""

import logging

from django import forms
from django.conf import settings
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from agency import file_answers
from agency.private_pages import private, private_form, sorry
from earnings.refusals import Refusal
from storefront import library, purchases, receipts
from storefront.limits import is_too_often
from storefront.models import Entitlement

log = logging.getLogger(__name__)
ASKED_AT_MOST, WITHIN = 5, 600  # by one caller, in seconds


class FindForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )


@private
@require_safe
def receipt(request, token):
    shown = receipts.of(token)
    if shown is None:
        raise Http404("There is no such order.")
    context = {"receipt": shown, "order": shown.order, "store_address": settings.STORE_ADDRESS}
    return render(request, "storefront/receipt.html", context)


@private
@require_safe
def get_file(request, token, entitlement, file):
    """A fresh link to a file; HEAD tells nothing more than the page does."""
    right = get_object_or_404(Entitlement, pk=entitlement, order_line__order__token=token)
    wanted = next((each for each in library.files_of(right) if each.pk == file), None)
    if wanted is None:
        return sorry(request, Refusal("This download is not offered any more.", status=410, code="revoked"))
    return redirect("storefront:send_file", library.sign(right, wanted))


@private
@require_safe
def send_file(request, signed):
    try:
        link = library.read(signed)
        file = library.file_behind(link)
        response = file_answers.respond(
            request,
            file.file,
            name=file.name,
            content_type=file.content_type,
            sha256=file.sha256,
            holder=link.entitlement_id,
        )
    except Refusal as refusal:
        return sorry(request, refusal)
    except FileNotFoundError:
        log.error("file %s is not in the storage", file.pk)
        return sorry(request, Refusal("This file is missing. We are looking into it.", status=503))
    if request.method == "HEAD" or response.status_code == 416:
        return response
    try:
        library.count(link)
    except Refusal as refusal:
        response.close()
        return sorry(request, refusal)
    return response


@private_form
@require_http_methods(["GET", "HEAD", "POST"])
def find_orders(request):
    """Ask for the way to one's purchases; the answer is the same for every address."""
    form = FindForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if is_too_often(request, "find-orders", at_most=ASKED_AT_MOST, within=WITHIN):
            refusal = Refusal("You asked several times. Wait ten minutes, then ask again.", status=429)
            return sorry(request, refusal)
        purchases.ask(form.cleaned_data["email"])
        return redirect(reverse("storefront:find_orders") + "?sent")
    context = {"form": form, "is_sent": "sent" in request.GET}
    return render(request, "storefront/find_orders.html", context, status=422 if form.errors else 200)


@private
@require_safe
def list_purchases(request, signed):
    try:
        orders = purchases.read(signed)
    except Refusal as refusal:
        return sorry(request, refusal)
    return render(request, "storefront/purchases.html", {"orders": orders})
