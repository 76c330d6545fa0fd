"""Runs for tests: opened and worked off in this process, with the real Sales side, or with two small workflows
that tell the weather and book nothing."""

from django.contrib.auth.models import User
from rest_framework import serializers

from agency import direction_board, workflows
from agency.direction_board import Step
from agency.work import work_off
from agency.workflows import NewArtifact, Outcome, Workflow

MEASURE = Step("inventory_audit", {"verify_pages": False})
PROOF = NewArtifact("proof", "proof.txt", "text/plain", b"done")


def owner():
    """Somebody with every right: what publishes takes their naming it for a yes."""
    return User.objects.filter(username="owner").first() or User.objects.create_superuser("owner")


def run_ops(workflow, params=None, *, sales=MEASURE, **more):
    """The finished Ops task of a run of `workflow`, entangled with `sales`, that the owner asked for."""
    steps = [sales, Step(workflow, params or {})]
    run = direction_board.open_run(steps, title=workflow, **({"user": owner()} | more))
    work_off()
    return run.tasks.get(workflow=workflow)


class Measure(Workflow):
    key, pipeline, title = "test_measure", "sales", "Measure"
    measures = ("weather",)

    class Params(serializers.Serializer):
        degrees = serializers.IntegerField(required=False, default=20)

    def perform(self, work):
        seen = work.observe("weather", {"degrees": work.params["degrees"], "where": "İzmir"})
        return Outcome({"ref": seen.ref}, artifacts=[PROOF])


class Report(Workflow):
    key, pipeline, title = "test_report", "ops", "Report"
    binds = ("weather",)
    max_attempts = 2

    def prepare(self, work):
        return {"opening": "Today"}

    def perform(self, work):
        seen = work.observation("weather")
        text = f"{work.draft['opening']}: {seen.payload['degrees']} degrees"
        return Outcome({"text": text, "weather_ref": seen.ref}, artifacts=[PROOF])


def weather(monkeypatch):
    """Both workflows as fresh subclasses in a registry of the test's own: it may change how they behave."""
    monkeypatch.setattr(workflows, "_registry", dict(workflows._registry))
    made = {}
    for parent in (Measure, Report):
        made[parent.key] = workflows.register(type(parent.__name__, (parent,), {}))
    return made


def statuses(run):
    return dict(run.tasks.values_list("workflow", "status"))
