"""Many entries of the ledger written at once, by the rules of `earnings.ledger`.

Entry by entry a statement of a hundred thousand rows would take half an hour, in most of which nobody else could
write on SQLite.
"""

from collections import Counter, defaultdict

from django.db import transaction
from django.db.models import Sum

from earnings import ledger, totals
from earnings.models import Earning, JournalEntry, Posting
from earnings.refusals import Refusal


class Batch:
    """Sales, and entries of purses that have this batch, with keys that nobody used before.

    They are checked when they are taken up, so that a `Refusal` names the one to blame; `post` writes all of them.
    """

    def __init__(self):
        self._pairs = []

    def sell(self, *, key, occurred_at, work, **facts):
        """`ledger.record_paid` of a sale whose key and external id are new."""
        earning = ledger.checked(Earning(key=key, occurred_at=occurred_at, **facts))
        self.add(*ledger.opening(earning, work))

    def add(self, entry, postings):
        self._pairs.append((entry, ledger.completed(entry, postings)))

    @transaction.atomic
    def post(self):
        """Write everything; `IntegrityError` if a key or an external id was taken meanwhile, then nothing is."""
        Earning.objects.bulk_create(entry.earning for entry, _ in self._pairs if entry.earning)
        _write(self._pairs)
        self._pairs = []


@transaction.atomic
def reverse_all(entries, ending, memo=""):
    """`ledger.reverse` each entry on its own day, under its key and `ending`.

    `Refusal` (409) if one was reversed before, is a reversal itself, or its money has moved on since: then nothing
    is reversed.
    """
    entries = list(entries)
    owners = sorted({entry.earning_id for entry in entries if entry.earning_id})
    list(Earning.objects.select_for_update().filter(pk__in=owners).order_by("pk"))  # others wait for these
    pks = [entry.pk for entry in entries]
    list(JournalEntry.objects.select_for_update().filter(pk__in=pks).order_by("pk"))
    before = JournalEntry.objects.filter(reverses__in=pks).select_related("reverses").first()
    if before:
        raise Refusal(f"{before.reverses.key} was reversed before.")
    booked = defaultdict(dict)
    for posting in Posting.objects.filter(entry__in=pks):
        booked[posting.entry_id][posting.account_id] = -posting.amount_minor
    _refuse_moved_on(entries, booked, owners)
    pairs = []
    for entry in entries:
        if entry.event == ledger.Event.REVERSED:
            raise Refusal("A reversal is final; book what happened as a new entry.")
        undo = JournalEntry(key=f"{entry.key}:{ending}", event=ledger.Event.REVERSED, reverses=entry, memo=memo)
        undo.earning, undo.occurred_at = entry.earning, entry.occurred_at
        undo.channel_id, undo.kind, undo.currency = entry.channel_id, entry.kind, entry.currency
        pairs.append((undo, ledger.completed(undo, booked[entry.pk])))
    _write(pairs)


def _refuse_moved_on(entries, booked, owners):
    sums = Posting.objects.filter(entry__earning__in=owners).values("entry__earning", "account")
    held = defaultdict(Counter)
    for row in sums.order_by("entry__earning").annotate(sum=Sum("amount_minor")):
        held[row["entry__earning"]][row["account"]] = row["sum"]
    after = {owner: Counter(held[owner]) for owner in owners}
    for entry in entries:
        if entry.earning_id:
            after[entry.earning_id].update(booked[entry.pk])
    for entry in entries:
        if entry.earning_id and ledger.moved_on(held[entry.earning_id], after[entry.earning_id]):
            raise Refusal(f"The money of {entry.earning.key} has moved on since.")


def _write(pairs):
    JournalEntry.objects.bulk_create(entry for entry, _ in pairs)
    Posting.objects.bulk_create(row for entry, postings in pairs for row in ledger.postings_of(entry, postings))
    totals.note_all(pairs)
