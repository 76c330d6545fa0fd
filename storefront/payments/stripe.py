"""Cards and wallets on Stripe's own page: Checkout Sessions, and the webhooks that tell how they went.

What Stripe tells is the reason to look; what is booked is what Stripe answers when it is asked for the payment.
So events may come in any order, and as often as they like. A payment in Stripe's test mode is simulated.
"""

import json
import logging
from datetime import timedelta
from functools import lru_cache
from importlib import import_module

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from earnings.models import Kind
from earnings.refusals import Refusal
from storefront import checkout, disputes, refunds, slow_banks, wrong_amounts
from storefront.models import Payment, Refund
from storefront.models.orders import NUMBER
from storefront.payments import Answer, NotTaken, Over, Provider, register

log = logging.getLogger(__name__)
TIMEOUT = 10  # seconds
KEYS_ARE_KNOWN = timedelta(hours=12)  # idempotency keys, to be sure; Stripe keeps them a day
EXPANDED = ["latest_charge.balance_transaction"]
# Stripe counts these in hundredths, though they have none; all others as ISO 4217 does.
IN_HUNDREDTHS = {"ISK", "UGX"}
# And this one in whole, though it has hundredths: a price with some could not be said.
NOT_OFFERED = {"MGA"}
REFUND_STATUS = {
    "succeeded": Refund.Status.SUCCEEDED,
    "failed": Refund.Status.FAILED,
    "canceled": Refund.Status.FAILED,
}
NOT_PAID = {"requires_payment_method", "canceled"}


class BadSignature(Exception):
    """A message that is no event which Stripe signed just now."""


@lru_cache(maxsize=1)
def _client(key, base):
    stripe = import_module("stripe")  # takes half a second, and most processes never need it
    http_client = stripe.RequestsClient(timeout=TIMEOUT)
    return stripe.StripeClient(
        key, base_addresses={"api": base}, http_client=http_client, max_network_retries=1
    ).v1


def client():
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


@register
class Stripe(Provider):
    key = "stripe"
    label = "Card or wallet"
    button = "Continue to the payment"
    channel = "stripe"
    returns_fees = False

    @property
    def kind(self):
        return Kind.REAL if "_live_" in settings.STRIPE_SECRET_KEY else Kind.SIMULATED

    @property
    def help(self):
        said = "You pay on Stripe's page and come back here."
        return said if self.kind == Kind.REAL else f"{said} Test mode: no money moves."

    def is_offered(self, currency):
        return bool(settings.STRIPE_SECRET_KEY) and currency not in NOT_OFFERED

    def page_of(self, payment):
        if payment.session_id:
            self.look(payment)
            payment.refresh_from_db()
            if payment.status != Payment.Status.PENDING:
                raise Over
        else:
            session = _open_session(payment)
            Payment.objects.filter(pk=payment.pk).update(session_id=session.id, checkout_url=session.url)
            payment.refresh_from_db()
        return payment.checkout_url

    def look(self, payment):
        if payment.session_id and payment.status != Payment.Status.CAPTURED:
            session = client().checkout.sessions.retrieve(payment.session_id)
            _follow_session(session.to_dict(), payment)

    def give_up(self, payment):
        if payment.session_id:
            try:
                client().checkout.sessions.expire(payment.session_id)
            except import_module("stripe").InvalidRequestError:
                pass  # it is paid or expired: `look` tells

    def refund(self, refund):
        found = _find_refund(refund)
        if found is None:
            try:
                found = client().refunds.create(
                    params={
                        "charge": refund.payment.external_id,
                        "amount": to_stripe(refund.amount_minor, refund.payment.currency),
                        "metadata": {"refund": str(refund.pk), "order": refund.payment.order.number},
                    },
                    options={"idempotency_key": f"refund-{refund.payment.token}-{refund.pk}"},
                )
            except import_module("stripe").InvalidRequestError as error:
                return Answer(Refund.Status.FAILED, problem=error.user_message or str(error))
            found = found.to_dict()
        return answer_of(found)


def to_stripe(amount_minor, currency):
    """Our minor units as Stripe counts them."""
    return amount_minor * 100 if currency in IN_HUNDREDTHS else amount_minor


def from_stripe(amount, currency):
    """Stripe's count as our minor units."""
    return amount // 100 if currency.upper() in IN_HUNDREDTHS else amount


def answer_of(refund):
    """What Stripe's refund says, as an `Answer`."""
    problem = refund.get("failure_reason") or ""
    return Answer(REFUND_STATUS.get(refund["status"], Refund.Status.REQUESTED), refund["id"], problem)


