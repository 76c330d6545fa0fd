"""The life of a statement: uploaded and looked at, booked, and perhaps reversed as a whole.

Booking takes a transaction for every few hundred rows. A row's entries and its mark that it is booked stand or
fall together, so that a process that dies in the middle leaves a statement that goes on where it was.
"""

import hashlib
import logging
import time
from pathlib import PurePath

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Concat
from django.utils import timezone

from earnings import batches, ledger, statements
from earnings.batches import Batch
from earnings.ledger import Purse, Work
from earnings.models import Channel, Earning, JournalEntry, Kind, Meaning, StatementImport, StatementRow
from earnings.refusals import Refusal
from earnings.statements import by_hand, elsewhere, matching
from earnings.statements.lines import identities
from earnings.statements.matching import Whole

log = logging.getLogger(__name__)

Status = StatementImport.Status
Outcome = StatementRow.Outcome
CHUNK = 200
LOOK_AT = 500
RACES = 3
PATIENCE = 10  # seconds that a person waits for a booking; then it goes on behind their back
ENTRIES = ("earned", "fee", "refund", "rest", "moved")  # how the keys of a row's entries end


# --- Looking ------------------------------------------------------------------------------------------------


def upload(data, name, *, format="auto", choices=None, user=None, request=None):
    """Keep a statement and what its rows mean, for a person to look at; nothing is booked.

    `choices` is a `layouts.Choices`, `request` the (key, sha256) of a request that may be sent again. `Refusal`
    (422) if the file as a whole can't be read: then nothing is kept of it.
    """
    reading = statements.read(data, format, choices)
    channel = Channel.objects.filter(pk=reading.channel).first()
    if channel is None:
        raise Refusal.of_field("/format", f"There is no channel {reading.channel!r} any more.")
    statement = StatementImport(
        name=PurePath(name.replace("\\", "/")).name[-200:] or "statement.csv",
        sha256=hashlib.sha256(data).hexdigest(),
        format=reading.format,
        channel=channel,
        encoding=reading.sheet.encoding,
        delimiter=reading.sheet.delimiter,
        warnings=reading.warnings,
        own_totals=reading.own_totals,
        created_by=user,
    )
    if request:
        statement.request_key, statement.request_sha256 = request
    statement.file.save(statement.name, ContentFile(data), save=False)
    try:
        with transaction.atomic():
            statement.save()
            _write_rows(statement, reading)
            statement.warnings = [*statement.warnings, *elsewhere.told(statement)]
            statement.save(update_fields=["warnings"])
            _warn_of_overdrafts(statement)
    except BaseException:
        # The row is gone with its transaction; the file would stay behind.
        statement.file.storage.delete(statement.file.name)
        raise
    return statement


def upload_once(data, name, *, request=None, **more):
    """`upload`, unless the same request made an import before: then that one, and False.

    `request` is (a key of who asks with which Idempotency-Key, the SHA-256 of what is asked), or None. `Refusal`
    (422) if the key was used for something else.
    """
    found = _asked_before(request)
    if found:
        return found, False
    try:
        return upload(data, name, request=request, **more), True
    except IntegrityError:
        found = _asked_before(request)  # at the same time
        if found is None:
            raise
        return found, False


def _asked_before(request):
    found = StatementImport.objects.filter(request_key=request[0]).first() if request else None
    if found and found.request_sha256 != request[1]:
        raise Refusal("This Idempotency-Key was used with another body.", status=422)
    return found


def _write_rows(statement, reading):
    lines, names = reading.lines, identities(reading.lines)
    whole = Whole.of((line.meaning, line.sale, line.payout, line.is_printed, line.net) for line in lines)
    layout = statements.layout(statement.format)
    for start in range(0, len(lines), LOOK_AT):  # a long file's rows at once would take hundreds of MB
        part = slice(start, start + LOOK_AT)
        rows = [_row(statement, *pair) for pair in zip(lines[part], names[part], strict=True)]
        matching.judge(statement, rows, layout, whole)
        StatementRow.objects.bulk_create(rows)


