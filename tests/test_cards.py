"""What a card says of a family of products."""

import pytest

from storefront import cards
from storefront.models import Product
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def test_a_card_speaks_for_its_whole_family(django_assert_num_queries):
    make_product(family="print", price_minor=1900, stock=0)
    make_product(family="print", price_minor=900, is_lead=False, stock=2)
    make_product(family="print", price_minor=100, is_lead=False, status="draft")
    make_product(family="solo", price_minor=500)

    with django_assert_num_queries(1):
        print_, solo = cards.first(8)

    said = "lowest_minor", "has_price_range", "variant_count", "has_options", "in_stock"
    assert [print_[name] for name in said] == [900, True, 2, True, True]
    assert [solo[name] for name in said] == [500, False, 1, False, True]


def test_prices_of_different_currencies_are_not_compared():
    make_product(family="plan", price_minor=2900, currency="USD")
    make_product(family="plan", price_minor=900, currency="TRY", is_lead=False)

    (plan,) = cards.first(8)

    assert (plan["lowest_minor"], plan["has_price_range"]) == (2900, False)


def test_a_family_is_sold_out_when_every_variant_is():
    make_product(family="print", stock=0)
    make_product(family="print", stock=0, is_lead=False)

    (card,) = cards.first(8)

    assert card["in_stock"] is False
    assert card["badge"] == ("Sold out", " badge-quiet")


@pytest.mark.parametrize(
    ("fields", "badge", "before"),
    [
        ({"stock": 10, "compare_at_minor": 9900}, ("Only 10 left", ""), 9900),
        ({"stock": 11, "compare_at_minor": 9900}, ("Reduced", ""), 9900),
        ({"price_minor": 0, "compare_at_minor": 9900}, ("Free", " badge-good"), 9900),
        ({"price_minor": 9900, "compare_at_minor": 9900}, None, None),
        ({"price_minor": 9900, "compare_at_minor": 9800}, None, None),
    ],
)
def test_a_card_shows_one_badge(fields, badge, before):
    make_product(**{"price_minor": 2900} | fields)

    (card,) = cards.first(1)

    assert (card["badge"], card["before_minor"]) == (badge, before)


def test_a_price_from_has_no_price_before():
    make_product(family="plan", price_minor=2900, compare_at_minor=9900)
    make_product(family="plan", price_minor=900, is_lead=False, stock=3)

    (card,) = cards.first(8)

    assert (card["badge"], card["before_minor"]) == (("Reduced", ""), None)


def test_cards_come_in_the_order_of_their_ids_and_without_those_that_left_the_shop():
    one, two, three = (make_product() for _ in range(3))
    Product.objects.filter(pk=two.pk).update(status="archived")

    found = cards.of([three.pk, two.pk, one.pk])

    assert [card["id"] for card in found] == [three.pk, one.pk]
    assert cards.of([]) == []


def test_a_summary_of_many_words_is_cut():
    make_product(summary=" ".join(["word"] * 20))
    make_product(summary=" ".join(["word"] * 21))

    whole, cut = cards.first(2)

    assert whole["short"] == " ".join(["word"] * 20)
    assert cut["short"] == " ".join(["word"] * 20) + " …"
