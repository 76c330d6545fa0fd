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
from agency.models.round_trips import Statement, together
from agency.models.runs import Note

TASKS = "SELECT id, workflow, status, binds, measures FROM agency_task WHERE run_id = %s ORDER BY id"
WAITING = "SELECT id, binds FROM agency_task WHERE run_id = %s AND status = 'waiting' AND asked_at IS NULL"
PRESENT = "SELECT kind FROM agency_observation WHERE run_id = %s"
UNBOUND = (Task.Status.QUEUED, Task.Status.WAITING)
END = """
    UPDATE agency_run SET status = %s, finished_at = %s, event_count = event_count + %s
    WHERE id = %s AND status IN ({}) RETURNING id
"""


def wake_bound(run_id):
    """Queue the waiting tasks of a run whose observations are all there. Not those that wait for a person."""
    wake(*together(*waking(run_id)))


def waking(run_id):
    """The `Statement`s whose rows `wake` takes."""
    return Statement(WAITING, [run_id]), Statement(PRESENT, [run_id])


def wake(waiting, kinds):
    present = {kind for (kind,) in kinds}
    able = [pk for pk, binds in waiting if set(json.loads(binds)) <= present]
    queued = Task.objects.filter(pk__in=able, status=Task.Status.WAITING)
    if able and queued.update(status=Task.Status.QUEUED, due_at=timezone.now(), waiting_on=""):
        ring()


def settle(run_id, notes=()):
    """Skip what can't be measured any more, and end the run when nothing of it is open.

    `notes` are what the transaction has to tell; they come before what follows from them.
    """
    notes = list(notes)
    to = _outcome(_statuses(run_id, notes))
    if to is None:
        if notes:
            Event.record_all(run_id, notes)
        return
    if to == Run.Status.WAITING:
        Run.objects.filter(pk=run_id, status=Run.Status.RUNNING).update(status=to)
        if notes:
            Event.record_all(run_id, notes)
        return
    _end(run_id, to, notes)


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


def _end(run_id, to, notes):
    is_over = to in Run.TERMINAL
    message = f"The run ended: {to.label.lower()}" if is_over else "The run waits for a person"
    sources = [status for status, targets in Run.TRANSITIONS.items() if to in targets]
    finished_at = connection.ops.adapt_datetimefield_value(timezone.now()) if is_over else None
    values = [to, finished_at, len(notes) + 1, run_id, *sources]
    (moved,) = together(Statement(END.format(", ".join(["%s"] * len(sources))), values))
    if moved:
        together(Event.writing(run_id, [*notes, Note(f"run.{to}", message)]))
        webhooks.announce_run(run_id, to)
    elif notes:
        Event.record_all(run_id, notes)


def _statuses(run_id, notes):
    """The statuses of the run's tasks, after what is bound to something that nobody will measure was skipped."""
    rows, kinds = together(Statement(TASKS, [run_id]), Statement(PRESENT, [run_id]))
    tasks = [(*row[:3], json.loads(row[3]), json.loads(row[4])) for row in rows]
    statuses = {status for _, _, status, _, _ in tasks}
    coming = {kind for task in tasks if task[2] not in Task.TERMINAL for kind in task[4]}
    in_doubt = [task for task in tasks if task[2] in UNBOUND and set(task[3]) - coming]
    if not in_doubt:
        return statuses
    present = {kind for (kind,) in kinds}
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
