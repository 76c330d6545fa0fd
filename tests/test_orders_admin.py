"""Orders in the admin: staff see what waits, and each verb asks first."""

import re

import pytest
from django.core.files.base import ContentFile

from agency import fulfillment_engine, quantum_state
from earnings.models import Earning
from storefront import checkout, license_keys, product_files, refunds
from storefront.models import Order, PaymentEvent, Refund
from tests.factories import make_gig, make_order, make_paid_order, make_product, make_run

pytestmark = pytest.mark.django_db

LIST = "/admin/storefront/order/"


def verb(order, name):
    return f"{LIST}{order.pk}/do/{name}/"


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_shows_what_needs_a_person(staff_client):
    fine, odd = make_paid_order(make_product(title="Fine")), make_paid_order(make_product())
    Order.objects.filter(pk=odd.pk).update(problem="Paid twice.")
    Order.objects.filter(pk=fine.pk).update(problem="")

    text = page(staff_client, f"{LIST}?attention=yes")

    assert odd.number in text and "Paid twice." in text
    assert fine.number not in text
    assert fine.number in page(staff_client, f"{LIST}?q={fine.number}")
    assert fine.number in page(staff_client, f"{LIST}?q={fine.email}")
    assert fine.number in page(staff_client, f"{LIST}?kind=real")


def test_an_action_on_many_orders_asks_before_it_books_anything(staff_client):
    orders = [make_order(), make_order()]
    chosen = {"action": "mark_paid", "_selected_action": [order.pk for order in orders]}

    asked = staff_client.post(LIST, chosen).content.decode()
    before = Earning.objects.count()
    done = staff_client.post(LIST, chosen | {"yes": "yes"}, follow=True).content.decode()

    assert "Mark as paid: 2 orders" in asked and "it is booked as real" in asked
    assert all(f"<li>{order.number}</li>" in asked for order in orders)
    assert asked.count('name="_selected_action"') == 2
    assert (before, Earning.objects.count()) == (0, 2)
    assert all(f"“Mark as paid” is done: {order.number}" in done for order in orders)


def test_the_front_page_counts_what_waits_in_the_shop(staff_client):
    make_order()
    make_paid_order(make_product(kind="physical"))
    odd = make_paid_order()
    odd.note_problem("Odd.")
    PaymentEvent.objects.create(provider="stripe", external_id="evt_1", type="x", body="{}", status="refused")

    text = page(staff_client, "/admin/")

    for said in ("1 needs a person", "1 payment event refused", "1 to hand over", "1 unpaid invoice<"):
        assert said in text
    assert odd.number not in page(staff_client, f"{LIST}?attention=hand_over")


def test_the_front_page_counts_downloads_on_sale_that_have_no_file(staff_client):
    bare, keyed, filed = make_product("BARE"), make_product("KEYED"), make_product("FILED")
    license_keys.add(keyed, "AAAA-1111")
    product_files.add(filed, ContentFile(b"%PDF-1.4", "plan.pdf"))
    make_product("DRAFT", status="draft")
    make_product("PARCEL", kind="physical")
    make_product("ELSEWHERE", external_url="https://market.example/1")

    front, listed = page(staff_client, "/admin/"), page(staff_client, "/admin/storefront/product/?files=missing")

    assert '/admin/storefront/product/?files=missing">1 download on sale without a file</a>' in front
    assert [sku for sku in (bare.sku, keyed.sku, filed.sku, "DRAFT", "PARCEL", "ELSEWHERE") if sku in listed] == [
        "BARE"
    ]


def test_the_page_tells_lines_payments_fees_and_attribution(staff_client):
    run = make_run()
    order = make_order(make_product("PLAN", title="Planner"), make_gig().packages.get())
    Order.objects.filter(pk=order.pk).update(run=run, utm_source="email")
    checkout.mark_paid(order.payments.get(), fee_minor=99)

    text = page(staff_client, f"{LIST}{order.pk}/change/")

    for said in ("Planner", "PLAN", "$129.00", "$0.99, as the provider says", f"run {run.pk}", "handed over"):
        assert said in text
    assert f"/admin/agency/serviceorder/{order.lines.get(number=2).service_order_id}/change/" in text


def test_an_invoice_is_marked_as_paid(staff_client, staff):
    order = make_order()

    staff_client.post(verb(order, "mark_paid"))

    order.refresh_from_db()
    assert (order.status, order.payments.get().marked_by) == ("paid", staff)


