"""What staff may say when a run is resumed or run again."""

import json

from django import forms

from agency import entanglement, workflows
from agency.admin.fields import StorableJSONField
from agency.admin.verbs import RowForm


class ResumeForm(RowForm):
    """Whether to keep the old measurements, beside what changed since they were made."""

    about_template = "admin/agency/run/drift.html"
    may_be_empty = True
    measure_again = forms.BooleanField(
        required=False, label="Measure again what has changed, and do again what relies on it"
    )

    def observations(self):
        """What of this run would be kept, with how it stands now. Measures, so only the page asks for it."""
        return entanglement.of(self.row)["observations"]


class PrettyJSONField(StorableJSONField):
    """JSON as people read and write it."""

    widget = forms.Textarea(attrs={"rows": 6, "class": "vLargeTextField board-json", "spellcheck": "false"})

    def prepare_value(self, value):
        if isinstance(value, forms.fields.InvalidJSONInput):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


class ReplayForm(RowForm):
    """The parameters of each task, to be kept or edited; only edited ones are given to the verb."""

    may_be_empty = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for task in self.row.tasks.all():
            self.fields[f"params_{task.workflow}"] = PrettyJSONField(
                required=False,
                initial=task.params,
                label=f"Parameters of {task.workflow}",
                help_text=_known(task.workflow),
            )

    @staticmethod
    def edited(run, values):
        """`{workflow: parameters}` of the tasks whose parameters are no longer those that they had."""
        had = {task.workflow: task.params for task in run.tasks.all()}
        given = {name.removeprefix("params_"): value or {} for name, value in values.items()}
        return {workflow: params for workflow, params in given.items() if params != had[workflow]}


def _known(key):
    workflow = workflows.find(key)
    if workflow is None:
        return "The code of this workflow is gone."
    properties = workflows.describe(workflow)["params"]["properties"]
    known = [f"{name} ({schema.get('type', 'any')})" for name, schema in properties.items()]
    return f"A JSON object. It may have: {', '.join(known)}." if known else "This workflow has no parameters: {}."
