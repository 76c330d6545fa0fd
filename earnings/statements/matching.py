"""What the ledger knows already of the rows of a statement. Nothing is written here."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Q, Sum

from earnings import ledger, money
from earnings.disputes import OF_THE_SHOP
from earnings.models import (
    BOOKED_MEANINGS,
    Earning,
    JournalEntry,
    Kind,
    Meaning,
    Posting,
    StatementRow,
)
from earnings.statements.by_hand import ByHand

Outcome = StatementRow.Outcome
OF_A_SALE = (Meaning.COST, Meaning.TAX)
GIVEN_BACK = (Meaning.REFUND, Meaning.CHARGEBACK)
# Where sales of the own shop are booked: its payment providers' statements tell of them, too.
OWN_SHOP = "direct"
NEAR = timedelta(days=3)  # between the shop's refund and its provider's


def claim_of(channel, identity):
    """What no two booked rows have in common."""
    return f"{channel}:{identity}"


@dataclass(frozen=True)
class Whole:
    """What only the whole file tells: the fees of a sale that stand in rows of their own, the net of a payout."""

    fees: Counter
    payouts: Counter

    @classmethod
    def of(cls, rows):
        fees, payouts = Counter(), Counter()
        for meaning, sale, payout, is_printed, net in rows:
            if meaning == Meaning.COST and sale:
                fees[sale] -= net
            if payout and is_printed and meaning in BOOKED_MEANINGS:  # the other side is what was booked
                payouts[payout] += net
        return cls(fees, payouts)


COLUMNS = ("meaning", "sale", "payout", "is_printed", "net_minor")  # of `Whole.of`


def judge(statement, rows, layout, whole):
    """Set each row's outcome and say why; `WAITING` is what the ledger does not know yet."""
    known = _Known(statement, rows, layout, whole)
    for row in rows:
        row.remarks = [remark for remark in row.remarks if not remark.startswith("Known:")]
        row.by_hand = None
        row.outcome, why = _outcome(row, known)
        if why:
            row.remarks.append(f"Known: {why}")


def _outcome(row, known):
    if row.outcome == Outcome.REFUSED:
        return row.outcome, ""
    if row.meaning not in BOOKED_MEANINGS:
        return Outcome.LEFT, ""
    if not row.identity:
        return Outcome.KNOWN, "the file repeats a row, with its id and all."
    claimed = known.claims.get(claim_of(known.channel, row.identity))
    if claimed:
        return _booked_before(row, claimed)
    covered = known.of_payout(row)
    if covered:
        return covered
    if row.meaning == Meaning.PAYOUT:
        return known.by_hand.judge(row)
    sale = known.sales.get(row.sale) if row.sale else None
    if row.meaning in GIVEN_BACK:
        return _compare_refund(row, sale) if sale else known.refund_of_the_shop(row)
    if sale is None:
        return Outcome.WAITING, ""
    if row.meaning == Meaning.SALE:
        return _compare_sale(row, sale, known)
    if row.meaning in OF_A_SALE and not sale.is_of_statement:
        return Outcome.MATCHED, f"part of the fee that is booked with {sale.name}."
    return Outcome.WAITING, ""


def _booked_before(row, claimed):
    same = (claimed.net_minor, claimed.currency) == (row.net_minor, row.currency)
    where = f"import {claimed.statement_id}, row {claimed.number}"
    if same:
        return Outcome.KNOWN, f"booked from {where}."
    return Outcome.DIFFERS, f"booked from {where} as {_text(claimed.net_minor, claimed.currency)} net."


def _compare_sale(row, sale, known):
    if sale.is_of_statement:
        if sale.key.startswith(f"statement:{known.statement.pk}:"):
            return Outcome.WAITING, ""  # a second charge of one order
        same = (sale.gross, sale.currency) == (row.gross_minor, row.currency)
        return (Outcome.KNOWN, "the sale was booked from another report.") if same else (Outcome.WAITING, "")
    apart = known.whole.fees[row.sale] if known.layout and known.layout.fees_apart else 0
    fee = row.fee_minor + apart
    if (row.gross_minor, fee, row.currency) == (sale.gross, sale.fee, sale.currency):
        return Outcome.MATCHED, f"{sale.name} was booked with the same amounts."
    booked = f"{_text(sale.gross, sale.currency)} less {_text(sale.fee, sale.currency)}"
    said = f"{_text(row.gross_minor, row.currency)} less {_text(fee, row.currency)}"
    return Outcome.DIFFERS, f"{sale.name} was booked as {booked}; this says {said}."


