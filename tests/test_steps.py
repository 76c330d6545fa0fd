"""What a run may be opened with."""

import pytest
from rest_framework import serializers

from agency import direction_board, steps, workflows
from agency.direction_board import Step
from agency.models import Run, Task
from agency.workflows import Workflow
from earnings.refusals import Refusal
from tests.board import Measure, Report, weather

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def test_workflows(monkeypatch):
    return weather(monkeypatch)


def open_both():
    return direction_board.open_run([Step("test_report")], title="Tell the weather")


def test_an_ops_step_is_entangled_with_the_sales_task_that_measures_what_it_binds():
    run = open_both()

    assert list(run.tasks.values_list("workflow", "pipeline", "measures", "binds")) == [
        ("test_measure", "sales", ["weather"], []),
        ("test_report", "ops", [], ["weather"]),
    ]


@pytest.mark.parametrize(
    ("params", "pointer"),
    [({"degrees": "warm"}, "/params/degrees"), ({"temperature": 3}, "/params/temperature"), ([], "/params")],
)
def test_a_bad_parameter_is_named_and_nothing_is_opened(params, pointer):
    with pytest.raises(Refusal) as refused:
        direction_board.open_run([Step("test_measure", params)], title="x")

    assert [error["pointer"] for error in refused.value.errors] == [pointer]
    assert (refused.value.status, Run.objects.count(), Task.objects.count()) == (422, 0, 0)


def test_every_bad_parameter_of_a_step_is_named_under_the_pointer_that_the_caller_gives():
    with pytest.raises(Refusal) as refused:
        steps.validated("test_measure", {"degrees": "warm", "wind": 3}, "/params/test_measure")

    assert [error["pointer"] for error in refused.value.errors] == [
        "/params/test_measure/degrees",
        "/params/test_measure/wind",
    ]


def test_a_run_has_at_most_50_tasks():
    many = [Step("test_measure")] * 51

    with pytest.raises(Refusal) as refused:
        direction_board.open_run(many, title="x")

    assert (refused.value.status, Run.objects.count()) == (422, 0)
    assert refused.value.detail == "A run has at most 50 tasks; these are 51."


def test_what_nobody_measures_can_not_be_bound():
    class Lost(Report):
        key, binds = "test_lost", ("the_future",)

    workflows.register(Lost)

    with pytest.raises(Refusal) as refused:
        direction_board.open_run([Step("test_lost")], title="x")

    assert (refused.value.status, refused.value.detail) == (422, "No Sales workflow measures the_future.")
    assert Task.objects.count() == 0


def test_a_run_has_one_truth_of_each_kind_and_each_workflow_once():
    class Second(Measure):
        key = "test_second"

    workflows.register(Second)

    for twice, said in [
        (["test_measure", "test_second"], "Two tasks of one run would measure weather."),
        (["test_report", "test_report"], "A run executes each workflow once."),
    ]:
        with pytest.raises(Refusal) as refused:
            direction_board.open_run([Step(key) for key in twice], title="x")
        assert (refused.value.status, refused.value.detail) == (422, said)
    assert Run.objects.count() == 0


def test_the_sales_step_that_the_board_adds_is_not_one_that_somebody_named():
    planned = steps.planned([Step("test_report")])

    assert [(entry.step.workflow, entry.step.is_named) for entry in planned] == [
        ("test_measure", False),
        ("test_report", True),
    ]
    assert planned[0].values == {"degrees": 20}


def test_the_parameters_of_a_step_are_read_once():
    read = []

    class Params(serializers.Serializer):
        def validate(self, params):
            read.append(dict(params))
            return params

    @workflows.register
    class Counted(Workflow):
        key, pipeline, title = "test_counted", "sales", "Counted"

    Counted.Params = Params

    direction_board.open_run([Step("test_counted")], title="x")

    assert read == [{}]


def test_a_workflow_says_how_it_runs_beside_others_and_what_it_asks():
    described = workflows.describe(workflows.get("storefront_build"))

    told = {name: described[name] for name in ("concurrency", "subject", "timeout", "max_attempts")}
    assert told == {
        "concurrency": "queue",
        "subject": "The storefront: one build at a time, the next one waits for its turn.",
        "timeout": 1800,
        "max_attempts": 3,
    }
    assert described["approval_right"] == "agency.approve_task"
    assert described["approval"].startswith("Before a build that no person asked for by name lists")
