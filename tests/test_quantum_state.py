"""From a wish to work."""

import threading
from collections import Counter

import pytest
from django.db import connection

from agency import direction_board, quantum_state, workflows
from agency.models import CandidateState, Intent, Playbook, PlaybookStep, Promotion, Proposal, Run, Task
from agency.work import work_off
from agency.workflows import NewArtifact, Outcome, Workflow
from earnings.refusals import Refusal
from storefront.models import Product
from tests.factories import make_gig, make_product, make_run, make_service_order, make_task

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("statement", "slug"),
    [
        ("Boost revenue", "boost-revenue"),
        ("Maximize profit", "maximize-profit"),
        ("Launch product", "launch-product"),
        ("Fulfill orders", "fulfill-orders"),
        ("Health check", "health-check"),
        ("please maximise our profits!", "maximize-profit"),
        ("revenue: boost it", "boost-revenue"),
        ("bosot revenue", "boost-revenue"),
        ("Geliri artır", "boost-revenue"),
        ("SİPARİŞLERİ TAMAMLA", "fulfill-orders"),
        ("launching new products", "launch-product"),
    ],
)
def test_a_wish_finds_its_playbook(statement, slug):
    assert quantum_state.superpose(statement).playbook.slug == slug


@pytest.mark.parametrize(
    "statement", ["Bake a cake", "asdf qwer", "What is the weather in Paris?", "profit of doom"]
)
def test_an_unknown_wish_is_answered_with_the_nearest_playbooks_and_nothing_runs(statement):
    with pytest.raises(Refusal) as refused:
        quantum_state.superpose(statement)

    assert refused.value.status == 422
    assert len(refused.value.extra["nearest"]) == 3
    assert (Intent.objects.count(), Run.objects.count()) == (0, 0)


@pytest.mark.parametrize("statement", ["", "   ", "x" * 301])
def test_a_wish_without_words_or_with_too_many_is_refused(statement):
    with pytest.raises(Refusal) as refused:
        quantum_state.superpose(statement)

    assert refused.value.errors[0]["pointer"] == "/statement"
    assert Intent.objects.count() == 0


def test_weights_sum_to_one_exactly_and_are_reproducible():
    first = quantum_state.superpose("Boost revenue")
    second = quantum_state.superpose("Boost revenue")

    weights = list(first.states.values_list("key", "weight_bp"))
    assert sum(weight for _, weight in weights) == 10_000
    assert weights == list(second.states.values_list("key", "weight_bp"))
    assert all(state.evidence for state in first.states.all())


@pytest.mark.parametrize("weights", [[1, 1, 1], [0, 0], [3.3, 0.1, 96], [1e-9, 5]])
def test_shares_always_sum_to_the_whole(weights):
    assert sum(quantum_state.apportion(weights)) == 10_000


def test_boost_revenue_collapses_to_an_audit_and_a_gig_optimization():
    run = quantum_state.collapse(quantum_state.superpose("Boost revenue"))

    assert list(run.tasks.values_list("pipeline", "workflow")) == [
        ("sales", "inventory_audit"),
        ("ops", "gig_optimization"),
    ]


def test_collapsing_twice_gives_the_same_run():
    intent = quantum_state.superpose("Maximize profit")

    first = quantum_state.collapse(intent)
    second = quantum_state.collapse(Intent.objects.get(pk=intent.pk))

    assert first == second
    assert (Run.objects.count(), Task.objects.count()) == (1, 2)


def at_once(count, verb):
    """What `verb` answers when that many threads call it at the same time."""
    answers, errors = [], []
    barrier = threading.Barrier(count)

    def call():
        try:
            barrier.wait()
            answers.append(verb())
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return answers


@pytest.mark.django_db(transaction=True)
def test_ten_collapses_at_once_open_one_run():
    intent = quantum_state.superpose("Maximize profit")

    runs = at_once(10, lambda: quantum_state.collapse(Intent.objects.get(pk=intent.pk)).pk)

    assert Counter(runs) == {Run.objects.get().pk: 10}
    assert Task.objects.count() == 2


def test_choosing_states_by_hand():
    intent = quantum_state.superpose("Boost revenue")

    run = quantum_state.collapse(intent, choose=["inventory_audit", "service_promotion"])

    assert set(run.tasks.values_list("workflow", flat=True)) == {"inventory_audit", "service_promotion"}
    assert set(intent.states.filter(is_chosen=True).values_list("key", flat=True)) == {
        "inventory_audit",
        "service_promotion",
    }


