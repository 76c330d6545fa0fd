"""Stripe through its own library against a small server that speaks its protocol and really signs."""

import json
from datetime import timedelta
from itertools import permutations

import pytest
from django.utils import timezone

from agency.models import Mail
from earnings import audit, ledger
from earnings.models import Earning, JournalEntry
from earnings.refusals import Refusal
from storefront import checkout, disputes, refunds
from storefront.models import Dispute, Payment, PaymentEvent, Refund
from storefront.payments import Answer, inbox, stripe
from tests.factories import make_gig, make_order, make_product
from tests.stripe_fake import SECRET, FakeStripe, sign

pytestmark = pytest.mark.django_db

HOOK = "/payments/stripe/webhook/"


@pytest.fixture
def fake(settings):
    with FakeStripe() as fake:
        settings.STRIPE_SECRET_KEY = "sk_live_fake"
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        settings.STRIPE_API_BASE = fake.url
        yield fake


def tell(client, event, signature=None, secret=SECRET):
    body = event if isinstance(event, str) else json.dumps(event)
    signature = sign(body, secret) if signature is None else signature
    return client.post(HOOK, body, content_type="application/json", headers={"Stripe-Signature": signature})


def begun(*things, **fields):
    """An order whose buyer is on Stripe's page, and its payment."""
    order = make_order(*things, provider="stripe", **fields)
    payment = order.payments.get()
    checkout.payments.get("stripe").page_of(payment)
    return order, payment


def paid(fake, client, *things):
    order, payment = begun(*things)
    tell(client, fake.pay(payment.session_id))
    order.refresh_from_db()
    payment.refresh_from_db()
    return order, payment


def balances(key):
    return {account: amount for account, amount in ledger.balances(Earning.objects.get(key=key)).items() if amount}


def total(account):
    return sum(
        JournalEntry.objects.filter(postings__account=account).values_list("postings__amount_minor", flat=True)
    )


# --- Paying --------------------------------------------------------------------------------------------------


def test_the_buyers_way_leads_to_stripe_and_the_payment_is_booked_with_its_real_fee(client, fake):
    order, payment = begun(make_product(price_minor=2900), make_gig(price_minor=10000).packages.get())
    session = fake.sessions[payment.session_id]

    answer = tell(client, fake.pay(payment.session_id))

    order.refresh_from_db()
    payment.refresh_from_db()
    assert answer.status_code == 200
    assert (session["amount_total"], session["currency"]) == (12900, "usd")
    assert session["success_url"].endswith(f"/checkout/paid/{payment.token}/")
    assert session["cancel_url"].endswith(f"/checkout/pay/{order.token}/")
    assert (order.status, payment.status, payment.kind) == ("paid", "captured", "real")
    assert (payment.fee_minor, payment.fee_source) == (404, "provider")
    assert list(
        Earning.objects.order_by("id").values_list("gross_minor", "fee_minor", "channel", "external_id")
    ) == [
        (2900, 91, "stripe", fake.charge_of(payment.session_id)["id"]),
        (10000, 313, "stripe", ""),
    ]
    assert PaymentEvent.objects.get().status == "processed"
    assert PaymentEvent.objects.get().order == order
    assert audit.violations() == []


def test_a_fee_that_stripe_does_not_say_is_the_channels_rate_and_says_so(client, fake):
    fake.knows_fees = False

    _, payment = paid(fake, client, make_product(price_minor=10000))

    assert (payment.fee_minor, payment.fee_source) == (320, "rate")


def test_test_mode_money_is_simulated(client, settings):
    with FakeStripe(livemode=False) as fake:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_test_fake", SECRET
        settings.STRIPE_API_BASE = fake.url

        _, payment = paid(fake, client)

    assert payment.kind == "simulated"
    assert Earning.objects.get().kind == "simulated"


def test_one_payment_page_is_opened_however_often_it_is_asked_for(fake):
    _, payment = begun()

    again = checkout.payments.get("stripe").page_of(Payment.objects.get())

    assert again == payment.checkout_url
    assert len(fake.sessions) == 1


