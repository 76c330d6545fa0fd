"""Paying without money, to try the shop out: it says so everywhere, and what it books is simulated."""

from django.conf import settings
from django.urls import reverse

from earnings.models import Kind
from storefront.payments import Provider, register


@register
class Demo(Provider):
    key = "demo"
    label = "Demo payment"
    help = "No money moves and no card is asked for. For trying the shop out."
    button = "Continue to the demo payment"
    kind = Kind.SIMULATED
    channel = "demo"
    position = 1

    def is_offered(self, currency):
        return settings.DEMO_PAYMENTS

    def page_of(self, payment):
        return reverse("storefront:demo_payment", args=[payment.token])
