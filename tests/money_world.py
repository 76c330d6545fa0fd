"""A shop in which anything may happen to money, in any order and any number of times, chosen by one seed.

Every action may be refused, and nothing else may be raised. `World.faults()` asks the ledger's own check, and then
compares what is booked with what happened as others tell it: payments and refunds, Stripe, statements, stock and
rights.
"""

import json
import random
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from agency import fulfillment_engine, portal
from agency.models import Gig, Mail, ServiceOrder
from agency.workflows import NewArtifact
from earnings import audit, clearing, disputes, ledger, payouts, totals
from earnings.models import (
    Channel,
    Earning,
    JournalEntry,
    Kind,
    Payout,
    Posting,
    StatementImport,
    StatementRow,
)
from earnings.refusals import Refusal
from earnings.statements import booking
from storefront import checkout, handing_over, library, payments, purchases, refunds
from storefront.models import Entitlement, Order, OrderLine, Payment, PaymentEvent, Product, ProductFile, Refund
from storefront.payments import Answer, forgetting, inbox
from tests.factories import make_buyer, make_channel, make_gig, make_order, make_product
from tests.stripe_fake import FakeStripe, Refused

HEADER = "Date,Ref ID,Type,Description,Agency,Amount,Balance\n"
OWN_PROVIDERS = ("manual", "demo")
MOST_SWEEPS = 500  # each takes some twenty; what waits after that waits for ever, and is a fault
STATEMENT_DAY = datetime(2026, 1, 15, tzinfo=UTC)
OWN_SOURCES = disputes.OF_THE_SHOP
SOLD = [ledger.DEFERRED, ledger.REVENUE, ledger.REFUNDS]


class StrictStripe(FakeStripe):
    """As at Stripe, nothing is refunded of a charge that its buyer contests, or has won back."""

    def refund(self, charge_id, amount, metadata=None):
        if self.contested(charge_id):
            raise Refused("The charge has been charged back.", code="charge_disputed")
        return super().refund(charge_id, amount, metadata)

    def contested(self, charge_id):
        disputes = list(self.disputes.values())  # another thread may add one meanwhile
        return any(each["charge"] == charge_id and each["status"] != "won" for each in disputes)


