"""Full-text search finds the same on both databases, and is never behind the products."""

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from storefront import search
from storefront.models import Product
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def found(text):
    return [product.title for product in search.narrowed(Product.objects.order_by("id"), text)]


def ranked(text, tag="", condition="1 = 1", values=(), most=100):
    """The families of the leads that were found."""
    return [Product.objects.get(pk=pk).family for pk in search.leads(text, tag, condition, values, most)]


@pytest.mark.parametrize(
    "text",
    [
        "Işık İstanbul Çiçeği",
        "ışık",
        "IŞIK",
        "isik istanbul cicegi",
        "iSTANBUL",
        "İSTANBUL",
        "istanbul",
        "ist çiç",
        "strasse",
        "STRAẞE".lower(),
        "łódź",
        "LODZ",
        "ørsted",
        "orsted aeon",
        "ÆON",
        "crème",
        "CREME",
        "кофе",
        "КОФ",
        "東京",
        "ｌｏｄｚ",
        "हिन्दी",
    ],
)
def test_case_accents_and_width_do_not_matter_in_any_alphabet(text):
    make_product(title="Işık İstanbul Çiçeği Straße Łódź Ørsted Æon Crème Кофе 東京タワー हिन्दी")
    make_product(title="Another thing")

    assert len(found(text)) == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("lf-42", 1),
        ("LF 42", 1),
        ("42", 1),
        ("harbor kit", 1),
        ("har ki", 1),
        ("team", 1),
        ("lantern", 1),
        ("notion", 1),
        ("sarı", 1),
        ("arbor", 0),
        ("harbor nothing", 0),
        ("", 0),
        ("( ) * \" ' : ^ - + ~ & | ! < > \\ %", 0),
        ("NEAR AND OR NOT", 0),
        ("title:harbor", 1),
        ("harbor*", 1),
        ('"harbor kit"', 1),
        ("a:b & !c <-> 'd':*", 0),
        ("x" * 5000, 0),
        ("\x00 harbor \ud800", 1),
    ],
)
def test_words_are_looked_for_where_a_product_says_what_it_is(text, count):
    make_product(
        "LF-42", title="Harbor kit: the title", option="Team", vendor="Lantern", tags=["Notion", "Sarı 'x\""]
    )
    make_product(title="Poster")

    assert len(found(text)) == count


def test_the_index_follows_every_way_to_write_a_product():
    product = make_product(title="Harbor")

    Product.objects.filter(pk=product.pk).update(title="Lighthouse", tags=["sea"])
    assert (found("harbor"), found("lighthouse sea")) == ([], ["Lighthouse"])

    connection.cursor().execute("UPDATE storefront_product SET summary = 'A beacon'")
    assert found("beacon") == ["Lighthouse"]

    product.refresh_from_db()
    product.title = "Pier"
    Product.objects.bulk_create([product], update_conflicts=True, unique_fields=["pk"], update_fields=["title"])
    assert (found("lighthouse"), found("pier")) == ([], ["Pier"])

    Product.objects.all().delete()
    assert found("pier") == []
    make_product(title="Pier again")
    assert found("pier") == ["Pier again"]


def test_the_best_match_comes_first_and_a_family_once():
    make_product(family="in-summary", title="A thing", summary="Made at the harbor.")
    make_product(family="in-title", title="Harbor", option="A")
    make_product(family="in-title", title="Harbor", option="B", is_lead=False)
    make_product(family="in-tag", title="Other", tags=["harbor"])
    make_product(family="hidden", title="Harbor", status="draft")

    assert ranked("harbor") == ["in-title", "in-tag", "in-summary"]
    assert ranked("harbor", most=1) == ["in-title"]
    assert ranked("harbor", condition="v.price_minor > %s", values=[2900]) == []


def test_a_tag_is_found_whole_and_nothing_that_only_looks_like_it():
    make_product(family="exact", tags=["Wall art", "Sarı Işık"])
    make_product(family="longer", tags=["Wall art prints"])
    make_product(family="across", tags=["Wall", "art"])
    make_product(family="title", title="Wall art")

    assert ranked("", tag="Wall art") == ["exact"]
    assert ranked("", tag="Sarı Işık") == ["exact"]
    assert ranked("", tag="wall ART") == []
    assert ranked("product", tag="Wall art") == ["exact"]
    assert ranked("", tag="'; --") == []


class WhateverIsTyped(TestCase):
    @given(st.text(max_size=60))
    @settings(max_examples=300, deadline=None)
    def test_no_text_is_an_error_and_a_title_is_found_by_itself(self, text):
        Product.objects.all().delete()
        make_product(title=f"Harbor {text}".replace("\x00", "")[:200].encode("utf-8", "ignore").decode())

        search.leads(text, text, "1 = 1", [], 5)
        assert len(found(f"harbor {text}")) <= 1
        assert found("harbor") != []
