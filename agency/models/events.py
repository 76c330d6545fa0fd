"""What happened in a run: one ordered stream, written as part of what it tells."""

import json
from typing import NamedTuple

from django.db import connection, models
from django.utils import timezone

from agency.models.round_trips import Statement, places, together
from agency.models.runs import Run, Task


class Note(NamedTuple):
    """Something that happened, before it has its number in the run's stream."""

    kind: str
    message: str
    task_id: int | None = None
    data: dict | None = None


def by_length(notes):
    """The runs whose lists in `notes` are of one length: what is counted on their rows is one statement."""
    runs = {}
    for run_id, told in notes.items():
        runs.setdefault(len(told), []).append(run_id)
    return runs


COUNT = "UPDATE agency_run SET event_count = event_count + %s WHERE id IN ({})"
LAST = "(SELECT event_count FROM agency_run WHERE id = %s)"
INSERT = "INSERT INTO agency_event (run_id, number, task_id, kind, message, data, created_at) VALUES "


class Event(models.Model):
    """What happened in a run, in order, without gaps. Append-only."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="events")
    number = models.PositiveIntegerField()
    task = models.ForeignKey(Task, on_delete=models.PROTECT, null=True, blank=True, related_name="events")
    kind = models.CharField(max_length=40)
    message = models.CharField(max_length=300)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["run", "number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="event_number_once_per_run")]

    def __str__(self):
        return self.message

    @classmethod
    def record(cls, run_id, kind, message, *, task_id=None, data=None):
        """Append to the run's stream. Call inside a transaction: the run's row is held until it ends,
        which keeps numbers in order and without gaps between processes."""
        cls.record_all(run_id, [Note(kind, message, task_id, data)])

    @classmethod
    def record_all(cls, run_id, notes):
        """Append several events."""
        together(*cls.recording({run_id: notes}))

    @classmethod
    def recording(cls, notes):
        """The `Statement`s that append `notes`, a list for each run's id."""
        counts = [Statement(COUNT.format(places(runs)), [more, *runs]) for more, runs in by_length(notes).items()]
        return [*counts, cls.writing(notes)]

    @staticmethod
    def writing(notes):
        """The `Statement` that inserts `notes` as the last events of their runs, once they are counted there."""
        # By hand: events are half of what the engine writes, and the ORM's insert takes ten times as long.
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        values = []
        for run_id, told in notes.items():
            for behind, note in zip(range(len(told) - 1, -1, -1), told, strict=True):
                data = json.dumps(note.data or {})
                values += [run_id, run_id, behind, note.task_id, note.kind, note.message[:300], data, now]
        row = f"(%s, {LAST} - %s, %s, %s, %s, %s, %s)"
        return Statement(INSERT + ", ".join([row] * (len(values) // 8)), values)
