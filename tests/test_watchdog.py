"""Clusters that end themselves when nothing of theirs answers any more."""

import os
import subprocess

import pytest

from agency import watchdog
from tests.test_crash import environment, report_of


def test_only_the_process_that_fills_a_queue_of_django_q2_watches():
    watchdog.watch()

    assert watchdog._watchdog is None


def test_the_family_of_a_process_is_its_children():
    with subprocess.Popen(["sleep", "30"]) as child:
        family = watchdog._children_of(os.getpid())
        child.kill()

    assert str(child.pid) in family
    assert str(os.getpid()) not in family
    assert watchdog._children_of(child.pid) == []


@pytest.mark.slow
@pytest.mark.xdist_group("mission")
def test_a_cluster_whose_workers_were_killed_with_the_queues_lock_ends_itself(
    tmp_path,
):
    told = report_of("crash_scenes", "wedge", env=environment(tmp_path))

    assert told == {"has_ended": True, "run": "succeeded"}
