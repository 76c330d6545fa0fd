"""Staff accept or reject proposed edits one by one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from agency import proposals
from agency.models import Gig, Proposal
from earnings.refusals import Refusal
from tests.factories import make_gig, make_task

pytestmark = pytest.mark.django_db


def propose(gig, field="title", new="I will draw your logo", *, package=None, code="title_too_long"):
    row = package or gig
    edit = {"field": field, "old": getattr(row, field), "new": new, "reason": "It is too long."}
    return proposals.propose(make_task(), {"gig": gig, "package": package, "code": code} | edit)


def test_an_accepted_edit_is_written_once(staff):
    gig = make_gig(title="Logo")
    proposal = propose(gig)

    proposals.accept(proposal, by=staff)
    decided_at = proposal.decided_at
    proposals.accept(proposal)

    gig.refresh_from_db()
    assert gig.title == "I will draw your logo"
    assert (proposal.status, proposal.decided_by, proposal.decided_at) == ("accepted", staff, decided_at)


@pytest.mark.django_db(transaction=True)
def test_an_edit_accepted_six_times_at_once_is_written_once():
    proposal = propose(make_gig(title="Logo"))
    together = threading.Barrier(6)

    def accept(_):
        try:
            stale = Proposal.objects.get(pk=proposal.pk)
            together.wait()
            return proposals.accept(stale).status
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(accept, range(6))) == ["accepted"] * 6
    assert Gig.objects.get().title == "I will draw your logo"


def test_an_edit_of_a_package_and_of_a_list_is_written():
    gig = make_gig(tags=["a", "A"])
    package = gig.packages.get()

    proposals.accept(propose(gig, "tags", ["a"], code="tags_doubled"))
    proposals.accept(propose(gig, "price_minor", 12000, package=package, code="price_below_orders"))

    gig.refresh_from_db()
    package.refresh_from_db()
    assert (gig.tags, package.price_minor) == (["a"], 12000)


def test_an_edit_of_something_that_changed_meanwhile_is_outdated_and_writes_nothing():
    gig = make_gig(title="Logo")
    proposal = propose(gig)
    Gig.objects.update(title="I will draw two logos")

    with pytest.raises(Refusal, match="changed since"):
        proposals.accept(proposal)

    gig.refresh_from_db()
    assert (gig.title, proposal.status) == ("I will draw two logos", "outdated")
    with pytest.raises(Refusal, match="outdated"):
        proposals.accept(proposal)


def test_a_rejected_edit_stays_rejected():
    gig = make_gig(title="Logo")
    proposal = propose(gig)

    proposals.reject(proposal)
    proposals.reject(proposal)
    with pytest.raises(Refusal):
        proposals.accept(proposal)

    gig.refresh_from_db()
    assert (gig.title, proposal.status) == ("Logo", "rejected")


@pytest.mark.parametrize(
    ("field", "new", "pointer"),
    [("title", "x" * 201, "/new"), ("slug", "other", "/field"), ("is_listed", False, "/field")],
)
def test_an_edit_that_a_gig_cannot_hold_is_refused(field, new, pointer):
    gig = make_gig()
    proposal = propose(gig, field, new)

    with pytest.raises(Refusal) as refused:
        proposals.accept(proposal)

    proposal.refresh_from_db()
    assert [e["pointer"] for e in refused.value.errors] == [pointer]
    assert proposal.status == "open"


def test_the_same_edit_is_proposed_once_and_a_corrected_one_replaces_it():
    gig = make_gig(title="Logo")

    first, second = propose(gig), propose(gig)
    third = propose(gig, new="I will draw your best logo")

    first.refresh_from_db()
    assert (first, first.status, third.status) == (second, "outdated", "open")
    assert Proposal.objects.count() == 2