def _compare_refund(row, sale):
    """The own shop hears of refunds and disputes itself, so those of its orders are compared, never booked."""
    if row.meaning == Meaning.CHARGEBACK and sale.is_disputed:
        return Outcome.MATCHED, f"the dispute is booked with {sale.name}."
    if sale.has_refunded(-row.gross_minor):
        return Outcome.MATCHED, "the same refund is booked with its order."
    if sale.refunded or sale.is_of_shop:
        return Outcome.DIFFERS, f"{_text(sale.refunded, row.currency)} was refunded with {sale.name}."
    return Outcome.WAITING, ""


def _text(minor, currency):
    return money.display(minor, currency)


@dataclass
class _Sale:
    """A sale as it is booked: an earning, or one for each line of an order of the own shop.

    Of such an order the first earning has the id that the payment's provider gave it.
    """

    key: str
    name: str
    currency: str
    gross: int = 0
    fee: int = 0
    refunds: Counter = field(default_factory=Counter)  # {what names a refund: minor}
    is_disputed: bool = False
    is_of_shop: bool = False
    _told: set = field(default_factory=set)  # the refunds of which a row told

    @property
    def is_of_statement(self):
        return self.key.startswith("statement:")

    @property
    def refunded(self):
        return self.refunds.total()

    def has_refunded(self, amount_minor):
        """Whether one refund of ours, or all of them together, are this; each is told by one row."""
        left = {name: minor for name, minor in self.refunds.items() if name not in self._told}
        same = [name for name, minor in left.items() if minor == amount_minor][:1]
        if not same and left and sum(left.values()) == amount_minor:
            same = left
        self._told.update(same)
        return bool(same)


