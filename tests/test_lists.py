"""Lists are filtered, ordered and cut into pages, and refuse what they do not understand."""

import base64
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from agency.models import Observation, Run
from tests.factories import make_product, make_run, make_service_order, make_task

pytestmark = pytest.mark.django_db

LISTS = [
    *("intents", "runs", "tasks", "observations", "artifacts", "chimera/tasks", "gigs", "service-orders"),
    *("portfolio", "products", "earnings/entries"),
]


def pages(api, path):
    """The ids of every page of a list, forward to its end."""
    found, url = [], f"/api/v1/{path}"
    while url:
        body = api.get(url).json()
        found.append([row["id"] for row in body["results"]])
        url = body["next"]
    return found


def ages(runs):
    """Give runs moments of their own: the first is the oldest, pairs share one."""
    start = timezone.now() - timedelta(days=1)
    for number, run in enumerate(runs):
        Run.objects.filter(pk=run.pk).update(created_at=start + timedelta(hours=number // 2))


@pytest.mark.parametrize("path", LISTS)
def test_a_parameter_that_a_list_does_not_know_is_refused_by_name(api, path):
    answer = api.get(f"/api/v1/{path}?colour=red")

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/colour"
    assert error["detail"].startswith("Unknown parameter. Known: ")
    assert error["detail"].endswith("ordering, cursor, page_size.")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("page_size=0", "/page_size"),
        ("page_size=201", "/page_size"),
        ("page_size=null", "/page_size"),
        ("page_size=", "/page_size"),
        ("page_size=1&page_size=2", "/page_size"),
        ("cursor=cD1hYmM=", "/cursor"),
        ("cursor=", "/cursor"),
        ("cursor=%00", "/cursor"),
        ("ordering=color", "/ordering"),
        ("ordering=", "/ordering"),
        ("status=sleeping", "/status"),
        ("status=", "/status"),
        ("intent=x", "/intent"),
        ("intent=0", "/intent"),
        ("intent=-1", "/intent"),
        ("intent=1.0", "/intent"),
        ("intent=9223372036854775808", "/intent"),
        ("created_from=yesterday", "/created_from"),
        ("created_from=2026-03-10", "/created_from"),
        ("created_from=20260310T120000Z", "/created_from"),
        ("created_from=2026-03-10T12:00:00", "/created_from"),
        ("created_from=2026-02-30T12:00:00Z", "/created_from"),
        ("created_from=0001-01-01T00:00:00%2B23:59", "/created_from"),
    ],
)
def test_a_value_that_a_list_can_not_read_is_refused_by_pointer(api, query, pointer):
    answer = api.get(f"/api/v1/runs?{query}")

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_that_nobody_gave_out_is_refused_by_pointer(api, path):
    made_up = base64.urlsafe_b64encode(json.dumps(["-id", False, "9" * 30, "9" * 30]).encode()).decode()

    for cursor in ("cD1hYmM=", "W10=", made_up):
        answer = api.get(f"/api/v1/{path}?cursor={cursor}")

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/cursor")


@pytest.mark.parametrize("path", ["runs/{run}", "runs/{run}/entanglement", "tasks/{task}", "workflows"])
def test_a_single_row_takes_no_parameters(api, path):
    task = make_task()
    path = path.format(run=task.run_id, task=task.pk)

    answer = api.get(f"/api/v1/{path}?status=queued")

    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        [{"pointer": "/status", "detail": "Unknown parameter. This call has none."}],
    )
    assert api.get(f"/api/v1/{path}").status_code == 200


def test_a_verb_takes_no_parameters_and_does_nothing_with_one(api):
    run = make_run()

    answer = api.post(f"/api/v1/runs/{run.pk}/cancel?force=1")

    assert answer.status_code == 400
    assert Run.objects.get().status == "queued"


def test_runs_are_found_by_status_origin_intent_and_time(api):
    old, new = make_run(), make_run(status="succeeded")
    again = make_run(restart_of=old, origin="replayed")
    Run.objects.filter(pk=old.pk).update(created_at="2026-03-10T12:00:00Z")

    def found(query):
        return [row["id"] for row in api.get(f"/api/v1/runs?{query}").json()["results"]]

    assert found("status=succeeded") == [new.pk]
    assert found("origin=replayed") == found(f"restart_of={old.pk}") == [again.pk]
    assert found("created_from=2026-03-10T12:00:00Z&created_before=2026-03-10T12:00:01Z") == [old.pk]
    assert found("created_from=2026-03-10T14:00:00%2B02:00&created_before=2026-03-11T00:00:00Z") == [old.pk]
    assert found("created_before=2026-03-10T12:00:00Z") == []
    assert found("intent=999") == []


