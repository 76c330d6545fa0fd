"""Wishes that come back."""

import threading
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from agency import breakers, jobs, schedules, work
from agency.models import Breaker, Intent, Playbook, Run, Schedule
from earnings.refusals import Refusal

pytestmark = pytest.mark.django_db

NIGHT = datetime(2026, 3, 10, 1, 30, tzinfo=UTC)  # a Tuesday


def make_schedule(statement="Health check", *, next_at=NIGHT, **given):
    """A schedule whose slot comes at `next_at`."""
    schedule = schedules.create(statement=statement, **({"cadence": "daily", "at": time(1, 30)} | given))
    Schedule.objects.filter(pk=schedule.pk).update(next_at=next_at)
    schedule.refresh_from_db()
    return schedule


def pointers(refused):
    return [error["pointer"] for error in refused.value.errors]


def slots(cron, after, count):
    """In store time, with the offset."""
    found = schedules.next_slots(Schedule(cadence="cron", cron=cron), count, after)
    return [slot.astimezone(ZONE[0]).isoformat(timespec="minutes") for slot in found]


ZONE = [ZoneInfo("UTC")]


@pytest.fixture
def zone(settings):
    def use(name):
        settings.STORE_ZONE = ZONE[0] = ZoneInfo(name)

    return use


# --- When ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timing", "words", "first", "second"),
    [
        ({"cadence": "daily", "at": time(6, 0)}, "every day at 06:00", "2026-03-10 06:00", "2026-03-11 06:00"),
        (
            {"cadence": "weekly", "at": time(6, 0), "weekday": 0},
            "every Monday at 06:00",
            "2026-03-16 06:00",
            "2026-03-23 06:00",
        ),
        (
            {"cadence": "weekly", "at": time(1, 30), "weekday": 6},
            "every Sunday at 01:30",
            "2026-03-15 01:30",
            "2026-03-22 01:30",
        ),
        (
            {"cadence": "monthly", "at": time(1, 30), "day": 10},
            "day 10 of every month at 01:30",
            "2026-04-10 01:30",
            "2026-05-10 01:30",
        ),
        (
            {"cadence": "cron", "cron": "15 9-17 * * mon-fri"},
            "cron 15 9-17 * * mon-fri",
            "2026-03-10 09:15",
            "2026-03-10 10:15",
        ),
    ],
)
def test_a_slot_is_told_in_words_and_comes_after_now(timing, words, first, second):
    schedule = schedules.create(statement="Health check", **timing)

    found = schedules.next_slots(schedule, 2, NIGHT)

    assert schedule.when == words
    assert [f"{slot:%Y-%m-%d %H:%M}" for slot in found] == [first, second]
    assert schedule.next_at > timezone.now()


def test_a_slot_in_the_hour_that_a_night_skips_comes_when_that_hour_ends(zone):
    zone("Europe/Berlin")
    evening = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)

    assert slots("30 2 * * *", evening, 2) == ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]

    zone("America/New_York")
    assert slots("30 2 * * *", datetime(2026, 3, 8, 1, 0, tzinfo=UTC), 2) == [
        "2026-03-08T03:00-04:00",
        "2026-03-09T02:30-04:00",
    ]

    zone("Europe/Istanbul")  # the last time that its clocks went forward
    assert slots("30 3 * * *", datetime(2016, 3, 26, 20, 0, tzinfo=UTC), 2) == [
        "2016-03-27T04:00+03:00",
        "2016-03-28T03:30+03:00",
    ]


def test_istanbul_has_no_such_nights_any_more(zone):
    zone("Europe/Istanbul")

    assert slots("30 2 * * *", datetime(2026, 3, 28, 0, 0, tzinfo=UTC), 3) == [
        "2026-03-29T02:30+03:00",
        "2026-03-30T02:30+03:00",
        "2026-03-31T02:30+03:00",
    ]


