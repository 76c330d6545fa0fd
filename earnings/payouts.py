"""A channel's payout, as it arrived at our bank: which earnings it paid, less what the channel took of it."""

import hashlib
import json
from datetime import timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from earnings import ledger, money
from earnings.ledger import AVAILABLE, PAID_OUT
from earnings.models import Channel, Earning, Kind, Meaning, Payout, PayoutPart, Posting, StatementRow
from earnings.refusals import Refusal

MOST = 2000  # earnings in one payout
LATE = timedelta(days=31)  # between a payout and the day on which a person writes it down


@transaction.atomic
def record(purse, key, at, *, amount_minor=None, earnings=None, reference="", by=None):
    """Write down that what is available of `purse`'s channel reached our bank, and return the `Payout`.

    Without `earnings` (their keys) it is everything available there, with what the channel charged or owes us
    beside sales. `amount_minor` is what the bank shows: `Refusal` (422) if the books say another sum, (409) if
    less is available at the channel than these earnings hold, e.g. because a statement told of the payout before.
    `key` names the payout: asked again it is the same one, and `KeyConflict` if it is asked for something else.
    """
    asked = [purse.channel.pk, purse.currency, purse.kind, amount_minor, sorted(earnings or []), reference]
    sha256 = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    Channel.objects.select_for_update().get(pk=purse.channel.pk)  # payouts of a channel wait for each other here
    old = Payout.objects.filter(key=key).first()
    if old:
        if old.request_sha256 != sha256:
            raise ledger.KeyConflict(f"{key} is the key of another payout.", status=422)
        return old
    entries = [ledger.pay_out(earning, f"{key}:{earning.pk}", at) for earning in _available(purse, earnings)]
    rest = 0 if earnings else _rest(purse)
    if rest:
        entries.append(
            ledger.transfer(purse, f"{key}:rest", at, rest, memo=f"Rest of a payout of {purse.channel}")
        )
    paid = _paid(entries)
    hint = _told_by_statement(purse, at)
    _refuse_another_amount(purse, paid, amount_minor, hint)
    _refuse_overdraft(purse, hint)
    payout = Payout.objects.create(
        key=key,
        channel=purse.channel,
        kind=purse.kind,
        currency=purse.currency,
        amount_minor=paid,
        reference=reference[:120],
        request_sha256=sha256,
        occurred_at=at,
        recorded_by=by,
    )
    PayoutPart.objects.bulk_create(PayoutPart(payout=payout, entry=entry) for entry in entries)
    return payout


@transaction.atomic
def take_back(payout, at=None):
    """The bank or the channel sent it back: all of it is available again. Twice is once.

    `Refusal` (409) if a statement told that it came back: then that is booked.
    """
    at = at or timezone.now()
    Channel.objects.select_for_update().get(pk=payout.channel_id)  # statements of the channel wait here
    payout = Payout.objects.select_for_update().get(pk=payout.pk)
    if payout.returned_at:
        return payout
    told = payout.rows.filter(net_minor__gt=0, outcome=StatementRow.Outcome.BOOKED).first()
    if told:
        raise Refusal(f"That {payout} came back is booked from import {told.statement_id}, {told}.", allowed=[])
    for part in payout.parts.select_related("entry__earning").order_by("-entry"):
        ledger.reverse(part.entry, f"{part.entry.key}:back", at, memo=f"{payout} came back.")
    payout.returned_at = at
    payout.save(update_fields=["returned_at"])
    return payout


def waiting():
    """What can be paid out now: `[(channel key, kind, currency, minor)]`, the largest sums first."""
    rows = Posting.objects.filter(account=AVAILABLE).order_by()
    sums = rows.values_list("entry__channel_id", "kind", "currency").annotate(sum=Sum("amount_minor"))
    return sorted((row for row in sums if row[3]), key=lambda row: (-row[3], row))


def _of(purse):
    return Posting.objects.filter(
        account=AVAILABLE, kind=purse.kind, currency=purse.currency, entry__channel=purse.channel
    ).order_by()


def _available(purse, keys):
    """The earnings of the channel with money available, or below zero there because they were given back after
    they were paid out; `Refusal` names those of `keys` that have none."""
    rows = _of(purse).exclude(entry__earning=None)
    if keys:
        rows = rows.filter(entry__earning__key__in=keys)
    sums = rows.values_list("entry__earning", "entry__earning__key").annotate(sum=Sum("amount_minor"))
    held = {number: key for number, key, amount in sums if amount}
    missing = sorted(set(keys or []) - set(held.values()))
    if missing:
        raise Refusal.of_field("/earnings", f"Nothing is available at {purse.channel} of {', '.join(missing)}.")
    if len(held) > MOST:
        raise Refusal.of_field("/earnings", f"{len(held)} earnings are available; a payout names at most {MOST}.")
    return Earning.objects.filter(pk__in=held).order_by("pk")


def _rest(purse):
    return _sum(_of(purse).filter(entry__earning=None))


def _sum(postings):
    return postings.aggregate(sum=Sum("amount_minor", default=0))["sum"]


def _paid(entries):
    """What the entries brought to our bank."""
    return _sum(Posting.objects.filter(entry__in=[entry.pk for entry in entries], account=PAID_OUT))


def _told_by_statement(purse, at):
    """A sentence about the payout that a statement told of in these days; it may be the one that is recorded."""
    rows = StatementRow.objects.filter(
        statement__channel=purse.channel,
        meaning=Meaning.PAYOUT,
        outcome=StatementRow.Outcome.BOOKED,
        currency=purse.currency,
        occurred_at__range=(at - LATE, at + LATE),
        net_minor__lt=0,
    )
    row = rows.order_by("-occurred_at").first() if purse.kind == Kind.REAL else None
    if row is None:
        return ""
    sent = money.display(-row.net_minor, purse.currency)
    return f" Import {row.statement_id}, {row}, booked a payout of {sent} on {ledger.local_date(row.occurred_at)}."


def _refuse_another_amount(purse, paid, amount_minor, hint):
    text = money.display(paid, purse.currency)
    if paid <= 0:
        raise Refusal(f"There is nothing to pay out at {purse.channel}: {text} are available.{hint}", allowed=[])
    if amount_minor is not None and amount_minor != paid:
        said = money.display(amount_minor, purse.currency)
        detail = f"{said} is not what is available of these at {purse.channel}: {text}.{hint}"
        raise Refusal.of_field("/amount", detail)


def _refuse_overdraft(purse, hint):
    """More left than was there: what a statement booked as paid out, too. What was given back after its payout
    does not count: this payout may have left before, and then the channel takes it of the next one."""
    sales = _of(purse).exclude(entry__earning=None).values("entry__earning").annotate(sum=Sum("amount_minor"))
    left = _sum(_of(purse)) - sum(row["sum"] for row in sales.filter(sum__lt=0))
    if left < 0:
        short = money.display(-left, purse.currency)
        raise Refusal(f"{short} of these are not at {purse.channel} any more.{hint}", allowed=[])
