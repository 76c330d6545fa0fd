"""Clusters of real processes: they share the work, are killed, sleep, hang, and lose their database."""

import os

import pytest

from tests.test_crash import environment, report_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mission")]
POSTGRESQL = bool(os.environ.get("TEST_DATABASE_URL"))


def scene(name, tmp_path, **options):
    return report_of("crash_scenes", name, env=environment(tmp_path, **options))


def test_two_clusters_share_the_work_and_when_one_is_killed_the_other_finishes_it(tmp_path):
    told = scene("share", tmp_path)

    # Both did a part of it. How even the parts are depends on who else uses the machine.
    assert min(told["shares"]) >= 3, told
    assert told["runs"] == {"succeeded": 120}
    assert (told["done_after"], told["done_after_by_others"]) == (True, 0)
    assert told["effects"] == 120


def test_a_worker_that_slept_past_its_lease_or_through_a_cancel_changes_nothing_when_it_wakes(tmp_path):
    told = scene("pause", tmp_path)

    assert told["lapsed"] == {
        "run": "succeeded",
        "task": "succeeded",
        "outcomes": ["lost", "succeeded"],
        "effects": 1,
        "earnings": 1,
    }
    assert told["unchanged"]
    assert told["canceled"] == {
        "run": "canceled",
        "task": "canceled",
        "outcomes": ["lost"],
        "effects": 0,
        "earnings": 0,
    }
    assert told["later"] == "succeeded"


def test_a_worker_that_hangs_is_replaced_at_the_timeout_of_its_workflow_and_the_cluster_goes_on(tmp_path):
    told = scene("hang", tmp_path, workers=1)

    assert told["hanging"] == {
        "run": "succeeded",
        "task": "succeeded",
        "outcomes": ["timed_out", "succeeded"],
        "effects": 1,
        "earnings": 1,
    }
    assert told["behind"]["run"] == "succeeded"
    assert (told["was_replaced"], told["is_gone"]) == (True, True)


@pytest.mark.skipif(not POSTGRESQL, reason="SQLite has no connections to end; CI runs this on PostgreSQL, too")
def test_clusters_whose_connections_are_all_ended_go_on_in_a_moment(tmp_path):
    told = scene("terminate", tmp_path)

    assert told["runs"] == {"succeeded": told["opened"]}
    assert told["effects"] == told["opened"]
    assert max(told["seconds"]) < 5, told