@pytest.mark.parametrize(
    ("name", "first_pass", "next_day"),
    [
        ("Europe/Berlin", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"),
        ("America/New_York", "2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"),
    ],
)
def test_a_slot_in_the_hour_that_a_night_has_twice_runs_once(zone, name, first_pass, next_day):
    zone(name)
    first = datetime.fromisoformat(first_pass)
    cron = f"{first.minute} {first.hour} * * *"

    assert slots(cron, first - timedelta(hours=3), 2) == [first_pass, next_day]
    # Asked after it ran, before the clock goes back; and after it went back, before the hands are there again.
    assert slots(cron, first + timedelta(minutes=10), 1) == [next_day]
    assert slots(cron, first + timedelta(minutes=40), 1) == [next_day]
    assert slots(cron, first + timedelta(minutes=60), 1) == [next_day]


def test_a_slot_every_hour_comes_in_both_hours_of_that_night(zone):
    zone("Europe/Berlin")

    assert slots("0 * * * *", datetime(2026, 10, 24, 23, 30, tzinfo=UTC), 3) == [
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
    ]


@pytest.mark.parametrize(
    "name", ["Europe/Istanbul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]
)
def test_a_daily_slot_comes_exactly_once_on_every_day_of_a_year(zone, name):
    zone(name)
    schedule = Schedule(cadence="daily", at=time(2, 30))
    found, now = [], datetime(2026, 1, 1, tzinfo=ZONE[0])
    while now.astimezone(ZONE[0]).year == 2026:
        now = schedules.next_slot(schedule, now + timedelta(seconds=3))
        found.append(now.astimezone(ZONE[0]).date())

    days = [datetime(2026, 1, 1).date() + timedelta(days=n) for n in range(366)]
    assert found == days


@given(text=st.text(st.sampled_from("0123456789*/-,#LWlwMONsunJAN? \x00²ı"), max_size=40))
def test_whatever_is_written_as_cron_is_understood_or_refused(text):
    schedule = Schedule(cadence="cron", cron=text)

    try:
        found = schedules.next_slots(schedule, 1, NIGHT)
    except Refusal as refusal:
        assert refusal.errors[0]["pointer"] == "/cron"
    else:
        assert all(slot > NIGHT for slot in found)


# --- Keeping and changing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"cadence": "weekly"}, ["/weekday"]),
        ({"cadence": "weekly", "weekday": 7}, ["/weekday"]),
        ({"cadence": "monthly", "day": 29}, ["/day"]),
        ({"cadence": "monthly", "day": 0}, ["/day"]),
        ({"cadence": "daily", "weekday": 0, "day": 3, "cron": "0 6 * * *"}, ["/weekday", "/day", "/cron"]),
        ({"cadence": "daily", "at": None}, ["/at"]),
        ({"cadence": "daily", "at": time(6, 0, 30)}, ["/at"]),
        ({"cadence": "hourly"}, ["/cadence"]),
        ({"cadence": "cron"}, ["/cron"]),
        ({"cadence": "cron", "cron": "0 6 * *"}, ["/cron"]),
        ({"cadence": "cron", "cron": "0 0 6 * * *"}, ["/cron"]),
        ({"cadence": "cron", "cron": "0 25 * * *"}, ["/cron"]),
        ({"cadence": "cron", "cron": "0 0 31 2 *"}, ["/cron"]),
        ({"cadence": "cron", "cron": "0 6 * * *", "at": time(6, 0)}, ["/at"]),
        ({"cadence": "cron", "cron": ",".join(["1"] * 60) + " * * * *"}, ["/cron"]),
        ({"statement": "Bake a cake", "cadence": "weekly"}, ["/weekday", "/statement"]),
        ({"statement": "   "}, ["/statement"]),
        ({"statement": "x" * 301}, ["/statement"]),
    ],
)
def test_each_value_that_can_not_be_is_named_and_nothing_is_kept(given, wrong):
    with pytest.raises(Refusal) as refused:
        schedules.create(**({"statement": "Health check"} | given))

    assert (refused.value.status, pointers(refused)) == (422, wrong)
    assert (Schedule.objects.count(), Intent.objects.count()) == (0, 0)


def test_a_wish_that_no_playbook_knows_is_refused_with_the_nearest_ones():
    with pytest.raises(Refusal) as refused:
        schedules.create(statement="Bake a cake")

    assert len(refused.value.extra["nearest"]) == 3
    assert "No playbook knows this wish" in refused.value.errors[0]["detail"]


