"""Payouts of channels, and what the checks of the ledger found.

The pages stand here because they use the admin's verbs; the rules are those of `earnings.payouts`.
"""

from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from agency.admin.verbs import ReadOnlyAdmin, Verb, VerbAdmin, blame
from earnings import money, payouts
from earnings.ledger import PAID_OUT, Purse
from earnings.models import Channel, Kind, LedgerCheck, Payout
from earnings.refusals import Refusal

MOST_SHOWN = 200


class PayoutForm(forms.Form):
    """What arrived at the bank."""

    channel = forms.ModelChoiceField(Channel.objects.all())
    currency = forms.CharField(max_length=3)
    kind = forms.ChoiceField(choices=Kind.choices, initial=Kind.REAL)
    amount = forms.CharField(
        required=False, max_length=30, help_text="What the bank shows, e.g. 79.50. Empty: whatever the books say."
    )
    reference = forms.CharField(required=False, max_length=120, help_text="As the bank or the channel calls it.")
    token = forms.UUIDField(widget=forms.HiddenInput)  # so that the form sent twice is one payout

    def clean(self):
        values = super().clean()
        currency = values["currency"] = values.get("currency", "").strip().upper()
        try:
            money.exponent(currency)
            values["minor"] = money.to_minor(values["amount"], currency) if values.get("amount") else None
        except ValueError as error:
            self.add_error("amount" if currency in money.CURRENCIES else "currency", f"{error}.")
        return values


@admin.register(Payout)
class PayoutAdmin(VerbAdmin):
    """Write down what a channel sent to the bank; each payout names what it paid out."""

    list_display = ["__str__", "channel", "amount", "kind", "reference", "occurred_at", "returned_at"]
    list_filter = ["channel", "kind", "currency"]
    list_select_related = ["channel"]
    search_fields = ["reference", "parts__entry__earning__key"]
    fields = ["channel", "amount", "kind", "reference", "occurred_at", "returned_at", "recorded_by", "parts"]
    readonly_fields = ["amount", "parts"]
    verbs = (
        Verb(
            name="return",
            label="It came back",
            call=lambda row, request: payouts.take_back(row) and None,
            right="earnings.change_payout",
            question="All of it is available again, as if this payout had never been.",
            fits=lambda row: row.returned_at is None,
        ),
    )

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_actions(self, request):
        return {}

    @admin.display(ordering="amount_minor")
    def amount(self, payout):
        return money.display(payout.amount_minor, payout.currency)

    @admin.display(description="paid out")
    def parts(self, payout):
        """What it paid out, each with its amount; of very many the first."""
        found = payout.parts.select_related("entry__earning").prefetch_related("entry__postings").order_by("pk")
        listed = format_html_join("", "<li>{}: {}</li>", (_part(part) for part in found[:MOST_SHOWN]))
        more = found.count() - MOST_SHOWN
        return format_html("<ul>{}{}</ul>", listed, f"and {more} more; the API has all" if more > 0 else "")

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        start = {"token": uuid4(), "currency": request.GET.get("currency", settings.STORE_CURRENCY)}
        start |= {name: request.GET[name] for name in ("channel", "kind") if name in request.GET}
        form = PayoutForm(request.POST or None, initial=start)
        if request.method == "POST" and form.is_valid():
            payout = _recorded(form, request.user)
            if payout:
                self.message_user(request, f"Recorded: {self.amount(payout)} of {payout.channel}.")
                return redirect(self.page_of(payout))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Record a payout",
            "form": form,
            "waiting": [_offer(*row) for row in payouts.waiting()],
        }
        return render(request, "admin/earnings/payout/record.html", context)


def _part(part):
    """(what was paid for, how much of it)"""
    entry, earning = part.entry, part.entry.earning
    paid = sum(each.amount_minor for each in entry.postings.all() if each.account_id == PAID_OUT)
    amount = money.display(paid, entry.currency)
    if earning is None:
        return entry.title, amount
    address = reverse("admin:earnings_earning_change", args=[earning.pk])
    named = format_html('<a href="{}">{}, {}</a>', address, earning.title, earning.reference or earning.key)
    return named, amount


def _recorded(form, user):
    asked = form.cleaned_data
    purse = Purse(asked["channel"], asked["currency"], asked["kind"])
    key = f"payout:form:{asked['token'].hex}"
    try:
        return payouts.record(
            purse, key, timezone.now(), amount_minor=asked["minor"], reference=asked["reference"], by=user
        )
    except Refusal as refusal:
        blame(form, refusal)
        return None


def _offer(channel, kind, currency, minor):
    amount = money.display(minor, currency)
    return {"channel": channel, "kind": kind, "currency": currency, "amount": amount, "is_overdrawn": minor < 0}


@admin.register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyAdmin):
    """What the nightly proof of the ledger found, and the checks that people asked for."""

    list_display = ["__str__", "night", "is_sound", "number", "finished_at"]
    fields = ["night", "started_at", "finished_at", "is_sound", "looked_at", "found"]
    readonly_fields = fields

    @admin.display(boolean=True, description="sound")
    def is_sound(self, check):
        return check.is_sound

    @admin.display(description="looked at")
    def looked_at(self, check):
        return ", ".join(f"{number:,} {name}" for name, number in check.counts.items()) or "-"

    @admin.display(description="violations")
    def found(self, check):
        if not check.violations:
            return "none" if check.finished_at else "not finished"
        rows = ((one["code"], one["subject"], one["detail"]) for one in check.violations)
        more = check.number - len(check.violations)
        listed = format_html("<ul>{}</ul>", format_html_join("", "<li><strong>{}</strong> {}: {}</li>", rows))
        return (
            format_html("{}<p>and {} more: manage.py ledger_check names all.</p>", listed, more)
            if more
            else listed
        )
