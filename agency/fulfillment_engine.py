"""The life of a service order: taken, briefed, made, offered, delivered, accepted, told of.

An order that its marketplace paid is real: it is booked as unearned the moment it is taken, and as earned when
the client accepts. One that nobody paid is simulated, and moves no real figure.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from agency import briefs, checklist, client_mail, recipes, success_stories, webhooks
from agency.models import Artifact, Delivery, ServiceOrder
from agency.wanted_orders import read_order
from agency.wording import count
from earnings import ledger, money
from earnings.models import Earning, Kind
from earnings.refusals import Refusal

logger = logging.getLogger(__name__)
Status = ServiceOrder.Status
CHECKS = checklist.CHECKS
BRIEF_IS_OPEN = (Status.AWAITING_BRIEF, Status.QUEUED, Status.IN_PROGRESS, Status.REVISION, Status.ON_HOLD)


# --- Taking an order ------------------------------------------------------------------------------------


@transaction.atomic
def take_order(gig, package, *, brief=None, external=None, run=None):
    """Write down work owed to a client, and book what the marketplace has paid for it as unearned.

    `gig` is a slug, `package` a tier, `brief` what the client said (`{"showcase_consent": true}` lets us show
    the result), `external` see `wanted_orders.read_order`; its optional `client` is the buyer's name there.
    The same marketplace order given again answers with the order that is there, completed by a better brief;
    with another amount, gig or package it is refused (409). A `run` takes one order of ours, however often it or
    a restart of it asks.
    """
    wanted = read_order(gig, package, external)
    brief = briefs.checked(brief)
    identity = (
        {"channel": wanted.channel, "external_id": wanted.external_id}
        if wanted.external_id
        else {"run": _first(run), "external_id": ""}
    )
    defaults = _new_order(wanted, brief, external, run)
    if wanted.external_id or run:
        order, created = ServiceOrder.objects.get_or_create(**identity, defaults=defaults)
    else:
        order, created = ServiceOrder.objects.create(**(defaults | identity)), True
    if created:
        webhooks.announce_order(order)
    else:
        _refuse_other_order(order, wanted)
        if order.status == Status.AWAITING_BRIEF and brief:
            set_requirements(order, brief)
    if order.kind == Kind.REAL:
        _book_paid(order)
    return order


def _new_order(wanted, brief, external, run):
    now = timezone.now()
    complete = not briefs.problems(wanted.gig, brief)
    return {
        "gig": wanted.gig,
        "package": wanted.package,
        "channel": wanted.channel,
        "kind": Kind.REAL if wanted.external_id else Kind.SIMULATED,
        "status": Status.QUEUED if complete else Status.AWAITING_BRIEF,
        "amount_minor": wanted.amount_minor,
        "fee_minor": ledger.fee(wanted.channel, wanted.amount_minor),
        "currency": wanted.currency,
        "client": ((external or {}).get("client") or "").strip()[:120],
        "brief": brief,
        "showcase_consent": brief.get("showcase_consent") is True,
        "run": _first(run),
        "created_at": now,
        "agreed_days": wanted.package.delivery_days,
        "agreed_revisions": wanted.package.revisions,
        "due_at": now + timedelta(days=wanted.package.delivery_days) if complete else None,
    }


def _first(run):
    """The run that a chain of restarts began with: a resumed or replayed run owes no second delivery."""
    while run is not None and run.restart_of_id:
        run = run.restart_of
    return run


def _refuse_other_order(order, wanted):
    same = (order.package_id, order.amount_minor, order.currency) == (
        wanted.package.pk,
        wanted.amount_minor,
        wanted.currency,
    )
    if not same:
        was = f"{order.package} for {money.amount_text(order.amount_minor, order.currency)} {order.currency}"
        name = f"{wanted.channel.pk} order {wanted.external_id}" if wanted.external_id else "This run's order"
        raise Refusal(f"{name} was taken before as {order.number}, {was}.", allowed=order.allowed)


def _book_paid(order):
    """The order's earning, booked as paid once; its key makes a second call find the first.

    What our shop sold was booked there. Where a statement of its marketplace told of the sale before we knew the
    order, it is that earning.
    """
    if order.earning_key:
        return Earning.objects.get(key=order.earning_key)
    run, key = order.run, f"service_order:{order.pk}"
    told = ledger.find_sale(order.channel, order.external_id, order.kind) if order.external_id else None
    if told and told.key != key:
        return told
    return ledger.record_paid(
        key=key,
        work=ledger.Work.OWED,
        kind=order.kind,
        title=f"{order.gig.name}, {order.package.name}"[:200],
        gross_minor=order.amount_minor,
        fee_minor=order.fee_minor,
        currency=order.currency,
        channel=order.channel,
        source="service_order",
        reference=order.number,
        external_id=order.external_id,
        gig=order.gig.slug,
        client=order.client,
        run_id=order.run_id,
        intent_id=run.intent_id if run else None,
        occurred_at=order.created_at,
    )


# --- The client's brief -----------------------------------------------------------------------------------


def takes_brief(order):
    """Until the work is offered, and while a revision is asked for. A hold opens nothing that was closed."""
    return order.status in BRIEF_IS_OPEN and order.held_from != Status.READY


@transaction.atomic
def set_requirements(order, brief):
    """Add what the client said to the brief; once nothing is missing the order is queued.

    Refusal (409) unless the order `takes_brief`.
    """
    brief = briefs.checked(brief)
    current = ServiceOrder.objects.select_for_update().get(pk=order.pk)
    merged = {**current.brief, **brief}
    problems = briefs.problems(order.gig, merged)
    if current.status == Status.REVISION and problems:
        raise Refusal("The brief can't be used.", status=422, errors=problems)
    to = Status.AWAITING_BRIEF if problems else Status.QUEUED
    if current.status in (Status.IN_PROGRESS, Status.ON_HOLD):
        to = current.status
    fields = {"brief": merged, "problem": ""}
    if "showcase_consent" in brief:
        fields["showcase_consent"] = brief["showcase_consent"] is True
    if not problems and current.due_at is None:
        fields["due_at"] = timezone.now() + timedelta(days=order.delivery_days)
    if not (takes_brief(current) and _move(order, to, BRIEF_IS_OPEN, **fields)):
        _refuse(current, "takes no more of the brief")
    return order


def note_problem(order, problem):
    """A person has to look at a queued order: say why. The order does not fail."""
    ServiceOrder.objects.filter(pk=order.pk, status=Status.QUEUED).update(problem=problem[:500])
    order.refresh_from_db()
    return order


def await_brief(order, problem):
    """The client has to say something else first: the order waits for a better brief."""
    _move(order, Status.AWAITING_BRIEF, (Status.QUEUED, Status.IN_PROGRESS), problem=problem[:500])
    return order


# --- Making and offering ------------------------------------------------------------------------------------


def start(order):
    """Somebody began with the work. Refusal (409) unless it is queued or in revision."""
    if not _advance(order, Status.IN_PROGRESS) and order.status != Status.IN_PROGRESS:
        _refuse(order, "cannot be started")
    return order


def produce(order, *, work, write):
    """Make the order's files by its gig's recipe, and ask them the package's checklist.

    Returns (`recipes.Made`, checks). Nothing is written. Refusal (422) when the brief can't be used.
    """
    made = recipes.get(order.gig.recipe).make(order.brief, tier=order.package.tier, work=work, write=write)
    return made, checklist.run(order.package.checklist, made.artifacts, made.facts)


@transaction.atomic
def offer(order, artifacts, *, checks, message=""):
    """Offer stored artifacts as the order's next delivery: it is ready for a person to deliver.

    Refusal (409) if somebody held, canceled or offered it meanwhile: then nothing of this delivery is kept.
    """
    _move(order, Status.IN_PROGRESS, (Status.QUEUED, Status.REVISION))
    if not _move(order, Status.READY, (Status.IN_PROGRESS,), problem=""):
        _refuse(order, "cannot be offered")
    last = order.deliveries.aggregate(last=Max("number"))["last"] or 0
    delivery = Delivery.objects.create(service_order=order, number=last + 1, message=message, checks=checks)
    delivery.artifacts.set(artifacts)
    Artifact.objects.filter(pk__in=[a.pk for a in artifacts]).update(service_order=order)
    return delivery


def offer_by_hand(order, files, *, message=""):
    """Offer files (`NewArtifact`s) that a person made. Refusal (422) if the package's checklist fails them."""
    if not files:
        raise Refusal.of_field("/files", "A delivery has at least one file.")
    checks = checklist.run(order.package.checklist, files, {})
    failed = [c for c in checks if not c["passed"]]
    if failed:
        errors = [{"pointer": "/files", "detail": f"{c['label']}: {c['seen']}"} for c in failed]
        raise Refusal("The files don't pass the package's checklist.", status=422, errors=errors)
    stored = []
    try:
        with transaction.atomic():
            for file in files:
                stored.append(_store(order, file))
            return offer(order, stored, checks=checks, message=message)
    except BaseException:
        for artifact in stored:
            artifact.discard()
        raise