def _warn_of_overdrafts(statement):
    kept = [warning for warning in statement.warnings if not warning.startswith(by_hand.OVERDRAWN)]
    warnings = [*kept, *by_hand.overdrawn(statement)]
    if warnings != statement.warnings:
        statement.warnings = warnings
        statement.save(update_fields=["warnings"])


def _row(statement, line, identity):
    return StatementRow(
        statement=statement,
        number=line.number,
        type=line.type[:80],
        meaning=line.meaning,
        outcome=Outcome.REFUSED if line.problems else Outcome.WAITING,
        occurred_at=line.at,
        title=line.title[:200],
        sale=line.sale[:120],
        payout=line.payout[:80],
        currency=line.currency if not line.problems else "",
        gross_minor=line.gross,
        fee_minor=line.fee,
        net_minor=line.net,
        is_printed=line.is_printed,
        is_pending=line.is_pending,
        identity=identity or "",
        remarks=[*line.problems, *line.remarks],
    )


# --- Booking ------------------------------------------------------------------------------------------------


def book(statement, *, patience=PATIENCE):
    """Book every row that the ledger does not know, compared anew with the ledger as it is now; twice is once.

    Returns after `patience` seconds at the latest: what is left is booked by `carry_on`. `Refusal` (422) naming
    the rows that can't be read: then nothing is booked.
    """
    statement.refresh_from_db()
    if statement.status == Status.REVERSED:
        raise Refusal(f"{statement} was reversed; upload the file again.", allowed=statement.allowed)
    errors = errors_of(statement)
    if errors:
        raise Refusal(f"{statement} has rows that can't be read. Nothing was booked.", status=422, errors=errors)
    with transaction.atomic():
        waiting = StatementImport.objects.filter(pk=statement.pk, status=Status.PREVIEWED)
        if waiting.update(status=Status.BOOKING):
            # What was known or matched when it was looked at may be otherwise now.
            doubted = (Outcome.KNOWN, Outcome.MATCHED, Outcome.DIFFERS)
            statement.rows.filter(outcome__in=doubted).update(outcome=Outcome.WAITING)
    _work_off(statement, time.monotonic() + patience)
    statement.refresh_from_db()
    return statement


def carry_on(seconds=2):
    """Book on what a process that died, or a person who did not wait, left half booked."""
    until = time.monotonic() + seconds
    for statement in StatementImport.objects.filter(status=Status.BOOKING).order_by("pk"):
        try:
            _work_off(statement, until)
        except Exception:  # one that can't go on must not hold up the others
            log.exception("Statement import %s stumbled; it is tried again in some seconds", statement.pk)


def errors_of(statement, limit=100):
    """The rows that can't be read, as `{"pointer": "/file/row/7", "detail"}`, the first `limit` of them."""
    return [
        {"pointer": f"/file/row/{row.number}", "detail": f"Row {row.number}: {'; '.join(row.remarks)}."}
        for row in statement.rows.filter(outcome=Outcome.REFUSED)[:limit]
    ]


def _work_off(statement, until):
    layout = statements.layout(statement.format)
    whole = Whole.of(statement.rows.values_list(*matching.COLUMNS).iterator())
    lost, has_more = 0, True
    while has_more:
        try:
            has_more = _book_some(statement.pk, layout, whole) and time.monotonic() < until
        except IntegrityError:
            # An order took the id of one of our sales between our look and our write; look again.
            lost += 1
            if lost > RACES:
                raise


@transaction.atomic
def _book_some(pk, layout, whole):
    """Book the next rows; False once none is left. Bookings of one channel wait for each other here."""
    statement = StatementImport.objects.select_related("channel").get(pk=pk)
    Channel.objects.select_for_update(no_key=True).get(pk=statement.channel_id)
    statement = StatementImport.objects.select_for_update(of=("self",)).select_related("channel").get(pk=pk)
    if statement.status != Status.BOOKING:
        return False
    rows = _next_rows(statement)
    if not rows:
        done = {"status": Status.BOOKED, "booked_at": timezone.now()}
        StatementImport.objects.filter(pk=pk, status=Status.BOOKING).update(**done)
        statement.refresh_from_db(fields=["status"])
        _warn_of_overdrafts(statement)
        return False
    remarks = {row.pk: list(row.remarks) for row in rows}
    matching.judge(statement, rows, layout, whole)
    chunk = _Chunk(statement, [row for row in rows if row.outcome == Outcome.WAITING])
    for row in rows:
        if row.outcome == Outcome.WAITING:
            chunk.book(row)
    chunk.batch.post()
    _save(statement, rows, remarks)
    return True


