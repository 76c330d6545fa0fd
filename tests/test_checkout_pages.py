import re

import pytest
from django.test import Client

from agency.models import Mail, Run
from earnings.models import Earning
from storefront import checkout_pages
from storefront.models import Order, Payment, Product
from tests.factories import make_gig, make_order, make_paid_order, make_product, make_run

pytestmark = pytest.mark.django_db

HERE = {"HTTP_SEC_FETCH_SITE": "same-origin"}
ADA = {"name": "Ada Byron", "email": "ada@example.com", "provider": "demo"}


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.DEMO_PAYMENTS = True


def fill(client, *products):
    for product in products or (make_product(title="Planner"),):
        client.post("/cart/add/", {"product": product.slug}, **HERE)


def hidden(page, name):
    return re.search(rf'name="{name}"[^>]*value="([^"]+)"', page.content.decode())[1]


def filled_in(client, **values):
    """What a browser sends from the checkout's page, with these values."""
    page = client.get("/checkout/")
    return {"checkout_key": hidden(page, "checkout_key"), "quote": hidden(page, "quote"), **ADA, **values}


def test_an_empty_cart_has_nothing_to_check_out(client):
    assert client.get("/checkout/")["Location"] == "/cart/"


def test_a_guest_buys_with_the_demo_payment_that_says_what_it_is(client):
    fill(client)
    assert "Demo payment" in client.get("/checkout/").content.decode()

    placed = client.post("/checkout/", filled_in(client))
    demo = client.get(placed["Location"])
    paid = client.post(placed["Location"])

    order = Order.objects.get()
    assert "No money moves" in demo.content.decode()
    assert paid["Location"] == f"/orders/{order.token}/"
    assert (order.status, order.name, order.email) == ("paid", "Ada Byron", "ada@example.com")
    assert Earning.objects.get().kind == "simulated"
    assert "Nothing in here yet" in client.get("/cart/").content.decode()


def test_a_demo_payment_sent_twice_pays_once_and_is_gone_when_switched_off(client, settings):
    payment = make_order(provider="demo").payments.get()
    page = f"/checkout/demo/{payment.token}/"

    client.post(page)
    again = client.post(page)
    settings.DEMO_PAYMENTS = False

    assert again["Location"] == payment.order.get_absolute_url()
    assert Earning.objects.count() == 1
    assert client.get(page).status_code == 404


def test_the_form_sent_twice_makes_one_order(client):
    fill(client)
    sent = filled_in(client)

    first = client.post("/checkout/", sent)
    second = client.post("/checkout/", sent)

    assert Order.objects.count() == 1
    assert first["Location"] == second["Location"]


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"name": " "}, "name", "Write your name."),
        ({"name": "x" * 121}, "name", "at most 120"),
        ({"email": "ada"}, "email", "This is no e-mail address."),
        ({"email": ""}, "email", "Write your e-mail address."),
        ({"provider": "gold"}, "provider", "not one of the available choices"),
        ({"quote": ""}, "quote", "Say yes"),
    ],
)
def test_a_bad_value_is_named_beside_its_field(client, values, field, said):
    fill(client)

    page = client.post("/checkout/", filled_in(client, **values))
    text = page.content.decode()

    assert page.status_code == 422
    assert re.search(rf'id="id_{field}_error"[^>]*><li>[^<]*{said}', text)
    assert re.search(r'role="alert" tabindex="-1" autofocus', text)
    assert Order.objects.count() == 0


def test_a_made_up_key_or_a_text_that_can_not_be_stored_places_nothing(client):
    fill(client)
    sent = filled_in(client)

    for wrong in ({"checkout_key": chr(0)}, {"checkout_key": ""}, {"name": f"Ada{chr(0)}"}, {"quote": "x" * 65}):
        assert client.post("/checkout/", sent | wrong).status_code == 422

    assert Order.objects.count() == 0


