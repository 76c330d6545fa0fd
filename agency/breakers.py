"""Breakers: a workflow that keeps failing is stopped, until a person who looked at it says go on.

An open breaker refuses new runs of its workflow (`refuse_stopped`) and holds its queued tasks back
(`TaskQuerySet.due`). What counts are tasks that failed for good through an error, one after the other; a refusal
of somebody's parameters, a cancel and the deadline of a run say nothing about the workflow.
"""

import logging

from django.db.models import F
from django.utils import timezone

from agency.bells import ring
from agency.models import Breaker, Event
from agency.models.round_trips import Statement, places
from earnings.refusals import Refusal

log = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 5
CLEARED = "UPDATE agency_breaker SET failures = 0 WHERE workflow IN ({}) AND failures > 0 AND opened_at IS NULL"


def failed(workflow, message, *, run_id=None):
    """A task failed for good: count it, and open the breaker at the fifth in a row. True if this one opened it.

    Call in the transaction that ends the task. With `run_id`, whose row is held, the run's events say it too.
    """
    Breaker.objects.bulk_create([Breaker(workflow=workflow)], ignore_conflicts=True)
    row = Breaker.objects.filter(workflow=workflow)
    row.update(failures=F("failures") + 1, reason=message)
    if not row.filter(opened_at=None, failures__gte=FAILURES_IN_A_ROW).update(opened_at=timezone.now()):
        return False
    log.error("the breaker of %s opened: %s tasks failed in a row", workflow, FAILURES_IN_A_ROW)
    if run_id is not None:
        said = f"{workflow} is stopped: {FAILURES_IN_A_ROW} tasks failed in a row"
        Event.record(run_id, "breaker.opened", said, data={"workflow": workflow, "reason": message})
    return True


def succeeding(keys):
    """The `Statement` for tasks of these workflows that succeeded: what failed before them was not in a row. An
    open breaker stays open: people close it."""
    return Statement(CLEARED.format(places(keys)), sorted(keys))


def refuse_stopped(keys):
    """Raise Refusal (409) that names the first of these workflows whose breaker is open, and since when."""
    breaker = Breaker.objects.filter(workflow__in=keys, opened_at__isnull=False).first()
    if breaker:
        raise Refusal(
            f"{breaker.workflow} is stopped since {breaker.opened_at:%Y-%m-%d %H:%M} UTC, because "
            f"{breaker.failures} tasks failed in a row. A person has to look at it and close its breaker.",
            breaker=breaker.workflow,
            opened_at=breaker.opened_at.isoformat().replace("+00:00", "Z"),
        )


def close(breaker, by=None):
    """A person looked at it: the workflow may run again, and what was held back goes on. Twice is once.

    `by` is the member of staff who decided it.
    """
    closed = Breaker.objects.filter(pk=breaker.pk, opened_at__isnull=False).update(
        failures=0, opened_at=None, closed_at=timezone.now(), closed_by=by
    )
    breaker.refresh_from_db()
    if closed:
        log.info("the breaker of %s was closed", breaker.pk)
        ring()
    return breaker
