"""What staff fill in about an order: who paid, what the client said, what was made by hand."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from agency.admin.verbs import RowForm
from agency.brief_forms import CONSENT, BriefFields, no_larger
from earnings.models import Channel


class TakeOrderForm(BriefFields):
    """An order that came in somewhere; without a marketplace it is simulated, and says so."""

    external_channel = forms.ModelChoiceField(
        Channel.objects.exclude(key="demo"),
        required=False,
        label="Marketplace",
        empty_label="none: a simulated order, no real money",
    )
    external_order_id = forms.CharField(required=False, max_length=80, label="Order number there")
    external_amount = forms.CharField(
        required=False, max_length=20, label="Amount paid there", help_text="Like 100.00."
    )
    external_currency = forms.CharField(required=False, max_length=3, label="Currency", help_text="Like USD.")
    external_client = forms.CharField(required=False, max_length=120, label="Name of the client there")

    def __init__(self, *args, package, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["external_channel"].section = "Where it was paid"
        self.fields["external_currency"].initial = package.currency
        self.add_brief(package.gig)

    def clean_external_currency(self):
        return self.cleaned_data["external_currency"].upper()

    @property
    def external(self):
        """The order on its marketplace, or None; half of one is given on, to be refused by name."""
        values = self.cleaned_data
        channel = values["external_channel"]
        names = ("order_id", "amount", "currency", "client")
        given = {name: values[f"external_{name}"] for name in names if values[f"external_{name}"]}
        if channel:
            given["channel"] = channel.pk
        return given if set(given) - {"currency"} else None


class BriefForm(BriefFields, RowForm):
    """More of what the client said, beside what is there."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.add_brief(self.row.gig, self.row.brief | {"showcase_consent": self.row.showcase_consent})

    def clean(self):
        return {"brief": self.brief(super().clean())}


class AcceptForm(forms.Form):
    consent = forms.NullBooleanField(
        required=False,
        label=CONSENT,
        widget=forms.Select(choices=[("", "as the client said before"), ("true", "yes"), ("false", "no")]),
    )
    quote = forms.CharField(required=False, max_length=300, label="What the client said of it")


class SeveralFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class SeveralFiles(forms.FileField):
    """One or more files. Source: Django, "Uploading multiple files"."""

    widget = SeveralFilesInput

    def clean(self, data, initial=None):
        files = data or [None]
        cleaned = [super(SeveralFiles, self).clean(file, initial) for file in files]
        no_larger(cleaned, settings.CATALOG_UPLOAD_MAX_BYTES)
        names = [file.name for file in cleaned]
        if len(set(names)) < len(names):
            raise ValidationError("Two files have the same name.")
        return cleaned


class DeliverByHandForm(forms.Form):
    files = SeveralFiles(max_length=100, help_text="Everything that belongs to this delivery, in one go.")
    message = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}), label="Message to the client"
    )