def test_a_page_whose_time_is_over_is_followed_by_another(client, fake):
    order, payment = begun()
    fake.expire(payment.session_id)

    back = client.post(f"/checkout/pay/{order.token}/", {"provider": "stripe"})
    again = client.post(f"/checkout/pay/{order.token}/", {"provider": "stripe"})

    assert back["Location"] == f"/checkout/pay/{order.token}/"
    assert again["Location"] == f"/checkout/to/{order.payments.last().token}/"
    assert list(order.payments.values_list("status", flat=True)) == ["canceled", "pending"]
    assert len(fake.sessions) == 2


def test_who_comes_back_to_pay_what_is_paid_is_led_to_the_order(client, fake):
    order, payment = begun()
    fake.pay(payment.session_id)

    answer = client.post(f"/checkout/pay/{order.token}/", {"provider": "stripe"}, follow=True)

    assert answer.redirect_chain[-1][0] == order.get_absolute_url()
    assert Earning.objects.count() == 1


def test_a_page_whose_answer_was_lost_is_not_opened_twice(fake):
    _, payment = begun()
    Payment.objects.update(session_id="", checkout_url="")

    checkout.payments.get("stripe").page_of(Payment.objects.get())

    assert Payment.objects.get().session_id == payment.session_id
    assert len(fake.sessions) == 1


def test_a_buyer_who_is_back_before_the_webhook_has_paid(client, fake):
    order, payment = begun()
    fake.pay(payment.session_id)

    answer = client.get(f"/checkout/paid/{payment.token}/")

    order.refresh_from_db()
    assert answer["Location"] == order.get_absolute_url()
    assert order.status == "paid"
    assert PaymentEvent.objects.count() == 0


def test_money_whose_webhook_never_comes_is_found_before_the_order_is_given_up(fake):
    order, payment = begun()
    fake.pay(payment.session_id)
    order.reserved_until = order.placed_at
    order.save()

    checkout.sweep()

    order.refresh_from_db()
    assert order.status == "paid"


def test_an_order_is_not_given_up_while_stripe_can_not_be_asked(fake):
    order, _ = begun(make_product(kind="physical", stock=1))
    order.reserved_until = order.placed_at
    order.save()
    fake.failing = 2

    checkout.sweep()

    order.refresh_from_db()
    assert order.status == "awaiting_payment"
    assert order.reserved_until > order.placed_at


def test_the_page_of_an_order_that_is_given_up_is_closed_at_stripe(fake):
    order, payment = begun()
    order.reserved_until = order.placed_at
    order.save()

    checkout.sweep()

    assert fake.sessions[payment.session_id]["status"] == "expired"


def test_a_stripe_that_is_away_keeps_the_order_and_offers_another_try(client, fake):
    product = make_product()
    client.post("/cart/add/", {"product": product.slug}, HTTP_SEC_FETCH_SITE="same-origin")
    form = client.get("/checkout/").context["form"]
    fake.failing = 2
    sent = {"checkout_key": form["checkout_key"].value(), "quote": form.offer.quote, "provider": "stripe"}

    away = client.post("/checkout/", sent | {"name": "Ada", "email": "ada@example.com"})
    page = client.get(away["Location"])
    again = client.post(away["Location"], {"provider": "stripe"})
    leading = client.get(again["Location"]).content.decode()

    assert "Your order is kept; try again" in page.content.decode()
    assert f'content="0; url={fake.url}/pay/cs_' in leading
    assert Payment.objects.count() == 1


def test_an_order_that_stripe_does_not_take_is_kept_for_another_way(client, fake):
    order = make_order(make_product(price_minor=49), provider="stripe")

    back = client.post(f"/checkout/pay/{order.token}/", {"provider": "stripe"})
    page = client.get(back["Location"]).content.decode()
    client.post(f"/checkout/pay/{order.token}/", {"provider": "manual"})

    assert "This way to pay does not take your order." in page
    assert order.payments.last().provider == "manual"


def test_choosing_an_invoice_closes_stripes_page(client, fake):
    order, payment = begun()

    client.post(f"/checkout/pay/{order.token}/", {"provider": "manual"})

    assert fake.sessions[payment.session_id]["status"] == "expired"
    assert list(order.payments.values_list("provider", "status")) == [
        ("stripe", "canceled"),
        ("manual", "pending"),
    ]


