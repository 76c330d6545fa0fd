"""A service and its packages as people write them: prices like 29.00, lists a line each, tags between commas."""

from functools import partial

from django import forms
from django.conf import settings

from agency import gig_texts, recipes
from agency.checklist import CHECKS
from agency.models import Gig, Package
from earnings import money


class LinesField(forms.CharField):
    """A list that is written as text."""

    def __init__(self, *, reader, names=None, rows=4, **kwargs):
        widget = forms.Textarea(attrs={"rows": rows, "cols": 80, "spellcheck": "false"})
        super().__init__(required=False, widget=widget, **kwargs)
        self.reader = reader
        self.writer = partial(gig_texts.written, names=names, reader=reader)

    def prepare_value(self, value):
        return self.writer(value) if isinstance(value, list) else value

    def to_python(self, value):
        if isinstance(value, list):
            return value
        try:
            return self.reader((value or "").strip().replace("\r\n", "\n"))
        except ValueError as error:
            # Readers word it to stand behind a column's name; there is none here.
            said = f"This {error}." if str(error).startswith(("is", "needs")) else f"{error}."
            raise forms.ValidationError(said[0].upper() + said[1:]) from None


def _tags(text):
    return list(dict.fromkeys(" ".join(tag.split()) for tag in text.split(",") if tag.strip()))


class GigForm(forms.ModelForm):
    recipe = forms.ChoiceField(required=False, help_text="Who makes the deliverable; empty = by hand.")
    tags = forms.CharField(
        required=False, max_length=1000, help_text="Between commas.", widget=forms.TextInput(attrs={"size": 80})
    )
    requirements = LinesField(
        label="What we ask the client",
        reader=gig_texts.requirements,
        names=("name", "label", "required", "help"),
        help_text="A line each: name|question|required|hint, the last two as needed, e.g. title|The title of your "
        "video|required. A name that ends in _file or _csv asks for a file. What the recipe asks is asked anyway.",
    )

    class Meta:
        model = Gig
        fields = "__all__"  # noqa: DJ007  every column is the editor's

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "recipe" in self.fields:  # not for who may only look
            known = [(recipe.key, recipe.title) for recipe in recipes.every()]
            self.fields["recipe"].choices = [("", "by hand"), *known]
        self.initial["tags"] = ", ".join(map(str, self.instance.tags))

    def clean_tags(self):
        return _tags(self.cleaned_data["tags"])


class PackageForm(forms.ModelForm):
    price = forms.CharField(max_length=30, help_text="Like 29.00, in the currency below.")
    features = LinesField(
        reader=gig_texts.lines,
        help_text="A line each, e.g. Rows in the file: up to 200. Packages are compared by what stands before the "
        "colon.",
    )
    checklist = LinesField(
        label="What a delivery must hold",
        reader=gig_texts.known_checklist,
        names=("check", "value", "label"),
        help_text=f"A line each: check|value|words for the client, e.g. files_at_least|1|The report is there. "
        f"Checks: {', '.join(CHECKS)}.",
    )

    class Meta:
        model = Package
        fields = [
            *("tier", "name", "description", "price", "currency", "delivery_days", "revisions"),
            *("features", "checklist"),
        ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "currency" in self.fields and not self.instance.pk:
            self.fields["currency"].initial = settings.STORE_CURRENCY
        if self.instance.pk:
            self.initial["price"] = money.amount_text(self.instance.price_minor, self.instance.currency)

    def clean_currency(self):
        currency = self.cleaned_data["currency"].strip().upper()
        try:
            money.exponent(currency)
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None
        return currency

    def clean(self):
        values = super().clean()
        if values.get("price") and values.get("currency"):
            try:
                self.instance.price_minor = money.to_minor(values["price"].strip(), values["currency"])
            except ValueError as error:
                self.add_error("price", f"{error}.")
            else:
                if self.instance.price_minor < 0:
                    self.add_error("price", "It is at least 0.")
        return values
