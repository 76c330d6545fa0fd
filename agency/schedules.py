"""Wishes that come back: kept, changed, paused, and run when their slot has come.

Slots are wall-clock times in the store's time zone. On the night that skips a slot it comes when the skipped hour
ends; on the night that has it twice, it comes the first time only.
"""

import logging
from datetime import UTC, datetime
from itertools import islice

from cronsim import CronSim, CronSimError
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from agency import quantum_state
from agency.models import Intent, Run, Schedule
from earnings.refusals import Refusal

log = logging.getLogger(__name__)

MOST_AT_ONCE = 100  # slots in one sweep; it also shows that workers answer, and must end soon
LONGEST_ERROR = 1000
OPEN = (Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.WAITING)
# The columns beside the statement, and those that each cadence reads.
TIMING = ("cadence", "at", "weekday", "day", "cron")
READS = {
    Schedule.Cadence.DAILY: {"at"},
    Schedule.Cadence.WEEKLY: {"at", "weekday"},
    Schedule.Cadence.MONTHLY: {"at", "day"},
    Schedule.Cadence.CRON: {"cron"},
}
EMPTY = {"weekday": None, "day": None, "cron": ""}
MISSING = {
    "weekday": "Which day of the week? 0 is Monday, 6 is Sunday.",
    "day": "Which day of the month? 1 to 28: every month has those.",
    "cron": "Five fields: minute, hour, day of month, month, weekday.",
}
# The database is away or another process holds it: nobody's schedule is at fault.
TRANSIENT = (OperationalError, InterfaceError)


# --- What staff do -----------------------------------------------------------------------------------------


def create(*, user=None, **given):
    """Keep a wish that comes back: `statement`, `cadence`, and what that cadence reads.

    `at` (datetime.time, whole minutes), `weekday` (0 = Monday), `day` (1 to 28), `cron` (five fields). Raises
    Refusal (422) with an error for each value that can't be, and with the `nearest` playbooks of a statement that
    none knows.
    """
    schedule = filled(Schedule(created_by=user), given)
    schedule.next_at = next_slot(schedule)
    schedule.save(force_insert=True)
    return schedule


@transaction.atomic
def change(schedule, **given):
    """Change what is given, by the rules of `create`. Other times start from now; another wish keeps its slot."""
    row = _held(schedule)
    before = row.expression
    filled(row, given)
    if row.is_active and row.expression != before:
        row.next_at = next_slot(row)
    row.save(update_fields=["statement", *TIMING, "next_at"])
    return row


def pause(schedule):
    """No slot runs until it is unpaused. Twice is once."""
    Schedule.objects.filter(pk=schedule.pk, is_active=True).update(is_active=False, next_at=None)
    schedule.refresh_from_db()
    return schedule


def unpause(schedule):
    """Go on with the next slot; those that passed meanwhile were not wanted. Twice is once."""
    schedule.refresh_from_db()
    paused = Schedule.objects.filter(pk=schedule.pk, is_active=False)
    paused.update(is_active=True, next_at=next_slot(schedule), last_error="")
    schedule.refresh_from_db()
    return schedule


@transaction.atomic
def run_now(schedule, user=None):
    """Run the wish outside its slots, paused or not; while a run of the schedule is open, that one is the answer.

    Raises what `quantum_state` refuses.
    """
    row = _held(schedule)
    run = _open_one(row) or _opened(row, user)
    Schedule.objects.filter(pk=row.pk).update(last_error="")
    return run


def filled(schedule, given):
    """The schedule with the given values, checked and not stored. Raises Refusal (422) as `create` does."""
    errors, told = _timed(schedule, {name: given[name] for name in TIMING if name in given}), {}
    if "statement" in given or not schedule.pk:
        schedule.statement = " ".join(str(given.get("statement", "")).split())
        try:
            _try_statement(schedule.statement)
        except Refusal as refusal:
            errors.append({"pointer": "/statement", "detail": refusal.detail})
            told = {"nearest": refusal.extra.get("nearest", [])}
    if errors:
        raise Refusal("This schedule can't be kept.", status=422, errors=errors, **told)
    return schedule


def timed(schedule, given):
    """The schedule with the given times, checked and not stored. Raises Refusal (422)."""
    errors = _timed(schedule, given)
    if errors:
        raise Refusal("These times can't be kept.", status=422, errors=errors)
    return schedule


def _timed(schedule, given):
    """Set the columns of time; returns an error for each that can't be.

    What the cadence does not read is refused when it is given, and emptied when it was there before.
    """
    for name, value in given.items():
        setattr(schedule, name, value)
    if schedule.cadence not in READS:
        return [_error("cadence", f"Known: {', '.join(Schedule.Cadence.values)}.")]
    cadence = Schedule.Cadence(schedule.cadence)
    reads = READS[cadence]
    unread = [name for name in given if name not in reads | {"cadence"} and given[name] not in (None, "")]
    errors = [_error(name, f"A schedule {cadence.label!r} does not read this.") for name in unread]
    for name in EMPTY.keys() - reads:
        setattr(schedule, name, EMPTY[name])
    return errors + [_error(name, detail) for name in sorted(reads) if (detail := _wrong(schedule, name))]


