"""What was sold, and what happens to its money, one earning at a time."""

from collections import Counter
from enum import Enum

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum

from earnings import money
from earnings.ledger.entries import (
    AVAILABLE,
    DEFERRED,
    DISPUTED,
    FEES,
    PAID_OUT,
    PENDING,
    REFUNDS,
    REVENUE,
    UNEARNED,
    Event,
    KeyConflict,
    post,
    refuse_bad_moment,
)
from earnings.ledger.held import allowed, contest, earn, give_back, impossible, kept, moved_on
from earnings.models import Earning, JournalEntry, Kind, Posting
from earnings.models.inserts import insert_unless_there
from earnings.refusals import Refusal

# A repeated call may come from another run, at another time, after the gig was renamed; the money is the same.
IDENTITY = (
    "kind",
    "gross_minor",
    "fee_minor",
    "currency",
    "channel_id",
    "source",
    "reference",
    "product_sku",
)


class Work(Enum):
    """Whether the thing that was paid for is still to be made."""

    OWED = "owed"  # a service: earned when the client accepts
    DONE = "done"  # a digital product: earned when access is granted, i.e. at once
    CLEARED = "cleared"  # a row of a statement: earned, and the channel waits for nothing


def fee(channel, amount_minor):
    """What `channel` keeps of a sale, in minor units: its rate rounded half up, plus its fixed part.

    At most the whole amount. `Refusal` (422) if the amount is negative.
    """
    if amount_minor < 0:
        raise Refusal.of_field("/amount", "A fee is taken of an amount of zero or more.")
    rate = (amount_minor * channel.fee_basis_points + 5_000) // 10_000
    return min(rate + channel.fee_fixed_minor, amount_minor)


@transaction.atomic
def record_paid(*, key, occurred_at, work=Work.OWED, **facts):
    """Somebody paid us: write down the `Earning` and its first entry, and return the earning.

    `facts` are the columns of `Earning`: kind, title, gross_minor, fee_minor, currency, channel (a `Channel`)
    and source are required; reference, external_id, gig, product_sku, client, run_id and intent_id are not.
    Amounts are integers in minor units. The entry is `<key>:paid` for work that is still owed and `<key>:earned`
    otherwise.

    Raises `Refusal` (422) naming each bad value, and `KeyConflict` if `key` is taken by another sale, or
    `external_id` by a sale of that channel with another key.
    """
    wanted = checked(Earning(key=key, occurred_at=occurred_at, **facts))
    earning, created = _first_or_new(wanted)
    entry, postings = opening(earning, work)
    if not created:
        return _same_sale(earning, wanted, entry.key)
    post(entry, postings)
    return earning


def opening(earning, work):
    """The entry that brings the money of a sale in, not written yet, and its postings."""
    event = Event.PAID if work is Work.OWED else Event.EARNED
    bucket = {Work.OWED: UNEARNED, Work.DONE: PENDING, Work.CLEARED: AVAILABLE}[work]
    price = DEFERRED if work is Work.OWED else REVENUE
    entry = JournalEntry(
        earning=earning, key=f"{earning.key}:{event}", event=event, occurred_at=earning.occurred_at
    )
    return entry, {bucket: earning.net_minor, FEES: earning.fee_minor, price: -earning.gross_minor}


@transaction.atomic
def record_earned(earning, key, at):
    """The client accepted the work: what was paid for it is ours, and waits to be cleared."""
    entry = JournalEntry(earning=earning, key=key, event=Event.EARNED, occurred_at=at)
    return _book(entry, earn)


@transaction.atomic
def clear(earning, key, at):
    """The channel's clearing time is over: everything pending of this earning can be paid out."""
    entry = JournalEntry(earning=earning, key=key, event=Event.CLEARED, occurred_at=at)
    return _book(entry, lambda held: {AVAILABLE: held[PENDING], PENDING: -held[PENDING]})


@transaction.atomic
def pay_out(earning, key, at):
    """Everything available of this earning reached our bank, or, below zero, was taken from what did."""
    entry = JournalEntry(earning=earning, key=key, event=Event.PAID_OUT, occurred_at=at)
    return _book(entry, lambda held: {PAID_OUT: held[AVAILABLE], AVAILABLE: -held[AVAILABLE]})


@transaction.atomic
def dispute(earning, key, at):
    """The buyer contests an earned payment: set its money apart. Won: `release`; lost: `refund`."""
    entry = JournalEntry(earning=earning, key=key, event=Event.DISPUTED, occurred_at=at)
    return _book(entry, contest)


@transaction.atomic
def release(contested, key, at, memo=""):
    """What is still set apart of this sale is free again, and lies where `contested` and its other disputes took
    it from."""
    entry = JournalEntry(earning=contested.earning, key=key, event=Event.CLEARED, occurred_at=at, memo=memo)
    return _book(entry, lambda held: _released(contested.earning_id, held[DISPUTED]))


