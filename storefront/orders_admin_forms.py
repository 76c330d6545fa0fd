"""What staff are asked before money goes back, and before contested goods leave the house."""

from uuid import uuid4

from django import forms

from agency.admin.verbs import RowForm
from earnings import money
from storefront import handing_over


class RefundForm(RowForm):
    """How much of each line goes back. The hidden key makes the form, sent twice, one refund."""

    reason = forms.CharField(required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    key = forms.CharField(widget=forms.HiddenInput, max_length=60)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial["key"] = str(uuid4())
        self.lines = {line.number: line for line in self.row.lines.all() if line.refundable_minor}
        for number, line in self.lines.items():
            left = money.amount_text(line.refundable_minor, self.row.currency)
            self.fields[f"line_{number}"] = forms.CharField(
                label=f"{line}, {self.row.currency}",
                required=False,
                initial=left,
                max_length=20,
                help_text=f"At most {left}; empty = nothing of it.",
            )
        self.order_fields([*(f"line_{number}" for number in self.lines), "reason", "key"])

    def clean(self):
        values = super().clean()
        amounts = {number: self._amount(f"line_{number}") for number in self.lines}
        amounts = {number: amount for number, amount in amounts.items() if amount}
        if not amounts and not self.errors:
            raise forms.ValidationError("Say how much goes back.")
        return {"amounts": amounts, "reason": values.get("reason", ""), "key": values.get("key", "")}

    def _amount(self, name):
        text = (self.cleaned_data.get(name) or "").strip()
        if not text:
            return 0
        try:
            amount = money.to_minor(text, self.row.currency)
        except ValueError as error:
            self.add_error(name, f"{error}.")
            return 0
        if amount < 0:
            self.add_error(name, "It is at least 0.")
        return amount


class HandOverForm(RowForm):
    """Asks for a yes of its own where the buyer's bank contests the payment; in the list nobody can say it."""

    may_be_empty = True
    although_contested = forms.BooleanField(
        label="The buyer's bank contests the payment: hand it over all the same",
        error_messages={"required": "If the bank decides against us, goods and money are gone: say yes, or wait."},
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not handing_over.is_contested(self.row):
            del self.fields["although_contested"]