def _open_session(payment):
    try:
        return client().checkout.sessions.create(
            params=_session(payment), options={"idempotency_key": f"payment-{payment.token}"}
        )
    except import_module("stripe").InvalidRequestError as error:
        log.warning("payment %s: Stripe does not take it: %s", payment.pk, error.code)
        raise NotTaken from None


def _session(payment):
    order = payment.order
    back = f"{settings.PUBLIC_URL}{reverse('storefront:paid_elsewhere', args=[payment.token])}"
    metadata = {"order": order.number, "payment": payment.token}
    return {
        "mode": "payment",
        "client_reference_id": order.number,
        "customer_email": order.email,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata, "description": f"{settings.STORE_NAME} {order.number}"},
        "success_url": back,
        "cancel_url": f"{settings.PUBLIC_URL}{reverse('storefront:pay', args=[order.token])}",
        "line_items": [
            {
                "quantity": line.quantity,
                "price_data": {
                    "currency": order.currency.lower(),
                    "unit_amount": to_stripe(line.unit_price_minor, order.currency),
                    "product_data": {"name": str(line)[:250]},
                },
            }
            for line in order.lines.all()
        ],
    }


def _find_refund(refund):
    """Stripe's refund of ours, if an earlier try made it: its idempotency keys are forgotten after a day."""
    if refund.external_id:
        return client().refunds.retrieve(refund.external_id).to_dict()
    if not refund.attempts and refund.due_at > timezone.now() - KEYS_ARE_KNOWN:
        return None
    made = _refunds_of(refund.payment.external_id)
    return next((each for each in made if (each.get("metadata") or {}).get("refund") == str(refund.pk)), None)


def _refunds_of(charge_id):
    return client().refunds.list(params={"charge": charge_id, "limit": 100}).to_dict()["data"]


# --- What Stripe tells -------------------------------------------------------------------------------------


def read(body, signature):
    """The event that Stripe signed, as a dict; `BadSignature` otherwise."""
    stripe = import_module("stripe")
    try:
        text = body.decode()
        stripe.WebhookSignature.verify_header(
            text, signature, settings.STRIPE_WEBHOOK_SECRET, stripe.Webhook.DEFAULT_TOLERANCE
        )
        event = json.loads(text)
    except (stripe.SignatureVerificationError, ValueError):
        raise BadSignature from None
    if not isinstance(event, dict) or not {"id", "type", "data"} <= set(event):
        raise BadSignature
    return event


def handle(event):
    """Do what an event asks for. Returns the order that it is about, None if it is none of our business.

    `Refusal` for what does not fit our orders; anything else that is raised is tried again later.
    """
    handler = _HANDLERS.get(event["type"])
    if handler is None:
        return None
    if bool(event.get("livemode")) != ("_live_" in settings.STRIPE_SECRET_KEY):
        raise Refusal("It is of Stripe's other mode (test or live) than our key.")
    payment = handler(event["data"]["object"])
    return payment.order if payment else None


def _session_told(session):
    payment = _payment_named(session)
    if payment is None:
        named = session.get("client_reference_id") or ""
        what = named if NUMBER.fullmatch(named) else f"the checkout {session['id']}"
        raise Refusal(f"It is about {what}, which we do not know.")
    _follow_session(session, payment)
    return payment


def _follow_session(session, payment):
    if session["status"] == "complete" and session["payment_status"] == "paid":
        _capture(session["payment_intent"])
    elif session["status"] == "complete":
        _ask_for_the_bank(session["payment_intent"], payment)
    elif session["status"] == "expired":
        payment.advance(Payment.Status.CANCELED)


def _ask_for_the_bank(intent_id, payment):
    """The page is done, and stays so: only the payment tells a bank that takes days from one that said no."""
    intent = client().payment_intents.retrieve(intent_id).to_dict()
    if intent["status"] in NOT_PAID:
        slow_banks.said_no(payment)
    else:
        slow_banks.wait(payment.order)


def _payment_failed(session):
    payment = _payment_named(session)
    if payment:
        slow_banks.said_no(payment)
    return payment


def _capture(intent_id):
    """Ask for the payment and book it as paid, and its fee once Stripe says it, which may take days.

    Returns our `Payment`; None for money that is no order's here.
    """
    intent = client().payment_intents.retrieve(intent_id, params={"expand": EXPANDED}).to_dict()
    payment = _payment_named(intent)
    if payment is None:
        return None
    if intent["status"] == "succeeded":
        return _paid(intent, intent["latest_charge"], payment)
    return payment


