"""A Sales task that measures and an Ops task that books an earning: each effect can be counted in the ledger."""

import time

from django.utils import timezone

from agency.workflows import NewArtifact, Outcome, Workflow, register
from earnings import ledger
from earnings.models import Channel

PROOF = NewArtifact("proof", "proof.txt", "text/plain", b"done")


def _book(name):
    def effect(task):
        ledger.record_paid(
            key=f"crash:{task.run_id}:{name}",
            kind="real",
            title=name,
            gross_minor=1000,
            fee_minor=200,
            currency="USD",
            channel=Channel.objects.get(pk="fiverr"),
            source="crash_test",
            run_id=task.run_id,
            occurred_at=timezone.now(),
            work=ledger.Work.DONE,
        )

    return effect


@register
class CrashSales(Workflow):
    key, title, pipeline, measures = "crash_sales", "Crash Sales", "sales", ("crash",)
    max_attempts = 50  # this test kills workers far more often than any code deserves

    def perform(self, work):
        work.observe("crash", {"run": work.run.pk})
        time.sleep(0.15)
        return Outcome({}, [PROOF], [_book("sales")])


@register
class CrashOps(Workflow):
    key, title, pipeline, binds = "crash_ops", "Crash Ops", "ops", ("crash",)
    max_attempts = 50

    def perform(self, work):
        time.sleep(0.15)
        return Outcome({"ref": work.observation("crash").ref}, [PROOF], [_book("ops")])