def _wrong(schedule, name):
    """Why this column can't be what it is, or None."""
    value = getattr(schedule, name)
    if name == "at":
        return _wrong_time(schedule, value)
    if name == "cron":
        return _wrong_cron(schedule, str(value or ""))
    lowest, highest = (0, 6) if name == "weekday" else (1, 28)
    return None if value is not None and lowest <= value <= highest else MISSING[name]


def _wrong_time(schedule, value):
    if value is None:
        return "At what time of day?"
    if isinstance(value, str):  # the column's default, before it was stored
        schedule.at = value = datetime.strptime(value, "%H:%M").time()
    return "Whole minutes only." if value.second or value.microsecond else None


def _wrong_cron(schedule, text):
    schedule.cron = " ".join(text.split())
    if len(schedule.cron.split()) != 5:
        return MISSING["cron"]
    if len(schedule.cron) > 100:
        return "At most 100 characters."
    try:
        next_slot(schedule)
    except Refusal as refusal:
        return refusal.detail
    return None


def _error(name, detail):
    return {"pointer": f"/{name}", "detail": detail}


def _try_statement(statement):
    """Weigh the wish as its slots will, and leave nothing behind."""
    with transaction.atomic():
        quantum_state.choice(quantum_state.superpose(statement))
        transaction.set_rollback(True)


def _held(schedule):
    """The row as it is now, held until the transaction ends (on SQLite the transaction itself holds it)."""
    return Schedule.objects.select_for_update().get(pk=schedule.pk)


# --- Slots --------------------------------------------------------------------------------------------------


def next_slots(schedule, count, after=None):
    """The next slots after a moment (now), in UTC: at most `count` of them. Raises Refusal (422) for a cron that
    can't be read."""
    return list(islice(_slots(schedule, after or timezone.now()), count))


def next_slot(schedule, after=None):
    """The first of `next_slots`. Raises Refusal (422) when none comes within 50 years."""
    found = next_slots(schedule, 1, after)
    if not found:
        raise Refusal.of_field("/cron", "This day never comes.")
    return found[0]


def _slots(schedule, after):
    try:
        clock = CronSim(schedule.expression, after.astimezone(settings.STORE_ZONE))
    except CronSimError as error:
        raise Refusal.of_field("/cron", f"{error}.") from None
    for slot in clock:
        # In UTC: two times of one zone are compared by their wall clock, which has an hour twice in autumn. Asked
        # within the second one, the clock answers with a slot of the first.
        if slot.astimezone(UTC) > after:
            yield slot.astimezone(UTC)


# --- What the clock does ------------------------------------------------------------------------------------


def fire(now=None):
    """Run every slot that has come; returns the runs. Of all that try at once, wherever they are, one runs it.

    A slot that is refused, or that fails, has run and failed: `last_error` says why, the next one comes at its
    time, and other schedules go on. A slot whose predecessor's run is still open is skipped in the same way.

    Schedules belong to the agency, not to who wrote them: those of a deactivated user go on. A daily audit that
    ends with an account would end unnoticed; and what publishes, mails, reprices or spends asks a person anyway.
    """
    now = now or timezone.now()
    due = Schedule.objects.filter(is_active=True, next_at__lte=now)
    runs = []
    # Keys first, and each row by itself: one that can't even be read stops no other.
    for pk in list(due.order_by("next_at", "pk").values_list("pk", flat=True)[:MOST_AT_ONCE]):
        try:
            run = _fire(due.filter(pk=pk), now)
        except TRANSIENT:
            log.exception("schedule %s could not be run; it stays due", pk)
        except Exception as error:
            log.exception("schedule %s can't be read and is paused", pk)
            said = f"Paused, because its slots can't be told: {error}"[:LONGEST_ERROR]
            Schedule.objects.filter(pk=pk).update(is_active=False, next_at=None, last_error=said)
        else:
            runs += [run] if run else []
    return runs


@transaction.atomic
def _fire(due, now):
    """Claim the slot of the one schedule in `due` and run it; None if another was there first, or it failed."""
    schedule = due.select_related("created_by").first()
    if schedule is None:
        return None
    slot = schedule.next_at
    following = next_slot(schedule, now)
    if not due.filter(next_at=slot).update(next_at=following, last_at=slot, last_error=""):
        return None
    try:
        with transaction.atomic():
            return _in_slot(schedule)
    except TRANSIENT:
        raise  # and the claim with it
    except Refusal as refusal:
        said = refusal.detail
    except Exception as error:
        log.exception("schedule %s failed", schedule.pk)
        said = f"{type(error).__name__}: {error}"
    Schedule.objects.filter(pk=schedule.pk).update(last_error=said[:LONGEST_ERROR])
    return None


def _in_slot(schedule):
    run = _open_one(schedule)
    if run:
        raise Refusal(f"Skipped: run {run.pk} of this schedule was still {run.status}.")
    return _opened(schedule, schedule.created_by)


def _open_one(schedule):
    """The run that was opened last, if it still works or asks. One that stopped and needs a human holds nothing
    back: it may stay so for ever, and the schedule would stop unseen with it."""
    last = Intent.objects.filter(schedule=schedule.pk).order_by("-pk").first()
    return last and last.runs.filter(status__in=OPEN).order_by("-pk").first()


def _opened(schedule, user):
    intent = quantum_state.superpose(schedule.statement, user=user)
    intent.schedule = schedule
    intent.save(update_fields=["schedule"])
    return quantum_state.collapse(intent, user=user)
