"""The agency's door for programs: wishes that come back."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone
from rest_framework.test import APIClient

from agency import schedules
from agency.models import Intent, Run, Schedule

pytestmark = pytest.mark.django_db

PATH = "/api/v1/schedules"


@pytest.fixture
def kept(api):
    """The path of a schedule: every day at 06:00."""
    return f"{PATH}/{api.post(PATH, {'statement': 'Health check'}).json()['id']}"


def client_with(*rights, group=None):
    user = User.objects.create_user("member", password="a long pass phrase")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    user.groups.set(Group.objects.filter(name=group))
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_a_schedule_is_kept_and_shown(api, settings):
    settings.STORE_TIMEZONE = "UTC"

    answer = api.post(PATH, {"statement": "Health check", "cadence": "weekly", "at": "07:30", "weekday": 4})

    body = answer.json()
    assert (answer.status_code, answer["Location"]) == (201, f"{PATH}/{body['id']}")
    assert api.get(answer["Location"]).json() == body
    assert api.get(PATH).json()["results"] == [body]
    next_at, created_at = datetime.fromisoformat(body.pop("next_at")), body.pop("created_at")
    assert (next_at.weekday(), f"{next_at:%H:%M}", next_at > timezone.now()) == (4, "07:30", True)
    assert datetime.fromisoformat(created_at) <= timezone.now()
    assert body == {
        "id": Schedule.objects.get().pk,
        "statement": "Health check",
        "cadence": "weekly",
        "at": "07:30",
        "weekday": 4,
        "day": None,
        "cron": "",
        "when": "every Friday at 07:30",
        "timezone": "UTC",
        "is_active": True,
        "last_at": None,
        "last_error": "",
        "last_run": None,
        "last_run_status": None,
        "created_by": "owner",
    }


def test_without_times_it_comes_every_day_at_six_and_cron_has_no_time_of_its_own(api, kept):
    assert (api.get(kept).json()["when"], api.get(kept).json()["at"]) == ("every day at 06:00", "06:00")

    body = api.post(PATH, {"statement": "Health check", "cadence": "cron", "cron": "0 6 * * 1"}).json()

    assert (body["when"], body["at"]) == ("cron 0 6 * * 1", None)


@pytest.mark.parametrize(
    ("body", "status", "wrong"),
    [
        ({}, 400, {"/statement"}),
        ({"statement": "Bake a cake"}, 422, {"/statement"}),
        ({"statement": "Health check", "cadence": "hourly"}, 400, {"/cadence"}),
        ({"statement": "Health check", "cadence": "weekly"}, 422, {"/weekday"}),
        ({"statement": "Health check", "weekday": 4}, 422, {"/weekday"}),
        ({"statement": "Health check", "at": "24:00"}, 400, {"/at"}),
        ({"statement": "Health check", "at": "6"}, 400, {"/at"}),
        ({"statement": "Health check", "cadence": "cron", "cron": "every day"}, 422, {"/cron"}),
        ({"statement": "Health check", "cadence": "cron", "cron": "0 0 30 2 *"}, 422, {"/cron"}),
        ({"statement": "Health check", "is_active": False}, 400, {"/is_active"}),
        ({"statement": "Health check", "next_at": "2026-03-10T00:00:00Z"}, 400, {"/next_at"}),
    ],
)
def test_what_can_not_be_is_named_and_nothing_is_kept(api, body, status, wrong):
    answer = api.post(PATH, body)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert {error["pointer"] for error in answer.json()["errors"]} == wrong
    assert Schedule.objects.count() == 0


def test_an_unknown_wish_is_answered_with_the_nearest_playbooks(api):
    answer = api.post(PATH, {"statement": "Bake a cake"})

    assert (answer.status_code, len(answer.json()["nearest"])) == (422, 3)


def test_a_post_sent_again_keeps_one_schedule(api):
    for _ in range(2):
        answer = api.post(PATH, {"statement": "Health check"}, headers={"Idempotency-Key": "once"})
        assert answer.status_code == 201

    assert Schedule.objects.count() == 1


def test_a_schedule_is_changed_by_what_is_given(api, kept):
    first = api.patch(kept, {"cadence": "monthly", "day": 28})
    second = api.patch(kept, {"statement": "Boost revenue"})
    refused = api.patch(kept, {"day": 29})
    nothing = api.patch(kept, {})

    assert (first.status_code, first.json()["when"]) == (200, "day 28 of every month at 06:00")
    assert (second.json()["statement"], second.json()["next_at"]) == ("Boost revenue", first.json()["next_at"])
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/day")
    assert (nothing.status_code, nothing.json()) == (200, second.json())


def test_a_schedule_is_paused_and_goes_on(api, kept):
    paused = [api.post(f"{kept}/pause").json() for _ in range(2)]
    active = [api.post(f"{kept}/unpause").json() for _ in range(2)]

    assert [(body["is_active"], body["next_at"]) for body in paused] == [(False, None)] * 2
    assert active[0] == active[1]
    assert active[0]["is_active"] is True
    assert datetime.fromisoformat(active[0]["next_at"]) > timezone.now()


def test_a_schedule_is_run_now_and_shows_its_run(api, kept):
    first = api.post(f"{kept}/run-now")
    second = api.post(f"{kept}/run-now")

    run = first.json()
    assert (first.status_code, first["Location"]) == (202, f"/api/v1/runs/{run['id']}")
    assert (second.json()["id"], Run.objects.count()) == (run["id"], 1)
    shown = api.get(kept).json()
    assert (shown["last_run"], shown["last_run_status"], shown["last_at"]) == (run["id"], "queued", None)
    assert api.get(f"/api/v1/intents?schedule={shown['id']}").json()["results"][0]["runs"] == [run["id"]]


def test_a_slot_that_failed_says_why(api, kept):
    schedule = Schedule.objects.get()
    slot = datetime(2026, 3, 10, 6, tzinfo=UTC)
    api.post(f"{kept}/run-now")
    Schedule.objects.update(next_at=slot)

    schedules.fire(slot)

    shown = api.get(kept).json()
    assert shown["last_error"] == f"Skipped: run {shown['last_run']} of this schedule was still queued."
    assert (shown["last_at"], shown["next_at"]) == ("2026-03-10T06:00:00Z", "2026-03-11T06:00:00Z")
    assert schedule.intents.count() == Intent.objects.count() == 1


def test_the_list_is_filtered(api, kept):
    other = api.post(PATH, {"statement": "Boost revenue", "cadence": "cron", "cron": "0 0 1 1 *"}).json()
    api.post(f"{kept}/pause")

    def found(query):
        return [row["id"] for row in api.get(f"{PATH}?{query}").json()["results"]]

    first = Schedule.objects.first().pk
    assert found("is_active=false") == [first]
    assert found("cadence=cron") == [other["id"]]
    assert found("ordering=id") == [first, other["id"]]
    in_a_minute = (timezone.now() + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    assert found(f"next_before={in_a_minute}") == []
    assert api.get(f"{PATH}?statement=x").status_code == 400


def test_a_schedule_is_not_deleted(api, kept):
    assert api.delete(kept).status_code == 405
    assert api.put(kept, {"statement": "Health check"}).status_code == 405
    assert Schedule.objects.count() == 1


def test_operators_manage_schedules(kept):
    operators = client_with(group="Operators")

    assert operators.post(PATH, {"statement": "Boost revenue"}).status_code == 201
    assert operators.patch(kept, {"at": "07:00"}).status_code == 200
    assert operators.post(f"{kept}/pause").status_code == 200
    assert operators.post(f"{kept}/run-now").status_code == 202


def test_who_may_not_run_a_wish_may_not_let_it_run_later(kept):
    client = client_with("view_schedule", "add_schedule", "change_schedule")

    refused = [
        client.post(PATH, {"statement": "Boost revenue"}),
        client.patch(kept, {"at": "07:00"}),
        client.post(f"{kept}/unpause"),
        client.post(f"{kept}/run-now"),
    ]

    assert [answer.status_code for answer in refused] == [403] * 4
    assert (client.get(kept).status_code, client.post(f"{kept}/pause").status_code) == (200, 200)
    assert (Schedule.objects.count(), Run.objects.count()) == (1, 0)


def test_accountants_see_no_schedules(kept):
    assert client_with(group="Accountants").get(PATH).status_code == 403


def test_a_page_of_schedules_costs_one_statement(api, kept, django_assert_num_queries):
    for _ in range(3):
        api.post(PATH, {"statement": "Health check"})

    with django_assert_num_queries(1):
        assert len(api.get(PATH).json()["results"]) == 4
