"""From a wish to work: superpose weighs what could be done, collapse decides, exactly once.

No language model takes part: the same statement on the same data gives the same weights, and each weight names
its evidence.
"""

from collections import Counter

from django.db import transaction
from django.utils import timezone

from agency import direction_board, wishes, workflows
from agency.models import CandidateState, Intent, Run, Task
from agency.workflows import Evidence
from earnings.refusals import Refusal

WHOLE = 10_000  # basis points
REMEMBERED = 20  # finished tasks of a workflow whose ends count
LOOKED_THROUGH = 40  # wishes of the playbook, the newest, that they are looked for under
SWAY = 0.5  # how far the ends of earlier tasks move a weight at most: between 0.75 and 1.25 times


def superpose(statement, *, user=None):
    """Weigh every workflow that could serve the wish, and store the Intent with its candidate states.

    Raises Refusal (422) with the nearest playbooks (`nearest`) when no playbook knows the wish; then nothing is
    stored and nothing runs.
    """
    statement = " ".join(str(statement).split())
    if not statement:
        raise Refusal.of_field("/statement", "Say what you wish.")
    if len(statement) > 300:
        raise Refusal.of_field("/statement", "At most 300 characters.")
    ranked = wishes.rank(statement)
    if not ranked or not ranked[0].is_sure:
        raise _not_understood(ranked[:3])
    with transaction.atomic():
        intent = Intent.objects.create(statement=statement, playbook=ranked[0].playbook, created_by=user)
        CandidateState.objects.bulk_create(weigh(intent, ranked))
    return intent


def _not_understood(near):
    nearest = [{"slug": m.playbook.slug, "name": m.playbook.name, "score": round(m.score, 2)} for m in near]
    names = ", ".join(f"“{entry['name']}”" for entry in nearest) or "none is active"
    word = "Nearest" if near and near[0].score else "Known"
    return Refusal.of_field(
        "/statement", f"No playbook knows this wish, so nothing runs. {word}: {names}.", nearest=nearest
    )


# --- Weighing --------------------------------------------------------------------------------------------


def weigh(intent, ranked):
    """The candidate states of an intent: steps of its playbook, and of related ones as alternatives."""
    found = list(_candidates(intent, ranked))
    if not found:
        raise Refusal(f"The playbook {intent.playbook} has no workflow that exists.", status=422)
    past = track_record(intent.playbook, [step.workflow for _, step in found])
    told = [_evidence(match, step, past) for match, step in found]
    raw = []
    for (_, step), evidence in zip(found, told, strict=True):
        weight = step.weight
        for one in evidence:
            weight *= one.factor
        raw.append(weight)
    return [
        CandidateState(
            intent=intent,
            key=step.workflow,
            workflow=step.workflow,
            pipeline=workflows.get(step.workflow).pipeline,
            weight_bp=share,
            evidence=[{"text": one.text, "factor": one.factor, "source": one.source} for one in evidence],
            params=step.params,
            is_chosen=match.playbook == intent.playbook and step.is_chosen,
        )
        for share, (match, step), evidence in zip(apportion(raw), found, told, strict=True)
    ]


def _candidates(intent, ranked):
    """Each workflow once, with the playbook that it serves best: `(match, step)`."""
    seen = set()
    for match in ranked:
        if match.playbook != intent.playbook and match.score < wishes.RELATED:
            continue
        for step in match.playbook.steps.all():
            if step.workflow not in seen and workflows.find(step.workflow):
                seen.add(step.workflow)
                yield match, step


def _evidence(match, step, past):
    score = round(match.score, 4)
    text = f"“{match.phrase}” of playbook {match.playbook.name} matches {score:.0%}, share {step.weight}"
    matched = Evidence(text, score, f"/admin/agency/playbook/{match.playbook.pk}/change/")
    return [matched, *workflows.get(step.workflow).evidence(), *past.get(step.workflow, [])]


def track_record(playbook, keys):
    """How the newest tasks of workflows ended under wishes of the playbook: workflow -> a list of Evidence.

    Bounded on purpose, so that it costs the same after a million runs: few wishes are looked through, and the
    factor moves between 0.75 and 1.25, less far the fewer tasks there are. Its link shows the tasks that counted.
    """
    wished = Intent.objects.filter(playbook=playbook).order_by("-id").values("id")[:LOOKED_THROUGH]
    ended = Task.objects.filter(
        run__intent__in=wished, workflow__in=keys, status__in=[Task.Status.SUCCEEDED, Task.Status.FAILED]
    ).order_by("-id")
    counted = {}
    for pk, workflow, status in ended.values_list("pk", "workflow", "status")[: REMEMBERED * len(keys)]:
        tasks = counted.setdefault(workflow, {})
        if len(tasks) < REMEMBERED:
            tasks[pk] = status
    return {workflow: [_record(playbook, tasks)] for workflow, tasks in counted.items()}


def _record(playbook, tasks):
    succeeded = Counter(tasks.values())[Task.Status.SUCCEEDED]
    factor = 1 - SWAY / 2 + SWAY * (succeeded + 1) / (len(tasks) + 2)
    text = f"Of its last tasks for {playbook.name} that ended, succeeded: {succeeded} of {len(tasks)}"
    ids = ",".join(map(str, tasks))
    return Evidence(text, round(factor, 4), f"/admin/agency/task/?id__in={ids}")


