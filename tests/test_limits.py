"""Who is counted as one caller, where login throttling, rates and limits count."""

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import RequestFactory

from agency import checks
from config.throttles import Anybody
from storefront import cart_pages
from storefront.limits import caller
from storefront.models import Cart
from tests.factories import make_product

PROXY = "10.0.0.9"


def asked(forwarded=None, address=PROXY):
    more = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=address, **more)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "counted"),
    [
        (0, "192.0.2.1", PROXY),  # nobody of ours said so
        (1, "198.51.100.1, 192.0.2.1", "192.0.2.1"),
        (1, "192.0.2.1:4711", "192.0.2.1"),
        (1, None, PROXY),
        (1, "unknown", PROXY),
        (1, "192.0.2.1, ", PROXY),
        (2, "192.0.2.1", PROXY),
        (2, "198.51.100.1, 192.0.2.1, 10.0.0.8", "192.0.2.1"),
        (1, "2001:db8:1:2:aaaa:bbbb:cccc:1", "2001:db8:1:2::"),
        (1, "[2001:db8:1:2::7]:4711", "2001:db8:1:2::"),
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
        (1, "[x", PROXY),
    ],
)
def test_the_last_of_our_proxies_says_who_asks(settings, proxies, forwarded, counted):
    settings.PROXIES = proxies

    request = asked(forwarded)

    assert (caller(request), Anybody().get_ident(request)) == (counted, counted)


@pytest.mark.django_db
def test_who_has_a_network_of_ipv6_tries_no_more_passwords_than_others(client):
    User.objects.create_superuser("owner", "owner@example.com", "a long pass phrase")

    def tries(password, address):
        given = {"username": "owner", "password": password}
        return client.post("/admin/login/", given, REMOTE_ADDR=address).status_code

    wrong = [tries("wrong", f"2001:db8:1:2::{number}") for number in range(1, 11)]

    assert (wrong[:9], wrong[9]) == ([200] * 9, 429)
    assert tries("a long pass phrase", "2001:db8:1:2::99") == 429
    assert tries("a long pass phrase", "2001:db8:1:3::1") == 302


@pytest.mark.django_db
def test_a_name_longer_than_any_users_is_a_failed_login_and_kept_in_part(client):
    given = {"username": "a" * 5000, "password": "wrong"}

    assert client.post("/admin/login/", given).status_code == 200
    assert AccessAttempt.objects.get().username == "a" * 150


@pytest.mark.django_db
def test_one_network_begins_so_many_carts_an_hour_and_no_more(client, monkeypatch):
    monkeypatch.setattr(cart_pages, "CARTS_AT_MOST", 2)
    product = make_product()
    begun = []
    for _ in range(3):
        client.cookies.clear()
        sent = {"product": product.slug}
        begun.append(client.post("/cart/add/", sent, HTTP_SEC_FETCH_SITE="same-origin").status_code)

    assert begun == [302, 302, 429]
    assert Cart.objects.count() == 2


@pytest.mark.parametrize(
    ("url", "proxies", "ids"),
    [("https://shop.example", 0, ["agency.W001"]), ("https://shop.example", 1, []), ("http://127.0.0.1", 0, [])],
)
def test_tls_without_a_counted_proxy_is_warned_of(settings, url, proxies, ids):
    settings.PUBLIC_URL, settings.PROXIES = url, proxies

    assert [warning.id for warning in checks.proxies_are_counted(None)] == ids
