"""What the client of a service order is written at each step, in the transaction that made it."""

import hashlib

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from agency import mail
from agency.models import ServiceOrder
from agency.models.runs import canonical_json
from earnings.refusals import Refusal

Status = ServiceOrder.Status

# What the client reads of each status; the others are ours alone.
TEMPLATES = {
    Status.AWAITING_BRIEF: "work_question",
    Status.QUEUED: "work_begins",
    Status.DELIVERED: "work_delivered",
    Status.REVISION: "work_revision",
    Status.ACCEPTED: "work_accepted",
    Status.CANCELED: "work_canceled",
}


def tell(order):
    """Write to the client that the order has this status; clients of marketplaces are written to there."""
    template = TEMPLATES.get(order.status)
    if not template or not order.email or (order.status == Status.AWAITING_BRIEF and not order.problem):
        return None
    if order.status == Status.REVISION and not is_asked_by_client(order):
        return None
    try:
        return mail.write(f"service_order:{order.pk}:{_occasion(order)}", order.email, template, _context(order))
    except Refusal:  # an address that nobody can write to must not hold up the work
        return None


def _occasion(order):
    """What is told once: each question, each delivery and the wish to change it, and the rest of the statuses."""
    if order.status == Status.AWAITING_BRIEF:
        # With the brief: who sends another file with the old fault has to hear of it again.
        asked = canonical_json([order.problem, order.brief])
        return f"question:{hashlib.sha256(asked.encode()).hexdigest()[:16]}"
    if order.status in (Status.DELIVERED, Status.REVISION):
        return f"{order.status}:{order.deliveries.count()}"
    return order.status


def _context(order):
    last = order.deliveries.last()
    return {
        "number": order.number,
        "client": order.client,
        "what": f"{order.gig.name}, {order.package.name}",
        "url": settings.PUBLIC_URL + order.portal_path,
        "due_on": date_format(timezone.localtime(order.due_at), "j F Y") if order.due_at else "",
        "problem": order.problem,
        "message": last.message if last else "",
        "revisions": revisions_left(order),
    }


def revisions_left(order):
    """How many rounds of changes the client still has; what we sent back before they saw it is none."""
    used = order.deliveries.exclude(revision_request="").exclude(delivered_at=None).count()
    return max(order.revisions - used, 0)


def is_asked_by_client(order):
    """Whether the order's newest delivery, which is to be revised, is one that the client has seen."""
    last = order.deliveries.last()
    return last is not None and last.delivered_at is not None