@pytest.mark.parametrize("choose", [["nonsense"], ["inventory_audit"], []])
def test_a_choice_that_is_not_both_pipelines_is_refused_and_the_wish_stays_superposed(choose):
    intent = quantum_state.superpose("Boost revenue")

    with pytest.raises(Refusal) as refused:
        quantum_state.collapse(intent, choose=choose)

    intent.refresh_from_db()
    assert refused.value.errors[0]["pointer"] == "/choose"
    assert (intent.status, Run.objects.count()) == ("superposed", 0)


# --- Weights and their evidence ---------------------------------------------------------------------------


def states(statement="Maximize profit"):
    return {state.key: state for state in quantum_state.superpose(statement).states.all()}


def remember(*ends, slug="maximize-profit", workflow="service_promotion"):
    """Tasks of a workflow that ended under a wish of the playbook, the oldest first."""
    intent = Intent.objects.create(statement="Earlier", playbook=Playbook.objects.get(slug=slug))
    run = make_run(intent=intent)
    tasks = []
    for end in ends:
        tasks.append(make_task(run, workflow=workflow, status=end))
        run = make_run(intent=intent, restart_of=run, origin="replayed")
    return tasks


def test_how_earlier_tasks_of_the_playbook_ended_moves_a_weight():
    before = states()["service_promotion"]

    tasks = remember("succeeded", "succeeded", "succeeded", "failed", "queued", "canceled")
    remember("failed", "failed", slug="boost-revenue")
    after = states()["service_promotion"]

    ids = ",".join(str(task.pk) for task in reversed(tasks[:4]))
    assert after.evidence[-1] == {
        "text": "Of its last tasks for Maximize profit that ended, succeeded: 3 of 4",
        "factor": 1.0833,
        "source": f"/admin/agency/task/?id__in={ids}",
    }
    assert after.evidence[:-1] == before.evidence
    assert after.weight_bp > before.weight_bp


@pytest.mark.parametrize(
    ("ends", "told", "factor"),
    [
        (["succeeded"] * 25, "20 of 20", 1.2273),
        (["failed"] * 25, "0 of 20", 0.7727),
        (["failed"] * 20 + ["succeeded"] * 20, "20 of 20", 1.2273),
        (["succeeded"], "1 of 1", 1.0833),
        (["failed", "succeeded"], "1 of 2", 1.0),
    ],
)
def test_only_the_last_twenty_count_and_they_sway_by_a_quarter_at_most(ends, told, factor):
    remember(*ends)

    found = states()["service_promotion"].evidence[-1]

    assert (found["text"].rpartition(": ")[2], found["factor"]) == (told, factor)


def test_nothing_that_ended_is_no_evidence():
    remember("queued", "canceled")

    assert len(states()["service_promotion"].evidence) == 2


def test_each_piece_of_evidence_links_to_a_page_that_staff_can_open(staff_client):
    Playbook.objects.update(is_active=False)
    every = Playbook.objects.create(slug="every", name="Do everything we can", phrases="Everything")
    keys = [workflow.key for workflow in workflows.every()]
    PlaybookStep.objects.bulk_create(PlaybookStep(playbook=every, workflow=key) for key in keys)
    sources = evidence_of_every_state()
    product = make_product(status=Product.Status.APPROVED)
    make_product(stock=0)
    order = make_service_order(make_gig(recipe="thumbnail"), status="queued")
    task = remember("succeeded", "failed", slug="every")[0]
    seen = task.observations.create(run=task.run, kind="inventory", body="{}", sha256="0" * 64)
    Promotion.objects.create(task=task, observation=seen, headline="x", body="x", link="/", items=[], channels={})
    Proposal.objects.create(task=task, gig=order.gig, code="x", field="title", old="x", new="y", reason="x")
    audit = make_task(task.run, workflow="inventory_audit", status="succeeded", result={"counts": {"error": 2}})
    Task.objects.filter(pk=audit.pk).update(finished_at=product.created_at)

    sources |= evidence_of_every_state()

    assert {source: staff_client.get(source).status_code for source in sources} == dict.fromkeys(sources, 200)
    assert len(sources) == 12


def evidence_of_every_state():
    found = [one for state in states("Do everything we can").values() for one in state.evidence]
    assert all(one["source"].startswith("/admin/") and 0 < one["factor"] <= 2 for one in found)
    return {one["source"] for one in found}


def test_a_superposition_costs_the_same_few_queries_however_much_history_there_is(
    django_assert_num_queries,
):
    with django_assert_num_queries(12):
        quantum_state.superpose("Maximize profit")
    for _ in range(3):
        remember(*["succeeded"] * 15)
        remember(*["succeeded"] * 15, workflow="gig_optimization")

    with django_assert_num_queries(12):
        quantum_state.superpose("Maximize profit")


# --- What a collapse would run ----------------------------------------------------------------------------


