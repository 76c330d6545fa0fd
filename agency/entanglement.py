"""What the tasks of a run share, proved again from the stored rows."""

import json
from itertools import islice

from agency import workflows
from agency.models.runs import canonical_json

MOST_PARTS = 100  # of one observation that are named
IDENTITIES = ("sku", "slug", "tier")  # what tells the rows of a measured list apart


def of(run):
    """Each observation of a run: who measured it, who is bound to it, `hash_ok`, and its `drift` (see `drift`)."""
    observations = []
    for seen in run.observations.select_related("task").prefetch_related("bound_tasks"):
        bound = [
            {"task": task.pk, "workflow": task.workflow, "status": task.status} for task in seen.bound_tasks.all()
        ]
        observations.append(
            {
                **seen.ref,
                "kind": seen.kind,
                "measured_by": {"task": seen.task_id, "workflow": seen.task.workflow},
                "bound": bound,
                "hash_ok": seen.recomputed_sha256 == seen.sha256,
                **drift(seen),
            }
        )
    return {"run": run.pk, "observations": observations}


def drift(seen):
    """How an observation stands now: `{"drift", "drifted"}`.

    `drift` is "broken" when the stored body no longer has its hash, "drifted" when measuring now gives something
    else (`drifted` names the first 100 parts as `{"part", "then", "now"}`), "fresh" when it gives the same,
    "unknown" when nobody can measure it now.
    """
    if seen.recomputed_sha256 != seen.sha256:
        return {"drift": "broken", "drifted": []}
    workflow = workflows.find(seen.task.workflow)
    now = workflow.measure(seen) if workflow else None
    if now is None:
        return {"drift": "unknown", "drifted": []}
    body = canonical_json(now)
    if body == seen.body:
        return {"drift": "fresh", "drifted": []}
    return {"drift": "drifted", "drifted": list(islice(_differences(seen.payload, json.loads(body)), MOST_PARTS))}


def _differences(then, now, at=""):
    """The parts that differ, field by field, as paths such as `products/DESK-1/price_minor`.

    A row or field that is there only once is told whole, with None on the other side.
    """
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted({*then, *now}):
            part = f"{at}/{name}" if at else name
            if name in then and name in now:
                yield from _differences(then[name], now[name], part)
            else:
                yield {"part": part, "then": then.get(name), "now": now.get(name)}
    elif then != now:
        a, b = _by_identity(then), _by_identity(now)
        if a is None or b is None or a == b:
            yield {"part": at, "then": then, "now": now}
        else:
            yield from _differences(a, b, at)


def _by_identity(rows):
    """A list of rows as a dict by what identifies each; None for anything else."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    keyed = {str(next((row[name] for name in IDENTITIES if name in row), "")): row for row in rows}
    return keyed if len(keyed) == len(rows) and "" not in keyed else None
