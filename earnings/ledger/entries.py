"""Writing one entry: its key, its moment, its postings. Everything of the ledger is written through here."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from earnings import money, totals
from earnings.models import JournalEntry, Posting
from earnings.models.inserts import insert, insert_unless_there
from earnings.refusals import Refusal

Event = JournalEntry.Event

UNEARNED, PENDING, AVAILABLE, PAID_OUT, DISPUTED = "unearned", "pending", "available", "paid_out", "disputed"
BUCKETS = (UNEARNED, PENDING, AVAILABLE, PAID_OUT, DISPUTED)
# What was earned, wherever it is now: a sum over these is a figure of income after fees.
EARNED_BUCKETS = (PENDING, AVAILABLE, PAID_OUT, DISPUTED)
DEFERRED, REVENUE, FEES, REFUNDS, ADJUSTMENTS = "deferred", "revenue", "fees", "refunds", "adjustments"
# A refund takes contested money first, then what has come least far, and the rest out of `available`.
REFUND_ORDER = (UNEARNED, DISPUTED, PENDING)

KEY = re.compile(r"[a-z][a-z0-9_]*(:[A-Za-z0-9][A-Za-z0-9._/#-]*)+\Z")


class KeyConflict(Refusal):
    """The key is taken by an entry that says something else; nothing was booked."""


class Unbalanced(Exception):
    """Postings that do not sum to zero: a defect of this program, never of its input."""


def local_date(at):
    """The store's calendar day of a moment."""
    return at.astimezone(ZoneInfo(settings.STORE_TIMEZONE)).date()


def post(entry, postings):
    """Insert the entry and its postings; the entry that is there already if the key is taken."""
    postings = completed(entry, postings)
    if not insert_unless_there(entry):
        return _same_entry(JournalEntry.objects.get(key=entry.key), entry, postings)
    insert(*postings_of(entry, postings))
    totals.note(entry, postings)
    return entry


def _same_entry(old, entry, postings):
    """`old` if it is what `entry` with these postings would have been."""
    same = ("earning_id", "event", "channel_id", "kind", "currency")
    found = dict(old.postings.values_list("account_id", "amount_minor"))
    if found != postings or any(getattr(old, name) != getattr(entry, name) for name in same):
        raise KeyConflict(f"{entry.key} is the key of another entry.")
    return old


def completed(entry, postings):
    """Fill in what follows from the entry's earning and moment, and return its postings without zeros."""
    postings = {account: amount for account, amount in postings.items() if amount}
    if sum(postings.values()) or not postings:
        raise Unbalanced(f"{entry.key}: {postings}")
    refuse_bad_moment(entry.key, entry.occurred_at)
    if max(map(abs, postings.values())) > money.LARGEST:
        raise Refusal.of_field("/amount_minor", f"At most {money.LARGEST} minor units are booked at once.")
    if entry.earning:
        earning = entry.earning
        entry.channel_id, entry.kind, entry.currency = earning.channel_id, earning.kind, earning.currency
    entry.local_date = local_date(entry.occurred_at)
    return postings


def postings_of(entry, postings):
    """The rows of a stored entry."""
    same = {"entry": entry, "kind": entry.kind, "currency": entry.currency, "local_date": entry.local_date}
    return [Posting(account_id=account, amount_minor=amount, **same) for account, amount in postings.items()]


def refuse_bad_moment(key, at):
    if len(key) > 200 or not KEY.match(key):
        raise Refusal.of_field("/key", f"{key!r} is no key: write it like order:DB-000123:line:2:paid.")
    if not isinstance(at, datetime) or timezone.is_naive(at):
        raise Refusal.of_field("/occurred_at", "A moment needs a time zone.")