@transaction.atomic
def refund(earning, key, at, *, gross_minor, fee_minor=0, from_bank=False):
    """The buyer got `gross_minor` back, and the channel gave us `fee_minor` of its fee back.

    While the work is owed the refund lessens what we owe; afterwards it is a refund of income. What was paid out
    before, the channel takes of what it owes us next; `from_bank`: we transfer it. `Refusal` (409) if we hold less
    than the difference, (422) if an amount is impossible.
    """
    _refuse_bad_refund(gross_minor, fee_minor)
    entry = JournalEntry(earning=earning, key=key, event=Event.REFUNDED, occurred_at=at)
    return _book(entry, lambda held: give_back(held, gross_minor, fee_minor, from_bank), (gross_minor, fee_minor))


@transaction.atomic
def correct_fee(earning, key, at, more_minor, memo=""):
    """The channel keeps `more_minor` more of this sale than is booked; below zero it is less.

    `Refusal` (409) if the sale holds less than that, e.g. because it was given back.
    """
    if type(more_minor) is not int or not more_minor:
        raise Refusal.of_field("/more_minor", "A correction is an integer of minor units other than zero.")
    event = Event.COST if more_minor > 0 else Event.CREDITED
    entry = JournalEntry(earning=earning, key=key, event=event, occurred_at=at, memo=memo)
    return _book(entry, lambda held: kept(held, more_minor), (0, -more_minor))


@transaction.atomic
def reverse(entry, key, at, memo=""):
    """Undo `entry` by its negated postings, at most once; a reversal itself is final.

    `Refusal` (409) when its money has moved on since: undo the later entries first.
    """
    undo = JournalEntry(key=key, event=Event.REVERSED, occurred_at=at, reverses=entry, memo=memo)
    if entry.earning_id:
        undo.earning = entry.earning
        return _book(undo, lambda held: _undone(entry, held))
    undo.channel_id, undo.currency, undo.kind = entry.channel_id, entry.currency, entry.kind
    JournalEntry.objects.select_for_update().get(pk=entry.pk)  # who reverses the same entry waits here
    old = JournalEntry.objects.filter(key=key).first()
    return _same(old, undo, None) if old else post(undo, _negated(entry))


def find_sale(channel, external_id, kind=Kind.REAL):
    """The earning that `channel` calls `external_id`, in whichever of its `spellings`, or None; one whose booking
    was reversed is none."""
    if not external_id:
        return None
    forms = spellings(external_id)
    named = Earning.objects.filter(channel=channel, kind=kind, external_id__in=forms)
    found = min(standing(named), key=lambda earning: earning.external_id != external_id, default=None)
    return found or (booked_again(channel, kind, forms).first() if named.exists() else None)


def booked_again(channel, kind, external_ids):
    """Sales of statements that were reversed and booked anew: the id stays with the row that can't be changed, and
    the new one has it as its reference. No index finds that, so ask only for ids that a reversed sale has."""
    again = Earning.objects.filter(
        channel=channel, kind=kind, source="statement", external_id="", reference__in=external_ids
    )
    return standing(again).order_by("pk")


def spellings(external_id):
    """How an id may stand in a statement and in what a person typed: with blanks, in one case, with a number sign.

    These few, as an index finds them; of ids that differ in the case of single letters each is its own.
    """
    plain = "".join(external_id.split()).removeprefix("#")
    forms = {plain, plain.upper(), plain.lower()} if plain else set()
    return {external_id, *forms, *(f"#{form}" for form in forms)}


def standing(earnings):
    """Those whose booking was not reversed: what was refunded, even in full, was a sale."""
    brought_in = JournalEntry.objects.filter(event__in=(Event.PAID, Event.EARNED), reversed_by=None)
    return earnings.filter(pk__in=brought_in.values("earning"))


def balances(earning):
    """`Counter` of minor units by account code: what is booked for this earning now."""
    sums = Posting.objects.filter(entry__earning=earning).values("account_id").annotate(sum=Sum("amount_minor"))
    return Counter({row["account_id"]: row["sum"] for row in sums})


# --- What undoes earlier entries ------------------------------------------------------------------------------


def _released(earning_id, rest):
    """Refunds took what had come least far, so what is left had come farthest. Of all disputes, as two that are
    open hold one sum together: by its own entries alone, one would free what the other took as available."""
    moves = JournalEntry.objects.filter(
        earning=earning_id,
        event__in=[Event.DISPUTED, Event.CLEARED],
        reversed_by=None,
        postings__account=DISPUTED,
    )
    home = Counter()
    parts = Posting.objects.filter(entry__in=moves.order_by().values("pk"))
    for account, amount in parts.values_list("account_id", "amount_minor"):
        home[account] -= amount
    postings = Counter({DISPUTED: -rest})
    for bucket in (PAID_OUT, AVAILABLE, PENDING):
        back = min(rest, max(home[bucket], 0))
        postings[bucket] += back
        rest -= back
    postings[AVAILABLE] += rest  # of a refund that failed
    return postings


