"""The Fiverr Bot: takes a gig order, makes the deliverable by the gig's recipe, checks it, offers it."""

import hashlib
import logging
from dataclasses import dataclass, field, replace

from django.db import transaction
from django.utils import timezone
from rest_framework import serializers

from agency import briefs, chimera_engine, recipes
from agency import fulfillment_engine as fulfillment
from agency.attempts import Lost
from agency.models import Package, ServiceOrder
from agency.wanted_orders import read_order
from agency.wording import count
from agency.workflows import LONGEST_SUBJECT, Concurrency, Evidence, NewArtifact, Outcome, Workflow, register
from earnings.refusals import Refusal

logger = logging.getLogger(__name__)

AGENT = "Fiverr Bot"
MOST_ORDERS = 50  # in one run; the next one goes on
Status = ServiceOrder.Status
MAKABLE = (Status.QUEUED, Status.IN_PROGRESS, Status.REVISION)
OFFERED = (Status.READY, Status.DELIVERED, Status.ACCEPTED)


class Params(serializers.Serializer):
    service_order = serializers.IntegerField(
        required=False, min_value=1, help_text="An order that is there already. Nothing at all = every open one."
    )
    gig = serializers.SlugField(required=False, max_length=120, help_text="For a new order: the gig's slug.")
    package = serializers.ChoiceField(required=False, choices=Package.Tier.choices)
    brief = serializers.DictField(required=False, help_text="What the client said, by the gig's requirements.")
    external = serializers.DictField(
        required=False, help_text="An order paid on its marketplace: channel, order_id, amount, currency (text)."
    )

    def validate(self, params):
        if "service_order" in params:
            return self._validate_existing(params)
        if not params:
            return params
        missing = {name: "A new order needs this." for name in ("gig", "package") if name not in params}
        if missing:
            raise serializers.ValidationError(missing)
        try:
            read_order(params["gig"], params["package"], params.get("external"))
        except Refusal as refusal:
            raise serializers.ValidationError(_nested(refusal.errors)) from None
        return params

    def _validate_existing(self, params):
        more = {name: "An order that is there already has its own." for name in params if name != "service_order"}
        if more:
            raise serializers.ValidationError(more)
        if not ServiceOrder.objects.filter(pk=params["service_order"]).exists():
            raise serializers.ValidationError({"service_order": "There is no such service order."})
        return params


def _nested(errors):
    """A refusal's pointers as the nested errors of a serializer."""
    nested = {}
    for error in errors:
        *path, last = error["pointer"].strip("/").split("/")
        place = nested
        for name in path:
            place = place.setdefault(name, {})
        place[last] = [error["detail"]]
    return nested


@dataclass
class Piece:
    """What the bot did about one order. With `problem` nothing is offered, and a person has to look."""

    order: ServiceOrder
    problem: str = ""
    files: list[NewArtifact] = field(default_factory=list)
    checks: list[dict] = field(default_factory=list)
    message: str = ""
    is_new: bool = False
    brief: dict = field(default_factory=dict)

    def as_json(self):
        order = self.order
        deliverables = [
            {"name": file.name, "sha256": hashlib.sha256(file.content).hexdigest()} for file in self.files
        ]
        delivery = order.deliveries.last()
        if not self.is_new and delivery and order.status in OFFERED:
            deliverables = list(delivery.artifacts.values("name", "sha256"))
        return {
            "id": order.pk,
            "number": order.number,
            "status": Status.READY.value if self.is_new else order.status,
            "gig": order.gig.slug,
            "package": order.package.tier,
            "deliverables": deliverables,
            "checks": self.checks or (delivery.checks if delivery and not self.is_new else []),
            "problem": self.problem,
            "message": self.message,
        }

    def offer(self, task):
        """Effect: the stored files become the order's delivery, if they are what the client still wants."""
        now = ServiceOrder.objects.select_for_update().get(pk=self.order.pk)
        if now.brief != self.brief:
            self._leave_queued(task, f"The brief of {now.number} changed while its files were made.")
            return
        stored = list(task.artifacts.filter(name__in=[file.name for file in self.files]))
        try:
            fulfillment.offer(self.order, stored, checks=self.checks, message=self.message)
        except Refusal as refusal:
            # Held or canceled while it was made. Not final: the next attempt sees how the order stands now.
            raise RuntimeError(refusal.detail) from refusal

    def _leave_queued(self, task, reason):
        """One order that was asked for by name is made again at once; in a round the others go on without it."""
        if task.params:
            raise RuntimeError(reason)
        for entry in task.result["orders"]:
            if entry["id"] == self.order.pk:
                entry |= {"status": Status.QUEUED.value, "problem": reason}
        task.save(update_fields=["result"])


