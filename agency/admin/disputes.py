"""Sales that are contested at their marketplace: opened, won or lost by a person who read it there.

The page stands here because it uses the admin's verbs; the rules are those of `earnings.disputes`.
"""

from django import forms
from django.contrib import admin
from django.utils import timezone

from agency.admin.verbs import RowForm, Verb, VerbAdmin
from earnings import disputes, money
from earnings.admin import EarningAdmin
from earnings.models import Earning

RIGHT = "earnings.change_earning"


class DisputeForm(RowForm):
    fee = forms.CharField(
        required=False,
        max_length=30,
        help_text="What the channel charges for the dispute itself, e.g. 15.00. Empty: nothing, or not known.",
    )

    def clean_fee(self):
        text = self.cleaned_data["fee"].strip()
        try:
            minor = money.to_minor(text, self.row.currency) if text else 0
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None
        if minor < 0:
            raise forms.ValidationError("A fee is zero or more.")
        return minor


class ContestedEarningAdmin(VerbAdmin, EarningAdmin):
    """What was earned; nobody writes it by hand, but a person may say that it is contested, and who won."""

    verbs = (
        Verb(
            name="contest",
            label="Contested",
            call=lambda row, request, fee: disputes.contest(row, timezone.now(), fee_minor=fee) and None,
            right=RIGHT,
            question="What was not given back of it is set apart until the channel decides. Of a sale that was "
            "given back in full the fee alone is booked.",
            form=DisputeForm,
            fits=disputes.may_be_contested,
        ),
        Verb(
            name="win",
            label="Dispute won",
            call=lambda row, request: disputes.win(row, timezone.now()) and None,
            right=RIGHT,
            question="What is set apart lies where it was before, as if nobody had contested it.",
            fits=disputes.is_contested,
        ),
        Verb(
            name="lose",
            label="Dispute lost",
            call=lambda row, request: disputes.lose(row, timezone.now()) and None,
            right=RIGHT,
            question="The channel gave the buyer what is set apart, and keeps its fee of the sale. This is final.",
            fits=disputes.is_contested,
        ),
    )

    def get_actions(self, request):
        return {}  # each is decided by itself


admin.site.unregister(Earning)
admin.site.register(Earning, ContestedEarningAdmin)