def _undone(entry, held):
    postings = _negated(entry)
    after = Counter(held)
    after.update(postings)
    if moved_on(held, after):
        raise Refusal(f"The money of {entry.earning.key} has moved on since.", allowed=allowed(held))
    return postings


def _negated(entry):
    if entry.event == Event.REVERSED:
        raise Refusal("A reversal is final; book what happened as a new entry.")
    if JournalEntry.objects.filter(reverses=entry).exists():
        raise Refusal(f"{entry.key} was reversed before.")
    return {posting.account_id: -posting.amount_minor for posting in entry.postings.all()}


# --- Writing ----------------------------------------------------------------------------------------------


def _book(entry, moves, refunded=None):
    """Post what `moves(held)` answers, once: callers of one earning wait for each other here.

    SQLite ignores the row lock, and needs none: its transactions begin by taking the write lock.
    """
    entry.earning = Earning.objects.select_for_update().get(pk=entry.earning_id)
    old = JournalEntry.objects.filter(key=entry.key).first()
    if old:
        return _same(old, entry, refunded)
    held = balances(entry.earning)
    postings = moves(held)
    if not any(postings.values()):
        raise Refusal(f"There is nothing to book as {entry.get_event_display()}.", allowed=allowed(held))
    after = Counter(held)
    after.update(postings)
    if impossible(after):
        raise Refusal(f"The money of {entry.earning.key} has moved on since.", allowed=allowed(held))
    return post(entry, postings)


def _first_or_new(wanted):
    """The earning of `wanted`'s key and whether it is new; `KeyConflict` if its external id has another key."""
    if insert_unless_there(wanted):
        return wanted, True
    found = Earning.objects.filter(key=wanted.key).first()
    if found:
        return found, False
    named = Earning.objects.filter(channel=wanted.channel_id, kind=wanted.kind, external_id=wanted.external_id)
    other = standing(named).first()
    if other:
        raise KeyConflict(f"{wanted.external_id} of {wanted.channel_id} was booked before as {other.key}.")
    # Its booking was reversed, and its row can't be changed: the new one does without the id.
    wanted.external_id = ""
    return _first_or_new(wanted)


def _same_sale(earning, wanted, opening):
    """`earning` if it is the sale that `wanted` describes and was opened by the entry `opening`."""
    differing = [name.removesuffix("_id") for name in IDENTITY if getattr(earning, name) != getattr(wanted, name)]
    if earning.external_id and wanted.external_id and earning.external_id != wanted.external_id:
        differing.append("external_id")
    if earning.entries.earliest("pk").key != opening:
        differing.append("event")
    if differing:
        raise KeyConflict(f"{earning.key} was booked before with another {', '.join(differing)}.")
    return earning


def _same(old, entry, refunded):
    """`old` if it says what `entry` asks for. The buckets may have moved since, so they are not compared."""
    same = (old.earning_id, old.event, old.reverses_id) == (entry.earning_id, entry.event, entry.reverses_id)
    if same and refunded:
        found = Counter(dict(old.postings.values_list("account_id", "amount_minor")))
        same = refunded == (found[DEFERRED] + found[REFUNDS], -found[FEES])
    if not same:
        raise KeyConflict(f"{entry.key} is the key of another entry.")
    return old


# --- Refusing -----------------------------------------------------------------------------------------------


def checked(earning):
    """`earning` with its net amount, or a `Refusal` that names every bad value."""
    errors = {}
    for name in ("gross_minor", "fee_minor"):
        if type(getattr(earning, name)) is not int:
            errors[name] = "An amount is an integer in minor units."
    if not errors:
        if earning.gross_minor <= 0:
            errors["gross_minor"] = "What was paid is more than zero."
        elif earning.gross_minor > money.LARGEST:
            errors["gross_minor"] = f"At most {money.LARGEST} minor units are booked at once."
        elif not 0 <= earning.fee_minor <= earning.gross_minor:
            errors["fee_minor"] = "A fee is between zero and what was paid."
        earning.net_minor = earning.gross_minor - earning.fee_minor
    try:
        money.exponent(earning.currency)
    except ValueError as error:
        errors["currency"] = str(error)
    try:
        # Not the channel: looking it up again would be a query for what the foreign key refuses anyway.
        earning.clean_fields(exclude={"channel", "net_minor", *errors})
    except ValidationError as error:
        errors |= {name: " ".join(messages) for name, messages in error.message_dict.items()}
    if errors:
        found = [{"pointer": f"/{name}", "detail": detail} for name, detail in errors.items()]
        raise Refusal("The earning was refused: " + " ".join(errors.values()), status=422, errors=found)
    refuse_bad_moment(earning.key, earning.occurred_at)
    return earning


def _refuse_bad_refund(gross_minor, fee_minor):
    if type(gross_minor) is not int or gross_minor <= 0:
        raise Refusal.of_field("/gross_minor", "A refund is an integer of minor units, more than zero.")
    if type(fee_minor) is not int or not 0 <= fee_minor <= gross_minor:
        raise Refusal.of_field("/fee_minor", "A returned fee is between zero and the refund.")
