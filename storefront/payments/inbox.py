"""What providers tell us: stored first, then processed, so that nothing is lost when a process dies between.

An event is one row, however often it is told. What refuses it is shown to staff; what stumbles is tried again by
the sweep, for as long as it takes.
"""

import json
import logging
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from earnings.refusals import Refusal
from storefront.models import PaymentEvent
from storefront.payments import Later, stripe

log = logging.getLogger(__name__)
Status = PaymentEvent.Status
HANDLERS = {"stripe": stripe.handle}
HEAD_START = timedelta(seconds=30)  # for who received it; then the sweep takes it up
RETRY_AFTER = (30, 120, 600, 3600)  # seconds; the last one again and again
AT_ONCE = 20


def receive(provider, event, body):
    """Store an event as it came; the row that is there if it was told before."""
    return PaymentEvent.objects.get_or_create(
        provider=provider,
        external_id=event["id"][:120],
        defaults={"type": event["type"][:80], "body": body, "due_at": timezone.now() + HEAD_START},
    )[0]


def process(event):
    """Do what a stored event asks for, once; returns it as it is then."""
    event.refresh_from_db()
    if event.status != Status.RECEIVED:
        return event
    try:
        order = HANDLERS[event.provider](json.loads(event.body))
    except Refusal as refusal:
        _finish(event, Status.REFUSED, problem=refusal.detail[:500])
    except Later as later:
        _try_later(event, str(later))
    except Exception as error:
        log.exception("payment event %s stumbled; it is tried again", event.pk)
        _try_later(event, f"It stumbled ({type(error).__name__}) and is tried again.")
    else:
        _finish(event, Status.PROCESSED if order else Status.IGNORED, order=order, problem="")
    return event


def _finish(event, status, **fields):
    waiting = PaymentEvent.objects.filter(pk=event.pk, status=Status.RECEIVED)
    waiting.update(status=status, processed_at=timezone.now(), **fields)
    event.refresh_from_db()


def _try_later(event, problem):
    wait = timedelta(seconds=RETRY_AFTER[min(event.attempts, len(RETRY_AFTER) - 1)])
    PaymentEvent.objects.filter(pk=event.pk, status=Status.RECEIVED).update(
        attempts=F("attempts") + 1,
        problem=problem,
        due_at=timezone.now() + wait,
    )
    event.refresh_from_db()


def try_again(event):
    """Staff mended what refused it: process it anew."""
    PaymentEvent.objects.filter(pk=event.pk, status=Status.REFUSED).update(status=Status.RECEIVED)
    return process(event)


def due():
    """What is still waiting and nobody is at."""
    return PaymentEvent.objects.filter(status=Status.RECEIVED, due_at__lte=timezone.now())


def sweep():
    """Process what is due, oldest first."""
    for event in due().order_by("due_at")[:AT_ONCE]:
        process(event)
