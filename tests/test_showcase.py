"""What visitors are shown, as querysets and rows."""

import pytest

from agency.models import Artifact, Package, SuccessStory
from storefront import cards, showcase
from tests.factories import make_product, make_service_order, make_task

pytestmark = pytest.mark.django_db


def test_no_packages_have_nothing_to_compare():
    assert showcase.comparison([]) == []


def test_only_a_listed_product_has_a_page(django_assert_num_queries):
    sold, draft = make_product(tags=["a", "ş & <b>"], title='Ay "ışığı"'), make_product(status="draft")

    with django_assert_num_queries(1):
        found, family, _ = showcase.product(sold.slug)
    assert (found["id"], found["name"], found["tags"]) == (sold.pk, 'Ay "ışığı"', ["a", "ş & <b>"])
    assert family == [found]
    assert showcase.product(draft.slug) == (None, [], [])
    assert showcase.product("' OR 1 = 1 --") == (None, [], [])


def test_variants_are_the_listed_ones_of_the_family_cheapest_first():
    make_product(
        family="plan", option="Team", description="<p>For ten.</p>", price_minor=9900, language="tr", slug="team"
    )
    make_product(
        family="plan", title="Plan", price_minor=900, is_lead=False, stock=0, slug="plan", description="No"
    )
    make_product(family="plan", price_minor=100, is_lead=False, status="draft")
    make_product(family="other")

    team, (cheap, dear), _ = showcase.product("team")

    assert team is dear
    assert (team["description"], cheap["description"]) == ("<p>For ten.</p>", None)
    said = "path", "lang", "price_minor", "stock", "is_available"
    assert [cheap[name] for name in said] == ["/products/plan/", "", 900, 0, False]
    assert [dear[name] for name in said] == ["/products/team/", "tr", 9900, None, True]


def test_related_products_are_up_to_four_other_families_of_the_category():
    make_product(family="a", category="Art", slug="a")
    make_product(family="a", category="Art", is_lead=False)
    others = [make_product(category="Art") for _ in range(5)]
    make_product(category="Kits", slug="alone")

    _, _, related = showcase.product("a")

    first, *_ = cards.of([others[0].pk])
    assert [card["id"] for card in related] == [other.pk for other in others[:4]]
    assert related[0] == first  # the same whichever way it was read
    assert showcase.product("alone")[2] == []


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


def test_a_picture_that_the_storage_lost_is_not_found_and_no_defect(client):
    picture = Artifact(task=make_task(), kind="picture", name="x.png", content_type="image/png")
    picture.keep(b"x" * 20_000, "x.png")
    picture.save()
    SuccessStory.objects.create(
        service_order=make_service_order(), slug="told", title="Told", summary="x", image=picture
    )
    there = client.get("/portfolio/told/image")
    there.close()

    picture.discard()

    assert (there.status_code, client.get("/portfolio/told/image").status_code) == (200, 404)