@register
class FiverrBot(Workflow):
    key = "fiverr_bot"
    title = "Fiverr Bot"
    description = "Makes what a gig order asks for by the gig's recipe, checks it and offers it for delivery."
    pipeline = "ops"
    binds = ("inventory",)
    Params = Params
    concurrency = Concurrency.QUEUE
    subject_rule = "The order that it was asked for, or the round over all open orders."

    def subject(self, params):
        """Two at one order, or two rounds over all of them, would make the same files twice and offer once."""
        if not params:
            return "open orders"
        if "service_order" in params:
            order = ServiceOrder.objects.get(pk=params["service_order"])
            if order.external_id:
                return f"{order.channel_id} {order.external_id}"[:LONGEST_SUBJECT]
            return order.number
        external = params.get("external")
        if not external:
            return ""  # each run takes an order of its own
        # Not the order's number: two runs may be opened before either has taken it.
        return f"{external['channel'].strip()} {external['order_id'].strip()}"[:LONGEST_SUBJECT]

    def evidence(self):
        waiting = automatic_orders()
        queued = waiting.count()
        source = "/admin/agency/serviceorder/?status__exact=queued"
        if not queued:
            return [Evidence("no order waits for the bot", 0.5, source)]
        found = [Evidence(f"Orders that wait for the bot: {queued}", 1 + min(queued, 10) / 10, source)]
        late = waiting.filter(due_at__lt=timezone.now()).count()
        if late:
            found.append(Evidence(f"{late} of them are late", 1.5, source))
        return found

    def touches(self, params):
        return [
            _order_touched(params),
            "asks a language model for words, if one is set up",
            "stores files and a work log; an order is only offered, a person delivers it",
        ]

    def prepare(self, work):
        """Take the order, or look for open ones: both need no measurement, and both may be done again."""
        params = work.params
        if "service_order" in params:
            return {"orders": [params["service_order"]]}
        if "gig" in params:
            order = fulfillment.take_order(
                params["gig"],
                params["package"],
                brief=params.get("brief"),
                external=params.get("external"),
                run=work.run,
            )
            return {"orders": [order.pk]}
        return {"orders": list(automatic_orders().values_list("pk", flat=True)[:MOST_ORDERS])}

    def perform(self, work):
        inventory = work.observation("inventory")
        found = ServiceOrder.objects.select_related("gig", "package").in_bulk(work.draft["orders"])
        orders = [found[pk] for pk in work.draft["orders"]]
        pieces = []
        for number, order in enumerate(orders):
            work.progress(number, len(orders), f"working on {order.number}")
            pieces.append(attend(order, work, inventory))
        if not pieces:
            chimera_engine.write(
                AGENT,
                "Look for open orders",
                "Say in one sentence that no order is open.",
                {},
                "No order is open: nothing to do.",
                task=work.task,
            )
        return self._outcome(work, inventory, pieces)

    def _outcome(self, work, inventory, pieces):
        offered = [piece for piece in pieces if piece.is_new]
        problems = [piece for piece in pieces if piece.problem]
        message = f"{count(len(pieces), 'order')} looked at, {len(offered)} offered, {len(problems)} for a person."
        result = {
            "inventory_ref": inventory.ref,
            "orders": [piece.as_json() for piece in pieces],
            "message": message,
        }
        artifacts = [file for piece in pieces for file in piece.files]
        artifacts.append(_work_log(result))
        # One order that somebody asked for stops at its problem. A round over all of them goes on to the others:
        # each problem stands at its order, where staff find it.
        stops = bool(work.params) and bool(problems)
        return Outcome(
            result,
            artifacts,
            [piece.offer for piece in offered],
            needs_human=problems[0].problem if stops else "",
        )


def _order_touched(params):
    if "service_order" in params:
        return f"makes the files of {ServiceOrder(pk=params['service_order']).number}, and offers them"
    if "gig" not in params:
        return f"makes the files of up to {MOST_ORDERS} queued orders that a recipe can make, and offers them"
    what = f"{params['gig']}, {params['package']}"
    external = params.get("external")
    if external is None:
        return f"takes a simulated order of {what}, makes its files, and offers them"
    where = f"{external['channel']} order {external['order_id']}"
    return f"takes {where} of {what}, books what was paid as unearned, makes its files, and offers them"


def automatic_orders():
    """Orders whose next step needs nobody: queued, made by a recipe, without a problem noted; oldest due first."""
    keys = [recipe.key for recipe in recipes.every()]
    return ServiceOrder.objects.filter(status=Status.QUEUED, problem="", gig__recipe__in=keys).order_by(
        "due_at", "id"
    )


def attend(order, work, inventory):
    """Do the next step of one order, as far as it goes without a person."""
    order.refresh_from_db()
    problem = _obstacle(order, work)
    can_be_made = not problem and order.status in MAKABLE
    piece = _make(order, work) if can_be_made else Piece(order, problem)
    piece.message = _message(piece, work.task, inventory)
    return piece