def test_a_preview_runs_nothing():
    intent = quantum_state.superpose("Launch product")

    tasks = quantum_state.preview(intent)

    assert [task["workflow"] for task in tasks] == ["storefront_build", "launch_announcement"]
    assert Run.objects.count() == 0


def test_a_preview_lists_the_very_tasks_that_the_collapse_opens():
    intent = quantum_state.superpose("Boost revenue")
    chosen = ["inventory_audit", "service_promotion", "gig_optimization"]

    foreseen = quantum_state.preview(intent, chosen)
    run = quantum_state.collapse(intent, choose=chosen)

    opened = run.tasks.values("workflow", "pipeline", "params", "measures", "binds")
    assert list(opened) == [{name: task[name] for name in opened[0]} for task in foreseen]


def test_a_preview_says_what_each_task_touches():
    make_gig("logo")
    intent = quantum_state.superpose("Boost revenue")
    intent.states.filter(key="inventory_audit").update(params={"verify_pages": False})
    intent.states.filter(key="gig_optimization").update(params={"gigs": ["logo"]})

    touched = {task["workflow"]: task["touches"] for task in quantum_state.preview(intent)}

    assert touched == {
        "inventory_audit": [
            "reads every product and service",
            "reads the catalog files that were applied",
            "stores what it measured and a report; changes nothing in the shop",
        ],
        "gig_optimization": [
            "reads logo, and the measured inventory",
            "stores proposed edits, and ends open ones that they correct; a gig changes when a person accepts one",
            "stores its review as HTML and CSV",
        ],
    }


def test_every_workflow_says_what_it_touches():
    for workflow in workflows.every():
        touched = workflow.touches(direction_board.validated(workflow.key, {}))
        assert touched and all(touched), workflow.key


@pytest.mark.parametrize(
    ("params", "touched"),
    [
        ({}, "makes the files of up to 50 queued orders that a recipe can make, and offers them"),
        ({"service_order": 7}, "makes the files of SO-000007, and offers them"),
        (
            {"gig": "logo", "package": "basic"},
            "takes a simulated order of logo, basic, makes its files, and offers them",
        ),
        (
            {"gig": "logo", "package": "basic", "external": {"channel": "fiverr", "order_id": "FO1"}},
            "takes fiverr order FO1 of logo, basic, books what was paid as unearned, makes its files, "
            "and offers them",
        ),
    ],
)
def test_the_bot_says_which_orders_it_touches(params, touched):
    assert workflows.get("fiverr_bot").touches(params)[0] == touched


def test_a_build_says_what_it_imports_and_lists():
    touches = workflows.get("storefront_build").touches

    assert touches({"file": "shop.csv", "publish": ["KIT", "YEN"]})[:2] == [
        "imports shop.csv again: products in it are added and changed",
        "lists KIT, YEN in the shop",
    ]
    assert touches({})[0] == "lists every approved product in the shop"
    assert touches({"publish": []})[0] == "lists no product in the shop"


@pytest.fixture
def mailing(monkeypatch):
    """A workflow that asks before it does anything, in a playbook of its own."""

    class Mailing(Workflow):
        key, title, pipeline = "test_mailing", "Mailing", "ops"
        binds = ("inventory",)
        touched = ("mails every client",)

        def approval(self, params, run):
            return f"It would mail 3 clients for “{run.intent}”."

        def perform(self, work):
            return Outcome({}, [NewArtifact("mail", "mail.txt", "text/plain", b"Hello")])

    monkeypatch.setattr(workflows, "_registry", dict(workflows._registry))
    workflows.register(Mailing)
    playbook = Playbook.objects.create(slug="mailing", name="Mail our newsletter", phrases="Send a newsletter")
    PlaybookStep.objects.create(playbook=playbook, workflow="inventory_audit", params={"verify_pages": False})
    PlaybookStep.objects.create(playbook=playbook, workflow="test_mailing")
    PlaybookStep.objects.create(playbook=playbook, workflow="gig_optimization", is_chosen=False)
    PlaybookStep.objects.create(playbook=playbook, workflow="service_promotion", is_chosen=False)
    return playbook


def test_a_preview_says_what_will_ask_a_person(mailing):
    intent = quantum_state.superpose("Send the newsletter")

    asked = {task["workflow"]: (task["asks"], task["touches"][-1]) for task in quantum_state.preview(intent)}

    assert asked == {
        "inventory_audit": ("", "stores what it measured and a report; changes nothing in the shop"),
        "test_mailing": ("It would mail 3 clients for “Send the newsletter”.", "mails every client"),
    }


# --- Forks ------------------------------------------------------------------------------------------------