def test_keeping_a_schedule_runs_nothing_and_leaves_no_intent(staff):
    schedule = schedules.create(statement="  Health   check ", cadence="daily", at=time(6, 0), user=staff)

    schedule.refresh_from_db()
    assert (schedule.statement, schedule.created_by, schedule.is_active) == ("Health check", staff, True)
    assert (schedule.last_at, schedule.last_error) == (None, "")
    assert (Intent.objects.count(), Run.objects.count()) == (0, 0)


def test_other_times_move_the_next_slot_and_another_wish_keeps_it():
    schedule = make_schedule()

    schedules.change(schedule, statement="Boost revenue")
    schedule.refresh_from_db()
    assert (schedule.statement, schedule.next_at) == ("Boost revenue", NIGHT)
    schedules.change(schedule, cadence="weekly", weekday=4)
    schedules.change(schedule, cadence="weekly", weekday=4)

    schedule.refresh_from_db()
    assert (schedule.when, schedule.next_at.weekday()) == ("every Friday at 01:30", 4)
    assert schedule.next_at > timezone.now()


def test_another_cadence_empties_what_it_does_not_read():
    schedule = make_schedule(cadence="weekly", weekday=4)

    schedules.change(schedule, cadence="cron", cron=" 0  6 * * 1 ")
    schedule.refresh_from_db()
    assert (schedule.weekday, schedule.cron) == (None, "0 6 * * 1")
    schedules.change(schedule, cadence="monthly", day=1)

    schedule.refresh_from_db()
    assert (schedule.weekday, schedule.day, schedule.cron) == (None, 1, "")


def test_a_refused_change_leaves_the_schedule_as_it_was():
    schedule = make_schedule(cadence="weekly", weekday=4)

    with pytest.raises(Refusal) as refused:
        schedules.change(schedule, cadence="monthly", statement="Bake a cake")

    assert pointers(refused) == ["/day", "/statement"]
    row = Schedule.objects.get()
    assert (row.cadence, row.weekday, row.statement, row.next_at) == ("weekly", 4, "Health check", NIGHT)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cadence": "hourly"},
        {"cadence": "weekly", "weekday": 7},
        {"cadence": "weekly", "weekday": None},
        {"cadence": "monthly", "day": 29},
        {"cadence": "monthly", "day": None},
        {"cadence": "cron", "cron": ""},
        {"next_at": None},
    ],
)
def test_the_database_keeps_no_schedule_without_a_next_slot(wrong):
    schedule = make_schedule()

    with pytest.raises(IntegrityError), transaction.atomic():
        Schedule.objects.filter(pk=schedule.pk).update(**wrong)


def test_a_paused_schedule_has_no_next_slot_and_goes_on_with_one_to_come():
    schedule = make_schedule()

    schedules.pause(schedule)
    schedules.pause(schedule)
    assert (schedule.is_active, schedule.next_at) == (False, None)
    assert schedules.fire(NIGHT) == []
    schedules.unpause(schedule)
    upcoming = schedule.next_at
    schedules.unpause(schedule)

    assert (schedule.is_active, schedule.next_at) == (True, upcoming)
    assert upcoming > timezone.now()
    assert Run.objects.count() == 0


def test_a_paused_schedule_can_be_changed_and_stays_paused():
    schedule = schedules.pause(make_schedule())

    schedules.change(schedule, at=time(7, 0))

    schedule.refresh_from_db()
    assert (schedule.when, schedule.is_active, schedule.next_at) == ("every day at 07:00", False, None)


# --- Running ---------------------------------------------------------------------------------------------------


def test_a_slot_that_has_come_opens_its_run_once(staff):
    schedule = make_schedule(user=staff)

    early = schedules.fire(NIGHT - timedelta(seconds=1))
    first = schedules.fire(NIGHT)
    second = schedules.fire(NIGHT + timedelta(seconds=5))

    (run,) = first
    assert (early, second) == ([], [])
    assert (run.title, run.created_by, run.intent.schedule, run.intent.created_by) == (
        "Health check",
        staff,
        schedule,
        staff,
    )
    assert Run.objects.count() == 1
    schedule.refresh_from_db()
    assert (schedule.last_at, schedule.last_error) == (NIGHT, "")
    assert schedule.next_at == NIGHT + timedelta(days=1)