def _save(statement, rows, remarks):
    """Most rows are booked with nothing to remark: one UPDATE without a case for each of them."""
    plain, others = [], []
    for row in rows:
        is_plain = row.outcome == Outcome.BOOKED and row.remarks == remarks[row.pk] and row.by_hand is None
        (plain if is_plain else others).append(row)
    claim = Concat(Value(matching.claim_of(statement.channel_id, "")), F("identity"))
    statement.rows.filter(pk__in=[row.pk for row in plain]).update(
        outcome=Outcome.BOOKED, claim=claim, by_hand=None
    )
    StatementRow.objects.bulk_update(others, ["outcome", "claim", "remarks", "by_hand"])


def _next_rows(statement):
    """Refunds, and payouts that came back, last: what they undo may stand further down."""
    waiting = statement.rows.filter(outcome=Outcome.WAITING).order_by("id")
    undoes = Q(meaning__in=matching.GIVEN_BACK) | Q(meaning=Meaning.PAYOUT, net_minor__gt=0)
    return list(waiting.exclude(undoes)[:CHUNK]) or list(waiting[:CHUNK])


class _Chunk:
    """Rows that are booked together, and which ids of sales the channel has used."""

    def __init__(self, statement, rows):
        self.statement, self.batch = statement, Batch()
        ids = {row.sale for row in rows if row.sale}
        named = Earning.objects.filter(channel=statement.channel, kind=Kind.REAL, external_id__in=ids)
        self._used = set(named.values_list("external_id", flat=True))

    def book(self, row):
        row.outcome = Outcome.BOOKED
        row.claim = matching.claim_of(self.statement.channel_id, row.identity)
        try:
            with transaction.atomic():
                _BOOKED_BY[row.meaning](row, Purse(self.statement.channel, row.currency, batch=self.batch), self)
        except Refusal as refusal:
            row.outcome, row.claim = Outcome.LEFT, None
            row.remarks.append(f"The ledger refused it: {refusal.detail}")

    def name(self, sale):
        """The sale's id, unless an earning has it: an order may be charged twice, or its booking was reversed."""
        if sale in self._used:
            return ""
        self._used.add(sale)
        return sale


def _book_sale(row, purse, chunk):
    """A fee above the price, or below zero, is no sale's: what is too much of it moves the purse."""
    fee = min(max(row.fee_minor, 0), row.gross_minor)
    purse.batch.sell(
        key=row.key,
        occurred_at=row.occurred_at,
        work=Work.DONE if row.is_pending else Work.CLEARED,
        kind=purse.kind,
        title=row.title or row.type or f"Sale, {purse.channel}",
        gross_minor=row.gross_minor,
        fee_minor=fee,
        currency=row.currency,
        channel=purse.channel,
        source="statement",
        reference=row.sale[:80],
        external_id=chunk.name(row.sale),
    )
    rest = row.fee_minor - fee
    if rest > 0:
        ledger.charge(purse, f"{row.key}:fee", row.occurred_at, rest, _memo(row))
    elif rest:
        ledger.credit(purse, f"{row.key}:fee", row.occurred_at, -rest, _memo(row))