def test_what_was_not_chosen_can_be_run_later_beside_the_first_run(mailing, staff):
    intent = quantum_state.superpose("Send the newsletter")
    first = quantum_state.collapse(intent)

    foreseen = quantum_state.preview_fork(intent)
    run = quantum_state.fork(intent, user=staff)

    assert (run.intent, run.restart_of, run.origin, run.created_by) == (intent, first, "forked", staff)
    tasks = list(run.tasks.values_list("workflow", flat=True))
    assert tasks == [task["workflow"] for task in foreseen]
    assert tasks == ["inventory_audit", "gig_optimization", "service_promotion"]
    assert list(first.tasks.values_list("workflow", flat=True)) == ["inventory_audit", "test_mailing"]
    assert sorted(intent.states.filter(is_chosen=True).values_list("key", flat=True)) == [
        "inventory_audit",
        "test_mailing",
    ]
    assert quantum_state.collapse(intent) == first


def test_a_fork_of_one_state_measures_for_itself_and_succeeds():
    make_gig("logo")
    intent = quantum_state.superpose("Boost revenue")
    quantum_state.collapse(intent)

    run = quantum_state.fork(intent, ["service_promotion"])
    work_off()

    run.refresh_from_db()
    assert (run.status, dict(run.tasks.values_list("workflow", "status"))) == (
        "succeeded",
        {"inventory_audit": "succeeded", "service_promotion": "succeeded"},
    )


def test_an_equal_fork_that_is_open_is_the_fork_and_one_that_ended_is_not(mailing):
    intent = quantum_state.superpose("Send the newsletter")
    quantum_state.collapse(intent)

    one = quantum_state.fork(intent, ["gig_optimization"])
    other = quantum_state.fork(intent, ["service_promotion"])
    again = quantum_state.fork(intent, ["gig_optimization"])
    direction_board.cancel(one)
    later = quantum_state.fork(intent, ["gig_optimization"])

    assert again == one
    assert len({one.pk, other.pk, later.pk}) == 3
    assert intent.runs.count() == 4


@pytest.mark.django_db(transaction=True)
def test_ten_equal_forks_at_once_open_one_run():
    intent = quantum_state.superpose("Boost revenue")
    first = quantum_state.collapse(intent)

    runs = at_once(10, lambda: quantum_state.fork(Intent.objects.get(pk=intent.pk), ["service_promotion"]).pk)

    assert Counter(runs) == {Run.objects.get(restart_of=first).pk: 10}
    assert Task.objects.count() == 4


def test_before_the_collapse_there_is_nothing_to_fork():
    intent = quantum_state.superpose("Boost revenue")

    with pytest.raises(Refusal) as refused:
        quantum_state.fork(intent)

    assert (refused.value.status, refused.value.allowed) == (409, ["collapsed", "expired"])
    assert Run.objects.count() == 0


@pytest.mark.parametrize(
    ("choose", "detail"),
    [
        (["gig_optimization"], "Chosen at the collapse: gig_optimization. Left are: service_promotion."),
        (["nonsense"], "Not in this superposition: nonsense. Left are: service_promotion."),
        (
            ["nonsense", "inventory_audit", "service_promotion"],
            "Chosen at the collapse: inventory_audit. Not in this superposition: nonsense. "
            "Left are: service_promotion.",
        ),
        ([], "A fork needs at least one state. Left are: service_promotion."),
    ],
)
def test_a_fork_takes_only_states_that_are_left(choose, detail):
    intent = quantum_state.superpose("Boost revenue")
    quantum_state.collapse(intent)

    with pytest.raises(Refusal) as refused:
        quantum_state.fork(intent, choose)

    assert (refused.value.status, refused.value.errors) == (422, [{"pointer": "/choose", "detail": detail}])
    assert Run.objects.count() == 1


def test_a_collapse_that_chose_everything_leaves_nothing_to_fork():
    intent = quantum_state.superpose("Launch product")
    quantum_state.collapse(intent, choose=list(intent.states.values_list("key", flat=True)))

    with pytest.raises(Refusal) as refused:
        quantum_state.fork(intent)

    assert refused.value.errors[0]["detail"] == "A fork needs at least one state. Left are: none."
    assert Run.objects.count() == 1


def test_staff_can_teach_a_new_phrase():
    Playbook.objects.filter(slug="health-check").update(phrases="Bake a cake")

    assert quantum_state.superpose("bake me a cake").playbook.slug == "health-check"


def test_a_related_playbook_joins_as_an_alternative_that_is_not_chosen():
    intent = quantum_state.superpose("Increase revenue")

    chosen = set(CandidateState.objects.filter(intent=intent, is_chosen=True).values_list("key", flat=True))
    others = set(CandidateState.objects.filter(intent=intent, is_chosen=False).values_list("key", flat=True))
    assert chosen == {"inventory_audit", "gig_optimization"}
    assert "service_promotion" in others
