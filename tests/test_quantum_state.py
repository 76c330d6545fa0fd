"""From a wish to work."""

import threading

import pytest
from django.db import connection

from agency import quantum_state
from agency.models import CandidateState, Intent, Playbook, Run, Task
from earnings.refusals import Refusal

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


@pytest.mark.django_db(transaction=True)
def test_ten_collapses_at_once_open_one_run():
    intent = quantum_state.superpose("Maximize profit")
    runs, errors = [], []
    barrier = threading.Barrier(10)

    def collapse():
        try:
            barrier.wait()
            runs.append(quantum_state.collapse(Intent.objects.get(pk=intent.pk)).pk)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=collapse) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert len(runs) == 10 and len(set(runs)) == 1
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


def test_a_preview_runs_nothing():
    intent = quantum_state.superpose("Launch product")

    tasks = quantum_state.preview(intent)

    assert [task["workflow"] for task in tasks] == ["storefront_build", "launch_announcement"]
    assert Run.objects.count() == 0


def test_staff_can_teach_a_new_phrase():
    Playbook.objects.filter(slug="health-check").update(phrases="Bake a cake")

    assert quantum_state.superpose("bake me a cake").playbook.slug == "health-check"


def test_a_related_playbook_joins_as_an_alternative_that_is_not_chosen():
    intent = quantum_state.superpose("Increase revenue")

    chosen = set(CandidateState.objects.filter(intent=intent, is_chosen=True).values_list("key", flat=True))
    others = set(CandidateState.objects.filter(intent=intent, is_chosen=False).values_list("key", flat=True))
    assert chosen == {"inventory_audit", "gig_optimization"}
    assert "service_promotion" in others
