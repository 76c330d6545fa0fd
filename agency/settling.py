"""What follows when a task changed: who wakes, what can't happen any more, and whether the run is over.

Called in the transaction that changed the task, which holds the run (attempts.hold_run): the last of two tasks
that finish at once sees the other one's end.
"""

import json

from django.db import connection
from django.utils import timezone

from agency import webhooks
from agency.bells import ring
from agency.models import Event, Run, Task
from agency.models.events import Note
from agency.models.round_trips import Statement, places, together

TASKS = """
    SELECT run_id, id, workflow, status, binds, measures FROM agency_task WHERE run_id IN ({}) ORDER BY id
"""
# The measurements of a run, with each task that waits for some.
WAITING = """
    SELECT task.id, task.binds, seen.kind FROM agency_task task
    JOIN agency_observation seen ON seen.run_id = task.run_id
    WHERE task.run_id = %s AND task.status = 'waiting' AND task.asked_at IS NULL
"""
PRESENT = "SELECT kind FROM agency_observation WHERE run_id = %s"
UNBOUND = (Task.Status.QUEUED, Task.Status.WAITING)
END = """
    UPDATE agency_run SET status = %s, finished_at = %s, event_count = event_count + %s
    WHERE id IN ({}) AND status IN ({}) RETURNING id
"""


def wake_bound(run_id):
    """Queue the waiting tasks of a run whose observations are all there. Not those that wait for a person."""
    wake(*together(waking(run_id)))


def waking(run_id):
    """The `Statement` whose rows `wake` takes."""
    return Statement(WAITING, [run_id])


def wake(rows):
    present = {kind for _, _, kind in rows}
    able = {pk for pk, binds, _ in rows if set(json.loads(binds)) <= present}
    if not able:
        return
    queued = Task.objects.filter(pk__in=able, status=Task.Status.WAITING)
    if queued.update(status=Task.Status.QUEUED, due_at=timezone.now(), waiting_on=""):
        ring()


def settle(run_id, notes=()):
    """Skip what can't be measured any more, and end the run when nothing of it is open.

    `notes` are what the transaction has to tell; they come before what follows from them.
    """
    settle_all({run_id: list(notes)})


def settle_all(notes):
    """The same for several runs: `notes` has a list for the id of each."""
    ends, told = {}, {}
    for run_id, statuses in _statuses(notes).items():
        to = _outcome(statuses)
        if to is None or to == Run.Status.WAITING:
            told[run_id] = notes[run_id]
            if to:
                Run.objects.filter(pk=run_id, status=Run.Status.RUNNING).update(status=to)
        else:
            ends.setdefault((to, len(notes[run_id]) + 1), []).append(run_id)
    for (to, more), run_ids in ends.items():
        moved = _end(run_ids, to, more)
        told |= {run_id: notes[run_id] for run_id in run_ids if run_id not in moved}
        if moved:
            last = Note(f"run.{to}", _ended(to))
            together(Event.writing({run_id: [*notes[run_id], last] for run_id in moved}))
            webhooks.announce_runs(moved, to)
    told = {run_id: something for run_id, something in told.items() if something}
    if told:
        together(*Event.recording(told))


def _outcome(statuses):
    """The run's status that follows from those of its tasks; None while work goes on."""
    if statuses & {Task.Status.QUEUED, Task.Status.RUNNING}:
        return None
    if Task.Status.WAITING in statuses:
        return Run.Status.WAITING
    if Task.Status.NEEDS_HUMAN in statuses:
        return Run.Status.NEEDS_HUMAN
    if statuses == {Task.Status.SUCCEEDED}:
        return Run.Status.SUCCEEDED
    return Run.Status.PARTIAL if Task.Status.SUCCEEDED in statuses else Run.Status.FAILED


def _end(run_ids, to, more):
    """Move the runs to their end, with `more` events to come; a list of those that were not there already."""
    sources = [status for status, targets in Run.TRANSITIONS.items() if to in targets]
    finished_at = connection.ops.adapt_datetimefield_value(timezone.now()) if to in Run.TERMINAL else None
    text = END.format(places(run_ids), places(sources))
    (moved,) = together(Statement(text, [to, finished_at, more, *run_ids, *sources]))
    return [run_id for (run_id,) in moved]


def _ended(to):
    return f"The run ended: {to.label.lower()}" if to in Run.TERMINAL else "The run waits for a person"


def _statuses(notes):
    """The statuses of each run's tasks, after what is bound to something that nobody will measure was skipped."""
    (rows,) = together(Statement(TASKS.format(places(notes)), list(notes)))
    tasks = {}
    for run_id, pk, workflow, status, binds, measures in rows:
        tasks.setdefault(run_id, []).append((pk, workflow, status, json.loads(binds), json.loads(measures)))
    return {run_id: _run_statuses(run_id, tasks[run_id], notes[run_id]) for run_id in tasks}


def _run_statuses(run_id, tasks, notes):
    coming = {kind for task in tasks if task[2] not in Task.TERMINAL for kind in task[4]}
    in_doubt = [task for task in tasks if task[2] in UNBOUND and set(task[3]) - coming]
    if not in_doubt:
        return {status for _, _, status, _, _ in tasks}
    present = {kind for (kind,) in together(Statement(PRESENT, [run_id]))[0]}
    skipped = {}
    for pk, workflow, _, binds, _ in in_doubt:
        gone = sorted(set(binds) - present - coming)
        if gone and _skip(pk, gone):
            skipped[pk] = Note("task.skipped", f"{workflow} skipped: {_reason(gone)}", pk)
    notes += skipped.values()
    return {Task.Status.SKIPPED if task[0] in skipped else task[2] for task in tasks}


def _reason(gone):
    return f"{', '.join(gone)} was not measured: the Sales task that should have done it ended without"


def _skip(pk, gone):
    return (
        Task.objects.may_become(Task.Status.SKIPPED)
        .filter(pk=pk)
        .update(
            status=Task.Status.SKIPPED,
            error=_reason(gone),
            waiting_on="",
            asked_at=None,
            asked_of="",
            expires_at=None,
            lease_until=None,
            finished_at=timezone.now(),
        )
    )