def test_an_order_that_staff_give_up_or_see_paid_closes_stripes_page(staff_client, api, fake):
    """Its buyer could still pay there for what is over, or a second time."""
    (given_up, first), (seen, second), (told, third) = begun(), begun(), begun()

    staff_client.post(f"/admin/storefront/order/{given_up.pk}/do/cancel/")
    staff_client.post(f"/admin/storefront/order/{seen.pk}/do/mark_paid/")
    api.post(f"/api/v1/orders/{told.number}/mark-paid")

    assert {session["status"] for session in fake.sessions.values()} == {"expired"}
    for payment in (first, second, third):
        payment.refresh_from_db()
        assert payment.status == "canceled"


def test_stripe_that_is_away_does_not_keep_staff_from_giving_an_order_up(staff_client, fake):
    order, _ = begun()
    fake.failing = 9

    staff_client.post(f"/admin/storefront/order/{order.pk}/do/cancel/")

    order.refresh_from_db()
    assert order.status == "canceled"


# --- Events in any order, any number, any shape --------------------------------------------------------------


def test_five_times_the_same_event_is_one_payment(client, fake):
    _, payment = begun()
    event = fake.pay(payment.session_id)

    statuses = [tell(client, event).status_code for _ in range(5)]

    assert statuses == [200] * 5
    assert PaymentEvent.objects.count() == 1
    assert Earning.objects.count() == 1


@pytest.mark.parametrize("order_of_events", list(permutations(range(3))))
def test_events_in_any_order_end_in_the_same_state(client, fake, order_of_events):
    order, payment = begun(make_product(price_minor=2900))
    fake.pay(payment.session_id)
    fake.refund(fake.charge_of(payment.session_id)["id"], 2900)
    events = [event for event in fake.events if event["type"] != "refund.updated"]
    assert [event["type"] for event in events] == [
        "checkout.session.completed",
        "refund.created",
        "charge.refunded",
    ]

    for i in order_of_events:
        tell(client, events[i])
        tell(client, events[i])

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.refunded_minor) == ("refunded", 2900)
    assert list(Refund.objects.values_list("status", "amount_minor")) == [("succeeded", 2900)]
    assert balances(f"order:{order.number}:line:1") == {"revenue": -2900, "refunds": 2900}
    assert total("fees") == 114  # what Stripe keeps of a refund is a cost
    assert total("available") == -114
    assert audit.violations() == []


@pytest.mark.parametrize(
    ("signature", "secret"),
    [("", SECRET), ("nonsense", SECRET), ("t=1,v1=abc", SECRET), (None, "whsec_of_somebody_else")],
)
def test_what_stripe_did_not_sign_is_refused_and_not_stored(client, fake, signature, secret):
    _, payment = begun()

    answer = tell(client, fake.pay(payment.session_id), signature, secret)

    assert answer.status_code == 400
    assert PaymentEvent.objects.count() == 0
    assert Earning.objects.count() == 0


def test_an_old_signature_or_a_changed_body_is_refused(client, fake):
    _, payment = begun()
    body = json.dumps(fake.pay(payment.session_id))

    assert tell(client, body, sign(body, at=1)).status_code == 400
    assert tell(client, body.replace("2900", "1"), sign(body)).status_code == 400
    assert tell(client, "not json", sign("not json")).status_code == 400
    assert tell(client, "[]", sign("[]")).status_code == 400
    assert PaymentEvent.objects.count() == 0


def test_without_stripe_there_is_no_such_door(client, settings):
    settings.STRIPE_WEBHOOK_SECRET = ""

    assert tell(client, {"id": "evt_1"}).status_code == 404
    assert client.get(HOOK).status_code == 405


def test_an_unknown_order_is_refused_and_shown_to_staff(client, fake):
    order, payment = begun()
    event = fake.pay(payment.session_id)
    event["data"]["object"]["metadata"] = {"payment": "made-up"}

    tell(client, event)

    assert PaymentEvent.objects.get().status == "refused"
    assert order.number in PaymentEvent.objects.get().problem


def test_money_of_the_same_stripe_account_that_is_none_of_ours_is_ignored(client, fake):
    _, payment = begun()
    fake.pay(payment.session_id)
    charge = fake.charge_of(payment.session_id)
    fake.intents[charge["payment_intent"]]["metadata"] = {}

    tell(client, fake.tell("charge.refunded", charge))
    tell(client, fake.tell("customer.created", {"id": "cus_1"}))

    assert list(PaymentEvent.objects.values_list("status", flat=True)) == ["ignored", "ignored"]