def _store(order, new):
    # A type is what a browser says it is, however long.
    artifact = Artifact(service_order=order, kind=new.kind, name=new.name, content_type=new.content_type[:80])
    artifact.keep(new.content, new.name)
    artifact.save()
    return artifact


# --- Delivering and accepting -----------------------------------------------------------------------------


@transaction.atomic
def deliver(order):
    """Hand the offered delivery to the client. Refusal (409) unless one is ready."""
    now = timezone.now()
    if _advance(order, Status.DELIVERED):
        order.hand_over(now)
    elif order.status != Status.DELIVERED:
        _refuse(order, "has nothing to deliver")
    return order


@transaction.atomic
def accept(order, *, consent=None, quote="", by=None):
    """The client takes the work: its money is earned, and with consent its story is told, in one transaction.

    `consent` None keeps what the client said before. `quote` is the client's own sentence, at most 300
    characters. `by` is the member of staff who noted it, None when the client did. Twice is once.
    """
    if len(quote) > 300:
        raise Refusal.of_field("/quote", "At most 300 characters.")
    now = timezone.now()
    if _advance(order, Status.ACCEPTED, accepted_at=now, problem=""):
        _earn(order, now)
        order.hand_over(now)
        logger.info("%s accepted by %s", order.number, f"user {by.pk}" if by else "the client")
    elif order.status != Status.ACCEPTED:
        _refuse(order, "cannot be accepted")
    if consent is not None and consent != order.showcase_consent:
        order.showcase_consent = consent
        order.save(update_fields=["showcase_consent"])
    if order.showcase_consent:
        success_stories.tell(order, quote)
    else:
        success_stories.take_down(order)
    return order


