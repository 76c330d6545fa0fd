"""Service orders that a shop sold: the money is in its ledger already, under a key of the shop's."""

from agency import webhooks
from agency.models import ServiceOrder
from earnings.models import Channel, Kind

SHOP = "direct"


def take_sold(package, *, external_id, client, email="", earning=None):
    """Write down work that was sold with `package`, in the transaction that booked its payment, and return it.

    `earning` is what was booked for it as owed; none where the package was free. `external_id` names the sale in
    its shop: taken twice, it is one order. It waits for the client's brief.
    """
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
        },
    )
    if created:
        webhooks.announce_order(order)
    return order
