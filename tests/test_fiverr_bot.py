"""The Fiverr Bot, driven by the board with the real inventory, recipes and ledger."""

import hashlib

import pytest
from django.utils import timezone

from agency import direction_board, fulfillment_engine, workflows
from agency.direction_board import Step
from agency.models import Artifact, ChimeraTask, Delivery, Gig, Observation, Package, ServiceOrder, Task
from agency.work import Work, perform, work_off
from agency.workflows import fiverr_bot
from earnings.models import Earning, JournalEntry
from earnings.refusals import Refusal
from tests.board import MEASURE, run_ops
from tests.factories import make_gig, make_product

pytestmark = pytest.mark.django_db
BRIEF = {"title": "Launch your shop", "brand_color": "#1d4ed8"}
EXTERNAL = {"channel": "fiverr", "order_id": "FO123", "amount": "100.00", "currency": "USD"}
NEW = {"gig": "thumbnail", "package": "standard", "brief": BRIEF, "external": EXTERNAL}
CHECKLIST = [
    {"check": "files_at_least", "value": 3, "label": "Three variants"},
    {"check": "image_size", "value": "1280x720", "label": "1280x720"},
]


@pytest.fixture(autouse=True)
def gig(db):
    gig = make_gig("thumbnail", name="Thumbnail", tier="standard", recipe="thumbnail")
    Package.objects.update(checklist=CHECKLIST)
    make_product()
    return gig


def test_an_external_order_is_taken_made_checked_and_offered():
    task = run_ops("fiverr_bot", NEW)

    assert (task.status, task.error) == ("succeeded", "")
    order = ServiceOrder.objects.get()
    assert (order.status, order.kind, order.amount_minor, order.fee_minor) == ("ready", "real", 10000, 2000)
    delivery = order.deliveries.get()
    assert [(c["label"], c["passed"], c["seen"]) for c in delivery.checks] == [
        ("Three variants", True, "3 files"),
        ("1280x720", True, "1280x720"),
    ]
    files = {a.name: hashlib.sha256(a.stored.read()).hexdigest() for a in delivery.artifacts.all()}
    (said,) = task.result["orders"]
    assert {d["name"]: d["sha256"] for d in said["deliverables"]} == files
    assert len(files) == 3
    assert (said["id"], said["number"], said["status"]) == (order.pk, order.number, "ready")
    assert set(order.artifacts.all()) == set(delivery.artifacts.all())


def test_the_delivery_names_the_inventory_that_the_run_measured():
    task = run_ops("fiverr_bot", NEW)

    seen = Observation.objects.get(run=task.run)
    assert task.result["inventory_ref"] == seen.ref
    message = Delivery.objects.get().message
    assert f"inventory {seen.recomputed_sha256[:12]} of {seen.measured_at:%Y-%m-%d}" in message


def test_the_bot_logs_a_chimera_task_for_the_order():
    run_ops("fiverr_bot", NEW)

    entry = ChimeraTask.objects.get(agent="Fiverr Bot")
    assert (entry.purpose, entry.service_order, entry.outcome) == (
        "Word the cover note",
        ServiceOrder.objects.get(),
        "answered",
    )


def test_the_bot_logs_a_chimera_task_when_nothing_is_open():
    task = run_ops("fiverr_bot")

    entry = ChimeraTask.objects.get(agent="Fiverr Bot")
    assert (entry.purpose, entry.task) == ("Look for open orders", task)
    assert (task.status, task.result["orders"]) == ("succeeded", [])
    assert [a.name for a in task.artifacts.all()] == ["fiverr_bot.md"]


def test_the_same_external_order_sent_twice_is_made_once():
    run_ops("fiverr_bot", NEW)

    again = run_ops("fiverr_bot", NEW)

    assert again.status == "succeeded"
    assert (ServiceOrder.objects.count(), Delivery.objects.count(), Earning.objects.count()) == (1, 1, 1)
    (said,) = again.result["orders"]
    assert (said["status"], len(said["deliverables"])) == ("ready", 3)


