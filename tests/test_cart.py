from datetime import timedelta

import pytest
from django.utils import timezone

from agency.models import Gig
from earnings.refusals import Refusal
from storefront import cart
from storefront.models import Cart, CartLine, Product
from tests.factories import make_cart, make_gig, make_product

pytestmark = pytest.mark.django_db

HERE = {"HTTP_SEC_FETCH_SITE": "same-origin"}


# --- What a cart holds -----------------------------------------------------------------------------------------


def test_products_and_packages_stand_in_one_cart():
    package = make_gig("logo", price_minor=10000).packages.get()

    offer = cart.look(make_cart(make_product(price_minor=2900), package))

    assert [wanted.article.kind for wanted in offer.wanted] == ["download", "package"]
    assert (offer.total_minor, offer.currency, offer.changes) == (12900, "USD", [])


def test_a_file_is_bought_once_and_a_print_as_often_as_there_are_pieces():
    file, print_ = make_product(), make_product(kind="physical", stock=3)
    basket = make_cart(file, (print_, 2))

    cart.add(basket, file)
    cart.add(basket, print_, 5)

    assert list(basket.lines.values_list("quantity", flat=True)) == [1, 3]


def test_a_cart_holds_fifty_different_things():
    basket = make_cart(*(make_product() for _ in range(50)))

    with pytest.raises(Refusal) as refused:
        cart.add(basket, make_product())
    cart.add(basket, basket.lines.first().product)

    assert "at most 50" in refused.value.detail
    assert basket.lines.count() == 50


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "draft"}, "is not on sale any more"),
        ({"stock": 0}, "is sold out"),
        ({"kind": "subscription"}, "is a subscription"),
        ({"external_url": "https://gumroad.com/l/x"}, "is sold on a marketplace"),
    ],
)
def test_what_can_not_be_bought_here_stays_out(fields, reason):
    basket = make_cart()

    with pytest.raises(Refusal) as refused:
        cart.add(basket, make_product(title="Thing", **fields))

    assert refused.value.detail.startswith(f"Thing {reason}")
    assert basket.lines.count() == 0


def test_another_currency_is_refused_and_named():
    basket = make_cart(make_product(currency="USD"))

    with pytest.raises(Refusal) as refused:
        cart.add(basket, make_product(title="Plan", currency="EUR"))

    assert refused.value.detail.startswith("Plan is priced in EUR, and your cart is in USD.")


def test_a_quantity_below_one_is_refused_when_adding_and_removes_when_changing():
    product = make_product()
    basket = make_cart(product)

    with pytest.raises(Refusal):
        cart.add(basket, product, 0)
    cart.change(basket, basket.lines.get().pk, 0)

    assert basket.lines.count() == 0


def test_a_line_of_another_cart_is_out_of_reach():
    mine, other = make_cart(make_product()), make_cart(make_product())

    cart.change(mine, other.lines.get().pk, 0)

    assert other.lines.count() == 1


# --- What changes meanwhile ------------------------------------------------------------------------------------


def test_a_new_price_is_named_and_seen_with_the_next_change():
    product = make_product(title="Plan", price_minor=2900)
    basket = make_cart(product)
    before = cart.look(basket)
    Product.objects.update(price_minor=3900)

    after = cart.look(basket)
    cart.change(basket, basket.lines.get().pk, 1)

    assert after.changes == ["Plan costs $39.00 now, not $29.00."]
    assert after.total_minor == 3900
    assert after.quote != before.quote
    assert cart.look(basket).changes == []


def test_what_is_gone_is_named_and_not_counted():
    print_, file, gig = (
        make_product(kind="physical", stock=2, title="Print"),
        make_product(),
        make_gig(name="Logo"),
    )
    basket = make_cart((print_, 2), file, gig.packages.get())
    Product.objects.filter(pk=print_.pk).update(stock=0)
    Gig.objects.update(is_listed=False)

    offer = cart.look(basket)

    assert [wanted.article.sku for wanted in offer.wanted] == [file.sku]
    assert offer.changes == ["Print is sold out.", "Logo (Basic) is not offered any more."]
    assert offer.total_minor == 2900


def test_fewer_pieces_than_wanted_are_offered_as_they_are():
    print_ = make_product(kind="physical", stock=5, title="Print", price_minor=1000)
    basket = make_cart((print_, 4))
    Product.objects.update(stock=3)

    offer = cart.look(basket)

    assert (offer.changes, offer.total_minor) == (["Print has 3 left, not 4."], 3000)


def test_a_product_that_changed_its_currency_is_ordered_separately():
    first, second = make_product(title="Plan"), make_product(title="Kit")
    basket = make_cart(first, second)
    Product.objects.filter(pk=second.pk).update(currency="EUR")

    offer = cart.look(basket)

    assert [wanted.article.title for wanted in offer.wanted] == ["Plan"]
    assert offer.changes == ["Kit is priced in EUR now, the rest in USD: order it separately."]


def test_carts_that_nobody_touches_are_forgotten_after_sixty_days():
    old, new = make_cart(make_product()), make_cart(make_product())
    Cart.objects.filter(pk=old.pk).update(touched_at=timezone.now() - timedelta(days=60, seconds=1))

    cart.forget()

    assert list(Cart.objects.all()) == [new]
    assert CartLine.objects.count() == 1


# --- Its pages -------------------------------------------------------------------------------------------------


