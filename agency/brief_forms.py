"""A gig's questions as a form: for staff who note what a client said, and for the client."""

import base64
import json

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from agency import recipes
from agency.briefs import asked_of_client

FILE_FIELDS = ("_csv", "_file")  # how the name of a requirement ends that asks for a file
CONSENT = "The client agrees that the work, its price included, is shown in the portfolio"


def is_file(requirement):
    return requirement["name"].endswith(FILE_FIELDS)


def as_text(value):
    """A value of a brief as a person reads it; of a file, its name."""
    if isinstance(value, dict) and ("text" in value or "base64" in value):
        return str(value.get("name") or "a file")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def no_larger(files, limit):
    if sum(file.size for file in files) > limit:
        raise ValidationError(f"More than {limit:,} bytes.")


class BriefFields(forms.Form):
    """One field for each thing that the gig asks its client, and the client's consent.

    `starred` says how a field tells that the work can't start without it, `consent_label` what the consent is to.
    """

    starred = "The work can't start without it."
    consent_label = CONSENT

    @property
    def most_bytes(self):
        return settings.CATALOG_UPLOAD_MAX_BYTES

    def add_brief(self, gig, known=None):
        self.gig, self.known = gig, known or {}
        for requirement in asked_of_client(gig):
            self.fields[f"brief_{requirement['name']}"] = self._field(requirement)
        consent = forms.BooleanField(required=False, label=self.consent_label)
        consent.initial = self.known.get("showcase_consent") is True
        self.fields["brief_showcase_consent"] = consent
        next(
            field for name, field in self.fields.items() if name.startswith("brief_")
        ).section = "What the client said"

    def _field(self, requirement):
        value = self.known.get(requirement["name"])
        hints = [str(requirement.get("help") or "")]
        if requirement.get("required"):
            hints.insert(0, self.starred)
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
        no_larger((file for file in self.files.values() if file), self.most_bytes)
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
