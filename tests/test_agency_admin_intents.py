"""A wish's page in the admin: what the collapse did not choose can be run later."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from agency import quantum_state
from agency.models import Run

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"admin:{name}", args=args)


@pytest.fixture
def collapsed():
    """A wish that collapsed to two of its states."""
    intent = quantum_state.superpose("Boost revenue")
    quantum_state.collapse(intent, choose=["inventory_audit", "gig_optimization"])
    intent.refresh_from_db()
    return intent


def test_what_was_not_chosen_is_offered_and_run_as_a_fork(staff_client, collapsed):
    left = list(collapsed.states.filter(is_chosen=False).values_list("key", flat=True))
    text = staff_client.get(page("agency_intent_change", collapsed.pk)).content.decode()
    address = page("agency_intent_fork", collapsed.pk)

    first = staff_client.post(address, {"choose": ["service_promotion"]})
    second = staff_client.post(address, {"choose": ["service_promotion"]})

    assert "service_promotion" in left and text.count('name="choose"') == len(left)
    assert text.count("collapsed to this") == 2 and f'action="{address}"' in text
    fork = Run.objects.get(origin="forked")
    assert first["Location"] == second["Location"] == page("agency_run_change", fork.pk)
    assert (fork.intent, fork.restart_of) == (collapsed, collapsed.runs.get(restart_of=None))
    shown = " ".join(staff_client.get(page("agency_intent_change", collapsed.pk)).content.decode().split())
    assert f"{fork}</a>: Queued, forked from run {fork.restart_of_id}</li>" in shown


def test_a_fork_of_nothing_or_of_what_was_chosen_is_refused_on_the_page(staff_client, collapsed):
    address = page("agency_intent_fork", collapsed.pk)

    nothing = staff_client.post(address, {}, follow=True).content.decode()
    chosen = staff_client.post(address, {"choose": ["inventory_audit"]}, follow=True).content.decode()

    assert "A fork needs at least one state." in nothing
    assert "Chosen at the collapse: inventory_audit." in chosen
    assert Run.objects.count() == 1


def test_a_fork_needs_the_right_to_start_runs(client, collapsed):
    user = User.objects.create_user("reader", password="a long pass phrase", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_intent", "view_run"]))
    client.force_login(user)

    answer = client.post(page("agency_intent_fork", collapsed.pk), {"choose": ["service_promotion"]})

    assert answer.status_code == 403 and Run.objects.count() == 1
    assert "Run what was not chosen" not in client.get(page("agency_intent_change", collapsed.pk)).content.decode()
