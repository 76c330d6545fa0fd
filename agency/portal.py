"""What a client sees of a service order, and may do to it without an account.

The rules are the Fulfillment Engine's. This adds one: a client answers the delivery that they have seen.
"""

from dataclasses import dataclass

from agency import briefs, fulfillment_engine
from agency.client_mail import is_asked_by_client, revisions_left
from agency.models import Artifact, ServiceOrder
from earnings.refusals import Refusal

Status = ServiceOrder.Status
IN_WORK = (Status.QUEUED, Status.IN_PROGRESS, Status.READY, Status.REVISION, Status.ON_HOLD)
STEPS = ("Your brief", "In the works", "Delivered", "Accepted")

# What a browser draws without running anything.
PICTURES = {"image/png", "image/jpeg", "image/webp", "image/gif"}
LARGEST_PICTURE = 3_000_000


@dataclass(frozen=True)
class File:
    artifact: Artifact
    is_picture: bool


@dataclass(frozen=True)
class Seen:
    """A delivery as the client sees it."""

    delivery: object
    files: list
    checks: list


@dataclass(frozen=True)
class Desk:
    """Everything of an order that its client's page shows."""

    order: ServiceOrder
    deliveries: list
    missing: list
    revisions_left: int

    @property
    def latest(self):
        return self.deliveries[0] if self.deliveries else None

    @property
    def takes_brief(self):
        return fulfillment_engine.takes_brief(self.order)

    @property
    def waits_for_client(self):
        return self.order.status in (Status.AWAITING_BRIEF, Status.DELIVERED)

    @property
    def is_in_revision(self):
        """Whether the client's wish for a change is being worked on, and may be added to."""
        return self.order.status == Status.REVISION and is_asked_by_client(self.order)

    @property
    def steps(self):
        """The way of an order: `(name, "done" | "now" | "")`."""
        now = self._step
        return [
            (name, "done" if number < now else "now" if number == now else "") for number, name in enumerate(STEPS)
        ]

    @property
    def _step(self):
        if self.order.status == Status.ACCEPTED:
            return len(STEPS)
        if self.order.status == Status.DELIVERED:
            return 2
        return 1 if self.order.status in IN_WORK else 0


def of(token):
    """The `Desk` of the order with this token, or None."""
    order = ServiceOrder.objects.select_related("gig", "package").filter(token=token).first()
    if order is None:
        return None
    delivered = order.deliveries.exclude(delivered_at=None).order_by("-number").prefetch_related("artifacts")
    missing = briefs.problems(order.gig, order.brief) if order.status == Status.AWAITING_BRIEF else []
    return Desk(order, [_seen(delivery) for delivery in delivered], missing, revisions_left(order))


def _seen(delivery):
    files = [
        File(artifact, artifact.content_type in PICTURES and artifact.size <= LARGEST_PICTURE)
        for artifact in delivery.artifacts.all()
    ]
    return Seen(delivery, files, [check for check in delivery.checks if check.get("passed")])


def file_of(token, pk):
    """A file that was delivered to the client, or None."""
    delivered = Artifact.objects.filter(deliveries__delivered_at__isnull=False)
    return delivered.filter(deliveries__service_order__token=token, pk=pk).distinct().first()


def accept(order, number, *, consent, quote=""):
    """The client takes delivery `number`. Twice is once; Refusal (409) unless it is what lies before them."""
    if order.status != Status.ACCEPTED:
        _refuse_unseen(order, number)
    return fulfillment_engine.accept(order, consent=consent, quote=quote)


def request_revision(order, number, reason):
    """The client wants delivery `number` changed, or adds to what they want. Refusals as in `accept`."""
    _refuse_unseen(order, number, Status.REVISION)
    return fulfillment_engine.request_revision(order, reason)


def _refuse_unseen(order, number, *more):
    last = order.deliveries.last()
    if order.status not in (Status.DELIVERED, *more) or last is None or last.delivered_at is None:
        raise Refusal("There is nothing to decide at the moment.", allowed=[])
    if last.number != number:
        raise Refusal("There is a newer delivery. Look at it first.", allowed=order.allowed)
