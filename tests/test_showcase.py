"""What visitors are shown, as querysets and rows."""

import pytest

from agency.models import Artifact, Package, SuccessStory
from storefront import showcase
from storefront.models import Product
from tests.factories import make_product, make_service_order

pytestmark = pytest.mark.django_db


def test_a_card_speaks_for_its_whole_family(django_assert_num_queries):
    make_product(family="print", price_minor=1900, stock=0)
    make_product(family="print", price_minor=900, is_lead=False, stock=2)
    make_product(family="print", price_minor=100, is_lead=False, status="draft")
    make_product(family="solo", price_minor=500)

    with django_assert_num_queries(2):
        print_, solo = showcase.as_cards(Product.objects.listed().leads())

    assert (print_.lowest_minor, print_.has_price_range, print_.variant_count, print_.in_stock) == (
        900,
        True,
        2,
        True,
    )
    assert (solo.lowest_minor, solo.has_price_range, solo.variant_count, solo.in_stock) == (500, False, 1, True)


def test_prices_of_different_currencies_are_not_compared():
    make_product(family="plan", price_minor=2900, currency="USD")
    make_product(family="plan", price_minor=900, currency="TRY", is_lead=False)

    (plan,) = showcase.as_cards(Product.objects.listed().leads())

    assert (plan.lowest_minor, plan.has_price_range) == (2900, False)


def test_a_family_is_sold_out_when_every_variant_is():
    make_product(family="print", stock=0)
    make_product(family="print", stock=0, is_lead=False)

    (card,) = showcase.as_cards(Product.objects.listed().leads())

    assert card.in_stock is False


def test_nothing_to_show_is_an_empty_list():
    assert showcase.as_cards(Product.objects.none()) == []
    assert showcase.comparison([]) == []


def test_features_with_values_share_a_row():
    basic = Package(features=["Concepts: 1", "Ratio: 16:9", "Source file"])
    premium = Package(features=["Concepts: 3", "Support"])

    assert showcase.comparison([basic, premium]) == [
        ("Concepts", ["1", "3"]),
        ("Ratio", ["16:9", False]),
        ("Source file", [True, False]),
        ("Support", [False, True]),
    ]


def test_categories_count_families():
    make_product(family="a", category="Art")
    make_product(family="a", category="Art", is_lead=False)
    make_product(family="b", category="Art", status="draft")
    make_product(family="c", category="Kits")
    make_product(family="d", category="")

    assert list(showcase.shown_categories()) == [[("Art", 1), ("Kits", 1)], []]


def test_of_many_categories_the_largest_and_the_chosen_one_are_shown_at_once():
    for n in range(13):
        for _ in range(1 if n in (3, 7) else 2):
            make_product(category=f"Shelf {n:02}")

    shown, others = showcase.shown_categories("Shelf 07")

    assert [name for name, _ in shown] == [f"Shelf {n:02}" for n in range(13) if n != 3]
    assert others == [("Shelf 03", 1)]


def test_related_products_are_other_families_of_the_category():
    product = make_product(family="a", category="Art")
    make_product(family="a", category="Art", is_lead=False)
    others = [make_product(category="Art") for _ in range(5)]
    make_product(category="Kits")

    assert list(showcase.related(product)) == others[:4]


def test_only_published_stories_are_recent_successes(django_assert_num_queries):
    order = make_service_order()
    told = SuccessStory.objects.create(service_order=order, slug="told", title="Told", summary="x")
    SuccessStory.objects.create(
        service_order=make_service_order(), slug="kept", title="Kept", summary="x", is_published=False
    )

    with django_assert_num_queries(1):
        (story,) = showcase.stories()
        assert (story, story.service_order.gig.name) == (told, order.gig.name)


def test_an_svg_is_no_picture_for_everybody():
    assert showcase.is_picture(None) is False
    assert showcase.is_picture(Artifact(content_type="image/svg+xml", name="x.svg")) is False