def test_a_visitor_without_an_account_fills_a_cart(client):
    product = make_product("LF-1", title="Planner", slug="planner")

    answer = client.post("/cart/add/", {"product": "planner"}, **HERE)
    page = client.get(answer["Location"]).content.decode()

    assert answer.status_code == 302
    assert "Planner is in your cart." in page
    assert "$29.00" in page
    cookie = client.cookies["cart"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert Cart.objects.get().lines.get().product == product


def test_buy_now_leads_straight_to_the_checkout(client):
    make_gig("logo")

    answer = client.post("/cart/add/", {"gig": "logo", "tier": "basic", "go": "checkout"}, **HERE)

    assert answer["Location"] == "/checkout/"


def test_quantities_change_and_lines_go(client):
    client.post("/cart/add/", {"product": make_product(kind="physical", stock=9).slug, "quantity": "2"}, **HERE)
    line = CartLine.objects.get()

    client.post("/cart/change/", {"line": line.pk, "quantity": "4"}, **HERE)
    changed = CartLine.objects.get().quantity
    client.post("/cart/change/", {"line": line.pk, "remove": "1"}, **HERE)

    assert changed == 4
    assert CartLine.objects.count() == 0
    assert "Nothing in here yet" in client.get("/cart/").content.decode()


@pytest.mark.parametrize("quantity", ["x", "", "-1", "1.5", "9" * 30])
def test_a_quantity_that_is_none_is_said_on_the_page(client, quantity):
    answer = client.post("/cart/add/", {"product": make_product().slug, "quantity": quantity}, **HERE)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert CartLine.objects.count() == 0


def test_what_is_refused_is_said_on_the_page(client):
    answer = client.post("/cart/add/", {"product": make_product(title="Print", stock=0).slug}, **HERE)

    assert answer.status_code == 409
    assert "Print is sold out." in answer.content.decode()


def test_the_header_counts_for_who_has_a_cart_and_is_the_same_for_everybody_else(
    client, django_assert_num_queries
):
    make_product(slug="planner")
    anonymous = client.get("/products/planner/")
    client.post("/cart/add/", {"product": "planner"}, **HERE)

    counted = client.get("/products/planner/")
    client.cookies["cart"] = "made-up"
    unknown = client.get("/products/planner/")

    assert "cart-count" not in anonymous.content.decode()
    assert '<span class="cart-count">1</span>' in counted.content.decode()
    assert unknown.content == anonymous.content
    assert (anonymous["Cache-Control"], counted["Cache-Control"]) == ("no-cache", "no-cache, private")
    assert not anonymous.cookies
    assert counted["ETag"] != anonymous["ETag"]


def test_a_page_for_everybody_carries_a_form_without_a_token(client):
    make_product(slug="planner")

    page = client.get("/products/planner/").content.decode()

    assert 'action="/cart/add/"' in page
    assert "csrfmiddlewaretoken" not in page


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"HTTP_SEC_FETCH_SITE": "same-origin"}, 302),
        ({"HTTP_ORIGIN": "http://testserver"}, 302),
        ({"HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
        ({"HTTP_SEC_FETCH_SITE": "same-site"}, 403),
        ({"HTTP_SEC_FETCH_SITE": "none"}, 403),
        ({"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": "http://testserver"}, 403),
        ({"HTTP_ORIGIN": "https://evil.example"}, 403),
        ({"HTTP_ORIGIN": "null"}, 403),
        ({"HTTP_REFERER": "http://testserver/"}, 403),
        ({}, 403),
    ],
)
def test_only_pages_of_this_shop_fill_carts(client, headers, status):
    answer = client.post("/cart/add/", {"product": make_product().slug}, **headers)

    assert answer.status_code == status
    assert CartLine.objects.count() == (status == 302)


def test_what_no_database_stores_is_not_there(client):
    client.cookies["cart"] = '"\\000abc\\000abcdef"'
    nul = chr(0)

    assert client.get("/cart/").status_code == 200
    assert client.get("/").status_code == 200
    assert client.get("/checkout/").status_code == 302
    assert client.post("/cart/add/", {"product": nul}, **HERE).status_code == 404
    assert client.post("/cart/add/", {"gig": f"a{nul}", "tier": nul}, **HERE).status_code == 404
    assert client.get("/checkout/pay/%00/").status_code == 404
    assert Cart.objects.count() == 0


def test_what_is_refused_leaves_no_cart_behind(client):
    answer = client.post("/cart/add/", {"product": make_product(stock=0).slug}, **HERE)

    assert answer.status_code == 409
    assert not answer.cookies
    assert Cart.objects.count() == 0


def test_a_browser_without_cookies_is_told_why_its_cart_is_empty(client):
    answer = client.post("/cart/add/", {"product": make_product().slug}, **HERE)
    client.cookies.clear()

    assert "Allow cookies" in client.get(answer["Location"]).content.decode()


def test_a_campaign_link_is_remembered_and_others_set_no_cookie(client):
    make_product(slug="planner")

    followed = client.get("/products/planner/?utm_source=email&utm_medium=email&utm_campaign=run-7&x=1")

    cookie = followed.cookies["came_from"]
    assert cookie.value == "utm_source=email&utm_medium=email&utm_campaign=run-7"
    assert cookie["max-age"] == 30 * 24 * 3600
    assert not client.get("/products/planner/?q=1").cookies