def test_an_attempt_that_is_repeated_after_a_crash_takes_no_second_order():
    run = direction_board.open_run(
        [MEASURE, Step("fiverr_bot", {k: NEW[k] for k in ("gig", "package", "brief")})], title="x"
    )
    task = run.tasks.get(workflow="fiverr_bot")
    workflow = workflows.get("fiverr_bot")
    before = [workflow.prepare(Work(task)) for _ in range(2)]

    work_off()

    order = ServiceOrder.objects.get()
    assert before == [{"orders": [order.pk]}] * 2
    assert (order.kind, order.status, order.run) == ("simulated", "ready", run)
    assert JournalEntry.objects.count() == 0


def test_a_brief_that_lacks_something_waits_for_the_client_and_then_goes_on():
    task = run_ops("fiverr_bot", NEW | {"brief": {"brand_color": "navy"}})

    order = ServiceOrder.objects.get()
    assert (task.status, order.status) == ("needs_human", "awaiting_brief")
    assert task.waiting_on == f"{order.number} waits for the client's brief: Title is missing."
    assert Earning.objects.count() == 1
    assert ChimeraTask.objects.get(agent="Fiverr Bot").purpose == "Word what is missing"

    fulfillment_engine.set_requirements(order, {"title": "Launch"})
    direction_board.approve(task)
    work_off()

    task.refresh_from_db()
    order.refresh_from_db()
    assert (task.status, order.status, order.deliveries.count()) == ("succeeded", "ready", 1)


def test_a_brief_with_a_color_that_is_none_names_the_field():
    task = run_ops("fiverr_bot", NEW | {"brief": BRIEF | {"brand_color": "blurple"}})

    assert task.status == "needs_human"
    assert "'blurple' is no color" in task.waiting_on
    assert ServiceOrder.objects.get().status == "awaiting_brief"


def test_work_without_a_recipe_is_made_by_hand():
    Gig.objects.update(recipe="")

    task = run_ops("fiverr_bot", NEW)

    order = ServiceOrder.objects.get()
    assert (task.status, order.status) == ("needs_human", "queued")
    assert task.waiting_on == f"{order.number} is made by hand: attach the files and deliver."
    assert order.problem == task.waiting_on


def test_work_that_fails_its_checklist_is_not_offered():
    Package.objects.update(checklist=[{"check": "files_at_least", "value": 9, "label": "Nine variants"}])

    task = run_ops("fiverr_bot", NEW)

    order = ServiceOrder.objects.get()
    assert (task.status, order.status, Delivery.objects.count()) == ("needs_human", "queued", 0)
    assert task.waiting_on == f"{order.number}: The checklist failed: Nine variants: 3 files"
    assert order.artifacts.count() == 0


def take(number, **more):
    external = EXTERNAL | {"order_id": number}
    return fulfillment_engine.take_order(
        "thumbnail", "standard", **({"brief": BRIEF, "external": external} | more)
    )


def test_a_round_makes_every_order_that_needs_nobody():
    first, second, held, unbriefed = take("A"), take("B"), take("C"), take("D", brief={})
    fulfillment_engine.hold(held)

    task = run_ops("fiverr_bot")

    assert task.result["message"] == "2 orders looked at, 2 offered, 0 for a person."
    assert [o["id"] for o in task.result["orders"]] == [first.pk, second.pk]
    statuses = dict(ServiceOrder.objects.values_list("pk", "status"))
    assert statuses == {
        first.pk: "ready",
        second.pk: "ready",
        held.pk: "on_hold",
        unbriefed.pk: "awaiting_brief",
    }
    assert Delivery.objects.count() == 2
    assert Artifact.objects.filter(service_order=first).count() == 3


def test_one_order_with_a_problem_does_not_stop_the_round():
    bad = take("A")
    Gig.objects.update(requirements=[{"name": "audience", "label": "Audience", "required": True, "help": ""}])
    good = take("B", brief=BRIEF | {"audience": "makers"})

    task = run_ops("fiverr_bot")

    assert task.status == "succeeded"
    assert task.result["message"] == "2 orders looked at, 1 offered, 1 for a person."
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, bad.problem, good.status) == ("awaiting_brief", "Audience is missing.", "ready")


