"""The nightly proof of the ledger: once a night of the store, however many processes look whether it is time."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from earnings import audit
from earnings.models import JournalEntry, LedgerCheck

FROM_HOUR = 3  # of the store's day: nobody shops, and the day before is complete
LEASE = timedelta(hours=1)  # who has not finished by then was killed
MOST_KEPT = 100  # violations by name; the command prints all of them
KEPT = timedelta(days=400)


def night_of(now):
    """The night whose check `now` belongs to: before three it is yesterday's."""
    return (now.astimezone(ZoneInfo(settings.STORE_TIMEZONE)) - timedelta(hours=FROM_HOUR)).date()


def is_due(now=None):
    """Whether this night's check is still to be made. A ledger without entries needs none."""
    now = now or timezone.now()
    tonight = LedgerCheck.objects.filter(night=night_of(now))
    is_taken = tonight.exclude(finished_at=None, started_at__lt=now - LEASE).exists()
    return not is_taken and JournalEntry.objects.exists()


def check_if_due(now=None):
    """Prove the ledger if nobody did or does so tonight; returns the `LedgerCheck`, or None."""
    now = now or timezone.now()
    if not is_due(now):
        return None
    row, created = LedgerCheck.objects.get_or_create(night=night_of(now), defaults={"started_at": now})
    if not created:
        abandoned = LedgerCheck.objects.filter(pk=row.pk, finished_at=None, started_at__lt=now - LEASE)
        if not abandoned.update(started_at=now):
            return None
    LedgerCheck.objects.filter(started_at__lt=now - KEPT).delete()
    return _written(row, audit.violations())


def note(found):
    """Keep what a check found that somebody asked for."""
    return _written(LedgerCheck.objects.create(started_at=timezone.now()), found)


def _written(row, found):
    row.finished_at = timezone.now()
    row.number = len(found)
    row.violations = [vars(one) for one in found[:MOST_KEPT]]
    row.counts = audit.counts()
    row.save(update_fields=["finished_at", "number", "violations", "counts"])
    return row


def latest():
    """The newest check that came to an end, or None."""
    return LedgerCheck.objects.exclude(finished_at=None).order_by("-finished_at").first()
