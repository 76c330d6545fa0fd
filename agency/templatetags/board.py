"""What the front page of the admin shows of the board, and how its pages word times and data."""

import json

from django import template
from django.utils import timezone

from agency.models import Breaker, Mail, Playbook, Run, ServiceOrder, Task
from earnings import dashboard, nightly

register = template.Library()

LONGEST_TEXT = 20_000  # characters of data on a page; the API has all of it


@register.inclusion_tag("admin/agency/front.html", takes_context=True)
def board_front(context):
    """The wish field, what waits for a person, the newest runs and the money, as far as this user may see them."""
    user = context["request"].user
    front = {"csrf_token": context.get("csrf_token"), "user": user}
    if user.has_perm("agency.view_run"):
        front["runs"] = Run.objects.order_by("-pk")[:5]
        front["playbooks"] = Playbook.objects.filter(is_active=True)
        front["waiting"] = Task.objects.filter(asked_at__isnull=False).count()
        ready = (ServiceOrder.Status.READY, ServiceOrder.Status.AWAITING_BRIEF)
        front["orders"] = ServiceOrder.objects.filter(status__in=ready).count()
    if user.has_perm("agency.view_breaker"):
        front["stopped"] = Breaker.objects.filter(opened_at__isnull=False)
    if user.has_perm("agency.view_mail"):
        front["mail_given_up"] = Mail.objects.filter(status=Mail.Status.FAILED).count()
    front["may_wish"] = user.has_perms(["agency.add_intent", "agency.add_run"])
    if user.has_perm("earnings.view_earning"):
        front["money"] = dashboard.summary()
        front["checked"] = nightly.latest()
    return front


@register.filter
def as_json(value):
    """Data as people read it: indented, with its letters as they are."""
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    more = len(text) - LONGEST_TEXT
    return text if more <= 0 else f"{text[:LONGEST_TEXT]}\n… and {more} more characters; the API has all of it"


@register.filter
def in_short(value):
    """Data on one line, at most 200 characters; what is not there is a dash."""
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:199]}…"


@register.filter
def took(began, ended):
    """The time between two moments: `0.3 s`, `2 min 5 s`, `1 h 12 min`."""
    if not (began and ended):
        return ""
    seconds = max((ended - began).total_seconds(), 0)
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


@register.filter
def took_until_now(began):
    return took(began, timezone.now())
