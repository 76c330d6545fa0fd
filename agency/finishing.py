"""How attempts end well: each with the files that prove its work, its effects, and what follows for its run.

Several that were claimed together end together. A commit costs a worker as much as a quick task does, on SQLite it
keeps every other writer waiting, and what has to be written of ten tasks takes hardly more statements than of one.
"""

import json
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from agency import breakers, settling, webhooks, workflows
from agency.attempts import Lost, closed, hold_run, stored
from agency.models import Artifact, Attempt, Observation, Task
from agency.models.events import Note
from agency.models.inserts import inserting
from agency.models.round_trips import Statement, places, together

ASKED_OF = "agency.approve_task"  # the right of a person whom a task waits for

HOLD_ALL = "SELECT id FROM agency_run WHERE id IN ({}) ORDER BY id FOR NO KEY UPDATE"
SUCCEEDED = """
    WITH ended (id, fence, result) AS (VALUES {})
    UPDATE agency_task SET status = 'succeeded', result = {}, waiting_on = '', error = '', lease_until = NULL,
      finished_at = %s
    FROM ended
    WHERE agency_task.id = ended.id AND attempts = ended.fence AND status = 'running' RETURNING agency_task.id
"""
NEEDS_HUMAN = """
    UPDATE agency_task SET status = 'needs_human', result = %s, waiting_on = %s, error = '', lease_until = NULL,
      asked_at = %s, asked_of = %s WHERE id = %s AND attempts = %s AND status = 'running' RETURNING id
"""
BOUND = "INSERT INTO agency_task_bound_to (task_id, observation_id) VALUES {} ON CONFLICT DO NOTHING"


@dataclass
class Ending:
    """What came of attempt `fence` of a task; `seen` are the observations of its run, where they are known."""

    task: Task
    fence: int
    outcome: workflows.Outcome
    seen: list | None = None

    @property
    def needs_human(self):
        """Why a person has to look before this counts as done, or ""."""
        said = self.outcome.needs_human
        if not said and not any(artifact.content for artifact in self.outcome.artifacts):
            return "The workflow ended without an artifact that proves its work."
        return said

    @property
    def can_be_among_others(self):
        """Nothing of it has to be looked at on its own: a first attempt that succeeded."""
        return self.fence == 1 and not self.needs_human


def finish(*endings):
    """Commit the attempts' ends with their artifacts and effects, all of them or nothing.

    Several must be such that `can_be_among_others`. Raises Lost when one of them came too late, and whatever an
    effect raises: which of them it was is found out by finishing each on its own.
    """
    written = []
    try:
        # Files first: the transaction, which keeps other writers waiting, stays short.
        artifacts = [[_written(ending.task, new, written) for new in _named(ending)] for ending in endings]
        with transaction.atomic():
            notes = _hand_over(endings, artifacts)
            for ending in endings:
                for effect in ending.outcome.effects if not ending.needs_human else ():
                    effect(ending.task)
            settling.settle_all(notes)
    except BaseException:
        for artifact in written:
            artifact.discard()
        raise


def _named(ending):
    new = ending.outcome.artifacts
    names = [artifact.name for artifact in new]
    if len(set(names)) < len(names):
        raise workflows.PermanentError(f"Two files of one task have the same name: {', '.join(names)}.")
    return new


def _hand_over(endings, artifacts):
    """The tasks' new status with all that proves it, in as few messages as can be; what is to be told, by run."""
    now = timezone.now()
    first = endings[0]
    if first.fence > 1:
        hold_run(first.task.run_id)
        _give_way(first.task, [artifact.name for artifact in artifacts[0]])
    _move([ending for ending in endings if not ending.needs_human], now)
    for ending in endings:
        if ending.needs_human:
            _ask(ending, now)
    rows = [artifact for made in artifacts for artifact in made]
    bound = {ending.task.pk: _bound(ending) for ending in endings if ending.task.binds}
    together(
        inserting([closed(ending.task, _outcome(ending)) for ending in endings]),
        breakers.succeeding({ending.task.workflow for ending in endings}),
        *([inserting(rows)] if rows else []),
        *_binding(bound),
    )
    notes = {}
    for ending in endings:
        notes.setdefault(ending.task.run_id, []).extend(_told(ending, bound.get(ending.task.pk)))
    return notes


