"""The catalog's filters as the page shows them."""

import pytest
from django.http import QueryDict
from selectolax.lexbor import LexborHTMLParser

from storefront.forms import CatalogForm
from tests.factories import make_product


def elements(html):
    """Every element of a filter in order: name, attributes, text."""
    parsed = LexborHTMLParser(html)
    return [
        (
            node.tag,
            sorted((name, value or "") for name, value in node.attributes.items()),
            "".join(node.text().split()),
        )
        for node in parsed.css("label, input, select, option, ul.errorlist")
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=%22harbor%22+%3Cb%3E&sort=price&kind=course&availability=in-stock&price_from=1&price_to=2.50",
        "sort=&kind=&price_from=0",
        "kind=nothing&sort=nothing&availability=nothing&price_from=x&price_to=-1&category=" + "c" * 90,
        "q=" + "q" * 200,
    ],
)
def test_a_filter_says_what_the_form_says(client, query):
    make_product()
    form = CatalogForm(QueryDict(query))
    said = "".join(
        f"{form[name].label_tag()}{form[name]}{form[name].errors}"
        for name in ("q", "sort", "kind", "price_from", "price_to", "availability")
    )

    page = LexborHTMLParser(client.get(f"/catalog/?{query}").content)

    shown = "".join(field.html for field in page.css("form.filters .field"))
    assert elements(shown) == elements(said)
    complaints = " ".join(node.text() for node in page.css("form.filters .errorlist li"))
    assert all(reason in complaints for reasons in form.errors.values() for reason in reasons)


def test_the_lists_of_other_categories_keep_what_was_asked_for():
    form = CatalogForm(QueryDict("q=a%26b&category=Art&page=3&sort=new"))

    assert form.addresses("category", ["Kits", "Ç & ü"]) == [
        "?q=a%26b&sort=new&category=Kits",
        "?q=a%26b&sort=new&category=%C3%87+%26+%C3%BC",
    ]
    assert CatalogForm(QueryDict("page=2")).addresses("category", ["Kits"]) == ["?category=Kits"]
    assert form.addresses("category", []) == []