def _earn(order, at):
    if not order.amount_minor:
        return
    earning = _book_paid(order)
    # A sale that a statement told of is earned already.
    if earning.key in (f"service_order:{order.pk}", order.earning_key):
        ledger.record_earned(earning, f"{earning.key}:earned", at)


@transaction.atomic
def request_revision(order, reason):
    """Something of the delivery has to change: the client's wish, or ours while the client has not seen it.

    Only what the client saw uses up one of the package's revisions; Refusal (409) when none is left. More words
    while the revision is open are added to it, the same words once; Refusal (422) when they get too many.
    """
    if not (reason := reason.strip()):
        raise Refusal.of_field("/reason", "Say what should change.")
    order.refresh_from_db()
    if order.status == Status.DELIVERED and not client_mail.revisions_left(order):
        raise Refusal(
            f"{order.number} has used its {count(order.revisions, 'revision')}.",
            allowed=[status for status in order.allowed if status != Status.REVISION],
        )
    # Its row is locked until all is written, also where it is in revision already.
    if not _move(order, Status.REVISION, (Status.READY, Status.DELIVERED, Status.REVISION), held_from=""):
        _refuse(order, "has no delivery to revise")
    if (delivery := order.deliveries.last()) and not delivery.ask_for(reason):
        raise Refusal.of_field("/reason", f"One revision takes {Delivery.MOST_WORDS:,} characters in all.")
    return order


# --- Interruptions ---------------------------------------------------------------------------------------


def hold(order):
    """Set the order aside; `resume` takes it up where it was. Refusal (409) once it is delivered or closed."""
    for _ in Status:  # each turn loses to somebody's change of status at most once
        order.refresh_from_db()
        if order.status == Status.ON_HOLD:
            return order
        if Status.ON_HOLD not in ServiceOrder.TRANSITIONS.get(order.status, ()):
            break
        if _move(order, Status.ON_HOLD, (order.status,), held_from=order.status):
            return order
    _refuse(order, "cannot be put on hold")


def resume(order):
    """Take up an order that was on hold. Work that was in progress is queued again."""
    order.refresh_from_db()
    if order.status == Status.ON_HOLD:
        came_from = order.held_from or Status.AWAITING_BRIEF
        to = came_from
        if came_from in (Status.AWAITING_BRIEF, Status.QUEUED, Status.IN_PROGRESS):
            to = Status.AWAITING_BRIEF if briefs.problems(order.gig, order.brief) else Status.QUEUED
        _move(order, to, (Status.ON_HOLD,), held_from="")
    elif not order.allowed:
        _refuse(order, "is not on hold")
    return order


@transaction.atomic
def cancel(order):
    """Call the order off before it is accepted; what its marketplace paid is refunded in full, fee included.

    What our own shop sold is paid back by a refund of the shop's, which asks its payment provider.
    """
    if _advance(order, Status.CANCELED, held_from=""):
        earning = Earning.objects.filter(key=f"service_order:{order.pk}").first()
        held = ledger.balances(earning) if earning else {}
        if held and held[ledger.DEFERRED]:  # less than was paid, if a part was refunded before
            ledger.refund(
                earning,
                f"service_order:{order.pk}:refunded",
                timezone.now(),
                gross_minor=-held[ledger.DEFERRED],
                fee_minor=held[ledger.FEES],
            )
    elif order.status != Status.CANCELED:
        _refuse(order, "cannot be canceled")
    return order


@transaction.atomic
def _advance(order, to, **fields):
    """`advance`, told to who listens."""
    moved = order.advance(to, **fields)
    if moved:
        _tell_change(order)
    return moved


@transaction.atomic
def _move(order, to, sources, **fields):
    """`_advance`, but only from these statuses: fewer than the table allows. Staying is no news."""
    rows = ServiceOrder.objects.filter(pk=order.pk, status__in=sources)
    moved = rows.exclude(status=to).update(status=to, **fields)
    stayed = 0 if moved else rows.filter(status=to).update(**fields)
    order.refresh_from_db()
    if moved:
        _tell_change(order)
    return bool(moved or stayed)


def _tell_change(order):
    """A new status is news: to other programs, and to the client."""
    webhooks.announce_order(order)
    client_mail.tell(order)


def _refuse(order, what):
    raise Refusal(f"{order.number} is {order.get_status_display()}; it {what}.", allowed=order.allowed)