def _move(endings, now):
    """Move the attempts' tasks to succeeded, or raise Lost unless every attempt is still its task's own."""
    if not endings:
        return
    runs = sorted({ending.task.run_id for ending in endings})
    holding, result = [], "ended.result"
    if connection.features.has_select_for_update:  # PostgreSQL, which wants to be told a parameter's type
        holding, result = [Statement(HOLD_ALL.format(places(runs)), runs)], "ended.result::jsonb"
    values = [value for e in endings for value in (e.task.pk, e.fence, json.dumps(e.outcome.result))]
    text = SUCCEEDED.format(", ".join(["(%s, %s, %s)"] * len(endings)), result)
    *_, moved = together(*holding, Statement(text, [*values, stored(now)]))
    if len(moved) < len(endings):
        raise Lost
    for ending in endings:
        task = ending.task
        task.status, task.result, task.lease_until = task.Status.SUCCEEDED, ending.outcome.result, None


def _ask(ending, now):
    """Move the attempt's task to where a person looks at it, or raise Lost."""
    task = ending.task
    hold_run(task.run_id)
    result, asked = json.dumps(ending.outcome.result), ending.needs_human[:200]
    values = [result, asked, stored(now), ASKED_OF, task.pk, ending.fence]
    (moved,) = together(Statement(NEEDS_HUMAN, values))
    if not moved:
        raise Lost
    task.status, task.result, task.lease_until = task.Status.NEEDS_HUMAN, ending.outcome.result, None
    webhooks.announce_task(task, task.status)


def _outcome(ending):
    return Attempt.Outcome.NEEDS_HUMAN if ending.needs_human else Attempt.Outcome.SUCCEEDED


def _bound(ending):
    """The observations that the task is bound to, in one order for all."""
    task, seen = ending.task, ending.seen
    if seen is None:
        seen = Observation.objects.filter(run_id=task.run_id, kind__in=task.binds)
    return sorted((observation for observation in seen if observation.kind in task.binds), key=lambda o: o.pk)


def _binding(bound):
    pairs = [(task, observation.pk) for task, observations in bound.items() for observation in observations]
    if not pairs:
        return []
    return [Statement(BOUND.format(", ".join(["(%s, %s)"] * len(pairs))), [pk for pair in pairs for pk in pair])]


def _told(ending, bound):
    """The events of a task that ended."""
    task = ending.task
    done = Note(f"task.{task.status}", f"{task.workflow}: {ending.needs_human or 'done'}", task.pk)
    if not bound:
        return [done]
    kinds = ", ".join(observation.kind for observation in bound)
    data = {"observations": [observation.sha256 for observation in bound]}
    return [Note("task.bound", f"{task.workflow} is bound to {kinds}", task.pk, data), done]


def _written(task, new, written):
    """An artifact whose row is not stored yet; it is noted in `written`."""
    artifact = Artifact(run_id=task.run_id, task=task, kind=new.kind, name=new.name, created_at=timezone.now())
    artifact.content_type = new.content_type
    # A name of its own: the storage would look for a free one among all files of the month.
    artifact.keep(new.content, f"{task.pk}-{task.attempts}-{new.name}")
    written.append(artifact)
    return artifact


def _give_way(task, names):
    """The files of an earlier attempt that ended with a person make room for newer ones of their names."""
    replaced = Artifact.objects.filter(task=task, name__in=names, deliveries=None)
    for old in replaced:
        transaction.on_commit(old.discard)
    replaced.delete()
