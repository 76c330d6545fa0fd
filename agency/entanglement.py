"""What the tasks of a run share, proved again from the stored rows."""

from agency import workflows
from agency.models.runs import canonical_json


def of(run):
    """Each observation of a run: who measured it, who is bound to it, `hash_ok`, and its `drift`.

    `drift` is "broken" when the stored body no longer has its hash, "drifted" when measuring now gives something
    else (`drifted` names the parts), "fresh" when it gives the same, "unknown" when nobody can measure it now.
    """
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
                **_drift(seen),
            }
        )
    return {"run": run.pk, "observations": observations}


def _drift(seen):
    if seen.recomputed_sha256 != seen.sha256:
        return {"drift": "broken", "drifted": []}
    workflow = workflows.find(seen.task.workflow)
    now = workflow.measure(seen) if workflow else None
    if now is None:
        return {"drift": "unknown", "drifted": []}
    if canonical_json(now) == seen.body:
        return {"drift": "fresh", "drifted": []}
    return {"drift": "drifted", "drifted": _differences(seen.payload, now)}


def _differences(then, now, limit=100):
    """The parts that differ, one level into lists of rows: `{"part", "then", "now"}`, at most `limit`."""
    found = []
    for part in sorted({*then, *now}):
        a, b = then.get(part), now.get(part)
        if a == b:
            continue
        if isinstance(a, list) and isinstance(b, list):
            found += _row_differences(part, a, b)
        else:
            found.append({"part": part, "then": a, "now": b})
    return found[:limit]


def _row_differences(part, then, now):
    def by_key(rows):
        return {row.get("sku") or row.get("slug"): row for row in rows if isinstance(row, dict)}

    a, b = by_key(then), by_key(now)
    for key in sorted({*a, *b}, key=str):
        old, new = a.get(key, {}), b.get(key, {})
        for field in sorted({*old, *new}):
            if old.get(field) != new.get(field):
                yield {"part": f"{part}/{key}/{field}", "then": old.get(field), "now": new.get(field)}