def test_an_event_of_the_other_mode_is_refused(client, fake):
    _, payment = begun()
    event = fake.pay(payment.session_id) | {"livemode": False}

    tell(client, event)

    assert PaymentEvent.objects.get().status == "refused"
    assert Earning.objects.count() == 0


def test_what_stumbles_is_tried_again_until_it_is_done(client, fake):
    order, payment = begun()
    event = fake.pay(payment.session_id)
    fake.failing = 2

    answer = tell(client, event)
    stumbled = PaymentEvent.objects.get()
    PaymentEvent.objects.update(due_at=stumbled.received_at)
    inbox.sweep()

    order.refresh_from_db()
    assert answer.status_code == 200
    assert (stumbled.status, stumbled.attempts) == ("received", 1)
    assert (order.status, PaymentEvent.objects.get().status) == ("paid", "processed")


def test_an_event_that_was_stored_by_a_process_that_died_is_processed_by_the_sweep(fake):
    order, payment = begun()
    event = fake.pay(payment.session_id)
    stored = inbox.receive("stripe", event, json.dumps(event))
    PaymentEvent.objects.update(due_at=stored.received_at)

    inbox.sweep()
    inbox.sweep()

    order.refresh_from_db()
    assert order.status == "paid"
    assert Earning.objects.count() == 1


def test_a_refused_event_can_be_tried_again(client, fake, settings):
    order, payment = begun(make_product(price_minor=2900))
    settings.STRIPE_SECRET_KEY = "sk_test_fake"
    tell(client, fake.pay(payment.session_id))
    refused = PaymentEvent.objects.get().status
    settings.STRIPE_SECRET_KEY = "sk_live_fake"

    inbox.try_again(PaymentEvent.objects.get())

    order.refresh_from_db()
    assert (refused, order.status, PaymentEvent.objects.get().status) == ("refused", "paid", "processed")


def test_a_bank_that_takes_days_keeps_the_order_and_its_piece(client, fake):
    print_ = make_product(kind="physical", stock=1)
    order, payment = begun(print_)
    tell(client, fake.promise(payment.session_id))
    order.refresh_from_db()
    days = (order.reserved_until - order.placed_at).days
    order.reserved_until = order.placed_at
    order.save()

    checkout.sweep()
    order.refresh_from_db()
    waiting = order.status
    fake.sessions[payment.session_id]["status"] = "open"
    fake.pay(payment.session_id)
    tell(client, fake.tell("checkout.session.async_payment_succeeded", fake.sessions[payment.session_id]))

    order.refresh_from_db()
    print_.refresh_from_db()
    assert (days, waiting, order.status, print_.stock) == (14, "awaiting_payment", "paid", 0)


def test_a_bank_that_does_not_pay_later_fails_the_payment(client, fake):
    order, payment = begun()

    tell(client, fake.tell("checkout.session.async_payment_failed", fake.sessions[payment.session_id]))

    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.status, order.status) == ("failed", "awaiting_payment")


def test_a_buyer_whose_bank_said_no_is_told_once_where_to_pay_again_and_until_when(client, fake):
    """Nobody wrote to them, and the pieces were kept from others for the rest of the fourteen days."""
    order, payment = begun()
    tell(client, fake.promise(payment.session_id))

    no = fake.refuse_promise(payment.session_id)
    tell(client, no)
    tell(client, {**no, "id": "evt_again"})

    order.refresh_from_db()
    letter = Mail.objects.get(key=f"order:{order.pk}:not_paid:{payment.pk}")
    assert order.reserved_until - timezone.now() <= timedelta(days=3)
    assert letter.context["pay_url"].endswith(f"/checkout/pay/{order.token}/")
    assert letter.context["kept_until"].startswith(f"{timezone.localtime(order.reserved_until):%-d %B %Y}")
    assert client.get(f"/checkout/pay/{order.token}/").status_code == 200


def test_a_bank_that_says_no_after_the_buyer_chose_another_way_changes_nothing(client, fake):
    order, payment = begun()
    tell(client, fake.promise(payment.session_id))
    checkout.choose_payment(order, "manual")
    order.refresh_from_db()
    kept_until = order.reserved_until

    tell(client, fake.refuse_promise(payment.session_id))

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (payment.status, order.reserved_until) == ("canceled", kept_until)
    assert not Mail.objects.filter(template="order_not_paid").exists()