def _paid(intent, charge, payment):
    """Our payment that this charge is: `payment`, or one of its own if it is not what the order costs."""
    if (bool(intent["livemode"])) != (payment.kind == Kind.REAL):
        raise Refusal(f"{payment.order.number} was begun in Stripe's other mode (test or live).")
    currency = intent["currency"].upper()
    amount_minor = from_stripe(intent["amount_received"], currency)
    if (amount_minor, currency) != (payment.amount_minor, payment.currency):
        payment = wrong_amounts.keep_apart(
            payment,
            external_id=charge["id"],
            amount_minor=amount_minor,
            currency=currency,
            fee_minor=_fee(charge, currency),
        )
    fee_minor = _fee(charge, payment.currency)
    if payment.status != Payment.Status.CAPTURED:
        checkout.mark_paid(payment, external_id=charge["id"], fee_minor=fee_minor)
    elif fee_minor is not None and charge["id"] == payment.external_id:
        checkout.note_fee(payment, fee_minor)
    return payment


def _payment_named(thing):
    token = (thing.get("metadata") or {}).get("payment")
    return (
        Payment.objects.select_related("order").filter(provider="stripe", token=token).first() if token else None
    )


def _fee(charge, currency):
    """What Stripe kept; None while it does not say, or says it in another currency."""
    booked = charge.get("balance_transaction")
    if not booked or isinstance(booked, str) or booked["currency"].upper() != currency:
        return None
    return from_stripe(booked["fee"], currency)


def _refunds_told(thing):
    """A charge or a refund changed: ours, or made by hand in Stripe's dashboard."""
    payment = _capture(thing["payment_intent"]) if thing.get("payment_intent") else None
    if payment:
        _follow_refunds(payment)
    return payment


def _charge_changed(charge):
    """Stripe may say what it kept only now."""
    return _capture(charge["payment_intent"]) if charge.get("payment_intent") else None


def _follow_refunds(payment):
    """All of them as they stand now, since an older event may come after a newer one; those that failed first, as
    their money may have gone back in another way since."""
    made = _refunds_of(payment.external_id) if payment.external_id else []
    for refund in sorted(made, key=lambda each: answer_of(each).status != Refund.Status.FAILED):
        _follow_refund(refund, payment)


def _follow_refund(refund, payment):
    amount_minor = from_stripe(refund["amount"], payment.currency)
    named = (refund.get("metadata") or {}).get("refund")
    refunds.told(payment, answer_of(refund), amount_minor=amount_minor, pk=named)


def _dispute_told(dispute):
    payment = _capture(dispute["payment_intent"]) if dispute.get("payment_intent") else None
    if payment:
        now = client().disputes.retrieve(dispute["id"]).to_dict()
        _follow_refunds(payment)  # a bank takes what is left, so these count first, also when they are told later
        disputes.told(
            payment,
            disputes.Told(
                external_id=now["id"],
                status=_dispute_status(now),
                amount_minor=from_stripe(now["amount"], payment.currency),
                reason=now.get("reason") or "",
                fee_minor=sum(_fees(now, payment.currency)),
            ),
        )
    return payment


# An inquiry ("warning") moves no money; what it becomes is told again.
DISPUTE_STATUS = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "dismissed",
    "won": "won",
    "lost": "lost",
}


def _dispute_status(dispute):
    """One that was prevented is over before it began: lost where the bank took the money by it."""
    if dispute["status"] == "prevented":
        moved = sum(booked.get("amount", 0) for booked in dispute.get("balance_transactions") or [])
        return "lost" if moved < 0 else "won"
    return DISPUTE_STATUS.get(dispute["status"], "open")


def _fees(dispute, currency):
    return [
        from_stripe(booked["fee"], currency)
        for booked in dispute.get("balance_transactions") or []
        if booked["currency"].upper() == currency
    ]


_HANDLERS = {
    "checkout.session.completed": _session_told,
    "checkout.session.async_payment_succeeded": _session_told,
    "checkout.session.async_payment_failed": _payment_failed,
    "checkout.session.expired": _session_told,
    "charge.refunded": _refunds_told,
    "charge.updated": _charge_changed,
    **dict.fromkeys(["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"], _refunds_told),
    **dict.fromkeys(
        [
            *("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"),
            *("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"),
        ],
        _dispute_told,
    ),
}
