"""Where staff keep wishes that come back."""

import re
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse
from django.utils import timezone

from agency import schedules
from agency.models import Playbook, Run, Schedule
from agency.work import work_off

pytestmark = pytest.mark.django_db

SLOT = datetime(2026, 3, 10, 6, 0, tzinfo=UTC)
# What a browser sends: each field of the form, the hidden ones, too.
FORM = {"statement": "Health check", "cadence": "daily", "at": "06:00", "weekday": "", "day": "", "cron": ""}


def page(name, *args):
    return reverse(f"admin:agency_schedule_{name}", args=args)


def text(answer):
    """What a page says in its main part, without tags."""
    html = answer.content.decode().partition('id="content"')[2]
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def kept(staff):
    return schedules.create(statement="Health check", cadence="daily", at=time(6, 0), user=staff)


def test_staff_keep_a_schedule(staff, staff_client):
    answer = staff_client.post(page("add"), FORM | {"cadence": "weekly", "weekday": "4"})

    schedule = Schedule.objects.get()
    assert answer["Location"] == page("changelist")
    assert (schedule.when, schedule.created_by) == ("every Friday at 06:00", staff)
    assert schedule.next_at > timezone.now()
    assert Run.objects.count() == 0


def test_what_the_chosen_cadence_does_not_read_is_not_looked_at(staff_client):
    given = {"cadence": "cron", "cron": "0 6 * * 1-5", "weekday": "4", "day": "99", "at": "99:99"}

    answer = staff_client.post(page("add"), FORM | given)

    schedule = Schedule.objects.get()
    assert answer.status_code == 302
    assert (schedule.when, schedule.weekday, schedule.day) == ("cron 0 6 * * 1-5", None, None)


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"statement": "Bake a cake"}, "statement", "No playbook knows this wish, so nothing runs."),
        ({"statement": ""}, "statement", "This field is required."),
        ({"cadence": "weekly"}, "weekday", "Which day of the week? 0 is Monday, 6 is Sunday."),
        ({"cadence": "monthly"}, "day", "Which day of the month? 1 to 28: every month has those."),
        ({"cadence": "monthly", "day": "31"}, "day", "Ensure this value is less than or equal to 28."),
        ({"at": ""}, "at", "At what time of day?"),
        ({"cadence": "cron", "cron": "0 25 * * *"}, "cron", "Bad hour."),
    ],
)
def test_what_can_not_be_is_said_at_its_field_and_nothing_is_kept(staff_client, given, field, said):
    answer = staff_client.post(page("add"), FORM | given)

    errors = answer.context["adminform"].form.errors
    assert list(errors) == [field]
    assert errors[field][0].startswith(said)
    assert Schedule.objects.count() == 0


def test_the_form_changes_what_it_shows(staff_client, kept):
    shown = staff_client.get(page("change", kept.pk)).context["adminform"].form.initial
    assert (shown["cadence"], shown["at"], shown["statement"]) == ("daily", time(6, 0), "Health check")

    answer = staff_client.post(page("change", kept.pk), FORM | {"cadence": "monthly", "day": "3", "at": "07:15"})

    kept.refresh_from_db()
    assert answer["Location"] == page("changelist")
    assert (kept.when, kept.next_at > timezone.now()) == ("day 3 of every month at 07:15", True)


def test_a_page_tells_what_came_of_the_last_slot_and_the_next_five(staff_client, kept):
    Schedule.objects.update(next_at=SLOT)
    (run,) = schedules.fire(SLOT)
    work_off()

    shown = staff_client.get(page("change", kept.pk))

    told = text(shown)
    assert f"Last run Run {run.pk} , succeeded" in told
    assert "Next slot March 11, 2026, 6 a.m. Last slot March 10, 2026, 6 a.m." in told
    assert reverse("admin:agency_run_change", args=[run.pk]) in shown.content.decode()
    assert "Every day at 06:00, UTC time." in told
    assert len(shown.context["slots"]) == 5
    assert "The last slot did not run." not in told


def test_a_failed_slot_says_why_on_its_page_and_in_the_list(staff_client, kept):
    Schedule.objects.update(next_at=SLOT)
    Playbook.objects.update(is_active=False)
    schedules.fire(SLOT)

    assert "The last slot did not run. No playbook knows this wish" in text(
        staff_client.get(page("change", kept.pk))
    )
    assert "No playbook knows this wish" in text(staff_client.get(page("changelist")))