def _book_refund(row, purse, chunk):
    """Out of the sale as far as its money goes; the rest, and all of a sale we do not know, out of the purse."""
    gross, fee = -row.gross_minor, -row.fee_minor
    sale = ledger.find_sale(purse.channel, row.sale) if row.sale else None
    if sale and gross > 0 and sale.currency == row.currency:
        of_sale = _refundable(sale, gross, fee)
        if of_sale:
            back = fee if 0 < fee <= of_sale else 0
            ledger.refund(sale, f"{row.key}:refund", row.occurred_at, gross_minor=of_sale, fee_minor=back)
            gross, fee = gross - of_sale, fee - back
    if gross or fee:
        ledger.take_back(
            purse, f"{row.key}:rest", row.occurred_at, gross_minor=gross, fee_minor=fee, memo=_memo(row)
        )


def _refundable(sale, gross, fee):
    """How much of `gross` the sale itself can give back when `fee` of its fee comes back with it."""
    held = ledger.balances(sale)
    price = -held[ledger.DEFERRED] or -held[ledger.REVENUE] - held[ledger.REFUNDS]
    back = fee if 0 < fee <= min(gross, held[ledger.FEES]) else 0
    if fee > 0 and not back:
        return 0  # more than the fee of the sale: it is not this sale's alone
    return max(min(gross, price, sum(held[bucket] for bucket in ledger.BUCKETS) + back), 0)


def _book_cost(row, purse, chunk):
    verb = ledger.charge if row.net_minor < 0 else ledger.credit
    verb(purse, f"{row.key}:moved", row.occurred_at, abs(row.net_minor), _memo(row))


def _book_adjustment(row, purse, chunk):
    ledger.adjust(purse, f"{row.key}:moved", row.occurred_at, row.net_minor, _memo(row))


def _book_payout(row, purse, chunk):
    ledger.transfer(purse, f"{row.key}:moved", row.occurred_at, -row.net_minor, _memo(row))


_BOOKED_BY = {
    Meaning.SALE: _book_sale,
    Meaning.REFUND: _book_refund,
    Meaning.CHARGEBACK: _book_refund,
    Meaning.COST: _book_cost,
    Meaning.TAX: _book_adjustment,
    Meaning.ADJUSTMENT: _book_adjustment,
    Meaning.PAYOUT: _book_payout,
}


def _memo(row):
    return " ".join(filter(None, (row.type, row.title)))[:200]


# --- Undoing ------------------------------------------------------------------------------------------------


@transaction.atomic
def reverse(statement, by=None):
    """Undo everything that this statement booked, in one transaction, each entry on its own day; twice is once.

    Its rows may be booked again, from this file or another. `Refusal` (409) unless it is booked, and when money of
    it has moved on since: then nothing is undone.
    """
    Channel.objects.select_for_update(no_key=True).get(pk=statement.channel_id)
    statement.refresh_from_db()
    if statement.status == Status.REVERSED:
        return statement
    moved = StatementImport.objects.filter(pk=statement.pk, status=Status.BOOKED)
    if not moved.update(status=Status.REVERSED, reversed_at=timezone.now()):
        raise Refusal(f"{statement} is {statement.get_status_display()}, not booked.", allowed=statement.allowed)
    who = f", user {by.pk}" if by else ""
    # What gives back first: a file may have its newest rows on top.
    rows = statement.rows.filter(outcome=Outcome.BOOKED).order_by("-id").values_list("id", "meaning")
    pks = [pk for pk, _ in sorted(rows, key=lambda row: row[1] not in matching.GIVEN_BACK)]
    for start in range(0, len(pks), CHUNK):
        of_rows = [f"statement:{statement.pk}:{pk}" for pk in pks[start : start + CHUNK]]
        keys = [f"{key}:{end}" for key in of_rows for end in ENTRIES]
        # What only time had cleared is no reason to keep an import that never happened.
        cleared = Q(earning__key__in=of_rows, event=ledger.Event.CLEARED, key__contains=":cleared:")
        entries = JournalEntry.objects.filter(Q(key__in=keys) | cleared & Q(reversed_by=None))
        entries = entries.select_related("earning").order_by("-id")
        batches.reverse_all(entries, "undone", f"{statement.number} reversed{who}")
    statement.rows.filter(outcome=Outcome.BOOKED).update(outcome=Outcome.REVERSED, claim=None)
    statement.refresh_from_db()
    return statement