def test_tasks_and_observations_and_orders_are_found_by_what_they_belong_to(api):
    task, order = make_task(pipeline="sales"), make_service_order()
    make_task(status="succeeded")
    seen = Observation.objects.create(run=task.run, task=task, kind="inventory", body="{}", sha256="a" * 64)

    def found(path):
        return [row["id"] for row in api.get(f"/api/v1/{path}").json()["results"]]

    assert found(f"tasks?run={task.run_id}") == found("tasks?pipeline=sales") == [task.pk]
    assert found(f"observations?run={task.run_id}") == found(f"observations?sha256={'a' * 64}") == [seen.pk]
    assert found("observations?kind=release") == []
    assert found(f"service-orders?channel=fiverr&gig__slug={order.gig.slug}") == [order.pk]
    assert found("service-orders?channel=etsy") == []


def test_a_list_of_observations_names_them_without_their_bodies(api):
    task = make_task()
    Observation.objects.create(run=task.run, task=task, kind="inventory", body="{}", sha256="a" * 64)

    (row,) = api.get("/api/v1/observations").json()["results"]

    assert set(row) == {"id", "kind", "task", "run", "sha256", "measured_at"}
    assert api.get(f"/api/v1/observations/{row['id']}").json()["body"] == "{}"


@pytest.mark.parametrize("ordering", ["created_at", "-created_at", "id", "-id", "finished_at", "-finished_at"])
def test_pages_hold_each_row_once_in_every_ordering(api, ordering):
    runs = [make_run() for _ in range(7)]
    ages(runs)
    for run in runs[2:5]:  # two of them at the same moment; the others have no end yet
        Run.objects.filter(pk=run.pk).update(finished_at=f"2026-03-1{run.pk % 2}T12:00:00Z")

    whole = [row["id"] for row in api.get(f"/api/v1/runs?ordering={ordering}").json()["results"]]
    cut = pages(api, f"runs?ordering={ordering}&page_size=2")

    assert [len(page) for page in cut] == [2, 2, 2, 1]
    assert [pk for page in cut for pk in page] == whole
    assert sorted(whole) == sorted(run.pk for run in runs)


@pytest.mark.parametrize("ordering", ["created_at", "-created_at", "finished_at", "-finished_at", "-id"])
def test_the_way_back_shows_the_same_pages(api, ordering):
    runs = [make_run() for _ in range(5)]
    ages(runs)
    Run.objects.filter(pk__in=[runs[1].pk, runs[3].pk]).update(finished_at="2026-03-10T12:00:00Z")
    first = api.get(f"/api/v1/runs?ordering={ordering}&page_size=2").json()
    second = api.get(first["next"]).json()
    third = api.get(second["next"]).json()

    back = api.get(third["previous"]).json()
    start = api.get(back["previous"]).json()

    assert (back["results"], start["results"]) == (second["results"], first["results"])
    assert (first["previous"], start["previous"], third["next"]) == (None, None, None)


def test_rows_that_come_or_go_between_two_pages_move_no_other(api):
    runs = [make_run() for _ in range(6)]
    moment = timezone.now()
    Run.objects.update(created_at=moment)  # all at once: only the tie-breaker orders them
    numbers = [run.pk for run in runs]
    first = api.get("/api/v1/runs?ordering=created_at&page_size=3").json()

    runs[1].delete()
    Run.objects.filter(pk=make_run().pk).update(created_at=moment - timedelta(hours=1))
    second = api.get(first["next"]).json()

    assert [row["id"] for row in first["results"]] == numbers[:3]
    assert [row["id"] for row in second["results"]] == numbers[3:]


def test_a_cursor_belongs_to_its_ordering(api):
    for _ in range(3):
        make_run()
    link = api.get("/api/v1/runs?ordering=-id&page_size=1").json()["next"]
    cursor = parse_qs(urlsplit(link).query)["cursor"][0]

    answer = api.get("/api/v1/runs", {"ordering": "created_at", "cursor": cursor})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/cursor")


def test_text_columns_are_paged_to_the_letter(api):
    for title in ("Åland", "apple", "Zebra", "ığdır", "apple"):
        make_product(title=title)

    whole = [row["id"] for row in api.get("/api/v1/products?ordering=title").json()["results"]]

    assert [pk for page in pages(api, "products?ordering=title&page_size=1") for pk in page] == whole
    assert len(whole) == 5


def test_an_empty_word_filters_nothing(api):
    make_product()

    assert len(api.get("/api/v1/products?q=&category=").json()["results"]) == 1


@pytest.mark.parametrize("path", ["portfolio", "runs", "workflows", "dashboard/earnings"])
def test_a_method_that_a_call_does_not_have_is_405_whatever_its_parameters(api, path):
    answer = api.put(f"/api/v1/{path}?colour=red")

    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
