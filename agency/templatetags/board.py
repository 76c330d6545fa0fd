"""What the front page of the admin shows of the board, and how its pages word times and data."""

import json
import re

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from agency.admin import pages
from agency.models import Breaker, Mail, Playbook, Promotion, Proposal, Run, ServiceOrder, Task
from earnings import dashboard, nightly

register = template.Library()

_PAGE = re.compile(r"\((/admin/[a-z/]+/)\)")
LONGEST_TEXT = 20_000  # characters of data on a page; the API has all of it


@register.simple_block_tag(takes_context=True)
def page_of(context, content, row):
    """`{% page_of row %}text{% endpage_of %}`: a link to the row's page for who may look at it, else the text."""
    return pages.link(row, content, context["request"].user)


@register.filter
def with_pages(text):
    """A sentence whose addresses of admin pages, in brackets, are links."""
    parts = enumerate(_PAGE.split(text))  # words and addresses by turns
    return format_html_join("", "{}", ((_link(part) if number % 2 else part,) for number, part in parts))


def _link(page):
    return format_html('(<a href="{}">{}</a>)', page, page)


@register.inclusion_tag("admin/agency/front.html", takes_context=True)
def board_front(context):
    """The wish field, what waits for a person, the newest runs and the money, as far as this user may see them."""
    user = context["request"].user
    front = {"csrf_token": context.get("csrf_token"), "user": user}
    if user.has_perm("agency.view_run"):
        front["runs"] = Run.objects.order_by("-pk")[:5]
        front["playbooks"] = Playbook.objects.filter(is_active=True)
        front["undecided"] = [line for line in _undecided(user) if line[0]]
        front["sees_tasks"] = user.has_perm("agency.view_task")
        front["waiting"] = Task.objects.filter(asked_at__isnull=False).count() if front["sees_tasks"] else 0
    if user.has_perm("agency.view_breaker"):
        front["stopped"] = Breaker.objects.filter(opened_at__isnull=False)
    if user.has_perm("agency.view_mail"):
        front["mail_given_up"] = Mail.objects.filter(status=Mail.Status.FAILED).count()
    front["may_wish"] = user.has_perms(["agency.add_intent", "agency.add_run"])
    if user.has_perm("earnings.view_earning"):
        front["money"] = dashboard.summary()
        front["checked"] = nightly.latest()
    return front


# What does not go on until somebody does something, beside tasks that ask: the model, the statuses, one, many.
# A paid order whose brief is complete begins when it is told to, by a person, a wish or a schedule.
STANDS_STILL = (
    (ServiceOrder, ("queued", "revision"), "order to be worked on", "orders to be worked on"),
    (ServiceOrder, ("ready",), "order ready to deliver", "orders ready to deliver"),
    (ServiceOrder, ("awaiting_brief",), "order without its brief", "orders without their brief"),
    (Promotion, ("draft",), "promotion to publish or withdraw", "promotions to publish or withdraw"),
    (Proposal, ("open",), "proposal to decide", "proposals to decide"),
)


def _undecided(user):
    """How many, in words, and the list of them, as far as this user may see it."""
    for model, statuses, one, many in STANDS_STILL:
        if user.has_perm(f"agency.view_{model._meta.model_name}"):
            number = model.objects.filter(status__in=statuses).count()
            page = reverse(f"admin:agency_{model._meta.model_name}_changelist")
            yield number, one if number == 1 else many, f"{page}?status__in={','.join(statuses)}"


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
