"""What staff fill in about an order: who paid, what the client said, what was made by hand."""

import base64
import json

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from agency import recipes
from agency.admin.verbs import RowForm
from agency.briefs import asked_of_client
from earnings.models import Channel

FILE_FIELDS = ("_csv", "_file")  # how the name of a requirement ends that asks for a file
CONSENT = "The client agrees that the work, its price included, is shown in the portfolio"


def is_file(requirement):
    return requirement["name"].endswith(FILE_FIELDS)


def as_text(value):
    """A value of a brief as a person reads it; of a file, its name."""
    if isinstance(value, dict) and ("text" in value or "base64" in value):
        return str(value.get("name") or "a file")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _no_larger(files):
    limit = settings.CATALOG_UPLOAD_MAX_BYTES
    if sum(file.size for file in files) > limit:
        raise ValidationError(f"More than {limit:,} bytes.")


class BriefFields(forms.Form):
    """One field for each thing that the gig asks its client, and the client's consent."""

    def add_brief(self, gig, known=None):
        self.gig, self.known = gig, known or {}
        for requirement in asked_of_client(gig):
            self.fields[f"brief_{requirement['name']}"] = self._field(requirement)
        consent = forms.BooleanField(required=False, label=CONSENT)
        consent.initial = self.known.get("showcase_consent") is True
        self.fields["brief_showcase_consent"] = consent
        next(
            field for name, field in self.fields.items() if name.startswith("brief_")
        ).section = "What the client said"

    def _field(self, requirement):
        value = self.known.get(requirement["name"])
        hints = [str(requirement.get("help") or "")]
        if requirement.get("required"):
            hints.insert(0, "The work can't start without it.")
        label = f"{requirement.get('label') or requirement['name']}{' *' if requirement.get('required') else ''}"
        if is_file(requirement):
            if value:
                hints.append(f"There is already: {as_text(value) if isinstance(value, dict) else 'a text'}.")
            return forms.FileField(required=False, label=label, help_text=" ".join(hints).strip(), max_length=100)
        field = forms.CharField(required=False, label=label, help_text=" ".join(hints).strip(), max_length=10_000)
        field.widget = forms.Textarea(attrs={"rows": 2, "cols": 60})
        field.initial = "" if value is None else as_text(value)
        return field

    def clean(self):
        values = super().clean()
        _no_larger(file for file in self.files.values() if file)
        recipe = recipes.get(self.gig.recipe)
        brief = {**self.known, **self.brief(values)}
        for problem in recipe.problems(brief) if recipe else ():
            name = "_".join(problem["pointer"].strip("/").split("/")[:2])
            if name in self.fields and brief.get(name.removeprefix("brief_")):
                self.add_error(name, problem["detail"])
        return values

    def brief(self, values):
        """What was said in this form. A file keeps its bytes: to find their faults may be the order."""
        said = {}
        for name in self.fields:
            if not name.startswith("brief_") or name not in values or name not in self.changed_data:
                continue
            value = values[name]
            if isinstance(self.fields[name], forms.FileField):
                value.seek(0)
                value = {"name": value.name, "base64": base64.b64encode(value.read()).decode()}
            elif isinstance(value, str):
                value = value.replace("\r\n", "\n")  # browsers send lines of a text area so
            said[name.removeprefix("brief_")] = value
        return said


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
        _no_larger(cleaned)
        names = [file.name for file in cleaned]
        if len(set(names)) < len(names):
            raise ValidationError("Two files have the same name.")
        return cleaned


class DeliverByHandForm(forms.Form):
    files = SeveralFiles(max_length=100, help_text="Everything that belongs to this delivery, in one go.")
    message = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}), label="Message to the client"
    )
