"""Service orders that a shop sold: the money is in its ledger already, under a key of the shop's."""

from django.db import transaction

from agency import fulfillment_engine, webhooks
from agency.models import ServiceOrder
from earnings.models import Channel, Kind

SHOP = "direct"
Status = ServiceOrder.Status
OFFERED = (Status.READY, Status.DELIVERED)


def take_sold(package, *, external_id, client, email="", earning=None, terms=None):
    """Write down work that was sold with `package`, in the transaction that booked its payment, and return it.

    `earning` is what was booked for it as owed; none where the package was free. `external_id` names the sale in
    its shop: taken twice, it is one order. It waits for the client's brief. `terms` are `delivery_days` and
    `revisions` as the client agreed to them, which may not be the package's any more.
    """
    terms = terms or {}
    channel = earning.channel if earning else Channel.objects.get(pk=SHOP)
    order, created = ServiceOrder.objects.get_or_create(
        channel=channel,
        external_id=external_id,
        defaults={
            "gig": package.gig,
            "package": package,
            "kind": earning.kind if earning else Kind.SIMULATED,
            "amount_minor": earning.gross_minor if earning else 0,
            "fee_minor": earning.fee_minor if earning else 0,
            "currency": package.currency,
            "client": client[:120],
            "email": email,
            "earning_key": earning.key if earning else "",
            "agreed_days": terms.get("delivery_days", package.delivery_days),
            "agreed_revisions": terms.get("revisions", package.revisions),
        },
    )
    if created:
        webhooks.announce_order(order)
    return order


@transaction.atomic
def call_off(order):
    """All that was paid for it went back, so the work ends, unless it was accepted. Twice is once.

    Where it stood is kept in `held_from`: the refund may fail. What staff cancel keeps nothing.
    """
    order = ServiceOrder.objects.select_for_update().get(pk=order.pk)
    if Status.CANCELED in order.allowed:
        stood_at = order.held_from or order.status
        fulfillment_engine.cancel(order)
        ServiceOrder.objects.filter(pk=order.pk, status=Status.CANCELED).update(held_from=stood_at)


@transaction.atomic
def take_up_again(order):
    """The refund that called it off failed: it waits on hold for a person, who resumes it or calls it off. False
    for what staff called off, and the second time.

    Only this leaves `canceled`, so the table of transitions, which says what people may do, lacks it.
    """
    order = ServiceOrder.objects.select_for_update().get(pk=order.pk)
    held_from = Status.READY if order.held_from in OFFERED else order.held_from
    called_off = ServiceOrder.objects.filter(pk=order.pk, status=Status.CANCELED).exclude(held_from="")
    if not called_off.update(status=Status.ON_HOLD, held_from=held_from):
        return False
    order.refresh_from_db()
    webhooks.announce_order(order)
    return True