def apportion(weights):
    """Whole basis points in proportion to `weights` that sum to 10,000 exactly (largest remainder)."""
    total = sum(weights)
    exact = [weight / total * WHOLE if total else WHOLE / len(weights) for weight in weights]
    shares = [int(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[: WHOLE - sum(shares)]:
        shares[i] += 1
    return shares


# --- Collapsing ------------------------------------------------------------------------------------------


def choice(intent, choose=None):
    """The states that a collapse would take. Raises Refusal (422) for an unknown key or one pipeline missing."""
    states = list(intent.states.all())
    if choose is not None:
        unknown = sorted(set(choose) - {state.key for state in states})
        if unknown:
            known = ", ".join(state.key for state in states)
            raise Refusal.of_field("/choose", f"Not in this superposition: {', '.join(unknown)}. It has: {known}.")
    chosen = [s for s in states if (s.is_chosen if choose is None else s.key in choose)]
    pipelines = {state.pipeline for state in chosen}
    if pipelines != {"sales", "ops"}:
        raise Refusal.of_field("/choose", "A collapse needs at least one Sales and one Ops state.")
    return chosen


def preview(intent, choose=None):
    """What a collapse would run, without running it: the tasks as `_told` tells them."""
    return _told(intent, choice(intent, choose))


def preview_fork(intent, choose=None):
    """What a fork would run, without running it: the tasks as `_told` tells them."""
    return _told(intent, left(intent, choose))


def _told(intent, states):
    """Every task of the run with its parameters, what it measures and binds, what it `touches` (a list of texts)
    and what it `asks` a person before it does it ("" = nothing)."""
    run = Run(intent=intent, title=intent.statement, created_by=intent.created_by)
    tasks = []
    for step in direction_board.plan(_steps(states)):
        workflow = workflows.get(step.workflow)
        values = direction_board.validated(step.workflow, step.params)
        tasks.append(
            {
                "workflow": workflow.key,
                "title": workflow.title,
                "pipeline": workflow.pipeline,
                "params": step.params,
                "measures": list(workflow.measures),
                "binds": list(workflow.binds),
                "description": workflow.description,
                "touches": workflow.touches(values),
                "asks": workflow.approval(values, run),
            }
        )
    return tasks


def _steps(states):
    return [direction_board.Step(state.workflow, state.params) for state in states]


def collapse(intent, *, choose=None, user=None, deadline=None):
    """Choose from the superposition and open the intent's one run; whoever comes later gets that run.

    `deadline` is how long the run may take, as `direction_board.open_run` has it.
    """
    first = intent.runs.filter(restart_of=None).first()
    if first:
        return first
    chosen = choice(intent, choose)
    with transaction.atomic():
        if intent.advance(Intent.Status.COLLAPSED, collapsed_at=timezone.now()):
            keys = [state.key for state in chosen]
            intent.states.exclude(key__in=keys).update(is_chosen=False)
            intent.states.filter(key__in=keys).update(is_chosen=True)
            return direction_board.open_run(
                _steps(chosen), title=intent.statement, intent=intent, user=user, deadline=deadline
            )
    first = intent.runs.filter(restart_of=None).first()
    if first is None:
        raise Refusal(f"This intent is {intent.get_status_display()}.", allowed=intent.allowed)
    return first


# --- Forking ---------------------------------------------------------------------------------------------


def left(intent, choose=None):
    """The states that the collapse did not choose, or those of them named by `choose`.

    Raises Refusal: 409 before the collapse, 422 for a state that was chosen or is unknown, or for none at all.
    """
    if intent.status != Intent.Status.COLLAPSED:
        raise Refusal(
            f"This intent is {intent.get_status_display()}; only what a collapse did not choose can be forked.",
            allowed=intent.allowed,
        )
    states = list(intent.states.all())
    open_states = [state for state in states if not state.is_chosen]
    known = ", ".join(state.key for state in open_states) or "none"
    if choose is not None:
        chosen = sorted({state.key for state in states if state.is_chosen} & set(choose))
        unknown = sorted(set(choose) - {state.key for state in states})
        if chosen or unknown:
            reasons = [f"Chosen at the collapse: {', '.join(chosen)}."] * bool(chosen)
            reasons += [f"Not in this superposition: {', '.join(unknown)}."] * bool(unknown)
            raise Refusal.of_field("/choose", " ".join([*reasons, f"Left are: {known}."]))
    states = [state for state in open_states if choose is None or state.key in choose]
    if not states:
        raise Refusal.of_field("/choose", f"A fork needs at least one state. Left are: {known}.")
    return states


@transaction.atomic
def fork(intent, choose=None, user=None):
    """Run what the collapse did not choose, beside what it did: a new run of the same intent.

    A second call makes a second fork, unless an equal one is still open: then it gets that one. The refusals are
    those of `left`, and of opening a run.
    """
    intent.refresh_from_db()
    steps = direction_board.plan(_steps(left(intent, choose)))
    # Of two equal forks at once, the second one waits here and finds the first (on SQLite: at its transaction).
    Intent.objects.select_for_update(no_key=True).get(pk=intent.pk)
    return _open_fork(intent, steps) or direction_board.open_run(
        steps,
        title=intent.statement,
        intent=intent,
        user=user,
        restart_of=intent.runs.get(restart_of=None),
        origin=Run.Origin.FORKED,
    )


def _open_fork(intent, steps):
    wanted = {step.workflow: step.params for step in steps}
    forks = intent.runs.filter(origin=Run.Origin.FORKED).exclude(status__in=Run.TERMINAL)
    for run in forks.prefetch_related("tasks"):
        if {task.workflow: task.params for task in run.tasks.all()} == wanted:
            return run
    return None
