"""From a wish to work: superpose weighs what could be done, collapse decides, exactly once.

No language model takes part: the same statement on the same data gives the same weights, and each weight names
its evidence.
"""

import unicodedata
from difflib import SequenceMatcher

from django.db import transaction
from django.utils import timezone

from agency import direction_board, workflows
from agency.models import CandidateState, Intent, Playbook
from earnings.refusals import Refusal

WHOLE = 10_000  # basis points
KNOWN = 0.6  # a statement this close to a phrase means its playbook
RELATED = 0.35  # this close, its workflows join the superposition as alternatives
SAME_WORD = 0.8  # similarity from which two words are one word with a typo or another ending

# English and Turkish.
# fmt: off
STOP_WORDS = frozenset([
    "a", "an", "and", "the", "my", "our", "your", "of", "for", "to", "in", "on", "at", "please", "i", "we",
    "us", "me", "you", "want", "wants", "need", "would", "like", "let", "lets", "can", "could", "should",
    "more", "some", "all", "it", "this", "that", "is", "are", "be", "do", "get", "make", "bir", "ve", "bu",
    "icin", "lutfen",
])
# fmt: on


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
    ranked = rank(statement)
    if not ranked or ranked[0][0] < KNOWN:
        nearest = [{"slug": p.slug, "name": p.name, "score": round(score, 2)} for score, p, _ in ranked[:3]]
        names = ", ".join(f"“{entry['name']}”" for entry in nearest) or "none is active"
        word = "Nearest" if ranked and ranked[0][0] else "Known"
        raise Refusal.of_field(
            "/statement", f"No playbook knows this wish, so nothing runs. {word}: {names}.", nearest=nearest
        )
    with transaction.atomic():
        intent = Intent.objects.create(statement=statement, playbook=ranked[0][1], created_by=user)
        CandidateState.objects.bulk_create(weigh(intent, ranked))
    return intent


def rank(statement):
    """`(score 0..1, playbook, best phrase)` of every active playbook, best first."""
    words = _words(statement)
    ranked = []
    for playbook in Playbook.objects.filter(is_active=True).prefetch_related("steps"):
        phrases = [playbook.name, *filter(str.strip, playbook.phrases.splitlines())]
        score, phrase = max((likeness(words, _words(phrase)), phrase) for phrase in phrases)
        ranked.append((score, playbook, phrase))
    return sorted(ranked, key=lambda entry: (-entry[0], entry[1].slug))


def likeness(statement, phrase):
    """How alike two lists of words are, 0 to 1: the harmonic mean of how much of each is found in the other."""
    if not statement or not phrase:
        return 0.0
    found = [max(_same(word, other) for other in statement) for word in phrase]
    used = [max(_same(word, other) for other in phrase) for word in statement]
    recall, precision = sum(found) / len(found), sum(used) / len(used)
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def _same(a, b):
    if a == b:
        return 1.0
    ratio = SequenceMatcher(None, a, b).ratio()
    return ratio if ratio >= SAME_WORD else 0.0


def _words(text):
    folded = unicodedata.normalize("NFKD", text.replace("ı", "i").casefold())
    letters = "".join(c if c.isalnum() else " " for c in folded if not unicodedata.combining(c))
    words = [_stem(word) for word in letters.split() if word not in STOP_WORDS]
    return words or letters.split()


def _stem(word):
    for ending in ("ing", "ies", "es", "s", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


def weigh(intent, ranked):
    """The candidate states of an intent: steps of its playbook, and of related ones as alternatives."""
    raw = []
    seen = set()
    for score, playbook, phrase in ranked:
        if playbook != intent.playbook and score < RELATED:
            continue
        for step in playbook.steps.all():
            workflow = workflows.find(step.workflow)
            if workflow is None or step.workflow in seen:
                continue
            seen.add(step.workflow)
            match = f"“{phrase}” of playbook {playbook.name} matches {score:.0%}, share {step.weight}"
            evidence = [{"text": match, "factor": round(score, 4), "source": _admin_page(playbook)}]
            weight = step.weight * score
            for found in workflow.evidence():
                weight *= found.factor
                evidence.append({"text": found.text, "factor": found.factor, "source": found.source})
            chosen = playbook == intent.playbook and step.is_chosen
            raw.append((weight, workflow, step, evidence, chosen))
    if not raw:
        raise Refusal(f"The playbook {intent.playbook} has no workflow that exists.", status=422)
    shares = apportion([entry[0] for entry in raw])
    return [
        CandidateState(
            intent=intent,
            key=workflow.key,
            workflow=workflow.key,
            pipeline=workflow.pipeline,
            weight_bp=share,
            evidence=evidence,
            params=step.params,
            is_chosen=chosen,
        )
        for share, (_, workflow, step, evidence, chosen) in zip(shares, raw, strict=True)
    ]


def apportion(weights):
    """Whole basis points in proportion to `weights` that sum to 10,000 exactly (largest remainder)."""
    total = sum(weights)
    exact = [weight / total * WHOLE if total else WHOLE / len(weights) for weight in weights]
    shares = [int(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[: WHOLE - sum(shares)]:
        shares[i] += 1
    return shares


def _admin_page(playbook):
    return f"/admin/agency/playbook/{playbook.pk}/change/"


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
    """What a collapse would run, without running it: a list of the tasks with what each measures and binds."""
    steps = direction_board.plan(_steps(choice(intent, choose)))
    tasks = []
    for step in steps:
        workflow = workflows.get(step.workflow)
        tasks.append(
            {
                "workflow": workflow.key,
                "title": workflow.title,
                "pipeline": workflow.pipeline,
                "params": step.params,
                "measures": list(workflow.measures),
                "binds": list(workflow.binds),
                "description": workflow.description,
            }
        )
    return tasks


def _steps(states):
    return [direction_board.Step(state.workflow, state.params) for state in states]


def collapse(intent, *, choose=None, user=None):
    """Choose from the superposition and open the intent's one run; whoever comes later gets that run."""
    first = intent.runs.filter(restart_of=None).first()
    if first:
        return first
    chosen = choice(intent, choose)
    with transaction.atomic():
        if intent.advance(Intent.Status.COLLAPSED, collapsed_at=timezone.now()):
            keys = [state.key for state in chosen]
            intent.states.exclude(key__in=keys).update(is_chosen=False)
            intent.states.filter(key__in=keys).update(is_chosen=True)
            return direction_board.open_run(_steps(chosen), title=intent.statement, intent=intent, user=user)
    first = intent.runs.filter(restart_of=None).first()
    if first is None:
        raise Refusal(f"This intent is {intent.get_status_display()}.", allowed=intent.allowed)
    return first
