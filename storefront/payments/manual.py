"""Paying by invoice: the buyer transfers the money, and staff mark the order as paid when it has come."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from storefront.payments import Provider, register


@register
class Manual(Provider):
    key = "manual"
    label = "Invoice"
    help = "We send an invoice. Your order is handed over when the money has arrived."
    button = "Order on invoice"
    position = 2
    refunds_from_bank = True

    def is_offered(self, currency):
        return True

    def begin(self, payment):
        return {"due_on": timezone.localdate() + timedelta(days=settings.INVOICE_DAYS)}

    def page_of(self, payment):
        return payment.order.get_absolute_url()