def test_the_list_links_the_last_run(staff_client, kept):
    run = schedules.run_now(kept)

    shown = staff_client.get(page("changelist"))

    assert f'<a href="{reverse("admin:agency_run_change", args=[run.pk])}">Run {run.pk}</a>, queued' in (
        shown.content.decode()
    )
    assert "every day at 06:00" in text(shown)


def test_the_buttons_run_pause_and_unpause(staff_client, kept):
    answer = staff_client.post(page("verb", kept.pk, "run_now"))
    run = Run.objects.get()
    assert answer["Location"] == reverse("admin:agency_run_change", args=[run.pk])

    staff_client.post(page("verb", kept.pk, "pause"))
    kept.refresh_from_db()
    assert (kept.is_active, kept.next_at) == (False, None)
    shown = text(staff_client.get(page("change", kept.pk)))
    assert "Next slot paused" in shown and "Unpause" in shown

    staff_client.post(page("verb", kept.pk, "unpause"))
    kept.refresh_from_db()
    assert kept.is_active is True


def test_the_slots_of_the_form_are_shown_while_it_is_filled_in(staff_client):
    # Given times that come on known days, whatever day it is.
    told = text_of(staff_client, cadence="cron", cron="30 2 29 2 *")
    assert told.startswith("Cron 30 2 29 2 *, UTC time.")
    assert told.count("29 February") == 5

    assert (
        text_of(staff_client, cadence="monthly", at="06:00", day="")
        == "Which day of the month? 1 to 28: every month has those."
    )
    assert text_of(staff_client, cadence="cron", cron="0 0 30 2 *") == "Bad day-of-month."
    assert text_of(staff_client, cadence="daily", at="25:00") == "Enter a valid time."
    assert text_of(staff_client, cadence="daily", at="06:00", day="99").count(" 06:00 UTC") == 5
    assert "is not one of the available choices" in text_of(staff_client, cadence="hourly")


def text_of(client, **given):
    answer = client.get(page("slots"), given)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_slots_are_shown_in_the_store_s_time(staff_client, settings):
    settings.TIME_ZONE = settings.STORE_TIMEZONE = "Europe/Istanbul"
    settings.STORE_ZONE = ZoneInfo("Europe/Istanbul")

    told = text_of(staff_client, cadence="cron", cron="30 2 1 1 *")

    assert told.startswith("Cron 30 2 1 1 *, Europe/Istanbul time.")
    assert told.count("1 January") == told.count(" 02:30 +03") == 5


def test_a_schedule_is_not_deleted(staff_client, kept):
    assert staff_client.post(page("delete", kept.pk), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in staff_client.get(page("changelist")).content.decode()
    assert Schedule.objects.count() == 1


def login(client, *rights, group=None):
    user = User.objects.create_user("member", password="a long pass phrase", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    user.groups.set(Group.objects.filter(name=group))
    client.force_login(user)


def test_operators_manage_schedules(client, kept):
    login(client, group="Operators")

    assert client.post(page("add"), FORM).status_code == 302
    assert client.post(page("verb", kept.pk, "run_now")).status_code == 302
    assert (Schedule.objects.count(), Run.objects.count()) == (2, 1)


def test_who_may_not_run_a_wish_may_only_look_and_pause(client, kept):
    login(client, "view_schedule", "add_schedule", "change_schedule")

    shown = client.get(page("change", kept.pk))
    assert shown.status_code == 200
    assert [verb.name for verb, _ in shown.context["verbs"]] == ["pause"]
    assert client.get(page("add")).status_code == 403
    assert client.post(page("change", kept.pk), FORM | {"at": "07:00"}).status_code == 403
    assert client.post(page("verb", kept.pk, "run_now")).status_code == 403
    assert client.post(page("verb", kept.pk, "pause")).status_code == 302
    assert client.post(page("verb", kept.pk, "unpause")).status_code == 403

    kept.refresh_from_db()
    assert (kept.at, kept.is_active, Run.objects.count()) == (time(6, 0), False, 0)


def test_who_may_not_see_schedules_sees_no_slots(client, db):
    login(client, "view_run")

    assert client.get(page("slots"), {"cadence": "daily", "at": "06:00"}).status_code == 403
