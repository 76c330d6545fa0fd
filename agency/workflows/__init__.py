"""What a workflow is, and the registry that the Direction Board looks them up in.

A workflow is one file with one subclass of `Workflow`, registered at start. The Ops workflows live in this
package; the storefront registers the Sales workflows, so that the board knows no product.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from rest_framework import serializers

SHORTEST_RUN = timedelta(minutes=15)
AFTER_THE_LONGEST_TASK = timedelta(minutes=5)
LONGEST_SUBJECT = 120  # characters


class Concurrency(StrEnum):
    """What happens to a second task of a workflow whose subject is that of an open one.

    `allow`: both run. `queue`: the second one is worked on when the first one has ended. `reject`: it is refused,
    and the refusal names the open run. `cancel_running`: the open run is canceled, and the new one replaces it.
    """

    ALLOW = "allow"
    QUEUE = "queue"
    REJECT = "reject"
    CANCEL_RUNNING = "cancel_running"


@dataclass(frozen=True)
class Evidence:
    """Something in the data that makes a workflow more (factor > 1) or less (factor < 1) worth running now.

    `source` is the path of an admin page where a person can look at it.
    """

    text: str
    factor: float
    source: str = ""


@dataclass(frozen=True)
class NewArtifact:
    """A file that a workflow made; the board stores it with the task's success."""

    kind: str
    name: str
    content_type: str
    content: bytes


@dataclass
class Outcome:
    """How a workflow ended.

    `result` is JSON for the API. `effects` are called with the task, inside the transaction that commits its
    success: they happen exactly once, so they write to the database and do nothing else. `needs_human` is the
    reason why a person has to look before this counts as done; with it, no effect happens.
    """

    result: dict[str, Any]
    artifacts: list[NewArtifact] = field(default_factory=list)
    effects: list[Callable] = field(default_factory=list)
    needs_human: str = ""


class PermanentError(Exception):
    """Trying again can't help; the message says what a person has to change."""


class NoParams(serializers.Serializer):
    """A workflow without parameters."""


class Workflow:
    """The code that does a task. Subclasses say what they measure and bind, and do the work.

    `measures`: kinds of observation that `perform` makes by `work.observe`. `binds`: kinds without which it can't
    succeed; the board calls `perform` only when the run has them, and a run always gets a Sales task for each.
    `concurrency` says what a second task at the same `subject` means. `approval_right` is the right of the person
    who may answer what `approval` asks, within `answer_within`; no answer means no.
    """

    key = ""
    title = ""
    description = ""
    pipeline = ""
    measures: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    Params: type[serializers.Serializer] = NoParams
    max_attempts = 3
    timeout = 600  # seconds for one attempt
    concurrency = Concurrency.ALLOW
    subject_rule = ""  # what `subject` means, in words for people
    approval_right = "agency.approve_task"
    approval_rule = ""  # when `approval` asks, in words for people
    answer_within = timedelta(hours=72)
    touched: tuple[str, ...] = ()  # what `touches` says, where that does not depend on parameters

    def subject(self, params) -> str:
        """What a task with these parameters (as `Params` validated them) works on, at most 120 characters.

        "" where two at once can't fight: then `concurrency` does not matter.
        """
        return ""

    def approval(self, params, run) -> str:
        """What a person must say yes to before `perform`, as a sentence of at most 200 characters, or "".

        It names what would be published, mailed, repriced or spent. `run` says who asked for it and whether a wish
        did; it may be one that is not saved yet, for a preview.
        """
        return ""

    def evidence(self) -> list[Evidence]:
        """What in the data speaks for or against running this now."""
        return []

    def touches(self, params) -> list[str]:
        """What it would read, write and change with these parameters (as `Params` validated them): short texts."""
        return list(self.touched)

    def measure(self, observation) -> dict | None:
        """What measuring again would give now, to show drift; None when that can't be told."""
        return None

    def prepare(self, work) -> dict | None:
        """Work that needs no measurement, done in parallel with it. Returns a JSON draft, kept on the task."""
        return None

    def perform(self, work) -> Outcome:
        """Do the work: `work.params`, `work.draft`, `work.observation(kind)`, `work.progress(...)`.

        May be called again after a crash, so nothing outside the returned `Outcome` may be an effect.
        """
        raise NotImplementedError


_registry: dict[str, Workflow] = {}


def register(workflow_class):
    """Class decorator: make the workflow known to the board under its key."""
    workflow = workflow_class()
    if workflow.key in _registry and type(_registry[workflow.key]) is not workflow_class:
        raise ValueError(f"two workflows are called {workflow.key}")
    workflow_class.concurrency = Concurrency(workflow.concurrency)
    _registry[workflow.key] = workflow
    return workflow_class


def get(key):
    """The workflow called `key`, or KeyError."""
    return _registry[key]


def every(pipeline=None):
    """All workflows, or those of one pipeline, in the order of their keys."""
    return [w for _, w in sorted(_registry.items()) if pipeline in (None, w.pipeline)]


def find(key):
    """The workflow called `key`, or None: its code may be gone while its tasks are still there."""
    return _registry.get(key)


def that_measures(kinds):
    """The Sales workflow that makes observations of all these kinds; the narrowest one when several do."""
    makers = [w for w in every("sales") if set(kinds) <= set(w.measures)]
    return min(makers, key=lambda w: (len(w.measures), w.key)) if makers else None


def usual_deadline(keys):
    """How long a run of these workflows may take (timedelta): the longest task's timeout and some air."""
    timeouts = [workflow.timeout for workflow in map(find, keys) if workflow]
    return max(SHORTEST_RUN, timedelta(seconds=max(timeouts, default=0)) + AFTER_THE_LONGEST_TASK)


def describe(workflow):
    """A workflow for programs: key, pipeline, what it measures and binds, how it runs beside others and how long,
    what it asks of whom, and a JSON Schema of its parameters."""
    fields = workflow.Params().fields
    return {
        "key": workflow.key,
        "title": workflow.title,
        "description": workflow.description,
        "pipeline": workflow.pipeline,
        "measures": list(workflow.measures),
        "binds": list(workflow.binds),
        "concurrency": workflow.concurrency.value,
        "subject": workflow.subject_rule,
        "timeout": workflow.timeout,
        "max_attempts": workflow.max_attempts,
        "approval": workflow.approval_rule,
        "approval_right": workflow.approval_right,
        "params": {
            "type": "object",
            "properties": {name: _schema(field) for name, field in fields.items()},
            "required": [name for name, field in fields.items() if field.required],
            "additionalProperties": False,
        },
    }


_TYPES = {
    serializers.BooleanField: "boolean",
    serializers.IntegerField: "integer",
    serializers.FloatField: "number",
    serializers.ListField: "array",
    serializers.DictField: "object",
    serializers.Serializer: "object",
}


def _schema(field):
    kind = next((name for cls, name in _TYPES.items() if isinstance(field, cls)), "string")
    schema = {"type": kind}
    if field.help_text:
        schema["description"] = str(field.help_text)
    if isinstance(field, serializers.ChoiceField):
        schema["enum"] = list(field.choices)
    return schema
