"""What the front page of the admin shows of the shop."""

from django import template

from agency.models import Gig
from storefront import library
from storefront.models import Order, PaymentEvent, Product, Refund

register = template.Library()

COUNTED = 100  # of a list that may hold every product


@register.inclusion_tag("admin/storefront/begin.html", takes_context=True)
def shop_begin(context):
    """The first steps, for who may take them, until there is anything to sell."""
    may = context["request"].user.has_perm("storefront.add_product")
    return {"is_empty": may and not Product.objects.exists() and not Gig.objects.exists()}


@register.inclusion_tag("admin/storefront/front.html", takes_context=True)
def shop_front(context):
    """What of the shop waits for a person, as far as this user may see it."""
    if not context["request"].user.has_perm("storefront.view_order"):
        return {}
    sees_products = context["request"].user.has_perm("storefront.view_product")
    without_files = library.products_without_files().order_by()[: COUNTED + 1].count() if sees_products else 0
    return {
        "without_files": f"More than {COUNTED}" if without_files > COUNTED else without_files,
        "attention": Order.objects.needing_attention().count(),
        "unpaid": Order.objects.filter(
            status=Order.Status.AWAITING_PAYMENT, payments__provider="manual", payments__status="pending"
        ).count(),
        "to_hand_over": Order.objects.to_hand_over().count(),
        "proposed": Refund.objects.filter(status=Refund.Status.PROPOSED).count(),
        "refused": PaymentEvent.objects.filter(status=PaymentEvent.Status.REFUSED).count(),
    }
