"""One execution of an intent: its tasks, what they measured, what they made, and what happened when."""

import hashlib
import json

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from agency.models.intents import Intent, Pipeline
from agency.models.transitions import Transitions, TransitionsQuerySet


class Run(Transitions):
    """One execution: of an intent, or of a single operation that was asked for by name (no intent)."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        WAITING = "waiting"
        NEEDS_HUMAN = "needs_human", "needs a human"
        SUCCEEDED = "succeeded"
        PARTIAL = "partial"
        FAILED = "failed"
        CANCELED = "canceled"
        TIMED_OUT = "timed_out", "timed out"

    TERMINAL = (Status.SUCCEEDED, Status.PARTIAL, Status.FAILED, Status.CANCELED, Status.TIMED_OUT)
    _ENDS = {*TERMINAL, Status.NEEDS_HUMAN}
    TRANSITIONS = {
        Status.QUEUED: {Status.RUNNING, *_ENDS},
        Status.RUNNING: {Status.WAITING, *_ENDS},
        Status.WAITING: {Status.RUNNING, *_ENDS},
        Status.NEEDS_HUMAN: {Status.RUNNING, *TERMINAL},
    }

    class Origin(models.TextChoices):
        OPENED = "opened"
        RESUMED = "resumed"
        REPLAYED = "replayed"
        FORKED = "forked"

    intent = models.ForeignKey(Intent, on_delete=models.PROTECT, null=True, blank=True, related_name="runs")
    title = models.CharField(max_length=300)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    restart_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="restarts"
    )
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.OPENED)
    event_count = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    deadline_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # The heart of the collapse: however many calls race, one intent has one first run.
            models.UniqueConstraint(
                fields=["intent"], condition=Q(restart_of=None), name="one_first_run_per_intent"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "queued",
                        "running",
                        "waiting",
                        "needs_human",
                        "succeeded",
                        "partial",
                        "failed",
                        "canceled",
                        "timed_out",
                    ]
                ),
                name="run_status_known",
            ),
            models.CheckConstraint(
                condition=Q(origin="opened", restart_of=None)
                | Q(origin__in=["resumed", "replayed", "forked"], restart_of__isnull=False),
                name="run_origin_fits_restart",
            ),
        ]
        indexes = [
            # direction_board.sweep: runs past their deadline.
            models.Index(
                fields=["deadline_at"],
                condition=Q(status__in=["queued", "running", "waiting"]),
                name="run_open_deadline",
            )
        ]

    def __str__(self):
        return f"Run {self.pk}: {self.title}"

    @property
    def is_terminal(self):
        return self.status in self.TERMINAL


class TaskQuerySet(TransitionsQuerySet):
    def open(self):
        return self.filter(status__in=[Task.Status.QUEUED, Task.Status.RUNNING, Task.Status.WAITING])

    def due(self, now=None):
        """Tasks that a worker may claim: queued and due, or running under a lease that ran out.

        Not those of a workflow whose breaker is open, and not one whose subject another task works on now.
        """
        now = now or timezone.now()
        tripped = Breaker.objects.filter(workflow=OuterRef("workflow"), opened_at__isnull=False)
        busy = Task.objects.filter(
            workflow=OuterRef("workflow"), subject=OuterRef("subject"), status=Task.Status.RUNNING
        )
        return self.filter(
            Q(status=Task.Status.QUEUED, due_at__lte=now) & (Q(subject="") | ~Exists(busy))
            | Q(status=Task.Status.RUNNING, lease_until__lt=now),
            ~Exists(tripped),
        )


class Task(Transitions):
    """A unit of work in a run. `attempts` is its fencing number: only the newest attempt may commit."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        WAITING = "waiting"
        NEEDS_HUMAN = "needs_human", "needs a human"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        SKIPPED = "skipped"
        CANCELED = "canceled"

    TERMINAL = (Status.SUCCEEDED, Status.FAILED, Status.SKIPPED, Status.CANCELED)
    TRANSITIONS = {
        Status.QUEUED: {Status.RUNNING, Status.SKIPPED, Status.CANCELED, Status.FAILED},
        Status.RUNNING: {Status.QUEUED, Status.WAITING, Status.NEEDS_HUMAN, *TERMINAL},
        Status.WAITING: {Status.QUEUED, Status.SKIPPED, Status.CANCELED, Status.FAILED},
        Status.NEEDS_HUMAN: {Status.QUEUED, Status.FAILED, Status.CANCELED},
    }

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="tasks")
    pipeline = models.CharField(max_length=5, choices=Pipeline)
    workflow = models.CharField(max_length=40)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    params = models.JSONField(default=dict)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=80, blank=True, help_text="Who holds or held the newest attempt.")
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="When the newest attempt began.")
    subject = models.CharField(
        max_length=120, blank=True, help_text="What it works on, where two at once would fight."
    )
    is_sole = models.BooleanField(
        default=False, help_text="No second open task of this workflow and subject is accepted."
    )
    measures = models.JSONField(default=list, help_text="Kinds of observation that this task makes.")
    binds = models.JSONField(default=list, help_text="Kinds of observation that this task can't succeed without.")
    bound_to = models.ManyToManyField("Observation", related_name="bound_tasks", blank=True)
    draft = models.JSONField(null=True, blank=True, help_text="What was prepared before the measurement came.")
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    progress_message = models.CharField(max_length=200, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    waiting_on = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True, help_text="Since when it waits for a person.")
    asked_of = models.CharField(max_length=100, blank=True, help_text="The right that the person needs.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When no answer means no.")
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        permissions = [("approve_task", "Can approve or reject what waits for a person")]
        constraints = [
            models.UniqueConstraint(fields=["run", "workflow"], name="workflow_once_per_run"),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "queued",
                        "running",
                        "waiting",
                        "needs_human",
                        "succeeded",
                        "failed",
                        "skipped",
                        "canceled",
                    ]
                ),
                name="task_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(lease_until__isnull=False), name="task_running_has_lease"
            ),
            models.CheckConstraint(
                condition=~Q(status="needs_human") | Q(asked_at__isnull=False), name="task_asking_since"
            ),
            # Two audits of one catalog do not fight, whoever claims them.
            models.UniqueConstraint(
                fields=["workflow", "subject"],
                condition=Q(status="running") & ~Q(subject=""),
                name="one_task_at_a_subject",
            ),
            models.UniqueConstraint(
                fields=["workflow", "subject"],
                condition=Q(is_sole=True, status__in=["queued", "running", "waiting"]),
                name="one_open_sole_task",
            ),
        ]
        indexes = [
            # The queue page of what waits for a person, and the sweeper that ends what nobody answered.
            models.Index(fields=["asked_at"], condition=Q(asked_at__isnull=False), name="task_asking"),
            # direction_board.sweep: waiting for a measurement that is there.
            models.Index(fields=["run"], condition=Q(status="waiting"), name="task_waiting"),
            # TaskQuerySet.due: the backlog, whatever the history behind it.
            models.Index(fields=["due_at"], condition=Q(status="queued"), name="task_due"),
            models.Index(fields=["lease_until"], condition=Q(status="running"), name="task_leased"),
        ]

    def __str__(self):
        return f"Task {self.pk}: {self.workflow}"


