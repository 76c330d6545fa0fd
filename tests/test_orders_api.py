import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from agency import quantum_state
from agency.models import RememberedAnswer
from earnings.models import Earning
from storefront import checkout, refunds
from storefront.models import Order, Refund
from tests.factories import make_gig, make_order, make_paid_order, make_product, make_run

pytestmark = pytest.mark.django_db

USD = "USD"


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO_PAYMENTS = True


def as_member(group):
    client = APIClient()
    user = User.objects.create_user(group.replace(" ", "-"), is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_authenticate(user)
    return client


def test_an_order_says_what_was_bought_and_what_was_paid(api):
    order = make_paid_order(
        make_product("PLAN", title="Planner", price_minor=2900), make_gig("logo").packages.get()
    )

    body = api.get(f"/api/v1/orders/{order.number}").json()

    assert (body["number"], body["status"], body["kind"], body["allowed"]) == (
        order.number,
        "paid",
        "real",
        ["refunded"],
    )
    assert body["total"] == {"amount": "129.00", "minor": 12900, "currency": USD}
    assert [(line["sku"], line["amount"]["amount"]) for line in body["lines"]] == [
        ("PLAN", "29.00"),
        ("logo/basic", "100.00"),
    ]
    assert body["lines"][1]["service_order"] == order.lines.get(number=2).service_order_id
    assert [(p["provider"], p["status"], p["fee_source"]) for p in body["payments"]] == [
        ("manual", "captured", "rate")
    ]
    assert "token" not in str(body)


def test_orders_are_found_by_what_they_are(api):
    run = make_run()
    paid = make_paid_order(make_product("PLAN"))
    demo = make_paid_order(make_product(), provider="demo")
    open_ = make_order(make_product())
    Order.objects.update(problem="")
    Order.objects.filter(pk=open_.pk).update(problem="Look.", run=run, utm_campaign=f"run-{run.pk}")

    def numbers(query):
        return [row["number"] for row in api.get(f"/api/v1/orders?{query}").json()["results"]]

    assert numbers("status=awaiting_payment") == [open_.number]
    assert numbers("kind=real") == [paid.number]
    assert numbers("kind=simulated") == [demo.number]
    assert numbers("provider=demo") == [demo.number]
    assert numbers("sku=PLAN") == [paid.number]
    assert numbers(f"email={paid.email.upper()}") == [paid.number]
    assert numbers("needs_attention=true") == [open_.number]
    assert numbers(f"run={run.pk}") == [open_.number]
    assert numbers(f"utm_campaign=run-{run.pk}") == [open_.number]
    assert len(numbers("needs_attention=false")) == 2
    assert api.get("/api/v1/orders?color=red").status_code == 400


def test_a_list_of_orders_takes_the_same_queries_however_long_it_is(api, django_assert_max_num_queries):
    for _ in range(5):
        make_paid_order(make_product(), make_gig().packages.get())

    with django_assert_max_num_queries(8):
        assert len(api.get("/api/v1/orders").json()["results"]) == 5


@pytest.mark.parametrize("number", ["DB-999999", "DB-x", "x", "DB-" + "9" * 30, "DB-١"])
def test_an_order_that_is_not_there_is_a_404(api, number):
    assert api.get(f"/api/v1/orders/{number}").status_code == 404


def test_an_invoice_is_marked_as_paid_once(api):
    order = make_order(make_product())

    first = api.post(f"/api/v1/orders/{order.number}/mark-paid")
    second = api.post(f"/api/v1/orders/{order.number}/mark-paid")

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["status"] == second.json()["status"] == "paid"
    assert Earning.objects.count() == 1
    assert order.payments.get().marked_by.username == "owner"


def test_an_order_whose_buyer_went_to_the_bank_instead_is_marked_as_paid(api):
    order = make_order(provider="demo")

    body = api.post(f"/api/v1/orders/{order.number}/mark-paid").json()

    assert [(p["provider"], p["kind"], p["status"]) for p in body["payments"]] == [
        ("demo", "simulated", "canceled"),
        ("manual", "real", "captured"),
    ]
    assert Earning.objects.get().kind == "real"


def test_a_refunded_order_is_not_paid_again(api):
    order = make_paid_order()
    api.post(f"/api/v1/orders/{order.number}/refund")

    answer = api.post(f"/api/v1/orders/{order.number}/mark-paid")

    assert answer.status_code == 409
    assert "allowed" in answer.json()


def test_everything_an_amount_or_lines_go_back(api):
    order = make_paid_order(make_product(price_minor=3000), make_product(price_minor=1000))
    to = f"/api/v1/orders/{order.number}/refund"

    part = api.post(to, {"amount": "4.00", "reason": "Sorry."}).json()
    line = api.post(to, {"lines": [{"number": 2}]}).json()
    rest = api.post(to, {}).json()

    assert [row["refunded"]["minor"] for row in part["lines"]] == [300, 100]
    assert [row["refunded"]["minor"] for row in line["lines"]] == [300, 1000]
    assert (rest["status"], rest["refunded"]["minor"]) == ("refunded", 4000)
    assert sorted(r["amount"]["minor"] for r in rest["refunds"]) == [400, 900, 2700]
    assert api.post(to).status_code == 409


def test_a_refund_sent_again_with_its_key_is_one_refund(api):
    order = make_paid_order(make_product(price_minor=3000))
    to = f"/api/v1/orders/{order.number}/refund"

    answers = [api.post(to, {"amount": "10.00"}, headers={"Idempotency-Key": "once"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[2]["Idempotent-Replayed"] == "true"
    assert Refund.objects.get().amount_minor == 1000


def test_a_key_whose_answer_was_forgotten_is_still_one_refund(api):
    order = make_paid_order(make_product(price_minor=3000))
    to = f"/api/v1/orders/{order.number}/refund"

    for _ in range(2):
        api.post(to, {"amount": "10.00"}, headers={"Idempotency-Key": "once"})
        RememberedAnswer.objects.all().delete()

    assert Refund.objects.get().amount_minor == 1000


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"amount": "1.234"}, 422, "/amount"),
        ({"amount": "0"}, 422, "/amount"),
        ({"amount": "999.00"}, 409, "/amount"),
        ({"amount": 5}, 400, "/amount"),
        ({"lines": []}, 422, "/lines"),
        ({"lines": [{"number": 2}]}, 422, "/lines/0/number"),
        ({"lines": [{"number": 1}, {"number": 1}]}, 422, "/lines/1/number"),
        ({"lines": [{"number": 1, "amount": "x"}]}, 422, "/lines/0/amount"),
        ({"lines": [{"number": 1}], "amount": "1.00"}, 422, "/lines"),
        ({"surprise": 1}, 400, "/surprise"),
    ],
)
def test_a_bad_refund_is_named_and_moves_nothing(api, body, status, pointer):
    order = make_paid_order(make_product(price_minor=3000))

    answer = api.post(f"/api/v1/orders/{order.number}/refund", body)

    assert answer.status_code == status
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert Refund.objects.count() == 0


