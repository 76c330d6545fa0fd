"""The life of a run: opened from steps, entangled, ended, and what people and clocks may do to it.

What happens to one task in between is `agency.attempts`; what a worker does with it is `agency.work`
(`agency.work.work_off()` works the backlog off in this process). A django-q2 message is only a bell
(`agency.bells`): a lost one loses nothing, a second one does nothing.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from agency import workflows
from agency.attempts import close_attempt, hold_run
from agency.bells import ring
from agency.idempotency import forget
from agency.models import Attempt, Event, Intent, Observation, Run, Task
from agency.settling import settle, wake_bound
from earnings import storable
from earnings.refusals import Refusal

RUN_DEADLINE = timedelta(minutes=15)
INTENT_EXPIRES_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class Step:
    """One workflow that a run is to execute, with its parameters as they were given."""

    workflow: str
    params: dict = field(default_factory=dict)


# --- Opening -------------------------------------------------------------------------------------------


def plan(steps):
    """The steps of a run, entangled: with a Sales step for each kind of observation that an Ops step binds.

    Raises Refusal (422) that names the workflow or parameter that can't be accepted.
    """
    steps = list(steps)
    for step in steps:
        validated(step.workflow, step.params)
    found = [workflows.get(step.workflow) for step in steps]
    missing = {kind for w in found for kind in w.binds} - {kind for w in found for kind in w.measures}
    if missing:
        maker = workflows.that_measures(missing)
        if maker is None:
            raise Refusal(f"No Sales workflow measures {', '.join(sorted(missing))}.", status=422)
        steps.insert(0, Step(maker.key))
        found.insert(0, maker)
    measured = [kind for w in found for kind in w.measures]
    twice = sorted({kind for kind in measured if measured.count(kind) > 1})
    if twice:
        raise Refusal(f"Two tasks of one run would measure {', '.join(twice)}.", status=422)
    keys = [step.workflow for step in steps]
    if len(set(keys)) < len(keys):
        raise Refusal("A run executes each workflow once.", status=422)
    return sorted(steps, key=lambda step: workflows.get(step.workflow).pipeline != "sales")


def validated(workflow_key, params):
    """The parameters as the workflow's serializer understands them, or Refusal (422) naming each bad one."""
    try:
        workflow = workflows.get(workflow_key)
    except KeyError:
        known = ", ".join(w.key for w in workflows.every())
        raise Refusal.of_field("/workflow", f"There is no workflow {workflow_key!r}. Known: {known}.") from None
    if not isinstance(params, dict):
        raise Refusal.of_field("/params", "Must be an object.")
    storable.check(params, "/params")
    serializer = workflow.Params(data=params)
    unknown = sorted(set(params) - set(serializer.fields))
    serializer.is_valid()
    errors = list(pointers(serializer.errors, "/params"))
    names = ", ".join(serializer.fields) or "none"
    errors += [
        {"pointer": f"/params/{name}", "detail": f"{workflow_key} has no such parameter. It has: {names}."}
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


@transaction.atomic
def open_run(steps, *, title, intent=None, user=None, restart_of=None, origin=Run.Origin.OPENED):
    """Write a run and its tasks, and ring once they are committed. Raises Refusal (422) for a bad step."""
    steps = plan(steps)
    run = Run.objects.create(
        title=title[:300],
        intent=intent,
        created_by=user,
        restart_of=restart_of,
        origin=origin,
        deadline_at=timezone.now() + RUN_DEADLINE,
    )
    Event.record(run.pk, "run.opened", f"Opened: {title}", data={"tasks": [step.workflow for step in steps]})
    for step in steps:
        workflow = workflows.get(step.workflow)
        Task.objects.create(
            run=run,
            pipeline=workflow.pipeline,
            workflow=workflow.key,
            params=step.params,
            measures=list(workflow.measures),
            binds=list(workflow.binds),
        )
    ring()
    return run


# --- What people and clocks do -----------------------------------------------------------------------------


@transaction.atomic
def cancel(run, *, reason="canceled by a person", to=Run.Status.CANCELED):
    """End a run now; a result that comes later changes nothing. Canceling twice is canceling once."""
    hold_run(run.pk)
    if run.status == to:
        return run
    if not run.advance(to, finished_at=timezone.now()):
        if run.status == to:
            return run
        raise Refusal(f"This run has already {run.get_status_display()}.", allowed=run.allowed)
    Event.record(run.pk, f"run.{to}", f"The run was {reason}")
    open_tasks = [Task.Status.QUEUED, Task.Status.RUNNING, Task.Status.WAITING, Task.Status.NEEDS_HUMAN]
    for task in run.tasks.filter(status__in=open_tasks):
        if task.status == Task.Status.RUNNING:
            close_attempt(task, Attempt.Outcome.LOST)
        if task.advance(
            Task.Status.CANCELED,
            error=f"The run was {reason}.",
            waiting_on="",
            asked_at=None,
            asked_of="",
            lease_until=None,
            finished_at=timezone.now(),
        ):
            Event.record(run.pk, "task.canceled", f"{task.workflow} canceled", task_id=task.pk)
    return run


@transaction.atomic
def approve(task):
    """A person did what the task waited for: it is tried again."""
    hold_run(task.run_id)
    task.refresh_from_db()
    if task.status in (Task.Status.QUEUED, Task.Status.RUNNING, Task.Status.SUCCEEDED):
        return task
    if task.status != Task.Status.NEEDS_HUMAN or not task.advance(
        Task.Status.QUEUED, due_at=timezone.now(), waiting_on="", asked_at=None, asked_of="", finished_at=None
    ):
        raise Refusal(
            f"This task is {task.get_status_display()}; nothing waits for a person.", allowed=task.allowed
        )
    Run(pk=task.run_id).advance(Run.Status.RUNNING)
    # People may take days; the deadline is for the work that goes on now.
    Run.objects.filter(pk=task.run_id).update(deadline_at=timezone.now() + RUN_DEADLINE)
    Event.record(task.run_id, "task.approved", f"{task.workflow}: a person said go on", task_id=task.pk)
    ring()
    return task


@transaction.atomic
def reject(task, *, reason="A person rejected it."):
    """A person said no: the task ends as failed."""
    hold_run(task.run_id)
    task.refresh_from_db()
    if task.status == Task.Status.FAILED:
        return task
    if task.status != Task.Status.NEEDS_HUMAN or not task.advance(
        Task.Status.FAILED, error=reason, waiting_on="", asked_at=None, asked_of="", finished_at=timezone.now()
    ):
        raise Refusal(
            f"This task is {task.get_status_display()}; nothing waits for a person.", allowed=task.allowed
        )
    Event.record(task.run_id, "task.rejected", f"{task.workflow}: {reason}", task_id=task.pk)
    settle(task.run_id)
    return task


def replay(run, *, user=None, origin=Run.Origin.REPLAYED):
    """The same steps once more, measured anew."""
    steps = [Step(task.workflow, task.params) for task in run.tasks.all()]
    return open_run(steps, title=run.title, intent=run.intent, user=user, restart_of=run, origin=origin)


@transaction.atomic
def resume(run, *, user=None):
    """A new run that keeps what had succeeded, with its observations, and does the rest. Terminal stays final.

    What was bound to a measurement that has to be made anew is done anew, too: a run has one truth.
    """
    if run.status not in (Run.Status.PARTIAL, Run.Status.FAILED, Run.Status.CANCELED, Run.Status.TIMED_OUT):
        raise Refusal(
            f"This run is {run.get_status_display()}; only one that ended without success can be resumed.",
            allowed=run.allowed,
        )
    again = replay(run, user=user, origin=Run.Origin.RESUMED)
    succeeded = list(run.tasks.filter(status=Task.Status.SUCCEEDED))
    copies = {}
    for old in succeeded:
        for seen in old.observations.all():
            copies[seen.kind] = Observation.objects.create(
                run=again,
                task=again.tasks.get(workflow=old.workflow),
                kind=seen.kind,
                body=seen.body,
                sha256=seen.sha256,
                measured_at=seen.measured_at,
            )
    for old in succeeded:
        if set(old.binds) <= set(copies):
            _keep(old, again, copies)
    return again


def _keep(old, again, copies):
    """Carry a finished task over to the run `again`, bound to the observations as that run holds them."""
    new = again.tasks.get(workflow=old.workflow)
    new.advance(Task.Status.RUNNING, lease_until=timezone.now())
    refs = {f"{kind.removeprefix('storefront_')}_ref": seen.ref for kind, seen in copies.items()}
    result = old.result or {}
    new.advance(
        Task.Status.SUCCEEDED,
        result=result | {name: ref for name, ref in refs.items() if name in result},
        lease_until=None,
        started_at=old.started_at,
        finished_at=old.finished_at,
    )
    new.bound_to.set(copies[kind] for kind in old.binds)
    kept = f"{old.workflow}: kept from run {again.restart_of_id}"
    Event.record(again.pk, "task.reused", kept, task_id=new.pk, data={"from_task": old.pk})


def sweep(now=None):
    """Whatever a killed worker, a lost bell or the clock left behind: safe to run anywhere, any time."""
    now = now or timezone.now()
    for run in Run.objects.filter(status__in=["queued", "running", "waiting"], deadline_at__lt=now)[:100]:
        with transaction.atomic():
            if hold_run(run.pk, wait=False):  # one whose holder is at work is met again in five seconds
                cancel(run, reason="stopped at its deadline", to=Run.Status.TIMED_OUT)
    Intent.objects.filter(status=Intent.Status.SUPERPOSED, created_at__lt=now - INTENT_EXPIRES_AFTER).update(
        status=Intent.Status.EXPIRED
    )
    forget()
    measured = Observation.objects.filter(run=OuterRef("run"))
    stuck = Task.objects.filter(Exists(measured), status=Task.Status.WAITING).values_list("run_id", flat=True)
    for run_id in set(stuck[:100]):
        with transaction.atomic():
            hold_run(run_id)
            wake_bound(run_id)
    ring()
