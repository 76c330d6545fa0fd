"""What the storefront's banner says: staff publish one promotion at a time."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from agency import promotion_texts, workflows
from agency.models import Promotion
from agency.workflows.service_promotion import on_offer
from earnings.refusals import Refusal

Status = Promotion.Status


def publish(promotion, by=None):
    """Show the promotion on the storefront instead of the one that is live now. Twice is once.

    `by` is the member of staff who decided it. Refusal (409) that names each offer of which something is no longer
    true. Its texts are not mended: they were written from the figures of their day, and go to other channels, too.
    """
    promotion.refresh_from_db()
    if promotion.status != Status.PUBLISHED and promotion.items and (changes := changed(promotion)):
        raise Refusal(
            f"Since this was drafted {'; '.join(changes)}. Nothing was published. "
            f"Replay run {promotion.task.run_id}: it drafts a new one of what is on offer now.",
            allowed=[status for status in promotion.allowed if status != Status.PUBLISHED],
        )
    try:
        with transaction.atomic():
            promotion.refresh_from_db()
            if promotion.status == Status.PUBLISHED:
                return promotion
            for live in Promotion.objects.filter(status=Status.PUBLISHED).exclude(pk=promotion.pk):
                live.advance(Status.WITHDRAWN)
            moved = promotion.advance(Status.PUBLISHED, published_at=timezone.now(), published_by=by)
            if not moved and promotion.status != Status.PUBLISHED:
                _refuse(promotion, "published")
    except IntegrityError:
        # The database keeps one promotion live; somebody published another between our two statements.
        promotion.refresh_from_db()
        raise Refusal("Another promotion was published at this moment.", allowed=promotion.allowed) from None
    return promotion


def changed(promotion):
    """What is different by now of what the promotion says of its offers, in words: measured at this moment."""
    seen = promotion.observation
    workflow = workflows.find(seen.task.workflow)
    inventory = workflow.measure(seen) if workflow else None
    if inventory is None:
        return ["nobody can measure the inventory that it was drafted from"]
    present = on_offer(inventory)
    found = []
    for item in promotion.items:
        then, now = promotion_texts.line(item), present.get((item["kind"], item["sku"]))
        if now is None:
            found.append(f"“{then}” went off sale")
        elif promotion_texts.line(now) != then:
            found.append(f"“{then}” became “{promotion_texts.line(now)}”")
        elif now["url"] != item["url"]:
            found.append(f"the page of “{then}” moved")
    return found


def withdraw(promotion):
    """Take the promotion off the storefront, or drop a draft. Twice is once."""
    if not promotion.advance(Status.WITHDRAWN) and promotion.status != Status.WITHDRAWN:
        _refuse(promotion, "withdrawn")
    return promotion


def _refuse(promotion, what):
    raise Refusal(
        f"This promotion is {promotion.get_status_display().lower()} and cannot be {what}.",
        allowed=promotion.allowed,
    )
