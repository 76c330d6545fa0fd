"""Two tasks at one subject: both, one after the other, one refused, or one in place of the other."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework import serializers

from agency import attempts, direction_board, subjects, workflows
from agency.direction_board import Step
from agency.finishing import Ending, finish
from agency.models import Run, Task
from agency.steps import planned
from agency.work import perform, work_off
from agency.workflows import Concurrency, Outcome, Workflow
from earnings.refusals import Refusal
from tests.board import PROOF
from tests.factories import make_gig, make_service_order

pytestmark = pytest.mark.django_db


class Paint(Workflow):
    key, pipeline, title = "test_paint", "sales", "Paint"

    class Params(serializers.Serializer):
        wall = serializers.CharField(allow_blank=True)

    def subject(self, params):
        return params["wall"]

    def perform(self, work):
        return Outcome({}, [PROOF])


@pytest.fixture(autouse=True)
def paint(monkeypatch):
    """The workflow, fresh, so that a test may say how two of it get along."""
    monkeypatch.setattr(workflows, "_registry", dict(workflows._registry))
    return workflows.register(type("Paint", (Paint,), {}))


def open_run(wall="north"):
    return direction_board.open_run([Step("test_paint", {"wall": wall})], title=f"Paint {wall}")


def status(run):
    return run.tasks.get().status


def test_without_a_policy_both_run(paint):
    runs = [open_run(), open_run()]

    claimed = [attempts.claim("a"), attempts.claim("b")]

    assert [task.run_id for task in claimed] == [run.pk for run in runs]


def test_an_unknown_policy_is_refused_when_the_workflow_is_registered():
    with pytest.raises(ValueError, match="'fight' is not a valid Concurrency"):
        workflows.register(type("Fights", (Paint,), {"key": "test_fights", "concurrency": "fight"}))


# --- queue -------------------------------------------------------------------------------------------------


def test_the_second_task_waits_until_the_first_one_ended(paint):
    paint.concurrency = Concurrency.QUEUE
    first, second, other = open_run(), open_run(), open_run("south")

    north, south, none = attempts.claim("a"), attempts.claim("b"), attempts.claim("c")
    assert (north.run_id, south.run_id, none) == (first.pk, other.pk, None)

    perform(north)
    assert attempts.claim("c").run_id == second.pk


def test_a_cancel_frees_the_subject(paint):
    paint.concurrency = Concurrency.QUEUE
    first, second = open_run(), open_run()
    attempts.claim("a")

    direction_board.cancel(first)

    assert attempts.claim("b").run_id == second.pk


def test_a_task_without_a_subject_waits_for_nobody(paint):
    paint.concurrency = Concurrency.QUEUE
    open_run(""), open_run("")

    assert [bool(attempts.claim(worker)) for worker in "ab"] == [True, True]


def test_a_lost_worker_does_not_block_its_subject_for_good(paint):
    paint.concurrency = Concurrency.QUEUE
    first, second = open_run(), open_run()
    attempts.claim("dies")
    Task.objects.filter(run=first).update(lease_until=timezone.now() - timedelta(seconds=1))

    work_off()

    assert (status(first), status(second)) == ("succeeded", "succeeded")


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_never_work_on_one_subject_together(paint):
    paint.concurrency = Concurrency.QUEUE
    for _ in range(6):
        open_run()

    claimed = at_once(6, lambda number: attempts.claim(f"worker {number}"))

    assert len([task for task in claimed if task]) == 1
    assert Task.objects.filter(status="running").count() == 1


# --- reject ------------------------------------------------------------------------------------------------


def test_a_second_run_is_refused_with_the_name_of_the_first(paint):
    paint.concurrency = Concurrency.REJECT
    first = open_run()

    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            open_run()
        assert (refused.value.status, refused.value.extra) == (409, {"run": first.pk})
        assert refused.value.detail == f"Run {first.pk} works on this already: test_paint of north, queued."
    assert (Run.objects.count(), Task.objects.count()) == (1, 1)

    assert status(open_run("south")) == "queued"
    work_off()
    assert status(open_run()) == "queued"


@pytest.mark.django_db(transaction=True)
def test_of_many_runs_at_once_one_is_opened_and_the_others_are_refused(paint):
    paint.concurrency = Concurrency.REJECT

    answers = at_once(8, lambda number: open_run())

    opened = [answer for answer in answers if isinstance(answer, Run)]
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert (len(opened), len(refused)) == (1, 7)
    assert {answer.status for answer in refused} == {409}
    assert {answer.extra.get("run") for answer in refused} == {opened[0].pk}
    assert (Run.objects.count(), Task.objects.count()) == (1, 1)


# --- cancel_running ----------------------------------------------------------------------------------------


def test_a_second_run_takes_the_place_of_the_first_and_a_late_result_changes_nothing(paint):
    paint.concurrency = Concurrency.CANCEL_RUNNING
    first = open_run()
    late = attempts.claim("a")

    second, other = open_run(), open_run("south")
    with pytest.raises(attempts.Lost):
        finish(Ending(late, 1, Outcome({}, [PROOF])))
    work_off()

    assert [(run.refresh_from_db(), run.status)[1] for run in (first, second, other)] == [
        "canceled",
        "succeeded",
        "succeeded",
    ]
    said = f"The run was canceled: run {second.pk} took its place"
    assert first.events.get(kind="run.canceled").message == said
    assert first.tasks.get().tries.get().outcome == "lost"


def test_a_run_that_ended_is_not_canceled_by_the_next_one(paint):
    paint.concurrency = Concurrency.CANCEL_RUNNING
    first = open_run()
    work_off()

    open_run()

    first.refresh_from_db()
    assert first.status == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_of_many_that_replace_each_other_at_once_one_is_left(paint):
    paint.concurrency = Concurrency.CANCEL_RUNNING
    open_run()

    answers = at_once(6, lambda number: open_run())

    assert {type(answer) for answer in answers} <= {Run, Refusal}
    assert {answer.status for answer in answers if isinstance(answer, Refusal)} <= {409}
    assert Task.objects.filter(status="queued").count() == 1
    assert Run.objects.filter(status="queued").count() == 1
    assert Run.objects.count() == 1 + sum(isinstance(answer, Run) for answer in answers)


def at_once(count, call):
    """What `count` threads got that call at the same moment: an answer or the exception."""
    answers, ready = [], threading.Barrier(count)

    def run(number):
        ready.wait()
        try:
            answers.append(call(number))
        except BaseException as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


# --- The workflows that there are --------------------------------------------------------------------------


def subject(workflow, params=None):
    """The subject of the task that a step of this workflow becomes."""
    found = [p for p in planned([Step(workflow, params or {})]) if p.step.workflow == workflow]
    return subjects.fields(found[0]).get("subject", "")


def test_audits_builds_reviews_and_rounds_of_the_bot_take_turns():
    keys = ("inventory_audit", "storefront_build", "gig_optimization", "fiverr_bot", "service_promotion")

    assert [subject(key) for key in keys] == ["catalog", "storefront", "gigs", "open orders", ""]


def test_the_bot_works_on_one_order_once_at_a_time_however_it_is_named():
    gig = make_gig("logo")
    theirs, ours = (
        make_service_order(gig, external_id="FO7"),
        make_service_order(gig, external_id="", kind="simulated"),
    )
    external = {"channel": " fiverr", "order_id": "FO7 ", "amount": "100.00", "currency": "USD"}
    new = {"gig": "logo", "package": "basic"}

    assert subject("fiverr_bot", {"service_order": theirs.pk}) == "fiverr FO7"
    assert subject("fiverr_bot", new | {"external": external}) == "fiverr FO7"
    assert subject("fiverr_bot", {"service_order": ours.pk}) == ours.number
    assert subject("fiverr_bot", new) == ""
