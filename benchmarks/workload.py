"""A run that costs nothing but what the engine costs: a Sales and an Ops task, an observation, a write each."""

from django.db import transaction

from agency.models import Event
from agency.workflows import NewArtifact, Outcome, Workflow, register

PROOF = NewArtifact("proof", "proof.txt", "text/plain", b"done")


def write(run_id, number):
    """The one small database write that a piece of work is: the same row for this project and for the peer."""
    with transaction.atomic():
        Event.record(run_id, "bench.effect", f"effect {number}")


def _effect(task):
    write(task.run_id, task.pk)


@register
class BenchSales(Workflow):
    key, title, pipeline, measures = "bench_sales", "Bench Sales", "sales", ("bench",)

    def perform(self, work):
        work.observe("bench", {"n": 1})
        return Outcome({}, artifacts=[PROOF], effects=[_effect])


@register
class BenchOps(Workflow):
    key, title, pipeline, binds = "bench_ops", "Bench Ops", "ops", ("bench",)

    def perform(self, work):
        return Outcome({"ref": work.observation("bench").ref}, artifacts=[PROOF], effects=[_effect])
