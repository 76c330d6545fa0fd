"""What the front page of the admin shows of the board."""

from django import template

from agency.models import Playbook, Run, ServiceOrder, Task
from earnings import dashboard

register = template.Library()


@register.inclusion_tag("admin/agency/front.html", takes_context=True)
def board_front(context):
    """The wish field, what waits for a person, the newest runs and the money, as far as this user may see them."""
    user = context["request"].user
    front = {"csrf_token": context.get("csrf_token"), "user": user}
    if user.has_perm("agency.view_run"):
        front["runs"] = Run.objects.order_by("-pk")[:5]
        front["playbooks"] = Playbook.objects.filter(is_active=True)
        front["waiting"] = Task.objects.filter(status=Task.Status.NEEDS_HUMAN).count()
        ready = (ServiceOrder.Status.READY, ServiceOrder.Status.AWAITING_BRIEF)
        front["orders"] = ServiceOrder.objects.filter(status__in=ready).count()
    front["may_wish"] = user.has_perms(["agency.add_intent", "agency.add_run"])
    if user.has_perm("earnings.view_earning"):
        front["money"] = dashboard.summary()
    return front
