"""What the storefront's banner says: staff publish one promotion at a time."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from agency.models import Promotion
from earnings.refusals import Refusal

Status = Promotion.Status


def publish(promotion, by=None):
    """Show the promotion on the storefront instead of the one that is live now. Twice is once.

    `by` is the member of staff who decided it.
    """
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
