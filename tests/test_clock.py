"""When a cluster rings for itself, and that it does not ring for nothing."""

import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from django_q.conf import Conf
from django_q.signing import SignedPackage

from agency import attempts, clock, direction_board
from agency.clock import Clock
from agency.direction_board import Step
from agency.models import Task

pytestmark = pytest.mark.django_db


def rung(messages):
    assert all(key is None for key, _ in messages)  # no queue has them, so nobody acknowledges them
    return [SignedPackage.loads(payload)["func"] for _, payload in messages]


@pytest.fixture
def ticking():
    """A clock that has rung for its first sweep."""
    made = Clock()
    assert rung(made.bells()) == ["agency.jobs.sweep"]
    return made


def open_audit():
    return direction_board.open_run([Step("inventory_audit")], title="audit")


def test_while_the_database_is_away_no_sweep_is_rung_for_and_afterwards_at_once():
    made = Clock()

    def is_away(*args):
        raise OperationalError("the server is away")

    with connection.execute_wrapper(is_away):
        for _ in range(2):
            with pytest.raises(OperationalError):
                made.bells()

    assert rung(made.bells()) == ["agency.jobs.sweep"]


def test_nothing_due_is_no_bell_and_the_next_look_comes_in_half_a_second(ticking):
    assert ticking.bells() == []

    assert 0 < ticking.next_at - time.monotonic() <= clock.LOOK_EVERY


def test_between_two_looks_only_news_is_looked_at(ticking, django_assert_num_queries):
    ticking.bells()
    open_audit()

    with django_assert_num_queries(0):
        assert ticking.bells() == []
    assert rung(ticking.bells(is_woken=True)) == ["agency.jobs.work"]


def test_each_due_task_gets_a_bell_and_each_worker_one_at_most(ticking):
    open_audit()
    assert rung(ticking.bells(is_woken=True)) == ["agency.jobs.work"]

    for _ in range(Conf.WORKERS + 3):
        open_audit()
    assert rung(ticking.bells(is_woken=True)) == ["agency.jobs.work"] * Conf.WORKERS


def test_what_a_lost_worker_held_is_rung_for_when_its_lease_ran_out(ticking):
    open_audit()
    attempts.claim("lost")
    assert ticking.bells(is_woken=True) == []

    Task.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    assert rung(ticking.bells(is_woken=True)) == ["agency.jobs.work"]


def test_what_is_due_later_is_rung_for_later(ticking):
    open_audit()
    Task.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert ticking.bells(is_woken=True) == []

    Task.objects.update(due_at=timezone.now())

    assert rung(ticking.bells(is_woken=True)) == ["agency.jobs.work"]


def test_a_sweep_is_rung_for_every_five_seconds_even_while_tasks_wait(ticking):
    open_audit()
    ticking.bells(is_woken=True)
    ticking._next_sweep = time.monotonic()  # five seconds later

    assert rung(ticking.bells(is_woken=True)) == ["agency.jobs.sweep"]
    assert rung(ticking.bells(is_woken=True)) == ["agency.jobs.work"]