def test_a_bank_whose_no_was_never_told_does_not_keep_the_piece_for_ever(client, fake):
    """Every look at a page that is done but not paid gave its order fourteen days more."""
    print_ = make_product(kind="physical", stock=1)
    order, payment = begun(print_)
    done = fake.promise(payment.session_id)
    tell(client, done)
    fake.refuse_promise(payment.session_id)  # and its event is lost
    checkout.Order.objects.update(reserved_until=order.placed_at)

    checkout.sweep()
    tell(client, {**done, "id": "evt_told_late"})
    order.refresh_from_db()
    kept_for = order.reserved_until - timezone.now()
    checkout.Order.objects.update(reserved_until=order.placed_at)
    checkout.sweep()

    order.refresh_from_db()
    payment.refresh_from_db()
    print_.refresh_from_db()
    assert timedelta(days=2, hours=23) < kept_for <= timedelta(days=3)
    assert (order.status, payment.status, print_.stock) == ("canceled", "failed", 1)


# --- Refunds ---------------------------------------------------------------------------------------------------


def test_a_refund_goes_through_stripe_once_and_its_events_add_nothing(client, fake):
    order, payment = paid(fake, client, make_product(price_minor=2900))

    refund = refunds.request(order, "wish-1", amount_minor=1000)
    refunds.carry_out(refund)
    refunds.carry_out(refund)
    for event in fake.events[1:]:
        tell(client, event)

    payment.refresh_from_db()
    order.refresh_from_db()
    assert [made["amount"] for made in fake.refunds.values()] == [1000]
    assert list(Refund.objects.values_list("status", "amount_minor")) == [("succeeded", 1000)]
    assert (payment.refunded_minor, order.status) == (1000, "paid")
    assert balances(f"order:{order.number}:line:1") == {
        "pending": 1825,
        "fees": 75,
        "refunds": 1000,
        "revenue": -2900,
    }
    assert total("fees") == 114
    assert audit.violations() == []


def test_a_refund_whose_answer_was_lost_is_found_at_stripe_and_not_made_again(client, fake):
    order, _ = paid(fake, client, make_product(price_minor=2900))
    refund = refunds.request(order, "wish-1")
    checkout.payments.get("stripe").refund(refund)  # and the process dies here
    fake.answered.clear()  # a day later Stripe has forgotten our key
    Refund.objects.update(attempts=1)

    refunds.carry_out(refund)

    order.refresh_from_db()
    assert (Refund.objects.get().status, order.status) == ("succeeded", "refunded")
    assert len(fake.refunds) == 1


def test_a_refund_of_a_machine_that_was_off_for_days_is_not_made_again(client, fake):
    """It died in the first try, which nobody had counted: a part would have gone back twice."""
    order, _ = paid(fake, client, make_product(price_minor=2900))
    refund = refunds.request(order, "wish-1", amount_minor=1000)
    checkout.payments.get("stripe").refund(refund)  # and the machine is off
    fake.answered.clear()
    Refund.objects.update(due_at=refund.due_at - timedelta(days=2))

    refunds.sweep()

    assert Refund.objects.get().status == "succeeded"
    assert [made["amount"] for made in fake.refunds.values()] == [1000]


def test_a_refund_is_asked_for_again_after_a_stumble(client, fake):
    order, _ = paid(fake, client)
    refund = refunds.request(order, "wish-1")
    fake.failing = 2

    refunds.carry_out(refund)
    stumbled = Refund.objects.get().status
    Refund.objects.update(due_at=order.placed_at - timedelta(minutes=1))
    refunds.sweep()

    assert (stumbled, Refund.objects.get().status) == ("requested", "succeeded")
    assert len(fake.refunds) == 1


def test_a_refund_that_is_on_its_way_is_done_when_stripe_says_so(client, fake):
    order, _ = paid(fake, client)
    fake.refund_status = "pending"
    refund = refunds.carry_out(refunds.request(order, "wish-1"))
    on_its_way = refund.status

    (made,) = fake.refunds.values()
    made["status"] = "succeeded"
    tell(client, fake.tell("refund.updated", made))

    order.refresh_from_db()
    assert on_its_way == "requested"
    assert (Refund.objects.get().status, order.status) == ("succeeded", "refunded")


