"""The life of a run: opened from steps, ended, restarted, and what the clock does to it.

What happens to one task in between is `agency.attempts`; what a worker does with it is `agency.work`
(`agency.work.work_off()` works the backlog off in this process); what waits for a person is `agency.approvals`. A
django-q2 message is only a bell (`agency.bells`): a lost one loses nothing, a second one does nothing.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import BooleanField, Exists, OuterRef
from django.db.models.expressions import RawSQL
from django.utils import timezone

from agency import approvals, breakers, entanglement, subjects, webhooks, workflows
from agency.approvals import approve, reject
from agency.attempts import close_attempt, hold_run
from agency.bells import ring
from agency.idempotency import forget
from agency.models import Attempt, Event, Intent, Observation, Run, Task
from agency.models.events import Note
from agency.models.inserts import insert
from agency.models.round_trips import together
from agency.settling import wake_bound
from agency.steps import Step, plan, planned, pointers, validated
from agency.workflows import Concurrency
from earnings.refusals import Refusal

# The verbs of a run's life and the words they are called with, wherever they are written down.
__all__ = [
    "Step",
    "approve",
    "cancel",
    "open_run",
    "plan",
    "pointers",
    "reject",
    "replay",
    "resume",
    "sweep",
    "validated",
]

SHORTEST_DEADLINE, LONGEST_DEADLINE = timedelta(minutes=1), timedelta(hours=24)
INTENT_EXPIRES_AFTER = timedelta(days=7)
MOST_DRIFTED = 100  # parts that the event of a resumed run names
# With its values in the text, because SQLite uses a partial index only for a condition that it can read.
OPEN = "status IN ('queued', 'running', 'waiting')"
GATE = f"""
    SELECT (SELECT count(*) FROM (SELECT 1 FROM agency_run WHERE {OPEN} LIMIT %s) AS open_runs),
           (SELECT count(*) FROM agency_breaker WHERE opened_at IS NOT NULL AND workflow IN ({{}}))