def test_lines_are_handed_over(api):
    order = make_paid_order(make_product(kind="physical"), make_product(kind="physical"))
    to = f"/api/v1/orders/{order.number}/hand-over"

    one = api.post(to, {"lines": [2]}).json()
    rest = api.post(to).json()

    assert [bool(line["fulfilled_at"]) for line in one["lines"]] == [False, True]
    assert [bool(line["fulfilled_at"]) for line in rest["lines"]] == [True, True]
    assert api.post(to, {"lines": [3]}).status_code == 422


@pytest.mark.parametrize(
    ("group", "sees", "settles", "refunds_"),
    [("Operators", 200, 200, 200), ("Accountants", 200, 200, 200), ("Catalog editors", 403, 403, 403)],
)
def test_orders_are_for_those_with_the_right(group, sees, settles, refunds_):
    client, order = as_member(group), make_order(make_product())

    assert client.get(f"/api/v1/orders/{order.number}").status_code == sees
    assert client.post(f"/api/v1/orders/{order.number}/mark-paid").status_code == settles
    assert APIClient().get("/api/v1/orders").status_code == 401
    if order.payments.get().status == "captured":
        assert client.post(f"/api/v1/orders/{order.number}/refund").status_code == refunds_


def test_attributed_orders_are_counted_for_their_run_and_intent(api):
    run = quantum_state.collapse(quantum_state.superpose("Maximize profit"))
    for product, provider in ((make_product(price_minor=3000), "manual"), (make_product(), "demo")):
        order = make_order(product, provider=provider)
        Order.objects.filter(pk=order.pk).update(run=run)
        checkout.mark_paid(order.payments.get())
    first = Order.objects.order_by("pk").first()
    refunds.carry_out(refunds.request(first, "wish", amount_minor=1000))

    of_run = api.get(f"/api/v1/runs/{run.pk}/attribution").json()
    of_intent = api.get(f"/api/v1/intents/{run.intent_id}/attribution").json()

    assert of_run == of_intent
    assert of_run["attributed"] == [
        {"kind": "real", "orders": 1, "amount": {"amount": "20.00", "minor": 2000, "currency": USD}},
        {"kind": "simulated", "orders": 1, "amount": {"amount": "29.00", "minor": 2900, "currency": USD}},
    ]
