"""What a run is to execute: steps as somebody named them, checked, and entangled into a plan."""

from dataclasses import dataclass, field

from agency import workflows
from earnings import storable
from earnings.refusals import Refusal

MOST_TASKS = 50  # in one run


@dataclass(frozen=True)
class Step:
    """One workflow that a run is to execute, with its parameters as they were given.

    `is_named`: somebody asked for this very workflow; False for one that the board had to add.
    """

    workflow: str
    params: dict = field(default_factory=dict)
    is_named: bool = True


@dataclass(frozen=True)
class Planned:
    """A step whose workflow was found and whose parameters were accepted, as the workflow reads them: `values`."""

    step: Step
    workflow: workflows.Workflow
    values: dict


def plan(steps):
    """The steps of a run, entangled: Sales first, with a Sales step for each kind of observation that an Ops step
    binds.

    Raises Refusal (422) that names the workflow or parameter that can't be accepted.
    """
    return [entry.step for entry in planned(steps)]


def planned(steps):
    """The same as a list of `Planned`: for who needs the workflows and the parameters as they read them."""
    steps = list(steps)
    if len(steps) > MOST_TASKS:
        raise Refusal(f"A run has at most {MOST_TASKS} tasks; these are {len(steps)}.", status=422)
    found = [_planned(step) for step in steps]
    missing = _kinds(found, "binds") - _kinds(found, "measures")
    if missing:
        maker = workflows.that_measures(missing)
        if maker is None:
            raise Refusal(f"No Sales workflow measures {', '.join(sorted(missing))}.", status=422)
        found.insert(0, _planned(Step(maker.key, is_named=False)))
    _refuse_doubles(found)
    return sorted(found, key=lambda entry: entry.workflow.pipeline != "sales")


def _planned(step):
    return Planned(step, workflows.find(step.workflow), validated(step.workflow, step.params))


def _kinds(planned, name):
    return {kind for entry in planned for kind in getattr(entry.workflow, name)}


def _refuse_doubles(planned):
    measured = [kind for entry in planned for kind in entry.workflow.measures]
    twice = sorted({kind for kind in measured if measured.count(kind) > 1})
    if twice:
        raise Refusal(f"Two tasks of one run would measure {', '.join(twice)}.", status=422)
    keys = [entry.workflow.key for entry in planned]
    if len(set(keys)) < len(keys):
        raise Refusal("A run executes each workflow once.", status=422)


def validated(workflow_key, params, at="/params"):
    """The parameters as the workflow's serializer understands them, or Refusal (422) naming each bad one by its
    JSON pointer under `at`."""
    workflow = workflows.find(workflow_key)
    if workflow is None:
        known = ", ".join(w.key for w in workflows.every())
        raise Refusal.of_field("/workflow", f"There is no workflow {workflow_key!r}. Known: {known}.")
    if not isinstance(params, dict):
        raise Refusal.of_field(at, "Must be an object.")
    if not params and workflow.Params is workflows.NoParams:
        return {}
    storable.check(params, at)
    serializer = workflow.Params(data=params)
    unknown = sorted(set(params) - set(serializer.fields))
    serializer.is_valid()
    errors = list(pointers(serializer.errors, at))
    names = ", ".join(serializer.fields) or "none"
    errors += [
        {"pointer": f"{at}/{name}", "detail": f"{workflow_key} has no such parameter. It has: {names}."}
        for name in unknown
    ]
    if errors:
        raise Refusal(f"The parameters of {workflow_key} can't be accepted.", status=422, errors=errors)
    return serializer.validated_data


def pointers(errors, at=""):
    """Serializer errors as `{"pointer", "detail"}`, one for each message."""
    if isinstance(errors, dict):
        for name, inner in errors.items():
            yield from pointers(inner, at if name == "non_field_errors" else f"{at}/{name}")
    elif isinstance(errors, list):
        for index, inner in enumerate(errors):
            yield from pointers(inner, f"{at}/{index}" if isinstance(inner, dict) else at)
    else:
        yield {"pointer": at, "detail": str(errors)}
