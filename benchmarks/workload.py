"""A run that costs nothing but what the engine costs: a Sales and an Ops task, an observation, a write each."""

from agency.workflows import NewArtifact, Outcome, Workflow, register
from benchmarks.models import write

PROOF = NewArtifact("proof", "proof.txt", "text/plain", b"done")


def _sales_effect(task):
    write(task.run_id, 1)


def _ops_effect(task):
    write(task.run_id, 2)


@register
class BenchSales(Workflow):
    key, title, pipeline, measures = "bench_sales", "Bench Sales", "sales", ("bench",)

    def perform(self, work):
        work.observe("bench", {"n": 1})
        return Outcome({}, artifacts=[PROOF], effects=[_sales_effect])


@register
class BenchOps(Workflow):
    key, title, pipeline, binds = "bench_ops", "Bench Ops", "ops", ("bench",)

    def perform(self, work):
        return Outcome({"ref": work.observation("bench").ref}, artifacts=[PROOF], effects=[_ops_effect])
