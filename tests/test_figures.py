"""Figures in prose, and whether the facts hold them."""

import time

import pytest

from agency import figures

FACTS = {
    "price": "29.00",
    "price_minor": 2900,
    "stock": 20,
    "sku": "KIT-77",
    "title": "10 calm prints",
    "url": "https://shop.example/products/kit-31/",
    "list": {"amount": "1299.50"},
    "terms": "The marketplace keeps 15 % and pays in 14 days.",
    "at": "2026-11-23",
}


@pytest.mark.parametrize(
    "text",
    [
        "Only $29 today.",
        "Only 29,00 USD, 20 left.",
        "29USD",
        "€1.299,50 or 1,299.50 EUR",
        "10 prints, 15% fee, KIT-77",
        "See https://shop.example/products/kit-31/.",
        "Measured on 2026-11-23.",
        "No figure at all.",
    ],
)
def test_a_figure_that_the_facts_hold_is_known(text):
    assert figures.not_in(text, FACTS) == []


@pytest.mark.parametrize(
    ("text", "invented"),
    [
        ("Only $19!", ["19"]),
        ("2900 USD", ["2900"]),
        ("It costs 2900.", ["2900"]),
        ("$20 only", ["20"]),  # 20 is the stock, not a price
        ("20 % off", ["20"]),
        ("Save 29 percent", ["29"]),
        ("77 left, 31 sold, 77 ordered", ["77", "31"]),  # from a SKU and a URL
        ("See https://evil.example/products/kit-31/", ["https://evil.example/products/kit-31/"]),
        ("Only ２９.50 dollars", ["29.50"]),
        ("From 5-10 days", ["5-10"]),
    ],
)
def test_a_figure_that_nobody_measured_is_named(text, invented):
    assert figures.not_in(text, FACTS) == invented


def test_a_models_answer_becomes_plain_text_with_known_links_only():
    answer = (
        "<think>Shall I say 50 %?</think><b>Calm</b> prints &lt;script&gt;x()&lt;/script&gt;\x07 "
        "[look](https://evil.example/a) [here](https://shop.example/products/kit-31/) www.evil.example/b"
    )

    text = figures.plain_text(answer, FACTS)

    assert text == "Calm prints  look [here](https://shop.example/products/kit-31/)"


@pytest.mark.parametrize(
    "text",
    [
        "Only five left!",
        "Everything at half price.",
        "Twice as fast",
        "Three days only",
        "A dozen sold",
        "zero fees",
        "twenty-five customers",
        "Yalnızca beş adet kaldı",
    ],
)
def test_a_number_in_words_that_nobody_measured_is_found(text):
    assert len(figures.not_in(text, {"offers": [{"title": "Icon pack", "price": "24.00", "stock": 7}]})) == 1


def test_a_number_in_words_that_is_in_the_facts_is_known():
    facts = {"offers": [{"title": "Ten desks", "price": "24.00", "stock": 7}]}

    assert figures.not_in("Ten desks, only seven left.", facts) == []


@pytest.mark.parametrize("text", ["[](" * 1000, "[" * 6000, "[a](" + "(" * 6000])
def test_a_model_that_writes_half_links_holds_nobody_up(text):
    began = time.thread_time()

    figures.plain_text(text, FACTS)

    assert time.thread_time() - began < 1
