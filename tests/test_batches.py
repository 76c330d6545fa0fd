"""Many entries at once keep the rules that one entry keeps."""

import pytest
from django.db import IntegrityError, transaction

from earnings import audit, batches, ledger
from earnings.batches import Batch
from earnings.ledger import Purse, Work
from earnings.models import Channel, Earning, JournalEntry
from earnings.refusals import Refusal
from tests.test_ledger import NOON, counts, held, pay

pytestmark = pytest.mark.django_db


def sell(batch, key="row:1:1", **facts):
    facts = {
        **{"kind": "real", "title": "Planner", "gross_minor": 1000, "fee_minor": 100, "currency": "USD"},
        **{"channel": Channel.objects.get(pk="etsy"), "source": "statement"},
    } | facts
    batch.sell(key=key, occurred_at=NOON, work=Work.CLEARED, **facts)


def purse(batch):
    return Purse(Channel.objects.get(pk="etsy"), "USD", batch=batch)


def test_a_batch_writes_what_the_ledger_would_have_written_one_by_one():
    batch = Batch()
    sell(batch)
    ledger.charge(purse(batch), "row:1:2:moved", NOON, 20, "Listing fee")
    before = counts()
    batch.post()

    assert before == (0, 0, 0)
    assert counts() == (1, 2, 3 + 2)
    assert held(Earning.objects.get()) == {
        "available": 900,
        "fees": 100,
        "revenue": -1000,
    }
    assert JournalEntry.objects.get(event="cost").memo == "Listing fee"
    assert audit.violations() == []


def test_what_is_wrong_is_refused_when_it_is_taken_up():
    batch = Batch()

    with pytest.raises(Refusal):
        sell(batch, gross_minor=0)
    with pytest.raises(Refusal):
        ledger.charge(purse(batch), "no key", NOON, 20)
    batch.post()

    assert counts() == (0, 0, 0)


def test_a_taken_key_or_id_of_a_sale_writes_none_of_the_batch():
    pay("row:1:1", external_id="S1", channel=Channel.objects.get(pk="etsy"))
    before = counts()

    for facts in ({"key": "row:1:1"}, {"key": "row:1:2", "external_id": "S1"}):
        batch = Batch()
        sell(batch, "row:1:9")
        sell(batch, **facts)
        with pytest.raises(IntegrityError), transaction.atomic():
            batch.post()

    assert counts() == before


def test_many_entries_are_reversed_at_once_and_only_once():
    batch = Batch()
    sell(batch)
    ledger.charge(purse(batch), "row:1:2:moved", NOON, 20)
    batch.post()

    batches.reverse_all(JournalEntry.objects.all(), "undone", "mistaken")
    with pytest.raises(Refusal, match="reversed before"):
        batches.reverse_all(JournalEntry.objects.filter(reverses=None), "again")
    with pytest.raises(Refusal, match="A reversal is final"):
        batches.reverse_all(JournalEntry.objects.exclude(reverses=None), "again")

    assert {sum(held(earning).values()) for earning in Earning.objects.all()} == {0}
    assert JournalEntry.objects.filter(event="reversed", memo="mistaken").count() == 2
    assert audit.violations() == []


def test_none_is_reversed_where_money_has_moved_on():
    batch = Batch()
    sell(batch)
    sell(batch, "row:1:2")
    batch.post()
    ledger.refund(Earning.objects.get(key="row:1:2"), "by_hand:1", NOON, gross_minor=500)
    before = counts()

    with pytest.raises(Refusal, match="row:1:2 has moved on since"):
        batches.reverse_all(JournalEntry.objects.filter(event="earned"), "undone")

    assert counts() == before
