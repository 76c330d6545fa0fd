"""Telling other programs what happened: endpoints, and the messages written for them.

A message is written in the transaction of what it tells, so that neither can exist without the other; sending is
`agency.webhook_sender`. Messages carry ids, statuses and addresses of the API, and nothing of what clients said.
"""

import json
import uuid
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django_q.tasks import async_task

from agency import webhook_addresses
from agency.models import Run, ServiceOrder, Task, WebhookDelivery, WebhookEndpoint
from agency.webhook_signing import new_secret
from earnings.refusals import Refusal

OLD_SECRET_SIGNS = timedelta(hours=24)
MOST_OLD_SECRETS = 4
KEPT = timedelta(days=30)
FORGOTTEN_AT_ONCE = 500

TEST = "webhook.test"
ACTIVE = "SELECT id, events FROM agency_webhookendpoint WHERE is_active ORDER BY id"
EVENT_TYPES = (
    *(f"run.{status}" for status in (*Run.TERMINAL, Run.Status.NEEDS_HUMAN)),
    f"task.{Task.Status.NEEDS_HUMAN}",
    *(f"service_order.{status}" for status in ServiceOrder.Status),
    *(
        "order.placed",
        "order.paid",
        "order.refunded",
        "order.disputed",
        "order.canceled",
    ),  # the storefront tells these
)
Status = WebhookDelivery.Status


# --- What is told ---------------------------------------------------------------------------------------


def announce_run(run_id, status):
    """Tell that a run ended or waits for a person, in the transaction in which it does."""
    announce_runs([run_id], status)


def announce_runs(run_ids, status):
    """The same for several that came to it together."""
    endpoints = _listeners(f"run.{status}")
    if endpoints:
        titles = Run.objects.filter(pk__in=run_ids).order_by("pk").values_list("pk", "title")
        for run_id, title in titles:
            _write(endpoints, f"run.{status}", {**_resource("runs", run_id), "status": status, "title": title})


def announce_task(task, status):
    """Tell that a task waits for a person, in the transaction in which it begins to."""
    announce(
        f"task.{status}",
        {**_resource("tasks", task.pk), "status": status, "run": task.run_id, "workflow": task.workflow},
    )


def announce_order(order):
    """Tell the new status of a service order, in the transaction that changed it."""
    resource = _resource("service-orders", order.pk)
    announce(f"service_order.{order.status}", {**resource, "status": order.status, "number": order.number})


def announce(event_type, data):
    """Write a message for each active endpoint that wants this type, and ring once they are committed.

    Called inside the transaction that changes the state. `data` is JSON without personal data. One query where
    nobody listens.
    """
    endpoints = _listeners(event_type)
    if endpoints:
        _write(endpoints, event_type, data)


def _listeners(event_type):
    with connection.cursor() as cursor:  # by hand: every run that ends passes here, mostly for nobody
        cursor.execute(ACTIVE)
        active = [(pk, json.loads(events)) for pk, events in cursor.fetchall()]
    return [pk for pk, events in active if not events or event_type in events]


def _resource(name, pk):
    return {"id": pk, "url": f"{settings.PUBLIC_URL}/api/v1/{name}/{pk}"}


def _write(endpoint_ids, event_type, data):
    now = timezone.now()
    message_id = f"msg_{uuid.uuid4().hex}"
    at = now.isoformat().replace("+00:00", "Z")
    body = json.dumps({"type": event_type, "timestamp": at, "data": data}, separators=(",", ":"))
    written = WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            endpoint_id=pk, message_id=message_id, event_type=event_type, body=body, due_at=now, created_at=now
        )
        for pk in endpoint_ids
    )
    transaction.on_commit(partial(_ring_unless_older_waits, written[0].pk), robust=True)
    return written


def _ring_unless_older_waits(pk):
    """An older message's own bell rang, and who answers it finds ours, too: thousands need no thousand bells."""
    older = WebhookDelivery.objects.filter(status=Status.QUEUED, due_at__lte=timezone.now(), pk__lt=pk)
    if not older.exists():
        _ring()


def _ring():
    async_task("agency.jobs.send_webhooks")


# --- Endpoints --------------------------------------------------------------------------------------------


def add_endpoint(url, *, events=(), description="", user=None):
    """Somebody wants to be told. Refusal (422) for an address that is not public or an event that is none of ours.

    An address has one endpoint: 409 if it is there. Looks the name up: not to be called in a transaction.
    """
    _check(url, events)
    try:
        with transaction.atomic():
            return WebhookEndpoint.objects.create(
                url=url, events=sorted(set(events)), description=description, created_by=user
            )
    except IntegrityError:
        raise _taken(url) from None