"""  # noqa: S608  nobody's values in it


# --- Opening -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Opening:
    """Why and how a run is opened. `kept` are succeeded tasks of the run that it resumes, by workflow."""

    title: str
    intent: Intent | None = None
    user: object = None
    restart_of: Run | None = None
    origin: str = Run.Origin.OPENED
    deadline: timedelta | None = None
    kept: dict[str, Task] = field(default_factory=dict)
    told: dict = field(default_factory=dict)

    def said_yes(self, entry, now):
        """Who names the workflow itself, and has the right, has answered what it would ask."""
        is_named = entry.step.is_named and self.intent is None and self.user is not None
        if is_named and entry.workflow.approval_rule and self.user.has_perm(entry.workflow.approval_right):
            return {"approved_by": self.user, "approved_at": now}
        return {}


def open_run(steps, *, title, intent=None, user=None, restart_of=None, origin=Run.Origin.OPENED, deadline=None):
    """Write a run and its tasks, and ring once they are committed.

    `deadline` is how long the run may take (timedelta, one minute to 24 hours); without it, what its longest task
    may take and some air. The run's `opened_with` are its tasks as they were written. Raises Refusal: 422 for a
    bad step, 409 for a workflow whose breaker is open or for a subject that another run works on (`run` names it),
    429 while too many runs are open.
    """
    return _open(planned(steps), _Opening(title, intent, user, restart_of, origin, deadline))


@transaction.atomic
def _open(entries, opening):
    now = timezone.now()
    keys = [entry.workflow.key for entry in entries]
    deadline = _deadline(opening.deadline, keys)
    _refuse_crowd([key for key in keys if key not in opening.kept])
    run = Run(
        title=opening.title[:300],
        intent=opening.intent,
        created_by=opening.user,
        restart_of=opening.restart_of,
        origin=opening.origin,
        event_count=1,
        created_at=now,
        deadline_at=now + deadline,
    )
    insert([run])
    run.opened_with = [_task(run, entry, opening, now) for entry in entries]
    _add_tasks(run, run.opened_with)
    told = {"tasks": keys} | opening.told
    if opening.deadline is not None:
        told["deadline_seconds"] = int(deadline.total_seconds())
    together(Event.writing({run.pk: [Note("run.opened", f"Opened: {opening.title}", data=told)]}))
    ring()
    return run


def _deadline(asked, keys):
    if asked is None:
        return min(workflows.usual_deadline(keys), LONGEST_DEADLINE)
    if not SHORTEST_DEADLINE <= asked <= LONGEST_DEADLINE:
        raise Refusal.of_field("/deadline", "A run may take one minute to 24 hours.")
    return asked


def _refuse_crowd(keys):
    """Refuse what is stopped by its breaker, and everything while too many runs are open."""
    most = settings.RUNS_WAITING_LIMIT
    with connection.cursor() as cursor:
        cursor.execute(GATE.format(", ".join(["%s"] * len(keys)) or "NULL"), [most, *keys])
        open_runs, stopped = cursor.fetchone()
    if stopped:
        breakers.refuse_stopped(keys)
    if open_runs >= most:
        raise Refusal(f"{most} runs are open; no more are taken in until some end.", status=429, retry_after=5)


def _task(run, entry, opening, now):
    workflow, old = entry.workflow, opening.kept.get(entry.workflow.key)
    task = Task(
        run=run,
        pipeline=workflow.pipeline,
        workflow=workflow.key,
        params=entry.step.params,
        measures=list(workflow.measures),
        binds=list(workflow.binds),
        due_at=now,
        **subjects.fields(entry),
        **opening.said_yes(entry, now),
    )
    if old:
        task.status, task.result = Task.Status.SUCCEEDED, old.result
        task.started_at, task.finished_at = old.started_at, old.finished_at
    return task


def _add_tasks(run, tasks):
    """Insert the tasks. Of several runs that come at once for a sole subject, one wins; the others are refused."""
    sole = [task for task in tasks if task.is_sole and task.status == Task.Status.QUEUED]
    if not sole:
        insert(tasks)
        return
    for task in sole:
        if workflows.get(task.workflow).concurrency == Concurrency.CANCEL_RUNNING:
            _make_way(task)
    try:
        with transaction.atomic():
            insert(tasks)
    except IntegrityError:
        raise subjects.taken(sole) from None


def _make_way(task):
    """Cancel the run that works on what `task` is to work on."""
    open_one = subjects.holder(task)
    if open_one:
        with suppress(Refusal):  # it has ended since: then the way is free
            cancel(open_one.run, reason=f"canceled: run {task.run_id} took its place")


# --- Ending and restarting -----------------------------------------------------------------------------------


@transaction.atomic
def cancel(run, *, reason="canceled by a person", to=Run.Status.CANCELED):
    """End a run now; a result that comes later changes nothing. Canceling twice is canceling once."""
    hold_run(run.pk)
    now = timezone.now()
    if not run.advance(to, finished_at=now):
        if run.status == to:
            return run
        raise Refusal(f"This run has already {run.get_status_display()}.", allowed=run.allowed)
    tasks = list(run.tasks.may_become(Task.Status.CANCELED))
    for task in tasks:
        if task.status == Task.Status.RUNNING:
            close_attempt(task, Attempt.Outcome.LOST)
    run.tasks.may_become(Task.Status.CANCELED).update(
        status=Task.Status.CANCELED,
        error=f"The run was {reason}.",
        lease_until=None,
        finished_at=now,
        **approvals.ANSWERED,
    )
    notes = [Note("task.canceled", f"{task.workflow} canceled", task.pk) for task in tasks]
    Event.record_all(run.pk, [Note(f"run.{to}", f"The run was {reason}"), *notes])
    webhooks.announce_run(run.pk, to)
    ring()  # what was queued behind one of its subjects is due now
    return run


def replay(run, *, params=None, user=None):
    """A new run of the same steps, measured anew. It may be called while the run is still open.

    `params` is `{workflow: {...}}`: these tasks get these parameters instead of their own. Raises Refusal (422)
    for a workflow that the run does not have, and for what `open_run` refuses.
    """
    return open_run(
        _edited(_steps(run), params or {}),
        title=run.title,
        intent=run.intent,
        user=user,
        restart_of=run,
        origin=Run.Origin.REPLAYED,
    )


def _steps(run):
    return [Step(task.workflow, task.params, task.approved_at is not None) for task in run.tasks.all()]


def _edited(steps, params):
    if not isinstance(params, dict):
        raise Refusal.of_field("/params", "Must be an object of parameters by workflow.")
    known = [step.workflow for step in steps]
    unknown = sorted(set(params) - set(known))
    if unknown:
        detail = f"This run has no such workflow. It has: {', '.join(known)}."
        errors = [{"pointer": f"/params/{name}", "detail": detail} for name in unknown]
        raise Refusal("The run can't be replayed with these parameters.", status=422, errors=errors)
    for workflow, edited in params.items():
        validated(workflow, edited, f"/params/{workflow}")
    return [Step(s.workflow, params.get(s.workflow, s.params), s.is_named) for s in steps]


def resume(run, *, measure_again=False, user=None):
    """A new run that keeps what had succeeded, with its observations, and does the rest. Terminal stays final.

    What was bound to a measurement that has to be made anew is done anew, too: a run has one truth. When what was
    measured drifted since, the new run's event `run.drifted` names the parts (the first 100); the old observations
    are kept all the same, unless `measure_again`. Called again while that run is open, it returns that run.

    Raises Refusal (409) for a run that can't be resumed, or is being resumed the other way.
    """
    run.refresh_from_db()
    if run.status not in (Run.Status.PARTIAL, Run.Status.FAILED, Run.Status.CANCELED, Run.Status.TIMED_OUT):
        raise Refusal(
            f"This run is {run.get_status_display()}; only one that ended without success can be resumed.",
            allowed=run.allowed,
        )
    # Measured before the transaction, which keeps other writers waiting.
    done = run.tasks.filter(status=Task.Status.SUCCEEDED)
    seen = Observation.objects.filter(task__in=done).select_related("task")
    drift = [(observation, entanglement.drift(observation)) for observation in seen]
    gone = {"broken", "drifted"} if measure_again else {"broken"}
    true = [observation for observation, found in drift if found["drift"] not in gone]
    kept = _still_true({task.workflow: task for task in done}, [observation for observation, _ in drift], true)
    told = {"measure_again": True} if measure_again else {}
    return _resume(_Opening(run.title, run.intent, user, run, Run.Origin.RESUMED, kept=kept, told=told), drift)


def _still_true(tasks, seen, true):
    """Those of the succeeded `tasks` (by workflow) that can be kept when, of what they have `seen`, only `true`
    stays: what measured the rest has to be done anew, and with it all that is bound to what it measured."""
    kinds = {observation.kind for observation in true}
    for key, task in tasks.items():
        made = {observation.kind for observation in seen if observation.task_id == task.pk}
        if not made | set(task.binds) <= kinds:
            others = {name: other for name, other in tasks.items() if name != key}
            return _still_true(others, seen, [o for o in true if o.task_id != task.pk])
    return tasks


@transaction.atomic
def _resume(opening, drift):
    old = opening.restart_of
    hold_run(old.pk)  # of two resumes at once, the second one finds the run of the first
    open_one = old.restarts.filter(origin=opening.origin).exclude(status__in=Run.TERMINAL).first()
    if open_one:
        told = Event.objects.filter(run=open_one, number=1).values_list("data", flat=True).first() or {}
        if told.get("measure_again", False) == opening.told.get("measure_again", False):
            return open_one
        raise Refusal(f"Run {open_one.pk} resumes this one already: cancel it first.", run=open_one.pk)
    run = _open(planned(_steps(old)), opening)
    tasks = {task.workflow: task for task in run.tasks.filter(workflow__in=opening.kept)}
    copies = {}
    for seen, _ in drift:
        if seen.task.workflow in tasks:
            copies[seen.kind] = _copy(seen, tasks[seen.task.workflow])
    notes = [_keep(task, opening.kept[task.workflow], copies) for task in tasks.values()]
    notes += _drifted(drift, copies)
    if notes:
        Event.record_all(run.pk, notes)
    return run


def _copy(seen, task):
    """What was measured before, as the observation of a kept task: the same body, hash and time."""
    return Observation.objects.create(
        run_id=task.run_id,
        task=task,
        kind=seen.kind,
        body=seen.body,
        sha256=seen.sha256,
        measured_at=seen.measured_at,
    )


def _keep(task, old, copies):
    """Bind a kept task to the observations of its own run; its result names those."""
    refs = {f"{kind.removeprefix('storefront_')}_ref": seen.ref for kind, seen in copies.items()}
    result = task.result or {}
    result |= {name: ref for name, ref in refs.items() if name in result}
    Task.objects.filter(pk=task.pk).update(result=result)
    task.bound_to.set(copies[kind] for kind in task.binds)
    kept = f"{task.workflow}: kept from run {old.run_id}"
    return Note("task.reused", kept, task.pk, {"from_task": old.pk})


def _drifted(drift, copies):
    """The event that says what is no longer as it was measured; none when everything is."""
    found = [(seen, entry) for seen, entry in drift if entry["drift"] == "drifted"]
    if not found:
        return []
    parts, told = MOST_DRIFTED, []
    for seen, entry in found:
        told.append({"kind": seen.kind, "kept": seen.kind in copies, "drifted": entry["drifted"][:parts]})
        parts -= len(told[-1]["drifted"])
    kinds = ", ".join(seen.kind for seen, _ in found)
    kept = any(entry["kept"] for entry in told)
    ending = (
        "it is kept as it was measured; resume with measure_again to measure anew" if kept else "measured anew"
    )
    return [Note("run.drifted", f"Drifted since it was measured: {kinds}; {ending}", data={"observations": told})]


# --- What the clock does ----------------------------------------------------------------------------------


def sweep(now=None):
    """Whatever a killed worker, a lost bell or the clock left behind: safe to run anywhere, any time."""
    now = now or timezone.now()
    approvals.expire(now)
    is_open = RawSQL(OPEN, (), BooleanField())  # noqa: S611  no value of anybody's in it
    for run in Run.objects.filter(is_open, deadline_at__lt=now).order_by("deadline_at")[:100]:
        with transaction.atomic():
            if hold_run(run.pk, wait=False):  # one whose holder is at work is met again in five seconds
                _time_out(run, now)
    is_superposed = RawSQL("agency_intent.status = 'superposed'", (), BooleanField())
    Intent.objects.filter(is_superposed, created_at__lt=now - INTENT_EXPIRES_AFTER).update(
        status=Intent.Status.EXPIRED
    )
    forget()
    measured = Observation.objects.filter(run=OuterRef("run"))
    is_waiting = RawSQL("agency_task.status = 'waiting'", (), BooleanField())
    stuck = Task.objects.filter(is_waiting, Exists(measured), asked_at=None).order_by("run")
    for run_id in set(stuck.values_list("run_id", flat=True)[:100]):
        with transaction.atomic():
            hold_run(run_id)
            wake_bound(run_id)
    ring()


def _time_out(run, now):
    """Stop a run at its deadline, if that is still what it was when we looked: an approval moves it."""
    run.refresh_from_db()
    if run.deadline_at < now and not run.is_terminal and run.status != Run.Status.NEEDS_HUMAN:
        cancel(run, reason="stopped at its deadline", to=Run.Status.TIMED_OUT)
