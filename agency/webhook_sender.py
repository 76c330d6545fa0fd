"""Sending webhooks: claimed under a lease, posted, and tried again along the schedule of the specification.

A worker that is woken for it starts a thread and goes on with its tasks: a slow receiver holds no worker, not even
the only one. In that thread's process several messages are under way at once, one to each endpoint. A process that
is killed meanwhile leaves a lease that runs out; then the message is sent again under its old id: at least once.
"""

import logging
import random
import threading
import time
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from agency import webhook_calls, webhook_signing, webhooks
from agency.bell_threads import BellThread
from agency.models import WebhookDelivery, WebhookEndpoint
from agency.webhook_calls import Answer

log = logging.getLogger(__name__)
Status = WebhookDelivery.Status

# Seconds from a failed try to the next one.
SCHEDULE = (5, 5 * 60, 30 * 60, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)))
JITTER = 0.2  # a pause is up to so much longer
LONGEST_PAUSE = 24 * 3600  # whatever a receiver's Retry-After says
MOST_GIVEN_UP = 5  # messages in a row, then the endpoint is disabled
MOST_TRIES_SHOWN = 50
AT_ONCE = 8
LEASE = timedelta(seconds=60)  # more than a name's lookup and a call together may take
LOOK_EVERY = 0.5  # seconds between looks for other endpoints' messages while some are under way
GONE = 410
HEADERS = {"Content-Type": "application/json", "User-Agent": "Direction-Board-Webhooks/1", "Connection": "close"}
LOST = Answer(error="The process that sent it ended before an answer came.")
DISABLED = Answer(error="The endpoint is disabled.")


# --- The thread -------------------------------------------------------------------------------------------


def start():
    """Send what is due, in a thread of this process."""
    _thread.start()


def start_if_due():
    """The sweeper's look: retries whose time has come, and what killed senders and lost bells left."""
    now = timezone.now()
    if WebhookDelivery.objects.first_due(now).exists() or WebhookDelivery.objects.lost(now).exists():
        start()


_thread = BellThread("webhooks", lambda: send_due())


# --- Sending ----------------------------------------------------------------------------------------------


def send_due(seconds=None):
    """Send until nothing is due, or start no more sends after `seconds`. Returns when each one has ended."""
    until = None if seconds is None else time.monotonic() + seconds
    answers = SimpleQueue()
    under_way = 0
    while True:
        if until is None or time.monotonic() < until:
            for delivery in claim(AT_ONCE - under_way):
                # Not an executor: its threads would hold up the end of the process.
                threading.Thread(target=_send, args=(delivery, answers), daemon=True).start()
                under_way += 1
        if not under_way:
            return
        with suppress(Empty):
            delivery, answer = answers.get(timeout=LOOK_EVERY)
            under_way -= 1
            note(delivery, answer)


def claim(most):
    """Take up to `most` due messages under a lease, one of each endpoint; each one's `attempts` is its fence."""
    now = timezone.now()
    for left in WebhookDelivery.objects.lost(now).select_related("endpoint")[:AT_ONCE]:
        note(left, LOST)
    due = WebhookDelivery.objects.first_due(now).select_related("endpoint").order_by("due_at", "id")
    claimed = [delivery for delivery in due[:most] if _claim(delivery, now)]
    for delivery in claimed:
        if not delivery.endpoint.is_active:
            note(delivery, DISABLED)
    return [delivery for delivery in claimed if delivery.endpoint.is_active]


def _claim(delivery, now):
    row = WebhookDelivery.objects.filter(pk=delivery.pk, status=Status.QUEUED, attempts=delivery.attempts)
    try:
        with transaction.atomic():
            won = row.update(status=Status.SENDING, attempts=F("attempts") + 1, lease_until=now + LEASE)
    except IntegrityError:  # another sender has just taken another message to this endpoint
        return False
    delivery.status, delivery.attempts = Status.SENDING, delivery.attempts + 1
    return won


def _send(delivery, answers):
    """Post one message. No database here: the thread that claimed it writes down what came of it."""
    answer = Answer(error="It could not be sent; the log says why.")
    try:
        endpoint, timestamp = delivery.endpoint, int(time.time())
        secrets = webhooks.secrets_of(endpoint, timezone.now())
        signed = webhook_signing.headers(secrets, delivery.message_id, timestamp, delivery.body)
        answer = webhook_calls.post(endpoint.url, HEADERS | signed, delivery.body)
    except Exception:
        log.exception("webhook delivery %s", delivery.pk)
    finally:
        answers.put((delivery, answer))


@transaction.atomic
def note(delivery, answer):
    """Write down how a try ended: delivered, again later, or given up. Too late changes nothing."""
    now = timezone.now()
    tried = {"at": now.isoformat(), "status": answer.status, "ms": answer.ms, "error": _said(answer)}
    fields = {"tries": [*delivery.tries, tried][-MOST_TRIES_SHOWN:], "lease_until": None}
    failed_tries = delivery.failed_tries + (not answer.is_success)
    if answer.is_success:
        fields |= {"status": Status.DELIVERED, "delivered_at": now}
    elif failed_tries > len(SCHEDULE) or answer.status == GONE or answer is DISABLED:
        fields |= {"status": Status.FAILED, "failed_tries": failed_tries}
    else:
        pause = timedelta(seconds=_pause(failed_tries, answer.retry_after))
        fields |= {"status": Status.QUEUED, "failed_tries": failed_tries, "due_at": now + pause}
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, status=Status.SENDING, attempts=delivery.attempts)
    if mine.update(**fields):
        _judge(delivery.endpoint, fields["status"], answer)


def _said(answer):
    return "" if answer.is_success else answer.error


def _pause(failed_tries, retry_after):
    pause = SCHEDULE[failed_tries - 1] * random.uniform(1, 1 + JITTER)  # noqa: S311  jitter, not a secret
    return max(pause, min(retry_after or 0, LONGEST_PAUSE))


def _judge(endpoint, status, answer):
    """Keep count of messages given up in a row, and disable an endpoint that does not answer any more."""
    row = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    if status == Status.DELIVERED:
        row.filter(failures__gt=0).update(failures=0)
    elif answer.status == GONE:
        webhooks.disable(endpoint, "It answered 410 Gone: it wants no more messages.")
    elif status == Status.FAILED and answer is not DISABLED:
        row.update(failures=F("failures") + 1)
        if row.filter(failures__gte=MOST_GIVEN_UP).exists():
            webhooks.disable(endpoint, f"{MOST_GIVEN_UP} messages in a row were given up. Last: {answer.error}")