def _obstacle(order, work):
    """Why nothing can be made for the order now, or an empty text."""
    if order.status in OFFERED:
        return ""
    if order.status in (Status.ON_HOLD, Status.CANCELED):
        return f"{order.number} is {order.get_status_display()}."
    problems = briefs.problems(order.gig, order.brief)
    if problems:
        details = " ".join(problem["detail"] for problem in problems)
        _note(work, fulfillment.await_brief, order, details)
        return f"{order.number} waits for the client's brief: {details}"
    if order.status == Status.AWAITING_BRIEF:
        fulfillment.set_requirements(order, {})  # staff have asked for less since: the brief is complete now
    if recipes.get(order.gig.recipe) is None:
        problem = f"{order.number} is made by hand: attach the files and deliver."
        _note(work, fulfillment.note_problem, order, problem)
        return problem
    return ""


def _note(work, verb, order, text):
    """Write at the order why it waits, unless the task was canceled or taken over meanwhile."""
    with transaction.atomic():
        work.hold()
        verb(order, text)


def _make(order, work):
    """Make and check the files of one order. What goes wrong with it is noted at the order, and stops no other."""

    def write(purpose, prompt, facts, fallback):
        return chimera_engine.write(AGENT, purpose, prompt, facts, fallback, task=work.task, service_order=order)

    brief = dict(order.brief)
    try:
        made, checks = fulfillment.produce(order, work=work, write=write)
    except Lost:
        raise
    except Refusal as refusal:
        details = " ".join(e["detail"] for e in refusal.errors) or refusal.detail
        _note(work, fulfillment.await_brief, order, details)
        return Piece(order, f"{order.number} waits for a better brief: {details}")
    except Exception as error:
        if work.params:
            raise  # asked for by name: the board tries again and keeps the traceback
        logger.exception("the recipe %s failed for %s", order.gig.recipe, order.number)
        problem = f"The recipe {order.gig.recipe} failed: {type(error).__name__}."
        _note(work, fulfillment.note_problem, order, problem)
        return Piece(order, problem)
    files = [replace(file, name=f"{order.number}-{file.name}"[-120:]) for file in made.artifacts]
    failed = [check for check in checks if not check["passed"]]
    if not failed:
        return Piece(order, files=files, checks=checks, is_new=True, brief=brief)
    problem = "The checklist failed: " + "; ".join(f"{check['label']}: {check['seen']}" for check in failed)
    _note(work, fulfillment.note_problem, order, problem)
    return Piece(order, f"{order.number}: {problem}", files, checks)


def _message(piece, task, inventory):
    """What the bot tells the client, in words of the Chimera Engine; the measured part is always our own."""
    order = piece.order
    facts = {"gig": order.gig.name, "package": order.package.name, "order": order.number}
    if piece.is_new:
        passed = sum(check["passed"] for check in piece.checks)
        facts |= {"files": len(piece.files), "checks": len(piece.checks), "checks_passed": passed}
        purpose = "Word the cover note"
        prompt = "Tell the client in two or three friendly sentences that the work is ready to be looked at."
        fallback = (
            f"Your {order.gig.name} ({order.package.name}) is ready: {count(len(piece.files), 'file')}, "
            f"{passed} of {len(piece.checks)} checks passed. Please have a look and tell us what you think."
        )
    elif piece.problem:
        facts["problem"] = piece.problem
        purpose = "Word what is missing"
        prompt = "Say kindly in one or two sentences what is missing before the work can go on."
        fallback = piece.problem
    else:
        purpose, prompt = "Say how the order stands", "Say in one sentence how the order stands."
        facts["status"] = order.get_status_display()
        fallback = f"{order.number} is {order.get_status_display()}; there is nothing left to make."
    text = chimera_engine.write(AGENT, purpose, prompt, facts, fallback, task=task, service_order=order)
    if not piece.is_new:
        return text
    # The whole reference is in the task's result; a client needs no more than something to quote.
    return f"{text}\n\nOur reference: inventory {inventory.sha256[:12]} of {inventory.measured_at:%Y-%m-%d}."


def _work_log(result):
    lines = ["# Fiverr Bot", "", result["message"], ""]
    for order in result["orders"]:
        lines += [f"## {order['number']}: {order['gig']}, {order['package']}", "", f"Status: {order['status']}"]
        lines += [f"Problem: {order['problem']}"] if order["problem"] else []
        lines += [f"- {file['name']}, sha256 {file['sha256']}" for file in order["deliverables"]]
        passed = {True: "passed", False: "failed"}
        lines += [f"- {passed[bool(c['passed'])]}: {c['label']} ({c['seen']})" for c in order["checks"]]
        lines.append("")
    ref = result["inventory_ref"]
    lines += [f"Inventory: observation {ref['observation_id']}, sha256 {ref['sha256']}, {ref['measured_at']}", ""]
    return NewArtifact("work_log", "fiverr_bot.md", "text/markdown; charset=utf-8", "\n".join(lines).encode())
