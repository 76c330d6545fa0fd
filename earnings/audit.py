"""Proof that the ledger holds its own rules: each one is asked of every row, none is taken on trust."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import groupby

from django.db import connection
from django.db.models import Count, Exists, F, Min, OuterRef, Q, Subquery, Sum

from earnings import append_only, ledger, totals
from earnings.models import Earning, JournalEntry, Kind, Meaning, Payout, PayoutPart, Posting, StatementRow
from earnings.snapshots import snapshot

# How far a calendar may be from UTC: a store that moved its clock keeps the days that it had.
WEST, EAST = timedelta(hours=12), timedelta(hours=14)
APPEND_ONLY = ("earnings_earning", "earnings_journalentry", "earnings_posting", "earnings_payoutpart")


@dataclass(frozen=True)
class Violation:
    """A rule (`code`) that does not hold for `subject`: a key, or a table."""

    code: str
    subject: str
    detail: str

    def __str__(self):
        return f"{self.code} {self.subject}: {self.detail}"


def violations():
    """Every `Violation` in the ledger as it is at one moment; an empty list if all rules hold."""
    rules = (
        *(_triggers, _balanced, _postings, _entries, _keys, _days),
        *(_events, _openings, _balances, _purses, _reversals, _payouts, _statements, _totals),
    )
    with snapshot():
        return [violation for rule in rules for violation in rule()]


def counts():
    """How much was looked at: rows by table."""
    return {
        "earnings": Earning.objects.count(),
        "entries": JournalEntry.objects.count(),
        "postings": Posting.objects.count(),
    }


def missing_triggers():
    """Names of triggers that hold the ledger append-only and are not in the database, by table."""
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = {row[0] for row in cursor.fetchall()}
    rules = append_only.rules(connection)
    wanted = {table: [f"{table}_{rule}" for rule in rules] for table in APPEND_ONLY}
    if connection.vendor == "postgresql":
        wanted["earnings_posting"].append("earnings_posting_balanced")
        wanted["earnings_journalentry"].append("earnings_journalentry_not_empty")
    missing = {table: [name for name in names if name not in found] for table, names in wanted.items()}
    return {table: names for table, names in missing.items() if names}


def _triggers():
    for table, names in missing_triggers().items():
        yield Violation("trigger.missing", table, f"the database lacks {', '.join(names)}")


def _balanced():
    sums = JournalEntry.objects.order_by("pk").annotate(
        sum=Sum("postings__amount_minor"), number=Count("postings")
    )
    for entry in sums.filter(Q(sum__isnull=True) | ~Q(sum=0)).iterator():
        detail = f"its {entry.number} postings sum to {entry.sum}" if entry.number else "it has no postings"
        yield Violation("entry.unbalanced", entry.key, detail)


def _postings():
    own = {name: F(f"entry__{name}") for name in ("kind", "currency", "local_date")}
    for posting in Posting.objects.exclude(**own).select_related("entry").order_by("pk").iterator():
        wrong = [name for name in own if getattr(posting, name) != getattr(posting.entry, name)]
        detail = f"the {', '.join(wrong)} of its posting to {posting.account_id} is not the entry's"
        yield Violation("posting.differs", posting.entry.key, detail)


def _entries():
    own = {name: F(f"earning__{name}") for name in ("kind", "currency", "channel")}
    entries = JournalEntry.objects.exclude(earning=None).exclude(**own)
    for entry in entries.select_related("earning__channel", "channel").order_by("pk").iterator():
        wrong = [name for name in own if getattr(entry, name) != getattr(entry.earning, name)]
        yield Violation("entry.differs", entry.key, f"its {', '.join(wrong)} is not the earning's")


def _keys():
    for model in (Earning, JournalEntry):
        for key in model.objects.order_by("pk").values_list("key", flat=True).iterator():
            if not ledger.KEY.match(key):
                yield Violation("key.malformed", key, "a key is written like order:DB-000123:line:2:paid")


def _days():
    """An entry counts on a day that some calendar shows at its moment."""
    rows = JournalEntry.objects.order_by("pk").values_list("key", "occurred_at", "local_date")
    for key, at, day in rows.iterator():
        if not (at - WEST).astimezone(UTC).date() <= day <= (at + EAST).astimezone(UTC).date():
            yield Violation("entry.day", key, f"it happened at {at:%Y-%m-%d %H:%M} UTC and counts on {day}")


def _events():
    """What belongs to a sale moves the accounts of its event: by their events entries are counted as earned."""
    entries = JournalEntry.objects.exclude(earning=None).order_by("pk")
    for event, (needed, others) in ledger.OF_SALES.items():
        of_event = entries.filter(event=event)
        moved = Posting.objects.filter(entry=OuterRef("pk"))
        wrong = of_event.filter(
            ~Exists(moved.filter(account__in=needed)) | Exists(moved.exclude(account__in=needed | others))
        )
        for entry in wrong.prefetch_related("postings").iterator(chunk_size=500):
            detail = f"nothing that is {entry.get_event_display()} moves {', '.join(sorted(_amounts(entry)))}"
            yield Violation("entry.event", entry.key, detail)
    gives = Posting.objects.filter(entry=OuterRef("pk"), amount_minor__lt=0)
    takes = Posting.objects.filter(entry=OuterRef("pk"), amount_minor__gt=0)
    backwards = entries.filter(
        Q(Exists(gives.filter(account=ledger.FEES)), event=ledger.Event.COST)
        | Q(Exists(takes.filter(account=ledger.FEES)), event=ledger.Event.CREDITED)
        | Q(Exists(gives.filter(account=ledger.DISPUTED)), event=ledger.Event.DISPUTED)
        | Q(Exists(takes.filter(account=ledger.DISPUTED)), event=ledger.Event.CLEARED)
    )
    for entry in backwards:
        yield Violation("entry.event", entry.key, f"{entry.get_event_display()} moves the other way")


def _openings():
    """An earning begins with the entry that brought its money in, at its moment, gross, fee and net."""
    first = JournalEntry.objects.filter(earning=OuterRef("pk")).order_by("pk")
    earnings = Earning.objects.order_by("pk").annotate(event=Subquery(first.values("event")[:1]))
    opened = Q(event__in=[ledger.Event.PAID, ledger.Event.EARNED])
    for earning in earnings.filter(~opened | Q(event__isnull=True)).iterator():
        yield Violation("earning.unopened", earning.key, "no entry says that it was paid")
    openings = JournalEntry.objects.filter(
        pk__in=Earning.objects.annotate(opening=Min("entries__pk")).values("opening")
    )
    sums = openings.order_by("pk").annotate(
        net=_sum(ledger.BUCKETS), fee=_sum([ledger.FEES]), gross=_sum([ledger.DEFERRED, ledger.REVENUE])
    )
    for entry in sums.select_related("earning").iterator():
        earning = entry.earning
        is_told = not (ledger.KEY.match(earning.key) and ledger.KEY.match(entry.key))
        same = (entry.key, entry.occurred_at) == (f"{earning.key}:{entry.event}", earning.occurred_at)
        if not same and not is_told:
            detail = f"it begins with {entry.key} at {entry.occurred_at:%Y-%m-%d %H:%M:%S} UTC"
            yield Violation("earning.opening", earning.key, detail)
        if (entry.net, entry.fee, -entry.gross) != (earning.net_minor, earning.fee_minor, earning.gross_minor):
            detail = f"{entry.key} books {-entry.gross} less {entry.fee} = {entry.net}, not its amounts"
            yield Violation("earning.net", earning.key, detail)


def _sum(accounts):
    return Sum("postings__amount_minor", filter=Q(postings__account__in=accounts), default=0)


def _balances():
    rows = (
        Posting.objects.exclude(entry__earning=None)
        .values_list("entry__earning__key", "account_id")
        .annotate(sum=Sum("amount_minor"))
        .order_by("entry__earning__key")
    )
    for key, group in groupby(rows.iterator(), key=lambda row: row[0]):
        held = Counter({account: amount for _, account, amount in group})
        for account in ledger.impossible(held):
            yield Violation("earning.balance", key, f"{account} cannot stand at {held[account]}")


def _purses():
    """What belongs to no sale moves `available` and the accounts of its event; a channel never pays income out."""
    entries = JournalEntry.objects.filter(earning=None, reverses=None).order_by("pk")
    for entry in entries.prefetch_related("postings").iterator(chunk_size=500):
        moved = set(_amounts(entry))
        other = sorted(moved - ledger.OF_PURSES.get(entry.event, set()) - {ledger.AVAILABLE})
        if entry.event not in ledger.OF_PURSES:
            yield Violation("purse.event", entry.key, f"nothing is {entry.get_event_display()} without an earning")
        elif other:
            yield Violation("purse.accounts", entry.key, f"it moves {', '.join(other)}")
        elif entry.event == ledger.Event.COST and _amounts(entry).get(ledger.FEES, 0) < 0:
            yield Violation("purse.sign", entry.key, "a cost is taken, not given")
        elif entry.event == ledger.Event.CREDITED and _amounts(entry).get(ledger.FEES, 0) > 0:
            yield Violation("purse.sign", entry.key, "a credit is given, not taken")


def _reversals():
    claimed = Q(reverses__isnull=False) | Q(event=ledger.Event.REVERSED)
    entries = JournalEntry.objects.filter(claimed).select_related("reverses").order_by("pk")
    for entry in entries.prefetch_related("postings", "reverses__postings").iterator(chunk_size=500):
        if entry.reverses is None or entry.event != ledger.Event.REVERSED:
            yield Violation("reversal.inexact", entry.key, "a reversal names what it reverses, and only that")
        elif _amounts(entry) != {account: -amount for account, amount in _amounts(entry.reverses).items()}:
            detail = f"it is not the exact opposite of {entry.reverses.key}"
            yield Violation("reversal.inexact", entry.key, detail)


def _payouts():
    """A payout is the sum of the entries that it names, all of its own channel, currency and kind."""
    at_bank = Q(parts__entry__postings__account=ledger.PAID_OUT)
    payouts = Payout.objects.order_by("pk").annotate(
        sum=Sum("parts__entry__postings__amount_minor", filter=at_bank, default=0)
    )
    for payout in payouts.exclude(sum=F("amount_minor")).iterator():
        yield Violation("payout.sum", payout.key, f"its entries are {payout.sum}, not {payout.amount_minor}")
    standing = PayoutPart.objects.filter(payout__returned_at__isnull=False, entry__reversed_by=None)
    for part in standing.select_related("payout", "entry").order_by("pk").iterator():
        yield Violation("payout.returned", part.payout.key, f"it came back, and {part.entry.key} was not undone")
    own = {f"entry__{name}": F(f"payout__{name}") for name in ("channel", "currency", "kind")}
    for part in PayoutPart.objects.exclude(**own).select_related("payout", "entry").order_by("pk").iterator():
        yield Violation(
            "payout.differs", part.payout.key, f"it names {part.entry.key} of another channel or money"
        )


def _totals():
    """What is kept and what is not counted yet make up the postings, of each dimension and grain."""
    for dimension, grain in totals.KEPT:
        wanted, found = totals.posted(dimension, grain), totals.kept(dimension, grain)
        for key in sorted(wanted.keys() | found.keys()):
            should, are = (sums.get(key, [0] * len(totals.SUMS)) for sums in (wanted, found))
            wrong = [
                f"{name} is {held} and should be {right}"
                for name, held, right in zip(totals.SUMS, are, should, strict=True)
                if held != right
            ]
            if wrong:
                yield Violation("total.differs", " ".join(filter(None, key)), ", ".join(wrong))


def _statements():
    """What the entries of a statement's rows moved is the net of the rows that are booked: of payouts what reached
    our bank, of the others what our money changed by."""
    booked = StatementRow.objects.filter(outcome=StatementRow.Outcome.BOOKED)
    payouts, others = booked.filter(meaning=Meaning.PAYOUT), booked.exclude(meaning=Meaning.PAYOUT)
    yield from _unlike_rows(ledger.BUCKETS, others, 1)
    yield from _unlike_rows([ledger.PAID_OUT], payouts, -1)


def _unlike_rows(accounts, rows, sign):
    moved, said = Counter(), Counter()
    postings = Posting.objects.filter(
        entry__key__startswith="statement:", account__in=accounts, kind=Kind.REAL
    ).exclude(entry__key__contains=":dispute:")  # of a sale in a statement, told by a person
    sums = postings.order_by().values_list("entry__key", "currency").annotate(Sum("amount_minor"))
    for key, currency, minor in sums.iterator():
        moved[key.split(":")[1], currency] += minor
    nets = rows.order_by().values_list("statement", "currency").annotate(Sum("net_minor"))
    for statement, currency, minor in nets.iterator():
        said[str(statement), currency] = sign * minor
    for statement, currency in sorted({*moved, *said}):
        found, wanted = moved[statement, currency], said[statement, currency]
        if found != wanted:
            where = "" if sign > 0 else " to our bank"
            detail = f"its entries moved {found} {currency}{where} in minor units, its booked rows say {wanted}"
            yield Violation("statement.sum", f"statement:{statement}", detail)


def _amounts(entry):
    return {posting.account_id: posting.amount_minor for posting in entry.postings.all()}
