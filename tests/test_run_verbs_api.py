"""What programs may do with wishes, runs and tasks over the API, beyond starting them."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from rest_framework.test import APIClient

from agency.models import Run, Task
from agency.work import work_off
from tests.factories import make_run, make_task

pytestmark = pytest.mark.django_db


def moment(text):
    return datetime.fromisoformat(text)


def seconds_allowed(run):
    return (moment(run["deadline_at"]) - moment(run["created_at"])).total_seconds()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("orchestrate/intent", {"statement": "Boost revenue"}),
        ("orchestrate/sales", {"operation": "inventory_audit"}),
        ("orchestrate/service", {"workflow": "gig_optimization"}),
    ],
)
def test_whoever_starts_a_run_may_say_how_long_it_may_take(api, path, body):
    answer = api.post(f"/api/v1/{path}", body | {"deadline_seconds": 120})

    assert answer.status_code == 202, answer.json()
    assert round(seconds_allowed(answer.json())) == 120


@pytest.mark.parametrize("seconds", [59, 86_401, "120", 1.5, True])
def test_a_deadline_is_one_minute_to_a_day(api, seconds):
    answer = api.post("/api/v1/orchestrate/intent", {"statement": "Boost revenue", "deadline_seconds": seconds})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/deadline_seconds")
    assert Run.objects.count() == 0


def test_a_run_is_replayed_with_edited_parameters(api):
    run = api.post("/api/v1/orchestrate/sales", {"operation": "inventory_audit"}).json()
    work_off()

    edited = {"params": {"inventory_audit": {"verify_pages": False}}}
    answer = api.post(f"/api/v1/runs/{run['id']}/replay", edited)

    again = answer.json()
    assert (answer.status_code, again["origin"], again["restart_of"]) == (202, "replayed", run["id"])
    assert again["tasks"][0]["params"] == {"verify_pages": False}


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"params": {"fly": {}}}, 422, "/params/fly"),
        ({"params": {"inventory_audit": {"no": 1}}}, 422, "/params/inventory_audit/no"),
        ({"params": {"inventory_audit": 3}}, 400, "/params/inventory_audit"),
        ({"parameters": {}}, 400, "/parameters"),
    ],
)
def test_a_replay_with_parameters_that_do_not_fit_opens_nothing(api, body, status, pointer):
    run = api.post("/api/v1/orchestrate/sales", {"operation": "inventory_audit"}).json()

    answer = api.post(f"/api/v1/runs/{run['id']}/replay", body)

    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (status, [pointer])
    assert Run.objects.count() == 1


def test_a_run_that_failed_is_resumed_and_may_be_measured_again(api):
    run = make_run(status="failed")
    make_task(run, pipeline="sales", workflow="inventory_audit", status="failed")

    first = api.post(f"/api/v1/runs/{run.pk}/resume", {"measure_again": True})
    same = api.post(f"/api/v1/runs/{run.pk}/resume", {"measure_again": True})
    other = api.post(f"/api/v1/runs/{run.pk}/resume")

    assert (first.status_code, first.json()["origin"], first.json()["restart_of"]) == (202, "resumed", run.pk)
    assert same.json()["id"] == first.json()["id"]
    assert (other.status_code, other.json()["run"]) == (409, first.json()["id"])


def test_what_a_collapse_did_not_choose_is_run_beside_it(api):
    wish = {"statement": "Maximize profit", "collapse": False}
    intent = api.post("/api/v1/orchestrate/intent", wish).json()
    path = f"/api/v1/intents/{intent['id']}"
    early = api.post(f"{path}/fork")
    first = api.post(f"{path}/collapse").json()
    chosen = {task["workflow"] for task in first["tasks"]}

    preview = api.post(f"{path}/fork", {"dry_run": True})
    fork = api.post(f"{path}/fork")
    again = api.post(f"{path}/fork")

    assert early.status_code == 409
    assert preview.status_code == 200
    assert {task["workflow"] for task in preview.json()["tasks"]} == {t["workflow"] for t in fork.json()["tasks"]}
    assert all(isinstance(task["touches"], list) for task in preview.json()["tasks"])
    assert (fork.status_code, fork.json()["origin"], fork.json()["restart_of"]) == (202, "forked", first["id"])
    assert not {t["workflow"] for t in fork.json()["tasks"] if t["pipeline"] == "ops"} & chosen
    assert again.json()["id"] == fork.json()["id"]
    assert sorted(api.get(path).json()["runs"]) == [first["id"], fork.json()["id"]]


def test_a_task_says_whom_it_asks_since_when_and_who_answered(api):
    run = make_run(status="waiting")
    asked_at = timezone.now()
    task = make_task(
        run,
        status="waiting",
        waiting_on="publishing needs a yes",
        asked_at=asked_at,
        asked_of="agency.approve_task",
        expires_at=asked_at + timedelta(hours=72),
    )

    waiting = api.get("/api/v1/tasks?asked_of=agency.approve_task&ordering=asked_at").json()["results"]
    answered = api.post(f"/api/v1/tasks/{task.pk}/approve").json()

    assert [row["id"] for row in waiting] == [task.pk]
    assert moment(waiting[0]["expires_at"]) - moment(waiting[0]["asked_at"]) == timedelta(hours=72)
    assert (waiting[0]["approved_by"], answered["approved_by"]) == (None, "owner")
    assert (answered["status"], answered["asked_of"], answered["asked_at"]) == ("queued", "", None)


def test_a_task_is_approved_only_by_who_has_the_right_that_it_names(db):
    task = make_task(
        make_run(status="waiting"),
        status="waiting",
        asked_at=timezone.now(),
        asked_of="storefront.publish_product",
        expires_at=timezone.now() + timedelta(hours=72),
    )
    user = User.objects.create_user("approver", password="a long pass phrase")
    user.user_permissions.set(Permission.objects.filter(codename="approve_task"))
    client = APIClient()
    client.force_authenticate(user)

    answer = client.post(f"/api/v1/tasks/{task.pk}/approve")

    assert answer.status_code == 403
    assert "storefront.publish_product" in answer.json()["detail"]
    assert Task.objects.get().status == "waiting"


def test_workflows_say_how_they_run_beside_others_and_what_they_ask(api):
    for workflow in api.get("/api/v1/workflows").json()["results"]:
        assert workflow["concurrency"] in ("allow", "queue", "reject", "cancel_running")
        assert workflow["timeout"] > 0 and workflow["max_attempts"] > 0
        assert isinstance(workflow["approval"], str) and workflow["approval_right"]
