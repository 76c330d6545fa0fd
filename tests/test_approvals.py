"""What waits for a person: the answers, and what no answer means."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from agency import approvals, direction_board, workflows
from agency.direction_board import Step
from agency.models import Event, Intent, Playbook, Run, Task
from agency.work import work_off
from agency.workflows import Concurrency, Outcome
from earnings.refusals import Refusal
from tests.board import PROOF, Measure, statuses, weather

pytestmark = pytest.mark.django_db

HOURS = timedelta(hours=1)


@pytest.fixture(autouse=True)
def test_workflows(monkeypatch):
    return weather(monkeypatch)


@pytest.fixture
def published(test_workflows):
    """What was published: the measuring workflow asks before it publishes the weather."""
    done = []

    def perform(self, work):
        seen = work.observe("weather", {"degrees": 20})
        return Outcome({"ref": seen.ref}, [PROOF], [lambda task: done.append(task.pk)])

    measure = test_workflows["test_measure"]
    measure.perform = perform
    measure.approval = lambda self, params, run: "It would publish the weather."
    measure.approval_rule = "Always."
    return done


@pytest.fixture
def clerk(db):
    """A member of staff without the right to approve."""
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="add_run"))
    return user


def open_both(**more):
    return direction_board.open_run([Step("test_report")], title="Tell the weather", **more)


def ask():
    """A run whose Sales task asks, and that task."""
    run = open_both()
    work_off()
    run.refresh_from_db()
    return run, run.tasks.get(workflow="test_measure")


def kinds(run):
    return list(run.events.order_by("number").values_list("kind", flat=True))


# --- What publishes asks first -----------------------------------------------------------------------------


def test_what_publishes_waits_for_a_person_and_publishes_nothing(published):
    run, task = ask()

    assert (task.status, task.waiting_on) == ("waiting", "It would publish the weather.")
    assert (task.asked_of, task.lease_until) == ("agency.approve_task", None)
    assert task.expires_at - task.asked_at == 72 * HOURS
    assert (run.status, statuses(run)) == ("waiting", {"test_measure": "waiting", "test_report": "waiting"})
    assert run.deadline_at > task.expires_at
    assert published == []


def test_after_the_yes_it_publishes_once_and_the_rest_goes_on(published, staff):
    run, task = ask()

    direction_board.approve(task, by=staff)
    direction_board.approve(task, by=staff)
    work_off()
    direction_board.approve(task, by=staff)

    run.refresh_from_db()
    task.refresh_from_db()
    assert published == [task.pk]
    assert (run.status, statuses(run)) == ("succeeded", {"test_measure": "succeeded", "test_report": "succeeded"})
    assert (task.approved_by, task.asked_at, task.expires_at) == (staff, None, None)
    assert kinds(run).count("task.approved") == 1
    assert run.events.get(kind="task.approved").data == {"by": staff.pk}


def test_a_yes_is_one_to_what_was_asked_and_what_changed_since_is_asked_anew(published, staff, test_workflows):
    _, task = ask()
    test_workflows["test_measure"].approval = lambda self, params, run: "It would publish the climate."

    direction_board.approve(task, by=staff)
    work_off()

    task.refresh_from_db()
    assert (task.status, task.waiting_on, published) == ("waiting", "It would publish the climate.", [])
    assert (task.approved_at, task.approved_by) == (None, None)

    direction_board.approve(task, by=staff)
    work_off()
    assert published == [task.pk]


def test_what_began_after_the_yes_is_not_asked_anew(published, staff, test_workflows):
    _, task = ask()
    questions = iter(["It would publish the weather.", "It would publish the rest."])
    test_workflows["test_measure"].approval = lambda self, params, run: next(questions)
    perform = test_workflows["test_measure"].perform
    test_workflows["test_measure"].perform = lambda self, work: 1 / 0
    direction_board.approve(task, by=staff)
    work_off()

    test_workflows["test_measure"].perform = perform
    Task.objects.filter(pk=task.pk).update(due_at=timezone.now())
    work_off()

    assert published == [task.pk]


def test_a_person_without_the_right_can_say_neither_yes_nor_no(published, clerk):
    run, task = ask()
    events = kinds(run)

    for answer in (direction_board.approve, direction_board.reject):
        with pytest.raises(Refusal) as refused:
            answer(task, by=clerk)
        assert (refused.value.status, refused.value.detail) == (403, "This needs the right agency.approve_task.")

    task.refresh_from_db()
    assert (task.status, kinds(run), published) == ("waiting", events, [])


def test_a_no_ends_the_task_and_skips_what_was_bound_to_it(published, staff):
    run, task = ask()

    direction_board.reject(task, by=staff, reason="Not this week.")
    direction_board.reject(task, by=staff, reason="Never.")

    run.refresh_from_db()
    task.refresh_from_db()
    assert (run.status, statuses(run)) == ("failed", {"test_measure": "failed", "test_report": "skipped"})
    assert (task.error, task.waiting_on, task.asked_at, task.expires_at) == ("Not this week.", "", None, None)
    assert kinds(run)[-3:] == ["task.rejected", "task.skipped", "run.failed"]
    assert (published, run.observations.count()) == ([], 0)


def test_no_answer_within_72_hours_means_no(published):
    run, task = ask()

    direction_board.sweep(now=task.asked_at + 72 * HOURS)
    task.refresh_from_db()
    assert task.status == "waiting"

    direction_board.sweep(now=task.asked_at + 72 * HOURS + timedelta(seconds=1))
    direction_board.sweep(now=task.asked_at + 72 * HOURS + timedelta(seconds=2))

    run.refresh_from_db()
    task.refresh_from_db()
    assert (task.status, task.error) == ("failed", "Nobody answered within 72 hours.")
    assert (run.status, statuses(run)["test_report"]) == ("failed", "skipped")
    assert kinds(run).count("task.rejected") == 1
    assert published == []


def test_a_yes_that_comes_too_late_is_refused_even_if_no_clock_has_ended_the_task_yet(published, staff):
    run, task = ask()
    Task.objects.filter(pk=task.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    events = kinds(run)

    with pytest.raises(Refusal) as refused:
        direction_board.approve(task, by=staff)

    assert (refused.value.status, refused.value.detail) == (409, "Nobody answered in time: this task is not done.")
    assert (Task.objects.get(pk=task.pk).status, kinds(run), published) == ("waiting", events, [])
    direction_board.reject(task, by=staff)
    assert task.status == "failed"


def test_what_was_answered_in_time_does_not_expire(published, staff):
    _, task = ask()

    direction_board.approve(task, by=staff)
    approvals.expire(timezone.now() + 100 * HOURS)

    task.refresh_from_db()
    assert task.status == "queued"


def test_a_measurement_does_not_wake_what_asks(published, test_workflows):
    run, task = ask()
    other = run.tasks.get(workflow="test_report")
    Task.objects.filter(pk=other.pk).update(binds=[])

    direction_board.sweep()
    work_off()

    task.refresh_from_db()
    assert (task.status, published) == ("waiting", [])


def test_an_attempt_after_the_yes_that_fails_is_tried_again_without_asking(published, staff, test_workflows):
    publish = test_workflows["test_measure"].perform
    run, task = ask()
    failures = [RuntimeError("no paper")]
    test_workflows["test_measure"].perform = lambda self, work: (
        (_ for _ in ()).throw(failures.pop()) if failures else publish(self, work)
    )

    direction_board.approve(task, by=staff)
    work_off()
    Task.objects.filter(pk=task.pk).update(due_at=timezone.now())
    work_off()

    run.refresh_from_db()
    assert (run.status, published) == ("succeeded", [task.pk])


def test_after_the_yes_the_deadline_is_that_of_the_work(published, staff):
    run, task = ask()

    direction_board.approve(task, by=staff)

    run.refresh_from_db()
    assert run.deadline_at < timezone.now() + timedelta(minutes=16)


def test_after_the_yes_a_deadline_that_was_asked_for_counts_anew(published, staff):
    run = open_both(deadline=2 * HOURS)
    work_off()

    direction_board.approve(run.tasks.get(workflow="test_measure"), by=staff)

    run.refresh_from_db()
    assert round((run.deadline_at - timezone.now()) / HOURS, 1) == 2


def test_a_yes_leaves_another_task_of_the_run_its_time(published, staff, test_workflows):
    @workflows.register
    class Other(Measure):
        key, measures = "test_other", ("moon",)
        approval = lambda self, params, run: "It would publish the moon."  # noqa: E731

    run = direction_board.open_run([Step("test_report"), Step("test_other")], title="x")
    work_off()

    direction_board.approve(run.tasks.get(workflow="test_measure"), by=staff)

    run.refresh_from_db()
    assert run.deadline_at > run.tasks.get(workflow="test_other").expires_at


# --- Who names it has said yes -----------------------------------------------------------------------------


def test_a_person_with_the_right_who_names_the_workflow_is_not_asked(published, staff):
    run = direction_board.open_run([Step("test_measure")], title="x", user=staff)
    work_off()

    task = run.tasks.get()
    assert (task.status, task.approved_by, published) == ("succeeded", staff, [task.pk])


def test_who_names_it_without_the_right_is_asked(published, clerk):
    run = direction_board.open_run([Step("test_measure")], title="x", user=clerk)
    work_off()

    assert (run.tasks.get().status, published) == ("waiting", [])


def test_a_workflow_that_the_board_added_or_a_wish_chose_asks_whoever_made_it(published, staff):
    intent = Intent.objects.create(statement="Tell the weather", playbook=Playbook.objects.first())
    added = open_both(user=staff)
    chosen = direction_board.open_run([Step("test_measure")], title="x", user=staff, intent=intent)
    work_off()

    assert [run.tasks.get(workflow="test_measure").status for run in (added, chosen)] == ["waiting", "waiting"]
    assert published == []


def test_run_again_by_the_one_who_named_it_is_not_asked_either(published, staff, clerk):
    run = direction_board.open_run([Step("test_measure")], title="x", user=staff)

    by_staff = direction_board.replay(run, user=staff)
    by_clerk = direction_board.replay(run, user=clerk)
    work_off()

    assert [r.tasks.get().status for r in (by_staff, by_clerk)] == ["succeeded", "waiting"]


# --- What needs a human ------------------------------------------------------------------------------------


def test_no_artifact_no_success(test_workflows):
    test_workflows["test_report"].perform = lambda self, work: Outcome({"text": "trust me"})
    run = open_both()

    work_off()

    run.refresh_from_db()
    assert statuses(run)["test_report"] == Task.Status.NEEDS_HUMAN
    assert run.status == Run.Status.NEEDS_HUMAN


@pytest.fixture
def ready(test_workflows):
    """The report needs a human until this list holds something."""
    said = []
    test_workflows["test_report"].perform = lambda self, work: (
        Outcome({}, artifacts=[PROOF]) if said else Outcome({}, needs_human="no brief")
    )
    return said


def test_approving_tries_again_and_rejecting_ends_it(ready, staff):
    run = open_both()
    work_off()
    task = run.tasks.get(workflow="test_report")

    ready.append(True)
    direction_board.approve(task, by=staff)
    direction_board.approve(task, by=staff)
    work_off()

    run.refresh_from_db()
    task.refresh_from_db()
    assert (statuses(run)["test_report"], run.status, task.approved_by) == ("succeeded", "succeeded", staff)
    with pytest.raises(Refusal) as refused:
        direction_board.reject(run.tasks.get(workflow="test_report"))
    assert refused.value.allowed == []


def test_a_person_may_take_longer_than_the_runs_deadline(ready):
    run = open_both()
    work_off()
    Run.objects.filter(pk=run.pk).update(deadline_at=timezone.now() - timedelta(days=1))

    ready.append(True)
    direction_board.approve(run.tasks.get(workflow="test_report"))
    direction_board.sweep()
    work_off()

    run.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED


def test_what_needs_a_human_waits_as_long_as_it_takes(ready):
    run = open_both()
    work_off()

    direction_board.sweep(now=timezone.now() + 1000 * HOURS)

    run.refresh_from_db()
    assert (run.status, statuses(run)["test_report"]) == ("needs_human", "needs_human")


def test_what_waits_for_a_measurement_is_nothing_that_a_person_answers():
    run = open_both()
    Task.objects.filter(workflow="test_measure").update(due_at=timezone.now() + HOURS)
    work_off()
    task = run.tasks.get(workflow="test_report")

    for answer in (direction_board.approve, direction_board.reject):
        with pytest.raises(Refusal) as refused:
            answer(task)
        assert refused.value.status == 409

    task.refresh_from_db()
    assert (task.status, Event.objects.filter(task=task, kind__in=["task.approved", "task.rejected"]).count()) == (
        "waiting",
        0,
    )


def test_what_another_run_took_up_meanwhile_can_not_be_approved(test_workflows, ready):
    report = test_workflows["test_report"]
    report.concurrency, report.subject = Concurrency.REJECT, lambda self, params: "the town"
    first = open_both()
    work_off()
    second = open_both()
    task = first.tasks.get(workflow="test_report")

    with pytest.raises(Refusal) as refused:
        direction_board.approve(task)

    task.refresh_from_db()
    assert (refused.value.status, refused.value.extra) == (409, {"run": second.pk})
    assert (task.status, task.approved_at) == ("needs_human", None)