@pytest.mark.parametrize(
    ("interrupt", "status"), [(fulfillment_engine.hold, "on_hold"), (fulfillment_engine.cancel, "canceled")]
)
def test_an_order_that_is_interrupted_while_it_is_made_is_not_offered(interrupt, status, monkeypatch):
    order = take("A")

    class Interrupted(fiverr_bot.FiverrBot):
        def perform(self, work):
            outcome = super().perform(work)
            interrupt(ServiceOrder.objects.get())
            return outcome

    monkeypatch.setitem(workflows._registry, "fiverr_bot", Interrupted())

    task = run_ops("fiverr_bot", {"service_order": order.pk})

    order.refresh_from_db()
    assert (task.status, order.status, Delivery.objects.count()) == ("queued", status, 0)
    assert "cannot be offered" in task.error
    assert not task.artifacts.exists()


def test_a_late_second_worker_offers_nothing_twice():
    order = take("A")
    run = direction_board.open_run([MEASURE, Step("fiverr_bot", {"service_order": order.pk})], title="x")
    work_off()
    late = run.tasks.get(workflow="fiverr_bot")
    late.attempts = 0

    perform(late)

    assert (Delivery.objects.count(), Artifact.objects.filter(service_order=order).count()) == (1, 3)


@pytest.mark.parametrize(
    ("params", "pointers"),
    [
        ({"service_order": 999}, ["/params/service_order"]),
        ({"service_order": 1, "gig": "thumbnail"}, ["/params/gig"]),
        ({"brief": {}}, ["/params/gig", "/params/package"]),
        ({"gig": "nothing", "package": "basic"}, ["/params/gig"]),
        (NEW | {"package": "premium"}, ["/params/package"]),
        (NEW | {"external": EXTERNAL | {"amount": "1,000"}}, ["/params/external/amount"]),
        (
            NEW | {"external": {"channel": "moon"}},
            [
                "/params/external/amount",
                "/params/external/channel",
                "/params/external/currency",
                "/params/external/order_id",
            ],
        ),
        (NEW | {"tip": 1}, ["/params/tip"]),
        (NEW | {"brief": "text"}, ["/params/brief"]),
    ],
)
def test_parameters_that_cannot_be_accepted_open_no_run(params, pointers):
    with pytest.raises(Refusal) as refused:
        run_ops("fiverr_bot", params)

    assert sorted(e["pointer"] for e in refused.value.errors) == pointers
    assert ServiceOrder.objects.count() == 0


def test_a_known_order_number_with_another_amount_fails_and_moves_nothing():
    run_ops("fiverr_bot", NEW)

    task = run_ops("fiverr_bot", NEW | {"external": EXTERNAL | {"amount": "90.00"}})

    assert task.status == "failed"
    assert "was taken before" in task.error
    assert (ServiceOrder.objects.count(), Earning.objects.get().gross_minor) == (1, 10000)


def test_evidence_counts_the_orders_that_wait():
    workflow = workflows.get("fiverr_bot")
    assert [(e.text, e.factor) for e in workflow.evidence()] == [("no order waits for the bot", 0.5)]

    take("A")
    take("B")

    assert [(e.text, e.factor) for e in workflow.evidence()] == [("Orders that wait for the bot: 2", 1.2)]


def test_a_brief_that_changed_while_its_files_were_made_is_made_again(monkeypatch):
    made = []
    real = fulfillment_engine.produce

    def produce_slowly(order, **kwargs):
        files = real(order, **kwargs)
        if not made:
            fulfillment_engine.set_requirements(
                ServiceOrder.objects.get(pk=order.pk), {"title": "Another title entirely"}
            )
        made.append(order.brief["title"])
        return files

    monkeypatch.setattr(fulfillment_engine, "produce", produce_slowly)
    run = direction_board.open_run([MEASURE, Step("fiverr_bot", NEW)], title="x")
    work_off()
    assert ServiceOrder.objects.get().status == "queued"

    Task.objects.filter(run=run, status="queued").update(due_at=timezone.now())
    work_off()

    assert made == [BRIEF["title"], "Another title entirely"]
    assert (ServiceOrder.objects.get().status, Delivery.objects.count()) == ("ready", 1)