def test_a_refund_that_the_buyers_bank_sends_back_is_undone_and_shown_to_staff(client, fake):
    order, payment = paid(fake, client, make_product(price_minor=2900))
    refunds.carry_out(refunds.request(order, "wish-1"))

    tell(client, fake.fail_refund(next(iter(fake.refunds))))

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.refunded_minor) == ("paid", 0)
    assert "lost_or_stolen_card" in order.problem
    assert balances(f"order:{order.number}:line:1") == {"pending": 2786, "fees": 114, "revenue": -2900}
    assert total("fees") == 114
    assert order.lines.get().entitlements.get().status == "active"
    assert audit.violations() == []


def test_what_stripe_refuses_fails_and_may_be_wished_again(client, fake):
    order, payment = paid(fake, client, make_product(price_minor=2900))
    fake.charges[payment.external_id]["amount_refunded"] = 2900  # by hand, and not told yet

    refund = refunds.carry_out(refunds.request(order, "wish-1"))

    payment.refresh_from_db()
    assert (refund.status, payment.refunded_minor) == ("failed", 0)
    assert "larger than what is left" in refund.problem


def test_a_refund_made_in_stripes_dashboard_is_booked_over_the_lines(client, fake):
    order, payment = paid(fake, client, make_product(price_minor=3000), make_product(price_minor=1000))

    fake.refund(payment.external_id, 1000)
    for event in fake.events[1:]:
        tell(client, event)

    assert list(order.lines.values_list("refunded_minor", flat=True)) == [750, 250]
    assert Refund.objects.get().reason == "Made at the provider."


# --- Disputes --------------------------------------------------------------------------------------------------


def test_a_dispute_sets_the_money_apart_and_a_won_one_puts_it_back(client, fake):
    order, payment = paid(fake, client, make_product(price_minor=2900))

    opened = fake.dispute(payment.external_id)
    tell(client, opened)
    tell(client, opened)
    apart = balances(f"order:{order.number}:line:1")
    fee = total("fees")
    closed = fake.decide(opened["data"]["object"]["id"], "won")
    tell(client, closed)
    tell(client, closed)

    assert apart == {"disputed": 2786, "fees": 114, "revenue": -2900}
    assert fee == 114 + 1500
    assert balances(f"order:{order.number}:line:1") == {"pending": 2786, "fees": 114, "revenue": -2900}
    assert total("fees") == 114
    assert Dispute.objects.get().status == "won"
    order.refresh_from_db()
    assert "Disputed by the buyer's bank" in order.problem
    assert audit.violations() == []


def test_a_lost_dispute_is_a_refund_that_the_bank_made(client, fake):
    order, payment = paid(fake, client, make_product(price_minor=2900))
    opened = fake.dispute(payment.external_id)

    tell(client, fake.decide(opened["data"]["object"]["id"], "lost"))  # before its first event
    tell(client, opened)

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.refunded_minor) == ("refunded", 2900)
    assert balances(f"order:{order.number}:line:1") == {"revenue": -2900, "refunds": 2900}
    assert total("fees") == 114 + 1500
    assert order.lines.get().entitlements.get().status == "revoked"
    assert audit.violations() == []


def test_a_dispute_and_a_refund_never_both_deduct(client, fake):
    order, payment = paid(fake, client, make_product(price_minor=2900))
    refunds.carry_out(refunds.request(order, "wish-1", amount_minor=1900))

    opened = fake.dispute(payment.external_id, 2900)
    tell(client, opened)
    with pytest.raises(Refusal):
        refunds.request(order, "wish-2", amount_minor=500)
    tell(client, fake.decide(opened["data"]["object"]["id"], "lost"))

    payment.refresh_from_db()
    assert payment.refunded_minor == 2900
    assert sorted(Refund.objects.values_list("amount_minor", flat=True)) == [1000, 1900]
    assert balances(f"order:{order.number}:line:1") == {"revenue": -2900, "refunds": 2900}
    assert audit.violations() == []