def test_a_refund_is_filled_in_line_by_line_and_sent_twice_is_one(staff_client):
    order = make_paid_order(make_product(title="Plan", price_minor=3000), make_product(price_minor=1000))
    form = page(staff_client, verb(order, "refund"))
    key = re.search(r'name="key" value="([^"]+)"', form)[1]
    sent = {"line_1": "12.50", "line_2": "", "reason": "Sorry.", "key": key}

    for _ in range(2):
        staff_client.post(verb(order, "refund"), sent)

    assert "At most 30.00" in form and "Key:" not in form
    assert "$12.50</a> Succeeded" in page(staff_client, f"{LIST}{order.pk}/change/")
    assert list(Refund.objects.values_list("amount_minor", "status", "reason")) == [(1250, "succeeded", "Sorry.")]


@pytest.mark.parametrize("value", ["30.01", "x", "-1", "", "1.234"])
def test_a_wrong_amount_is_said_on_the_form(staff_client, value):
    order = make_paid_order(make_product(price_minor=3000))

    answer = staff_client.post(verb(order, "refund"), {"line_1": value, "reason": "", "key": "k"})

    text = answer.content.decode() if answer.status_code == 200 else page(staff_client, answer["Location"])
    assert "errorlist" in text or "errornote" in text or "can&#x27;t go back" in text
    assert Refund.objects.count() == 0


def test_proposals_wait_for_a_decision(staff_client):
    order = make_order(make_product(price_minor=2900))
    other = checkout.open_payment(order, "manual")
    checkout.mark_paid(order.payments.first())
    checkout.mark_paid(other)
    proposal = Refund.objects.get()

    assert "came on top" in page(staff_client, "/admin/storefront/refund/?status__exact=proposed")
    staff_client.post(f"/admin/storefront/refund/{proposal.pk}/do/approve/")

    proposal.refresh_from_db()
    assert proposal.status == "succeeded"


def test_parcels_are_handed_over_and_problems_looked_after(staff_client):
    order = make_paid_order(make_product(kind="physical"))
    order.note_problem("Something odd.")

    staff_client.post(verb(order, "hand_over"))
    staff_client.post(verb(order, "looked_after"))

    order.refresh_from_db()
    assert order.lines.get().fulfilled_at is not None
    assert order.problem == ""
    assert Earning.objects.get().entries.filter(event="earned").count() == 1


def test_work_that_was_called_off_and_not_paid_back_is_named(staff_client):
    order = make_paid_order(make_gig(name="Logo", price_minor=10000).packages.get())
    fulfillment_engine.cancel(order.lines.get().service_order)

    assert "Logo (Basic): $100.00" in page(staff_client, f"{LIST}{order.pk}/change/")
    refunds.carry_out(refunds.request(order, "wish"))
    assert "Logo (Basic): $100.00" not in page(staff_client, f"{LIST}{order.pk}/change/")


def test_refused_events_are_shown_with_their_reason(staff_client):
    event = PaymentEvent.objects.create(
        provider="stripe",
        external_id="evt_1",
        type="checkout.session.completed",
        body='{"id": "evt_1", "type": "checkout.session.completed", "data": {"object": {"status": "<b>"}}}',
        status="refused",
        problem="It is about DB-000009, which we do not know.",
    )

    assert "DB-000009" in page(staff_client, "/admin/storefront/paymentevent/?status__exact=refused")
    assert "&lt;b&gt;" in page(staff_client, f"/admin/storefront/paymentevent/{event.pk}/change/")


def test_nothing_is_added_changed_or_deleted_by_hand(staff_client):
    order = make_paid_order()

    for path in (f"{LIST}add/", f"{LIST}{order.pk}/delete/", "/admin/storefront/refund/add/"):
        assert staff_client.get(path).status_code == 403
    assert page(staff_client, "/admin/storefront/dispute/")


def test_attributed_orders_stand_on_the_pages_of_run_and_wish(staff_client):
    run = quantum_state.collapse(quantum_state.superpose("Maximize profit"))
    order = make_order(make_product(price_minor=3000))
    Order.objects.filter(pk=order.pk).update(run=run)
    checkout.mark_paid(order.payments.get())

    for path in (f"/admin/agency/run/{run.pk}/change/", f"/admin/agency/intent/{run.intent_id}/change/"):
        assert "1 order, $30.00" in page(staff_client, path)