def change_endpoint(endpoint, *, url=None, events=None, description=None):
    """Change what is given. Refusals as in `add_endpoint`; what waits to be sent goes to the new address."""
    _check(url if url != endpoint.url else None, events)
    events = None if events is None else sorted(set(events))
    given = {"url": url, "events": events, "description": description}
    fields = {name: value for name, value in given.items() if value is not None}
    try:
        with transaction.atomic():
            WebhookEndpoint.objects.present().filter(pk=endpoint.pk).update(**fields)
    except IntegrityError:
        raise _taken(url) from None
    endpoint.refresh_from_db()
    return endpoint


def _check(url, events):
    errors = []
    if url is not None:
        try:
            webhook_addresses.check(url)
        except webhook_addresses.Unusable as error:
            errors.append({"pointer": "/url", "detail": str(error)})
    unknown = sorted(set(events or ()) - set(EVENT_TYPES))
    if unknown:
        detail = f"There is no event {', '.join(unknown)}. Known: {', '.join(EVENT_TYPES)}."
        errors.append({"pointer": "/events", "detail": detail})
    if errors:
        raise Refusal("The endpoint can't be accepted.", status=422, errors=errors)


def _taken(url):
    detail = "There is an endpoint with this address."
    return Refusal(detail, errors=[{"pointer": "/url", "detail": detail}])


def enable(endpoint):
    """Send to it again, with a clean record."""
    WebhookEndpoint.objects.present().filter(pk=endpoint.pk).update(is_active=True, failures=0, disabled_reason="")
    endpoint.refresh_from_db()
    return endpoint


def disable(endpoint, reason="Switched off by a person."):
    """Write no more messages for it; what waits is given up when it would have been sent."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk, is_active=True).update(
        is_active=False, disabled_reason=reason[:200]
    )
    endpoint.refresh_from_db()
    return endpoint


def remove(endpoint):
    """Forget the address and its secret for good."""
    WebhookEndpoint.objects.present().filter(pk=endpoint.pk).update(
        is_active=False, disabled_reason="Removed.", removed_at=timezone.now(), secret="", old_secrets=[]
    )
    endpoint.refresh_from_db()
    return endpoint


def secrets_of(endpoint, now):
    """What signs a message now: the secret, and older ones for 24 hours after their rotation, newest first."""
    still = [old["secret"] for old in endpoint.old_secrets if datetime.fromisoformat(old["until"]) > now]
    return [endpoint.secret, *still]


def rotate_secret(endpoint):
    """Give it a new secret; for 24 hours the old one signs, too. Of two at once, both answer with the same."""
    now = timezone.now()
    until = (now + OLD_SECRET_SIGNS).isoformat()
    still = [old for old in endpoint.old_secrets if datetime.fromisoformat(old["until"]) > now]
    olds = [{"secret": endpoint.secret, "until": until}, *still][:MOST_OLD_SECRETS]
    WebhookEndpoint.objects.present().filter(pk=endpoint.pk, secret=endpoint.secret).update(
        secret=new_secret(), old_secrets=olds
    )
    endpoint.refresh_from_db()
    return endpoint


# --- Messages ---------------------------------------------------------------------------------------------


@transaction.atomic
def send_test(endpoint):
    """Send a message that says nothing but that it is a test. Refusal (409) while the endpoint is disabled."""
    _refuse_disabled(endpoint)
    (delivery,) = _write([endpoint.pk], TEST, _resource("webhook-endpoints", endpoint.pk))
    return delivery


@transaction.atomic
def redeliver(delivery):
    """Send a message again, now, under its old id, and along the schedule if that fails.

    Refusal (409) while its endpoint is disabled. One that waits is sent now; one that is being sent stays so.
    """
    _refuse_disabled(delivery.endpoint)
    row = WebhookDelivery.objects.filter(pk=delivery.pk)
    if not row.filter(status__in=WebhookDelivery.TERMINAL).update(
        status=Status.QUEUED, due_at=timezone.now(), failed_tries=0, delivered_at=None
    ):
        row.filter(status=Status.QUEUED).update(due_at=timezone.now())
    delivery.refresh_from_db()
    transaction.on_commit(_ring, robust=True)
    return delivery


def _refuse_disabled(endpoint):
    if not endpoint.is_active:
        raise Refusal(f"{endpoint} is disabled: {endpoint.disabled_reason} Enable it first.", allowed=[])


def forget():
    """Delete messages older than 30 days, some at a time: they are a log, not books."""
    old = WebhookDelivery.objects.filter(created_at__lt=timezone.now() - KEPT).order_by("created_at")
    WebhookDelivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])).delete()