def test_a_refund_that_failed_after_a_lost_dispute_leaves_its_part_to_the_dispute(client, fake):
    order, payment = paid(fake, client, make_product(price_minor=10000))
    on_its_way = refunds.request(order, "wish-1", amount_minor=4000)
    opened = fake.dispute(payment.external_id, 10000, fee=0)
    tell(client, opened)
    tell(client, fake.decide(opened["data"]["object"]["id"], "lost"))
    payment.refresh_from_db()
    at_first = payment.refunded_minor

    refunds.settle(on_its_way, Answer("failed", problem="charge_disputed"))
    tell(client, {**opened, "id": "evt_again"})

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (at_first, payment.refunded_minor, order.status) == (10000, 10000, "refunded")
    done = Refund.objects.filter(status="succeeded").order_by("id")
    assert list(done.values_list("amount_minor", flat=True)) == [6000, 4000]
    held = balances(f"order:{order.number}:line:1")
    assert {name: held.get(name, 0) for name in ("pending", "disputed")} == {"pending": 0, "disputed": 0}
    assert not Mail.objects.filter(template="order_refunded").exists()
    assert audit.violations() == []


def test_a_part_that_is_contested_and_lost_leaves_the_rest(client, fake):
    order, payment = paid(fake, client, make_product(price_minor=3000))
    opened = fake.dispute(payment.external_id, 1000, fee=0)

    tell(client, opened)
    tell(client, fake.decide(opened["data"]["object"]["id"], "lost"))

    held = balances(f"order:{order.number}:line:1")
    assert (held["refunds"], held["pending"]) == (1000, 1922)
    assert held.get("disputed", 0) == 0


def test_an_inquiry_moves_no_money(client, fake):
    order, payment = paid(fake, client)

    tell(client, fake.dispute(payment.external_id, status="warning_needs_response"))

    order.refresh_from_db()
    assert Dispute.objects.count() == 0
    assert "answer it at the provider" in order.problem
    assert "disputed" not in balances(f"order:{order.number}:line:1")


def test_money_that_is_still_owed_is_not_counted_as_disputed(client, fake):
    order, payment = paid(fake, client, make_gig(price_minor=10000).packages.get())
    opened = fake.dispute(payment.external_id, fee=0)

    tell(client, opened)
    apart = balances(f"order:{order.number}:line:1")
    tell(client, fake.decide(opened["data"]["object"]["id"], "lost"))

    assert apart == {"unearned": 9680, "fees": 320, "deferred": -10000}
    assert balances(f"order:{order.number}:line:1") == {}
    assert order.lines.get().service_order.status == "canceled"
    assert Dispute.objects.get().status == disputes.Status.LOST


def test_nobody_is_asked_to_answer_an_inquiry_that_is_over(client, fake):
    order, payment = paid(fake, client)
    asked = fake.dispute(payment.external_id, status="warning_needs_response")

    tell(client, asked)
    tell(client, fake.decide(asked["data"]["object"]["id"], "warning_closed"))
    tell(client, {**asked, "id": "evt_told_late"})

    order.refresh_from_db()
    assert "answer it at the provider" not in order.problem
    assert Dispute.objects.count() == 0


@pytest.mark.parametrize("withdrawn", [True, False])
def test_a_dispute_that_was_prevented_is_over_and_takes_what_the_bank_took(client, fake, withdrawn):
    """It was taken for an open one for ever: its money was set apart, and nothing could be given back."""
    order, payment = paid(fake, client, make_product(price_minor=2900))
    opened = fake.dispute(payment.external_id, fee=0, status="prevented")
    if withdrawn:
        dispute = fake.disputes[opened["data"]["object"]["id"]]
        dispute["balance_transactions"] = [{"amount": -2900, "fee": 0, "currency": "usd"}]

    tell(client, opened)

    held = balances(f"order:{order.number}:line:1")
    assert Dispute.objects.get().status == ("lost" if withdrawn else "won")
    assert held == (
        {"revenue": -2900, "refunds": 2900} if withdrawn else {"pending": 2786, "fees": 114, "revenue": -2900}
    )
    assert audit.violations() == []


# --- Money as Stripe counts it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minor", "currency", "counted"),
    [(2900, "USD", 2900), (2900, "JPY", 2900), (2900, "KWD", 2900), (2900, "ISK", 290000), (5, "UGX", 500)],
)
def test_amounts_are_counted_as_stripe_counts_them(minor, currency, counted):
    assert stripe.to_stripe(minor, currency) == counted
    assert stripe.from_stripe(counted, currency.lower()) == minor


def test_a_currency_that_stripe_counts_in_whole_and_we_in_hundredths_is_not_offered(fake):
    """Stripe would have taken a hundred times the price of an order in ariary."""
    provider = checkout.payments.get("stripe")

    assert [provider.is_offered(currency) for currency in ("MGA", "USD", "JPY")] == [False, True, True]