def test_a_complaint_keeps_what_was_typed_and_the_forms_own_key(client):
    fill(client)
    sent = filled_in(client, email="ada")

    page = client.post("/checkout/", sent)

    assert hidden(page, "checkout_key") == sent["checkout_key"]
    assert 'value="Ada Byron"' in page.content.decode()


def test_a_new_price_is_shown_before_paying_and_takes_a_yes(client):
    product = make_product(title="Planner", price_minor=2900)
    fill(client, product)
    sent = filled_in(client)
    Product.objects.update(price_minor=3900)

    refused = client.post("/checkout/", sent)
    clicked_again = client.post("/checkout/", sent | {"quote": ""})
    agreed = client.post("/checkout/", sent | {"quote": hidden(refused, "quote")})

    assert (refused.status_code, clicked_again.status_code, agreed.status_code) == (409, 422, 302)
    assert "Planner costs $39.00 now, not $29.00." in refused.content.decode()
    assert re.search(r'type="checkbox" name="quote"', refused.content.decode())
    assert Order.objects.get().total_minor == 3900


def test_a_price_that_changed_in_the_cart_is_asked_for_at_once(client):
    fill(client, make_product(price_minor=2900))
    Product.objects.update(price_minor=3900)

    assert re.search(r'type="checkbox" name="quote"', client.get("/checkout/").content.decode())


def test_what_sold_out_meanwhile_is_left_out_with_a_yes(client):
    print_, file = make_product(kind="physical", stock=1, title="Print"), make_product(price_minor=500)
    fill(client, print_, file)
    sent = filled_in(client, shipping_address="1 Lane")
    Product.objects.filter(pk=print_.pk).update(stock=0)

    refused = client.post("/checkout/", sent)
    client.post("/checkout/", sent | {"quote": hidden(refused, "quote")})

    assert "Print is sold out." in refused.content.decode()
    assert Order.objects.get().total_minor == 500


def test_a_thing_added_in_another_tab_takes_a_yes(client):
    fill(client, make_product(price_minor=2900))
    sent = filled_in(client)
    fill(client, make_product(price_minor=100))

    refused = client.post("/checkout/", sent)

    assert refused.status_code == 409
    assert "Your cart was changed since you opened this page." in refused.content.decode()
    assert Order.objects.count() == 0


def test_buying_the_same_again_within_two_hours_asks_first(client):
    product = make_product(title="Planner")
    for _ in range(2):
        fill(client, product)
        sent = filled_in(client)
        answer = client.post("/checkout/", sent)
        if answer.status_code == 302:
            client.post(answer["Location"])

    assert answer.status_code == 409
    assert "Planner was ordered with this e-mail address within the last two hours." in answer.content.decode()
    assert 'name="buys_again"' in answer.content.decode()
    assert client.post("/checkout/", sent | {"buys_again": "on"}).status_code == 302
    assert Order.objects.count() == 2


def test_a_parcel_asks_for_an_address_and_a_file_does_not(client):
    fill(client)
    without = client.get("/checkout/").content.decode()
    fill(client, make_product(kind="physical"))
    page = client.post("/checkout/", filled_in(client))

    assert "shipping_address" not in without
    assert page.status_code == 422
    assert 'id="id_shipping_address_error"' in page.content.decode()


def test_a_free_order_asks_for_no_payment(client):
    fill(client, make_product(price_minor=0))
    page = client.get("/checkout/").content.decode()

    answer = client.post("/checkout/", {k: v for k, v in filled_in(client).items() if k != "provider"})

    assert "Get it for free" in page and 'name="provider"' not in page
    assert answer["Location"] == Order.objects.get().get_absolute_url()
    assert Order.objects.get().status == "paid"


def test_one_network_places_thirty_orders_an_hour_and_no_more(client, monkeypatch):
    monkeypatch.setattr(checkout_pages, "ORDERS_AT_MOST", 2)
    answers = []
    for _ in range(3):
        fill(client)
        answers.append(client.post("/checkout/", filled_in(client)))

    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert "Many orders came from your network" in answers[2].content.decode()
    assert Order.objects.count() == 2


