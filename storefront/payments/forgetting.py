"""What providers told us is kept for ever, but whom it was about only for PAYMENT_EVENT_DAYS.

The books and the rule that an event counts once need its id, type, amounts and outcome; names, addresses and cards
nobody needs. What is kept is listed, so that what a provider adds one day is forgotten, too.
"""

import json
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from storefront.models import PaymentEvent
from storefront.models.orders import NUMBER

AT_ONCE = 200
OF_EVENT = ("id", "object", "type", "created", "livemode", "api_version")
# Also what an event that was refused needs to be processed again: the provider is asked for the rest.
OF_OBJECT = (
    *("id", "object", "created", "livemode", "status", "payment_status", "reason", "failure_reason"),
    *("amount", "amount_total", "amount_received", "amount_refunded", "currency"),
    *("payment_intent", "latest_charge", "charge", "balance_transaction", "client_reference_id"),
)
OF_METADATA = ("order", "payment", "refund")


def due():
    """The events whose people are to be forgotten, also of one that stumbles for ever: what is kept is all that
    processing it needs."""
    until = timezone.now() - timedelta(days=settings.PAYMENT_EVENT_DAYS)
    return PaymentEvent.objects.filter(forgotten_at=None, received_at__lt=until)


def forget():
    """Take the personal parts out of old events, some at a time. For the sweep."""
    for event in due().order_by("received_at")[:AT_ONCE]:
        due().filter(pk=event.pk).update(body=without_people(event.body), forgotten_at=timezone.now())


def without_people(body):
    """An event's body with the parts that are about money and about ids of ours and the provider's."""
    try:
        event = json.loads(body)
        thing = dict(event["data"]["object"])
    except (ValueError, KeyError, TypeError):
        return "{}"
    kept = _scalars(thing, OF_OBJECT)
    if not NUMBER.fullmatch(str(kept.get("client_reference_id"))):  # another program may put anything there
        kept.pop("client_reference_id", None)
    if isinstance(thing.get("metadata"), dict):
        kept["metadata"] = _scalars(thing["metadata"], OF_METADATA)
    return json.dumps({**_scalars(event, OF_EVENT), "data": {"object": kept}})


def _scalars(found, names):
    """An expanded object, e.g. a charge with its billing details, is more than its id."""
    return {name: found[name] for name in names if isinstance(found.get(name), str | int | None) and name in found}