class Attempt(models.Model):
    """One try of a task, written when it ended; the one that goes on stands in the task's own row."""

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded"
        WAITING = "waiting"
        NEEDS_HUMAN = "needs_human", "needs a human"
        FAILED = "failed"
        TIMED_OUT = "timed_out", "timed out"
        LOST = "lost"  # its lease ran out, or it was canceled: nothing of it was kept

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=12, choices=Outcome)
    error = models.TextField(blank=True)
    traceback = models.TextField(blank=True)

    class Meta:
        ordering = ["task", "number"]
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="attempt_number_once")]

    def __str__(self):
        return f"attempt {self.number} of task {self.task_id}"


def canonical_json(payload):
    """The one text of a JSON value that its hash is taken from: sorted keys, no spaces, UTF-8 as it is."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Observation(models.Model):
    """What a task measured and others rely on. Stored once, append-only, hashed.

    `sha256` is the hex digest of `body` in UTF-8; `body` is canonical JSON, so anybody can recompute it.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="observations")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="observations")
    kind = models.CharField(max_length=40)
    body = models.TextField()
    sha256 = models.CharField(max_length=64)
    measured_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "kind"], name="observation_once_per_run_and_kind"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="observation_hash_hex"),
        ]

    def __str__(self):
        return f"{self.kind} {self.sha256[:12]}"

    @property
    def payload(self):
        return json.loads(self.body)

    @property
    def recomputed_sha256(self):
        return hashlib.sha256(self.body.encode()).hexdigest()

    @property
    def ref(self):
        """How a result names the observation that it relies on."""
        return {
            "observation_id": self.pk,
            "sha256": self.sha256,
            "measured_at": self.measured_at.isoformat().replace("+00:00", "Z"),
        }


class Breaker(models.Model):
    """Stops a workflow that keeps failing, until a person closes it. Closed while `opened_at` is empty.

    `failures` counts tasks that failed in a row.
    """

    workflow = models.CharField(max_length=40, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["workflow"]

    def __str__(self):
        return self.workflow


class Heartbeat(models.Model):
    """When a worker process of a cluster last did anything: what readiness and the supervisor look at."""

    cluster = models.CharField(max_length=80, primary_key=True)
    beat_at = models.DateTimeField()

    def __str__(self):
        return self.cluster