def test_missed_slots_run_once():
    schedule = make_schedule()

    found = schedules.fire(NIGHT + timedelta(days=30, minutes=5))

    assert len(found) == Run.objects.count() == 1
    schedule.refresh_from_db()
    assert (schedule.last_at, schedule.next_at) == (NIGHT, NIGHT + timedelta(days=31))


def test_the_clock_of_every_cluster_runs_slots(monkeypatch):
    monkeypatch.setattr(work.keeper(), "may_end_process", False)  # the job says true: its process is a worker
    schedule = make_schedule()

    jobs.sweep()
    jobs.sweep()

    run = Run.objects.get()
    assert (run.intent.schedule, run.is_terminal) == (schedule, True)


@pytest.mark.django_db(transaction=True)
def test_ten_clusters_run_a_slot_once():
    make_schedule()
    make_schedule("Boost revenue")
    found, errors = [], []
    barrier = threading.Barrier(10)

    def fire():
        try:
            barrier.wait()
            found.extend(run.title for run in schedules.fire(NIGHT))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=fire) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert sorted(found) == ["Boost revenue", "Health check"]
    assert (Intent.objects.count(), Run.objects.count()) == (2, 2)
    assert list(Schedule.objects.values_list("last_at", "last_error")) == [(NIGHT, ""), (NIGHT, "")]


