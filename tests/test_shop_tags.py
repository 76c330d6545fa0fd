"""Tags of the shop's templates."""

from django.template import Context, engines
from django.urls import get_script_prefix, set_script_prefix


def rendered(template, **values):
    return template.template.render(Context(values))


def template_of(text):
    return engines["django"].from_string("{% load shop %}" + text)


def test_what_is_said_once_is_rendered_again_when_what_it_names_is_another():
    template = template_of("{% once name %}{{ name }} {{ other }}{% endonce %}, {{ other }}")

    assert rendered(template, name="Reef", other="a") == "Reef a, a"
    assert rendered(template, name="Reef", other="b") == "Reef a, b"
    assert rendered(template, name="Harbor <1>", other="c") == "Harbor &lt;1&gt; c, c"
    assert rendered(template, name="Reef", other="d") == "Reef d, d"


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
