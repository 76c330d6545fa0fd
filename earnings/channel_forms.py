"""A channel's fee as people write it: "2.9 %" of the amount and "0.30" per sale."""

import re

from django import forms
from django.conf import settings

from earnings import money
from earnings.models import Channel

_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?\s*%?", re.ASCII)
LARGEST = 2**31 - 1  # that the column holds


def percent(basis_points):
    """290 is "2.9 %"."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + " %"


class WrittenNumber(forms.CharField):
    """An int that people write as text: `written` and `read` are each other's inverse."""

    def prepare_value(self, value):
        return self.written(value) if isinstance(value, int) else value

    def clean(self, value):
        return self.read(super().clean(value).replace(",", ".") or "0")

    def has_changed(self, initial, data):
        return super().has_changed(self.prepare_value(initial), data)


class PercentField(WrittenNumber):
    """Basis points, written as a percentage with at most two decimals."""

    written = staticmethod(percent)

    def read(self, text):
        found = _PERCENT.fullmatch(text)
        if found is None:
            raise forms.ValidationError("Write a percentage such as 2.9, with at most two decimals.")
        basis_points = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
        if basis_points > 10_000:
            raise forms.ValidationError("A fee is at most 100 %.")
        return basis_points


class AmountField(WrittenNumber):
    """Minor units, written as an amount with the decimals of the shop's currency."""

    def written(self, minor):
        return money.amount_text(minor, settings.STORE_CURRENCY)

    def read(self, text):
        try:
            minor = money.to_minor(text, settings.STORE_CURRENCY)
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None
        if not 0 <= minor <= LARGEST:
            raise forms.ValidationError("Write an amount of zero or more that a fee can have.")
        return minor


class ChannelForm(forms.ModelForm):
    fee_basis_points = PercentField(
        label="Fee in percent", max_length=10, required=False, help_text="Of each sale, e.g. 2.9. Fiverr keeps 20."
    )
    fee_fixed_minor = AmountField(
        label="Fee per sale",
        max_length=20,
        required=False,
        help_text="Comes on top, in the currency of the sale, e.g. 0.30.",
    )

    class Meta:
        model = Channel
        fields = ["name", "key", "fee_basis_points", "fee_fixed_minor", "clearing_days"]