@pytest.mark.django_db(transaction=True)
def test_a_slot_and_a_person_at_once_open_one_run(staff):
    schedule = make_schedule()
    found, errors = [], []
    barrier = threading.Barrier(6)

    def at_once(verb):
        try:
            barrier.wait()
            found.append(verb())
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    verbs = [lambda: schedules.fire(NIGHT), lambda: schedules.run_now(schedule, staff)] * 3
    threads = [threading.Thread(target=at_once, args=[verb]) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (errors, len(found)) == ([], 6)
    assert Run.objects.count() == 1


def test_a_slot_is_skipped_while_the_run_before_is_open():
    schedule = make_schedule()
    (run,) = schedules.fire(NIGHT)

    skipped = schedules.fire(NIGHT + timedelta(days=1))

    schedule.refresh_from_db()
    assert skipped == []
    assert schedule.last_error == f"Skipped: run {run.pk} of this schedule was still queued."
    assert schedule.last_at == NIGHT + timedelta(days=1)
    work.work_off()
    assert len(schedules.fire(NIGHT + timedelta(days=2))) == 1
    schedule.refresh_from_db()
    assert (schedule.last_at, schedule.last_error) == (NIGHT + timedelta(days=2), "")


def test_a_run_that_needs_a_human_does_not_stop_its_schedule():
    make_schedule()
    (run,) = schedules.fire(NIGHT)
    Run.objects.filter(pk=run.pk).update(status="needs_human")

    assert len(schedules.fire(NIGHT + timedelta(days=1))) == 1


def test_a_wish_that_no_playbook_knows_any_more_fails_visibly_and_stops_no_other():
    broken = make_schedule("Boost revenue")
    sound = make_schedule()
    Playbook.objects.exclude(slug="health-check").update(is_active=False)

    (run,) = schedules.fire(NIGHT)

    assert run.intent.schedule == sound
    broken.refresh_from_db()
    assert broken.last_error.startswith("No playbook knows this wish, so nothing runs.")
    assert (broken.last_at, broken.next_at, broken.is_active) == (NIGHT, NIGHT + timedelta(days=1), True)
    assert Intent.objects.filter(schedule=broken).count() == 0


def test_a_stopped_workflow_fails_the_slot_and_leaves_no_intent():
    schedule = make_schedule()
    for _ in range(5):
        breakers.failed("inventory_audit", "RuntimeError")

    found = schedules.fire(NIGHT)

    schedule.refresh_from_db()
    assert (found, Intent.objects.count(), Run.objects.count()) == ([], 0, 0)
    assert schedule.last_error.startswith("inventory_audit is stopped since ")
    breakers.close(Breaker.objects.get())
    assert len(schedules.fire(NIGHT + timedelta(days=1))) == 1


def test_too_many_open_runs_fail_the_slot(settings):
    settings.RUNS_WAITING_LIMIT = 1
    make_schedule()
    late = make_schedule("Boost revenue", next_at=NIGHT + timedelta(seconds=1))

    found = schedules.fire(NIGHT + timedelta(minutes=1))

    late.refresh_from_db()
    assert len(found) == 1
    assert late.last_error == "1 runs are open; no more are taken in until some end."


@pytest.mark.parametrize("cron", ["nonsense", "0 0 31 2 *", "*/0 * * * *"])
def test_a_malformed_row_is_paused_and_stops_no_other(cron, caplog):
    malformed = make_schedule(next_at=NIGHT - timedelta(days=1))
    Schedule.objects.filter(pk=malformed.pk).update(cadence="cron", cron=cron)
    sound = make_schedule()

    (run,) = schedules.fire(NIGHT)

    assert run.intent.schedule == sound
    malformed.refresh_from_db()
    assert (malformed.is_active, malformed.next_at) == (False, None)
    assert malformed.last_error.startswith("Paused, because its slots can't be told: ")
    assert caplog.messages == [f"schedule {malformed.pk} can't be read and is paused"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps no such row")
def test_a_row_that_can_not_even_be_read_is_paused_and_stops_no_other():
    unreadable = make_schedule(next_at=NIGHT - timedelta(days=1))
    sound = make_schedule()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE agency_schedule SET created_at = '2026-13-45 99:00:00' WHERE id = %s", [unreadable.pk]
        )

    (run,) = schedules.fire(NIGHT)

    assert run.intent.schedule == sound
    assert Schedule.objects.filter(pk=unreadable.pk).values_list("is_active", flat=True).get() is False


def test_the_schedules_of_who_left_go_on():
    user = User.objects.create_user("left", is_active=False)
    schedule = make_schedule(user=user)

    (run,) = schedules.fire(NIGHT)
    work.work_off()
    assert run.created_by == user
    user.delete()
    (later,) = schedules.fire(NIGHT + timedelta(days=1))

    assert later.created_by is None
    assert set(schedule.intents.values_list("pk", flat=True)) == {run.intent_id, later.intent_id}


def test_a_person_runs_it_now_and_the_slot_stays(staff):
    schedule = make_schedule()

    first = schedules.run_now(schedule, staff)
    second = schedules.run_now(schedule, staff)
    work.work_off()
    third = schedules.run_now(schedule, staff)

    assert first == second != third
    assert (first.created_by, first.intent.schedule) == (staff, schedule)
    schedule.refresh_from_db()
    assert (schedule.next_at, schedule.last_at) == (NIGHT, None)


def test_a_paused_schedule_can_be_run_by_a_person(staff):
    schedule = schedules.pause(make_schedule())

    run = schedules.run_now(schedule, staff)

    schedule.refresh_from_db()
    assert (run.intent.schedule, schedule.is_active) == (schedule, False)


def test_who_runs_it_now_is_told_why_it_can_not(staff):
    schedule = make_schedule()
    Playbook.objects.update(is_active=False)

    with pytest.raises(Refusal) as refused:
        schedules.run_now(schedule, staff)

    assert pointers(refused) == ["/statement"]
    assert (Intent.objects.count(), Run.objects.count()) == (0, 0)


def test_a_sweep_runs_at_most_a_hundred_slots_and_the_next_one_goes_on(settings, monkeypatch):
    monkeypatch.setattr(schedules, "MOST_AT_ONCE", 2)
    for _ in range(3):
        make_schedule()

    assert [len(schedules.fire(NIGHT)) for _ in range(3)] == [2, 1, 0]


def test_finding_the_slots_that_have_come_costs_one_statement(django_assert_num_queries):
    make_schedule(next_at=NIGHT + timedelta(days=1))

    with django_assert_num_queries(1):
        assert schedules.fire(NIGHT) == []


def test_each_schedule_knows_its_last_run(django_assert_num_queries):
    never = make_schedule(next_at=NIGHT + timedelta(days=9))
    twice = make_schedule()
    schedules.fire(NIGHT)
    work.work_off()
    (run,) = schedules.fire(NIGHT + timedelta(days=1))

    with django_assert_num_queries(1):
        rows = Schedule.objects.with_last_run().order_by("pk").values_list("pk", "last_run_id", "last_run_status")
        assert list(rows) == [(never.pk, None, None), (twice.pk, run.pk, "queued")]
