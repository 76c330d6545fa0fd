"""What the crash tests have done: effects that can be counted, and code that hangs or takes its time."""

import time

from django.utils import timezone
from rest_framework import serializers

from agency.models import Event
from agency.workflows import NewArtifact, Outcome, Workflow, register
from earnings import ledger
from earnings.models import Channel

PROOF = NewArtifact("proof", "proof.txt", "text/plain", b"done")
QUICK, SLOW = 0.01, 1.0  # seconds; every SLOW_ONES-th run is slow, so that kills find something to interrupt
SLOW_ONES = 20


def _book(name):
    """Two effects. The number of the attempt is part of the ledger's key, and the event has no key at all:
    whatever happens twice is there twice."""

    def effect(task):
        ledger.record_paid(
            key=f"crash:{task.run_id}:{name}:{task.attempts}",
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
        Event.record(task.run_id, "crash.effect", name, task_id=task.pk)

    return effect


def _pause(run_id):
    time.sleep(SLOW if run_id % SLOW_ONES == 0 else QUICK)


class CrashWorkflow(Workflow):
    max_attempts = 50  # these tests kill workers far more often than any code deserves


@register
class CrashSales(CrashWorkflow):
    key, title, pipeline, measures = "crash_sales", "Crash Sales", "sales", ("crash",)

    def perform(self, work):
        work.observe("crash", {"run": work.run.pk})
        _pause(work.run.pk)
        return Outcome({}, [PROOF], [_book("sales")])


@register
class CrashOps(CrashWorkflow):
    key, title, pipeline, binds = "crash_ops", "Crash Ops", "ops", ("crash",)

    def perform(self, work):
        _pause(work.run.pk)
        return Outcome({"ref": work.observation("crash").ref}, [PROOF], [_book("ops")])


@register
class CrashNap(CrashWorkflow):
    """Sleeps for `seconds` at its first attempt, and then books."""

    key, title, pipeline = "crash_nap", "Crash Nap", "ops"

    class Params(serializers.Serializer):
        seconds = serializers.FloatField(min_value=0, default=0)

    def perform(self, work):
        if work.task.attempts == 1:
            time.sleep(work.params["seconds"])
        return Outcome({}, [PROOF], [_book("nap")])


@register
class CrashHang(CrashWorkflow):
    """Never ends at its first attempt."""

    key, title, pipeline, timeout = "crash_hang", "Crash Hang", "ops", 2

    def perform(self, work):
        while work.task.attempts == 1:
            pass
        return Outcome({}, [PROOF], [_book("hang")])