class World:
    """Rows that belong together, and what may happen to them. The events of `stripe` wait here to be heard.

    Several worlds are `beside` each other in one shop: each hears all events.
    """

    def __init__(self, seed, stripe, *, beside=None):
        self.random = random.Random(seed)
        self.seed, self.stripe = seed, stripe
        self.done, self.refused, self.log = Counter(), Counter(), []
        self.calls = []  # to be made again, as they were
        self.waiting = []  # events that Stripe told and we have not heard
        self._heard = 0
        self._numbers = 0
        self.stock = beside.stock if beside else self._stock_up()

    def _stock_up(self):
        for currency in ("USD", "JPY"):
            for price in (0, 1, 999, 2900, 100_001):
                make_product(price_minor=price, currency=currency, title=f"{price} {currency}")
            make_product(
                kind="physical", stock=40, price_minor=3800, currency=currency, title=f"A print in {currency}"
            )
            gig = make_gig(price_minor=10_001, currency=currency, requirements=[])
            gig.packages.update(revisions=1)
        make_channel("fiverr")
        return dict(Product.objects.exclude(stock=None).values_list("pk", "stock"))

    # --- Choosing ---------------------------------------------------------------------------------------------

    def step(self):
        """One action; refusals are answers."""
        name = self.random.choice(ACTIONS)
        self.log.append(name)
        try:
            getattr(self, name)()
            self.done[name] += 1
        except Refusal:
            self.refused[name] += 1

    def one_of(self, rows):
        """Any of these rows, the newer ones more often; None if there is none."""
        count = rows.count()
        if not count:
            return None
        number = min(int(self.random.expovariate(1 / 8)), count - 1)
        return rows.order_by("-pk")[number : number + 1].first()  # somebody else may have changed the last one

    def number(self):
        self._numbers += 1
        return f"{self.seed}-{self._numbers}"

    def amount(self, at_most):
        """A part or all of an amount, now and then too much."""
        return self.random.choice([1, at_most, at_most // 2, at_most // 3 + 1, at_most + 1])

    def again(self, call, *args, **kwargs):
        """Make a call, and keep it for `replay`."""
        self.calls = [*self.calls[-200:], (call, args, kwargs)]
        return call(*args, **kwargs)

    def replay(self):
        if self.calls:
            call, args, kwargs = self.random.choice(self.calls)
            call(*args, **kwargs)

    # --- Orders of the shop -----------------------------------------------------------------------------------

    def order(self):
        currency = self.random.choice(["USD", "USD", "JPY"])
        things = list(Product.objects.filter(currency=currency).order_by("pk"))
        packages = [each.packages.get() for each in gigs_in(currency)]
        chosen = self.random.sample([*things, *packages], self.random.randint(1, 3))
        wanted = [
            (thing, self.random.randint(1, 3)) if getattr(thing, "kind", "") == "physical" else thing
            for thing in chosen
        ]
        provider = self.random.choice(["manual", "demo", "stripe", "stripe"])
        order = make_order(*wanted, buyer=make_buyer(), provider=provider)
        self._open_pages(order)

    def _open_pages(self, order):
        for payment in order.payments.filter(provider="stripe", status="pending"):
            # Too little for Stripe, or given up meanwhile: it is paid in another way, or not at all.
            with suppress(payments.NotTaken, payments.Over):
                payments.get("stripe").page_of(payment)

    def pay(self):
        payment = self.one_of(Payment.objects.exclude(status="captured", captured_at__isnull=False))
        if payment and payment.provider == "stripe":
            self.pay_at_stripe(payment)
        elif payment:
            fee = self.random.choice([None, 0, payment.amount_minor // 20, payment.amount_minor * 2])
            self.again(checkout.mark_paid, payment, fee_minor=fee)

    def pay_again(self):
        payment = self.one_of(Payment.objects.filter(status="captured"))
        if payment:
            checkout.mark_paid(payment)

    def pay_another_way(self):
        order = self.one_of(Order.objects.filter(status="awaiting_payment"))
        if order:
            self.again(checkout.choose_payment, order, self.random.choice(["manual", "demo", "stripe"]))
            self._open_pages(order)

    def cancel(self):
        order = self.one_of(Order.objects.all())
        if order:
            self.again(checkout.cancel, order)

    def expire(self):
        order = self.one_of(Order.objects.filter(status="awaiting_payment"))
        if order:
            Order.objects.filter(pk=order.pk).update(reserved_until=timezone.now())
            checkout.sweep()

    # --- Stripe -----------------------------------------------------------------------------------------------

    def pay_at_stripe(self, payment):
        """Of one in three Stripe says only later what it keeps; now and then what comes is not the price."""
        if payment.session_id and self.stripe.sessions[payment.session_id]["status"] == "open":
            self.stripe.knows_fees = self.random.random() < 0.67
            odd = self.random.choice([{"amount": payment.amount_minor + 7}, {"currency": "eur"}])
            self.stripe.pay(payment.session_id, **(odd if self.random.random() < 0.1 else {}))

    def settle_a_fee(self):
        unsettled = [charge for charge in self._charges() if not charge["balance_transaction"]]
        if unsettled:
            self.stripe.fee = (self.random.choice([0, 150, 290, 900]), self.random.choice([0, 30]))
            self.stripe.settle_fee(self.random.choice(unsettled)["id"])

    def _charges(self):
        return list(self.stripe.charges.values())

    def refund_at_stripe(self):
        if self._charges():
            charge = self.random.choice(self._charges())
            left = charge["amount"] - charge["amount_refunded"]
            if left > 0 and not self.stripe.contested(charge["id"]):
                self.stripe.refund(charge["id"], self.random.choice([left, left // 2 + 1, 1]))

    def fail_a_refund_at_stripe(self):
        made = [refund for refund in list(self.stripe.refunds.values()) if refund["status"] == "succeeded"]
        if made:
            refund = self.random.choice(made)
            self.stripe.fail_refund(refund["id"])

    def dispute(self):
        free = [charge for charge in self._charges() if not self.stripe.contested(charge["id"])]
        if free:
            charge = self.random.choice(free)
            left = charge["amount"] - charge["amount_refunded"]
            # Also what was given back in full is charged back, by buyers who did not notice.
            self.stripe.dispute(charge["id"], left or charge["amount"], fee=self.random.choice([0, 1500]))

    def decide_a_dispute(self):
        disputes = list(self.stripe.disputes.values())
        undecided = [each for each in disputes if each["status"] == "needs_response"]
        if undecided:
            self.stripe.decide(self.random.choice(undecided)["id"], self.random.choice(["won", "lost"]))

    def forget(self):
        """Time goes by: of old events only what the books need is kept."""
        old = timezone.now() - timedelta(days=100)
        PaymentEvent.objects.filter(pk__in=list(PaymentEvent.objects.values_list("pk", flat=True)[:5])).update(
            received_at=old
        )
        forgetting.forget()

    def hear(self):
        """Stripe's events come in any order, and some of them twice."""
        self.waiting += self.stripe.events[self._heard :]
        self._heard = len(self.stripe.events)
        self.random.shuffle(self.waiting)
        for _ in range(min(len(self.waiting), self.random.randint(1, 6))):
            event = self.waiting.pop()
            self.again(self._tell, event)

    def _tell(self, event):
        inbox.process(inbox.receive("stripe", event, json.dumps(event)))

    # --- Refunds ----------------------------------------------------------------------------------------------

    def refund(self):
        order = self.one_of(Order.objects.filter(status__in=["paid", "refunded"]))
        if not order:
            return
        kwargs = {}
        lines = list(order.lines.filter(amount_minor__gt=0))
        how = self.random.choice(["all", "amount", "lines"])
        if how == "amount":
            kwargs["amount_minor"] = self.amount(order.total_minor)
        elif how == "lines" and lines:
            chosen = self.random.sample(lines, self.random.randint(1, len(lines)))
            kwargs["amounts"] = {line.number: self.amount(line.amount_minor) for line in chosen}
        refund = self.again(refunds.request, order, f"wish:{self.number()}", **kwargs)
        if self.random.random() < 0.7:
            self.again(refunds.carry_out, refund)

    def answer_a_refund(self):
        """The bank of an invoice or of the demo says how a refund went, also long after it had succeeded."""
        refund = self.one_of(Refund.objects.filter(payment__provider__in=OWN_PROVIDERS).exclude(status="proposed"))
        if refund:
            said = self.random.choice(["succeeded", "succeeded", "failed", "requested"])
            self.again(refunds.settle, refund, Answer(said, external_id=f"bank-{refund.pk}"))

    def decide_a_proposal(self):
        refund = self.one_of(Refund.objects.filter(status="proposed"))
        if refund and self.random.random() < 0.7:
            self.again(refunds.carry_out, refunds.approve(refund))
        elif refund:
            refunds.drop(refund)

    def sweep_refunds(self):
        Refund.objects.filter(status="requested").update(due_at=timezone.now() - timedelta(minutes=1))
        refunds.sweep()

    def contest(self):
        """A marketplace says that a sale of ours is contested, or who won."""
        earning = self.one_of(Earning.objects.exclude(source__in=OWN_SOURCES))
        if earning:
            fee = self.random.choice([0, 0, 1500])
            self.again(disputes.contest, earning, timezone.now(), fee_minor=fee)

    def decide_at_the_marketplace(self):
        entry = self.one_of(JournalEntry.objects.filter(event="disputed").exclude(earning__source__in=OWN_SOURCES))
        if entry:
            self.again(self.random.choice([disputes.win, disputes.lose]), entry.earning, timezone.now())

    # --- Services ---------------------------------------------------------------------------------------------

    def take_external(self):
        gig = self.random.choice(gigs_in("USD"))
        external = {
            "channel": "fiverr",
            "order_id": f"FO{self.random.randint(1, 60)}",
            "amount": f"{self.random.choice([1, 80, 100])}.00",
            "currency": "USD",
        }
        self.again(fulfillment_engine.take_order, gig.slug, "basic", brief={"title": "x"}, external=external)

    def work(self):
        order = self.one_of(ServiceOrder.objects.all())
        if order:
            getattr(
                self,
                self.random.choice(["_brief", "_offer", "_offer", "_deliver", "_accept", "_accept", "_other"]),
            )(order)

    def _brief(self, order):
        self.again(fulfillment_engine.set_requirements, order, {"title": "Ten desks"})

    def _offer(self, order):
        fulfillment_engine.start(order)
        fulfillment_engine.offer_by_hand(order, [NewArtifact("deliverable", "a.txt", "text/plain", b"done")])

    def _deliver(self, order):
        self.again(fulfillment_engine.deliver, order)

    def _accept(self, order):
        self.again(fulfillment_engine.accept, order, consent=self.random.choice([None, True, False]))

    def _other(self, order):
        verb = self.random.choice(
            [
                fulfillment_engine.hold,
                fulfillment_engine.resume,
                fulfillment_engine.cancel,
                lambda row: fulfillment_engine.request_revision(row, "Larger"),
                lambda row: portal.accept(row, self.random.randint(1, 2), consent=False),
            ]
        )
        verb(order)

    # --- Statements -------------------------------------------------------------------------------------------

    def import_statement(self):
        """A file of Upwork's with rows of a small pool: files overlap, and some rows come with another amount."""
        rows = []
        for _ in range(self.random.randint(1, 6)):
            ref = self.random.randint(1, 120)
            kind, amount = [("Hourly", 300), ("Service Fee", -30), ("Withdrawal", -200), ("Refund", -20)][ref % 4]
            amount += ref if self.random.random() < 0.9 else 1000
            rows.append(f'"Jan 15, 2026",{ref},{kind},"Of contract {ref}",,{amount}.00,0.00\n')
        statement = booking.upload((HEADER + "".join(rows)).encode(), f"{self.number()}.csv")
        if self.random.random() < 0.8:
            self.again(booking.book, statement)

    def book_a_statement(self):
        statement = self.one_of(StatementImport.objects.all())
        if statement:
            booking.book(statement)

    def reverse_a_statement(self):
        statement = self.one_of(StatementImport.objects.filter(status="booked"))
        if statement:
            self.again(booking.reverse, statement)

    # --- Money that moves on ----------------------------------------------------------------------------------

    def clear(self):
        """Days go by: what channels held back is free."""
        self.again(clearing.clear_due, timezone.now() + timedelta(days=self.random.choice([0, 5, 30])))

    def pay_out(self):
        """A channel's payout arrives: of everything that it owes us, or of one sale."""
        channel = Channel.objects.get(pk=self.random.choice(["direct", "demo", "stripe", "fiverr", "upwork"]))
        kind = Kind.SIMULATED if channel.pk == "demo" else Kind.REAL
        purse = ledger.Purse(channel, self.random.choice(["USD", "USD", "JPY"]), kind)
        one = self.one_of(Earning.objects.filter(channel=channel, currency=purse.currency, kind=kind))
        some = [one.key] if one and self.random.random() < 0.5 else None
        # A person may write down what a statement tells, too: those of this world are all of one day.
        at = STATEMENT_DAY if channel.pk == "upwork" else timezone.now()
        self.again(payouts.record, purse, f"payout:{self.number()}", at, earnings=some)

    def take_a_payout_back(self):
        payout = self.one_of(Payout.objects.all())
        if payout:
            self.again(payouts.take_back, payout)

    def hand_over(self):
        line = self.one_of(OrderLine.objects.filter(fulfilled_at=None, package=None))
        if line:
            self.again(handing_over.hand_over, line)

    def count_up(self):
        totals.count_up()

    # --- What buyers do ---------------------------------------------------------------------------------------

    def download(self):
        right = self.one_of(Entitlement.objects.all())
        file = ProductFile.objects.filter(product=right.product_id).first() if right else None
        if file:
            self.again(library.count, library.read(library.sign(right, file)))

    def find_purchases(self):
        order = self.one_of(Order.objects.all())
        if order:
            purchases.ask(order.email)
            purchases.answer_requests()

    # --- Asking -----------------------------------------------------------------------------------------------

    def come_to_rest(self):
        """Stripe has told everything, and the sweep has seen to all of it; nobody had to do anything."""
        self._hear_all()
        for _ in range(MOST_SWEEPS):
            self.sweep_refunds()
            self._hear_all()
            waiting = PaymentEvent.objects.filter(status="received")
            if not waiting.update(due_at=timezone.now() - timedelta(minutes=1)):
                break
            inbox.sweep()

    def _hear_all(self):
        while self._heard < len(self.stripe.events) or self.waiting:
            self.hear()

    def faults(self):
        """Sentences about what is wrong; none in a sound world."""
        return [
            *(str(violation) for violation in audit.violations()),
            *self._unlike_payments(),
            *self._unlike_statements(),
            *self._payouts_told_twice(),
            *self._wrong_stock(),
            *self._wrong_rights(),
        ]

    def _unlike_payments(self):
        """Of each way to pay, what is booked as sold less refunds is what was captured less what went back."""
        booked, happened = Counter(), Counter()
        sold = Posting.objects.filter(account__in=SOLD, entry__earning__source__in=["order", "surplus"])
        rows = sold.values_list("entry__channel", "kind", "currency").order_by("entry__channel")
        for channel, kind, currency, amount in rows.annotate(sum=Sum("amount_minor")):
            booked[channel, kind, currency] -= amount
        channels = {"manual": "direct", "demo": "demo", "stripe": "stripe"}
        for payment in Payment.objects.filter(status="captured"):
            back = payment.refunds.filter(status="succeeded").aggregate(sum=Sum("amount_minor", default=0))["sum"]
            happened[channels[payment.provider], payment.kind, payment.currency] += payment.amount_minor - back
        return [
            f"{key}: booked {booked[key]}, but paid and kept {happened[key]}"
            for key in sorted({*booked, *happened})
            if booked[key] != happened[key]
        ]

    def unlike_stripe(self):
        """At rest, Stripe and we agree on what was charged, and on what went back of each charge."""
        wrong, ours = [], {p.external_id: p for p in Payment.objects.filter(provider="stripe", status="captured")}
        for charge in self._charges():
            payment = ours.pop(charge["id"], None)
            if payment is None:
                wrong.append(f"{charge['id']} of {charge['amount']} is not booked")
                continue
            back = payment.refunds.filter(status="succeeded").aggregate(sum=Sum("amount_minor", default=0))["sum"]
            given = self._given_back(charge["id"])
            if (payment.amount_minor, back) != (charge["amount"], given):
                wrong.append(
                    f"{payment}: {payment.amount_minor} less {back}; Stripe: {charge['amount']} less {given}"
                )
        return [
            *wrong,
            *(f"{payment} is no charge at Stripe" for payment in ours.values()),
            *(f"{event.external_id} is {event.status}: {event.problem}" for event in unheard_events()),
            *self._unlike_fees(),
        ]

    def _unlike_fees(self):
        """Of each currency, what is booked as kept by Stripe is what it kept, of payments and for disputes."""
        booked, kept = Counter(), Counter()
        fees = Posting.objects.filter(entry__channel="stripe", account=ledger.FEES).order_by("currency")
        for currency, amount in fees.values_list("currency").annotate(sum=Sum("amount_minor")):
            booked[currency] += amount
        for payment in Payment.objects.filter(provider="stripe", status="captured"):
            known = self.stripe.charges[payment.external_id]["balance_transaction"]
            told = min(known["fee"], payment.amount_minor) if known else payment.fee_minor
            kept[payment.currency] += told
        for dispute in self.stripe.disputes.values():
            kept[dispute["currency"].upper()] += sum(each["fee"] for each in dispute["balance_transactions"])
        return [
            f"{currency}: fees of {booked[currency]} booked, {kept[currency]} kept by Stripe"
            for currency in {*booked, *kept}
            if booked[currency] != kept[currency]
        ]

    def _given_back(self, charge_id):
        parts = [
            *(refund for refund in self.stripe.refunds.values() if refund["status"] == "succeeded"),
            *(dispute for dispute in self.stripe.disputes.values() if dispute["status"] == "lost"),
        ]
        given = sum(part["amount"] for part in parts if part["charge"] == charge_id)
        return min(given, self.stripe.charges[charge_id]["amount"])  # a bank takes what is left

    def _unlike_statements(self):
        """The purse and the sales of the channel whose statements come hold what its booked rows say, in net."""
        rows = StatementRow.objects.filter(outcome="booked")
        said = rows.exclude(meaning="payout").aggregate(sum=Sum("net_minor", default=0))["sum"]
        of_upwork = Posting.objects.filter(entry__channel="upwork", account__in=ledger.BUCKETS)
        of_upwork = of_upwork.exclude(entry__key__contains=":dispute:")
        held = of_upwork.aggregate(sum=Sum("amount_minor", default=0))["sum"]
        return [] if said == held else [f"upwork: {held} booked, {said} in the rows of its statements"]

    def _payouts_told_twice(self):
        """A payout by hand is told by one row of the statements that are booked, however often that comes."""
        rows = StatementRow.objects.filter(by_hand__isnull=False, outcome="matched", net_minor__lt=0)
        rows = rows.exclude(statement__status__in=["previewed", "reversed"]).order_by("by_hand")
        told = rows.values("by_hand").annotate(rows=Count("identity", distinct=True))
        return [f"payout {row['by_hand']} is told by {row['rows']} rows" for row in told if row["rows"] > 1]

    def _wrong_stock(self):
        wrong = []
        for product in Product.objects.filter(pk__in=self.stock):
            out = product.order_lines.aggregate(sum=Sum("reserved", default=0))["sum"]
            if product.stock + out != self.stock[product.pk]:
                wrong.append(
                    f"{product}: {product.stock} in stock and {out} counted out of {self.stock[product.pk]}"
                )
        return wrong

    def _wrong_rights(self):
        """Each digital line of a completed order has one right, which ends exactly with its full refund."""
        wrong = []
        done = defaultdict(int)
        parts = Refund.objects.filter(status="succeeded").values_list("lines__line", "lines__amount_minor")
        for line, amount in parts:
            done[line] += amount or 0
        completed = Order.objects.filter(status__in=["paid", "refunded"])
        for order in completed.prefetch_related("lines__entitlements"):
            for line in order.lines.all():
                rights = [right.status for right in line.entitlements.all()]
                is_back = bool(line.amount_minor) and done[line.pk] == line.amount_minor
                is_digital = line.kind in Product.DIGITAL and not line.is_short
                should = ["revoked" if is_back else "active"] if is_digital else []
                if rights != should:
                    wrong.append(f"{line.key}: {rights}, and should be {should}")
        early = Entitlement.objects.filter(order_line__order__status__in=["awaiting_payment", "canceled"])
        too_much = Payment.objects.filter(Q(refunded_minor__gt=F("amount_minor")))
        doubled = Mail.objects.count() - Mail.objects.values("key").distinct().count()
        return [
            *wrong,
            *(f"{right} before it was paid" for right in early),
            *map(str, too_much),
            *["mail"] * doubled,
        ]


def unheard_events():
    return PaymentEvent.objects.filter(status__in=["refused", "received"]).order_by("pk")


def gigs_in(currency):
    return list(Gig.objects.filter(packages__currency=currency).order_by("pk"))


# How often each is chosen.
ACTIONS = [
    *["order"] * 8,
    *["pay"] * 8,
    *["hear"] * 8,
    *["work"] * 12,
    *["refund"] * 5,
    *["replay"] * 5,
    *["import_statement"] * 4,
    *("pay_again", "pay_another_way", "cancel", "cancel", "expire"),
    *("refund_at_stripe", "refund_at_stripe", "fail_a_refund_at_stripe", "dispute", "dispute", "decide_a_dispute"),
    *("settle_a_fee", "settle_a_fee", "forget", "contest", "contest", "decide_at_the_marketplace"),
    *("answer_a_refund", "answer_a_refund", "decide_a_proposal", "sweep_refunds"),
    *("take_external", "take_external", "book_a_statement", "reverse_a_statement", "reverse_a_statement"),
    *("clear", "clear", "pay_out", "pay_out", "take_a_payout_back", "count_up"),
    *("hand_over", "hand_over", "download", "find_purchases"),
]
