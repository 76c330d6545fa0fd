"""A small Stripe: real HTTP, the endpoints that we use, a payment page, and webhooks that are really signed.

It keeps Stripe's rules that our code relies on: idempotency keys answer again, a paid session does not expire,
more than was charged is never refunded, and events are snapshots of their object.
"""

import hashlib
import hmac
import json
import re
import secrets
import threading
import time
import urllib.request
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

SECRET = "whsec_of_the_fake"


def sign(body, secret=SECRET, at=None):
    """The Stripe-Signature header of a body, by Stripe's documented scheme."""
    at = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def nested(pairs):
    """Form fields such as `line_items[0][quantity]` as nested dicts; lists stay dicts with their index."""
    tree = {}
    for name, value in pairs:
        *path, last = re.findall(r"[^\[\]]+", name)
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = value
    return tree


class Refused(Exception):
    def __init__(self, message, status=400, code=""):
        super().__init__(message)
        self.status, self.code = status, code


class FakeStripe:
    """Start it with `with FakeStripe() as stripe`; `stripe.url` is what STRIPE_API_BASE is set to."""

    def __init__(self, *, livemode=True, fee=(290, 30)):
        self.livemode, self.fee = livemode, fee
        self.sessions, self.intents, self.charges, self.refunds, self.disputes = {}, {}, {}, {}, {}
        self.events, self.calls, self.answered = [], [], {}
        self.failing = 0  # how many requests fail before the next succeeds
        self.knows_fees, self.refund_status = True, "succeeded"
        self.webhook_url = ""
        self.lock = threading.RLock()

    def __enter__(self):
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                fake.answer(self, dict(parse_qsl(urlsplit(self.path).query)))

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                fake.answer(self, nested(parse_qsl(body, keep_blank_values=True)))

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()

    # --- HTTP ---------------------------------------------------------------------------------------------

    def answer(self, handler, params):
        path = urlsplit(handler.path).path
        if path.startswith("/pay/"):
            return self._page(handler, path.rsplit("/", 1)[1])
        status, body = self._api(handler, path, params)
        raw = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def _api(self, handler, path, params):
        key = handler.headers.get("Idempotency-Key")
        with self.lock:
            self.calls.append((handler.command, path, params))
            if self.failing:
                self.failing -= 1
                return 500, {"error": {"type": "api_error", "message": "Try later."}}
            if handler.command == "POST" and key in self.answered:
                return self.answered[key]
            try:
                answer = 200, self._do(handler.command, path.removeprefix("/v1/"), params)
            except Refused as refused:
                error = {"type": "invalid_request_error", "message": str(refused), "code": refused.code}
                answer = refused.status, {"error": error}
            if handler.command == "POST" and key:
                self.answered[key] = answer
            return answer

    def _do(self, method, path, params):
        if (method, path) == ("POST", "checkout/sessions"):
            return self._open_session(params)
        if (method, path) == ("POST", "refunds"):
            return self.refund(params["charge"], int(params["amount"]), params.get("metadata", {}))
        if (method, path) == ("GET", "refunds"):
            made = [r for r in self.refunds.values() if r["charge"] == params["charge"]]
            return {"object": "list", "data": made[::-1], "has_more": False, "url": "/v1/refunds"}
        found = re.fullmatch(r"checkout/sessions/(\w+)/expire", path)
        if method == "POST" and found:
            return self.expire(found[1])
        kinds = {
            "checkout/sessions": self.sessions,
            "payment_intents": self.intents,
            "refunds": self.refunds,
            "disputes": self.disputes,
        }
        kind, _, pk = path.rpartition("/")
        if method == "GET" and pk in kinds.get(kind, {}):
            return self._with_charge(kinds[kind][pk]) if kind == "payment_intents" else kinds[kind][pk]
        raise Refused(f"No such thing: {path}", status=404, code="resource_missing")

    def _with_charge(self, intent):
        return {**intent, "latest_charge": self.charges.get(intent["latest_charge"])}

    def _page(self, handler, session_id):
        session = self.sessions[session_id]
        if handler.command == "POST":
            self.pay(session_id)
            handler.send_response(303)
            handler.send_header("Location", session["success_url"])
            handler.end_headers()
            return
        total = f"{session['amount_total']} {session['currency'].upper()}"
        raw = (
            "<!doctype html><html lang=en><title>Fake Stripe</title><main><h1>Fake Stripe</h1>"
            f"<form method=post><button>Pay {total}</button></form>"
            f"<a href='{escape(session['cancel_url'])}'>Back</a></main>"
        ).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        handler.wfile.write(raw)

    # --- What happens at Stripe ------------------------------------------------------------------------------

    def _open_session(self, params):
        items = params["line_items"].values()
        total = sum(int(item["price_data"]["unit_amount"]) * int(item["quantity"]) for item in items)
        if total < 50:
            raise Refused("The amount is below Stripe's minimum.", code="amount_too_small")
        session_id = f"cs_{secrets.token_hex(8)}"
        self.sessions[session_id] = {
            "id": session_id,
            "object": "checkout.session",
            "livemode": self.livemode,
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "amount_total": total,
            "currency": next(iter(items))["price_data"]["currency"],
            "client_reference_id": params["client_reference_id"],
            "customer_email": params["customer_email"],
            "metadata": params["metadata"],
            "intent_metadata": params["payment_intent_data"]["metadata"],
            "success_url": params["success_url"],
            "cancel_url": params["cancel_url"],
            "url": f"{self.url}/pay/{session_id}",
        }
        return self.sessions[session_id]

    def pay(self, session_id, *, amount=None, currency=None):
        """The buyer pays on Stripe's page. Returns the event."""
        session = self.sessions[session_id]
        if session["status"] == "open":
            amount, currency = amount or session["amount_total"], currency or session["currency"]
            intent_id, charge_id = f"pi_{secrets.token_hex(8)}", f"ch_{secrets.token_hex(8)}"
            self.charges[charge_id] = {
                "id": charge_id,
                "object": "charge",
                "amount": amount,
                "amount_refunded": 0,
                "currency": currency,
                "payment_intent": intent_id,
                "balance_transaction": self._balance(amount, currency) if self.knows_fees else None,
            }
            self.intents[intent_id] = {
                "id": intent_id,
                "object": "payment_intent",
                "livemode": self.livemode,
                "status": "succeeded",
                "amount_received": amount,
                "currency": currency,
                "latest_charge": charge_id,
                "metadata": session["intent_metadata"],
            }
            session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent_id}
            return self.tell("checkout.session.completed", session)
        return self.events[-1]

    def _balance(self, amount, currency):
        fee = amount * self.fee[0] // 10_000 + self.fee[1]
        return {"id": "txn_1", "object": "balance_transaction", "fee": fee, "currency": currency}

    def settle_fee(self, charge_id):
        """What the charge costs is known only now, as with ways to pay that take days. Returns the event."""
        charge = self.charges[charge_id]
        charge["balance_transaction"] = self._balance(charge["amount"], charge["currency"])
        return self.tell("charge.updated", charge)

    def promise(self, session_id):
        """The buyer chose a way to pay that takes days: the page is done, the money is not here."""
        session, intent_id = self.sessions[session_id], f"pi_{secrets.token_hex(8)}"
        self.intents[intent_id] = {
            "id": intent_id,
            "object": "payment_intent",
            "livemode": self.livemode,
            "status": "processing",
            "latest_charge": None,
            "metadata": session["intent_metadata"],
        }
        session |= {"status": "complete", "payment_status": "unpaid", "payment_intent": intent_id}
        return self.tell("checkout.session.completed", session)

    def refuse_promise(self, session_id):
        """The buyer's bank does not pay after all: the page stays done. Returns the event."""
        session = self.sessions[session_id]
        self.intents[session["payment_intent"]]["status"] = "requires_payment_method"
        return self.tell("checkout.session.async_payment_failed", session)

    def expire(self, session_id):
        session = self.sessions[session_id]
        if session["status"] != "open":
            raise Refused(f"This session is {session['status']}.")
        session["status"] = "expired"
        self.tell("checkout.session.expired", session)
        return session

    def charge_of(self, session_id):
        return self.charges[self.intents[self.sessions[session_id]["payment_intent"]]["latest_charge"]]

    def refund(self, charge_id, amount, metadata=None):
        charge = self.charges[charge_id]
        if charge["amount_refunded"] + amount > charge["amount"]:
            raise Refused("The refund is larger than what is left of the charge.", code="amount_too_large")
        refund_id = f"re_{secrets.token_hex(8)}"
        self.refunds[refund_id] = {
            "id": refund_id,
            "object": "refund",
            "amount": amount,
            "charge": charge_id,
            "currency": charge["currency"],
            "payment_intent": charge["payment_intent"],
            "status": self.refund_status,
            "failure_reason": None,
            "metadata": metadata or {},
        }
        charge["amount_refunded"] += amount
        self.tell("refund.created", self.refunds[refund_id])
        self.tell("charge.refunded", charge)
        return self.refunds[refund_id]

    def fail_refund(self, refund_id):
        refund = self.refunds[refund_id]
        if refund["status"] != "failed":
            self.charges[refund["charge"]]["amount_refunded"] -= refund["amount"]
        refund |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
        return self.tell("refund.failed", self.refunds[refund_id])

    def dispute(self, charge_id, amount=None, *, fee=1500, status="needs_response"):
        charge = self.charges[charge_id]
        dispute_id = f"dp_{secrets.token_hex(8)}"
        self.disputes[dispute_id] = {
            "id": dispute_id,
            "object": "dispute",
            "amount": amount or charge["amount"],
            "charge": charge_id,
            "currency": charge["currency"],
            "payment_intent": charge["payment_intent"],
            "reason": "fraudulent",
            "status": status,
            "balance_transactions": [{"fee": fee, "currency": charge["currency"]}] if fee else [],
        }
        return self.tell("charge.dispute.created", self.disputes[dispute_id])

    def decide(self, dispute_id, status):
        dispute = self.disputes[dispute_id]
        dispute["status"] = status
        if status == "won":
            paid = dispute["balance_transactions"]
            dispute["balance_transactions"] = [*paid, *({**each, "fee": -each["fee"]} for each in paid)]
        return self.tell("charge.dispute.closed", dispute)

    def tell(self, type_, thing):
        """Make an event, and send it where there is a webhook URL."""
        event = {
            "id": f"evt_{secrets.token_hex(8)}",
            "object": "event",
            "api_version": "2026-01-01",
            "type": type_,
            "livemode": self.livemode,
            "data": {"object": json.loads(json.dumps(thing))},
        }
        self.events.append(event)
        if self.webhook_url:
            threading.Thread(target=self.send, args=[event], daemon=True).start()
        return event

    def send(self, event):
        body = json.dumps(event)
        request = urllib.request.Request(self.webhook_url, body.encode())
        request.add_header("Content-Type", "application/json")
        request.add_header("Stripe-Signature", sign(body))
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