def test_the_checkout_takes_no_post_without_its_token():
    client = Client(enforce_csrf_checks=True)
    fill(client)
    sent = filled_in(client)

    assert client.post("/checkout/", sent, **HERE).status_code == 403
    assert (
        client.post("/checkout/", sent | {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}).status_code
        == 302
    )


def test_a_campaign_that_led_here_stands_on_the_order(client):
    run = make_run()
    product = make_product()
    client.get(f"{product.get_absolute_url()}?utm_source=x&utm_medium=social&utm_campaign=run-{run.pk}")
    fill(client, product)

    client.post("/checkout/", filled_in(client))

    order = Order.objects.get()
    assert (order.utm_source, order.utm_medium, order.run) == ("x", "social", Run.objects.get())


def test_an_unpaid_order_can_be_paid_in_another_way(client):
    order = make_order(provider="demo")

    assert "We keep it for you until" in client.get(f"/checkout/pay/{order.token}/").content.decode()
    answer = client.post(f"/checkout/pay/{order.token}/", {"provider": "manual"})

    assert answer["Location"] == order.get_absolute_url()
    assert list(Payment.objects.values_list("provider", "status")) == [("demo", "canceled"), ("manual", "pending")]


def test_an_unpaid_order_can_be_given_up_and_its_things_come_back(client):
    print_ = make_product(kind="physical", stock=2)
    fill(client, print_)
    client.post("/checkout/", filled_in(client, shipping_address="1 Lane"))
    order = Order.objects.get()

    client.post(f"/checkout/back/{order.token}/")

    order.refresh_from_db()
    print_.refresh_from_db()
    assert (order.status, print_.stock) == ("canceled", 2)
    assert print_.title in client.get("/cart/").content.decode()


def test_a_paid_order_has_nothing_left_to_pay_or_give_up(client):
    order = make_paid_order()

    assert client.get(f"/checkout/pay/{order.token}/")["Location"] == order.get_absolute_url()
    assert client.post(f"/checkout/back/{order.token}/")["Location"] == order.get_absolute_url()
    order.refresh_from_db()
    assert order.status == "paid"


def test_an_invoice_names_store_buyer_amount_and_due_date(client, settings):
    settings.STORE_ADDRESS, settings.INVOICE_NOTE = "Studio Lane 1\n10000 Town", "Bank: XX00 0000"
    settings.STORE_TAX_NOTE = "Not subject to VAT"
    order = make_order(make_product("LF-1", title="Planner"), make_gig(name="Logo").packages.get())

    text = client.get(f"/checkout/invoice/{order.token}/").content.decode()

    for said in (order.number, "Studio Lane 1<br>10000 Town", "Ada Byron", "$129.00", "XX00 0000", "LF-1"):
        assert said in text
    assert "Not subject to VAT" in text
    assert client.get(f"/checkout/invoice/{make_order(provider='demo').token}/").status_code == 404


def test_pages_of_a_made_up_token_are_not_there(client):
    for page in ("pay", "demo", "invoice", "to", "paid"):
        assert client.get(f"/checkout/{page}/made-up/").status_code == 404


@pytest.mark.parametrize(
    "name",
    ["Win at https://evil.example", "Go to WWW.evil.example", "Ada\n\nYou have won", "Ada\u2028You have won"],
)
def test_a_name_that_is_an_advertisement_is_in_no_mail(client, name):
    fill(client)

    answer = client.post("/checkout/", filled_in(client, name=name, provider="manual"))

    assert answer.status_code == 422
    assert "Write your name alone" in answer.content.decode()
    assert (Order.objects.count(), Mail.objects.count()) == (0, 0)


@pytest.mark.parametrize("name", ["J.R. O’Hara-Smith", "نام\u200cخانوادگی", "Ada\u00a0Lovelace c/o Co."])
def test_names_of_people_are_taken_as_they_are(client, name):
    fill(client)

    client.post("/checkout/", filled_in(client, name=name))

    assert Order.objects.get().name == name
