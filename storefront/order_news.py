"""What other programs are told of orders; numbers and statuses, and nothing of the buyer."""

from django.conf import settings

from agency import webhooks


def tell(order, what):
    """Write the message `order.<what>` in the transaction that made it true."""
    data = {
        "number": order.number,
        "url": f"{settings.PUBLIC_URL}/api/v1/orders/{order.number}",
        "status": order.status,
    }
    webhooks.announce(f"order.{what}", data)