class _Known:
    """What the database holds of these rows: a handful of queries for a chunk."""

    def __init__(self, statement, rows, layout, whole):
        self.statement, self.channel = statement, statement.channel_id
        self.layout, self.whole = layout, whole
        self.claims = self._claims([claim_of(self.channel, row.identity) for row in rows if row.identity])
        self.sales = self._sales({row.sale for row in rows if row.sale})
        self._payouts = self._of_payouts({row.payout for row in rows if row.payout})
        self.by_hand = ByHand(statement, rows)
        nameless = [row for row in rows if row.meaning in GIVEN_BACK and row.sale not in self.sales]
        self._refunds = self._refunds_of_the_shop([row for row in nameless if row.occurred_at])

    def of_payout(self, row):
        """A payout's summary covers its transactions, and they cover it: whichever was booked first counts."""
        found = self._payouts.get(row.payout)
        if found is None:
            return None
        if not self._sums_payouts:
            return Outcome.KNOWN, "the summary of its payout was booked."
        total = self.whole.payouts[row.payout]
        if found == total:
            return Outcome.MATCHED, "the transactions of this payout were booked, with the same sum."
        currency = row.currency
        return (
            Outcome.DIFFERS,
            f"the payout's transactions sum to {_text(found, currency)}, not {_text(total, currency)}.",
        )

    def _claims(self, claims):
        rows = StatementRow.objects.filter(claim__in=claims).exclude(statement=self.statement.pk)
        return {row.claim: row for row in rows}

    def _sales(self, ids):
        """{the platform's id: `_Sale`} of what is booked and was not reversed."""
        groups = self._named(ids) if ids else {}
        orders = {group[0].reference: group for group in groups.values() if group[0].source == "order"}
        if orders:
            lines = Earning.objects.filter(source="order", reference__in=orders, external_id="", kind=Kind.REAL)
            for line in lines:
                orders[line.reference].append(line)
        pks = [earning.pk for group in groups.values() for earning in group]
        refunded, disputed, later = self._refunded(pks), self._disputed(pks), self._fees_told_later(pks)
        return {
            name: _Sale(
                group[0].key,
                group[0].reference or group[0].key,
                group[0].currency,
                sum(earning.gross_minor for earning in group),
                sum(earning.fee_minor + later[earning.pk] for earning in group),
                sum((refunded[earning.pk] for earning in group), Counter()),
                any(earning.pk in disputed for earning in group),
                group[0].source in OF_THE_SHOP,
            )
            for name, group in groups.items()
        }

    def _named(self, ids):
        """{the platform's id: [the earning that has it, in whichever spelling]}."""
        spelled, groups, lists = defaultdict(set), {}, {}
        for name in ids:
            for form in ledger.spellings(name):
                spelled[form].add(name)
        named = Earning.objects.filter(
            external_id__in=spelled, kind=Kind.REAL, channel__in=[self.channel, OWN_SHOP]
        )
        for earning in ledger.standing(named).order_by("pk"):
            for name in spelled[earning.external_id]:
                is_exact = name in groups and groups[name][0].external_id == name
                if not is_exact or earning.external_id == name:
                    groups[name] = lists.setdefault(earning.pk, [earning])
        reversed_ = set(named.filter(channel=self.channel).values_list("external_id", flat=True)) - {
            earning.external_id for (earning,) in lists.values()
        }
        again = ledger.booked_again(self.channel, Kind.REAL, reversed_) if reversed_ else ()
        return groups | {earning.reference: [earning] for earning in again if earning.reference in ids}

    def _refunded(self, earnings):
        """{earning: {refund: minor}} of what we, not a statement, gave back. A refund of several lines of an order
        is one."""
        postings = Posting.objects.filter(
            entry__earning__in=earnings,
            entry__event=ledger.Event.REFUNDED,
            entry__reversed_by=None,
            account__in=[ledger.REFUNDS, ledger.DEFERRED],
        ).filter(~Q(entry__key__startswith="statement:") | Q(entry__key__contains=":dispute:"))
        found = defaultdict(Counter)
        for earning, key, minor in postings.values_list("entry__earning", "entry__key", "amount_minor"):
            found[earning][key.rpartition(":refund:")[2]] += minor
        return found

    def _fees_told_later(self, earnings):
        postings = Posting.objects.filter(
            entry__earning__in=earnings,
            entry__event__in=[ledger.Event.COST, ledger.Event.CREDITED],
            entry__reversed_by=None,
            account=ledger.FEES,
        )
        sums = postings.values("entry__earning").order_by("entry__earning").annotate(sum=Sum("amount_minor"))
        return Counter({row["entry__earning"]: row["sum"] for row in sums})

    def _disputed(self, earnings):
        entries = JournalEntry.objects.filter(earning__in=earnings, event=ledger.Event.DISPUTED)
        return set(entries.values_list("earning", flat=True))

    def refund_of_the_shop(self, row):
        """Some reports do not name the sale of a refund: the shop's own of that amount, in those days, is it."""
        for refund in self._refunds:
            near = abs(refund["entry__occurred_at"] - row.occurred_at) <= NEAR
            if near and (refund["sum"], refund["currency"]) == (-row.gross_minor, row.currency):
                self._refunds.remove(refund)
                name = refund["entry__earning__reference"]
                return Outcome.MATCHED, f"taken for the refund of {name}: the same amount, in the same days."
        return Outcome.WAITING, ""

    def _refunds_of_the_shop(self, rows):
        if not rows:
            return []
        days = [row.occurred_at for row in rows]
        postings = Posting.objects.filter(
            entry__channel__in=[self.channel, OWN_SHOP],
            entry__event=ledger.Event.REFUNDED,
            entry__earning__source__in=OF_THE_SHOP,
            entry__reversed_by=None,
            entry__occurred_at__range=(min(days) - NEAR, max(days) + NEAR),
            kind=Kind.REAL,
            account__in=[ledger.REFUNDS, ledger.DEFERRED],
        )
        names = ("entry__earning__reference", "entry__occurred_at", "currency")
        return list(postings.order_by(*names).values(*names).annotate(sum=Sum("amount_minor")))

    @property
    def _sums_payouts(self):
        return bool(self.layout) and self.layout.sums_payouts

    def _of_payouts(self, payouts):
        if not payouts:
            return {}
        booked = StatementRow.objects.filter(
            statement__channel=self.channel, payout__in=payouts, claim__isnull=False, is_printed=True
        ).exclude(statement=self.statement.pk)
        if not self._sums_payouts:
            summed = booked.filter(identity__startswith="summary:")
            return dict.fromkeys(summed.values_list("payout", flat=True), 0)
        rows = booked.exclude(identity__startswith="summary:").values("payout").order_by("payout")
        return {row["payout"]: row["sum"] for row in rows.annotate(sum=Sum("net_minor"))}
