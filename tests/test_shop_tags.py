"""Tags of the shop's templates."""

import pytest
from django.template import Context, engines
from django.urls import get_script_prefix, set_script_prefix

from storefront import cards
from storefront.models import Product
from storefront.templatetags import shop
from tests.factories import make_product


def rendered(template, **values):
    return template.template.render(Context(values))


def template_of(text):
    return engines["django"].from_string("{% load shop %}" + text)


def test_what_is_said_once_is_rendered_again_when_what_it_names_is_another():
    template = template_of("{% once name %}{{ name }} {{ other }}{% endonce %}, {{ other }}")

    assert rendered(template, name="Reef", other="a") == "Reef a, a"
    assert rendered(template, name="Reef", other="b") == "Reef a, b"
    assert rendered(template, name="Harbor <1>", other="c") == "Harbor &lt;1&gt; c, c"
    assert rendered(template, name="Reef", other="d") == "Reef a, d"


def test_no_more_texts_are_kept_than_fit(monkeypatch):
    monkeypatch.setattr(shop.Once, "MOST", 2)
    template = template_of("{% once name %}{{ name }} {{ other }}{% endonce %}")

    said = [rendered(template, name=name, other=number) for number, name in enumerate("ababca")]

    assert said == ["a 0", "b 1", "a 0", "b 1", "c 4", "a 5"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({"title": "Tide"}, ">Tide</a>"),
        ({"slug": "tide"}, 'href="/products/tide/"'),
        ({"summary": "Of the sea."}, "Of the sea."),
        ({"category": "Prints"}, "Prints"),
        ({"language": "tr"}, 'lang="tr"'),
        ({"image": "/static/tide.svg"}, 'src="/static/tide.svg"'),
        ({"price_minor": 100}, "$1.00"),
        ({"currency": "TRY"}, "29,00 TL"),
        ({"compare_at_minor": 9900}, "$99.00"),
        ({"stock": 0}, "Sold out"),
        ({"stock": 3}, "Only 3 left"),
        ({"kind": "bundle"}, "Bundle"),
    ],
)
def test_a_card_is_written_anew_when_its_product_is_another(changed, shown):
    template = template_of("{% include 'storefront/_cards.html' %}")
    product = make_product(price_minor=2900)
    before = rendered(template, cards=cards.first(1))

    Product.objects.filter(pk=product.pk).update(**changed)

    assert shown not in before
    assert shown in rendered(template, cards=cards.first(1))


@pytest.mark.django_db
def test_only_the_first_picture_of_a_page_is_loaded_at_once():
    make_product(), make_product()
    found = cards.first(2)
    template = template_of("{% include 'storefront/_cards.html' %}")

    for ways in (found, found[::-1]):
        first, second = rendered(template, cards=ways).split("</li>")[:2]
        assert "lazy" not in first
        assert "lazy" in second
    assert rendered(template, cards=found, lazy=True).count("lazy") == 2


def test_addresses_that_are_said_once_follow_the_prefix_of_the_site():
    template = template_of("{% once %}{% url 'storefront:cart' %}{% endonce %}")
    prefix = get_script_prefix()
    try:
        assert rendered(template) == "/cart/"
        set_script_prefix("/shop/")
        assert rendered(template) == "/shop/cart/"
    finally:
        set_script_prefix(prefix)
    assert rendered(template) == "/cart/"
