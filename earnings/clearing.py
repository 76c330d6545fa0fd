"""When a channel has held earned money back for long enough, it can be paid out."""

from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from earnings import ledger
from earnings.models import Channel, Clearing
from earnings.refusals import Refusal

AT_ONCE = 200  # entries in one sweep; it also shows that workers answer, and must end soon


def clear_due(at=None):
    """Clear what was earned `clearing_days` of its channel ago or longer, in the store's days; how many entries
    were looked at. Twice, or by two at once, is once.
    """
    at = at or timezone.now()
    today = ledger.local_date(at)
    seen = 0
    for channel in Channel.objects.all():
        due = Clearing.objects.filter(
            channel=channel, earned_on__lte=today - timedelta(days=channel.clearing_days)
        )
        for waiting in due.select_related("entry__earning").order_by("earned_on", "pk")[: AT_ONCE - seen]:
            _clear(waiting, at)
            seen += 1
    return seen


@transaction.atomic
def _clear(waiting, at):
    earning = waiting.entry.earning
    with suppress(Refusal):  # it was given back or is contested; what comes back of it is awaited anew
        ledger.clear(earning, f"{earning.key}:cleared:{waiting.entry_id}", at)
    waiting.delete()
