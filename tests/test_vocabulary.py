"""The words of wishes, English and Turkish."""

import time

import pytest

from agency import vocabulary


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Kârı   ARTIR!! ", "kari artir"),
        ("SİPARİŞLERİ tamamla", "siparisleri tamamla"),
        ("our client’s orders, please", "our client orders please"),
        ("I don't want it", "i do not want it"),
        ("İstanbul'a", "istanbul"),
        ("Is the shop all right?", "is the shop alright"),
        ("", ""),
    ],
)
def test_case_accents_and_signs_do_not_matter(text, folded):
    assert vocabulary.fold(text) == folded


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("increase", "increase"),
        ("increasing", "increase"),
        ("artiralim", "increase"),
        ("turnover", "revenue"),
        ("satislarimizi", "revenue"),
        ("profitable", "profit"),
        ("karlilik", "profit"),
        ("siparislerinden", "order"),
        ("deliveries", "fulfill"),
        ("delivered", "fulfill"),
        ("artirmayin", "against"),
        ("deleting", "against"),
        ("cake", None),
        ("kart", None),
    ],
)
def test_a_word_means_the_same_in_all_its_forms(word, meaning):
    assert (meaning in vocabulary.meanings(word)) if meaning else vocabulary.meanings(word) == frozenset()


@pytest.mark.parametrize(
    ("word", "stem", "count"),
    [
        ("boost", "boost", 0),
        ("bosot", "boost", 1),
        ("proift", "profit", 1),
        ("lauch", "launch", 1),
        ("maxmise", "maximise", 1),
        ("maxmis", "maximise", 2),
        ("roost", "boost", None),
        ("cake", "bake", None),
        ("lanch", "lunches", None),
    ],
)
def test_typos_are_letters_missing_added_wrong_or_swapped(word, stem, count):
    assert vocabulary.typos(word, stem) == count


@pytest.mark.parametrize(
    ("word", "meanings"),
    [
        ("reveneu", {"revenue"}),
        ("siparislri", {"order"}),
        ("satislarimzi", {"revenue"}),
        ("weather", set()),
        ("qwertyuiop", set()),
    ],
)
def test_a_typo_is_read_as_the_nearest_word(word, meanings):
    assert vocabulary.corrected(word) == meanings


@pytest.mark.parametrize(
    ("text", "says_no"),
    [
        ("geliri artırma", True),
        ("mağazayı kontrol etme lütfen", True),
        ("gelir artırmak", False),
        ("inceleme yap", False),
        ("the cinema", False),
        ("", False),
    ],
)
def test_a_turkish_verb_says_no_by_its_ending(text, says_no):
    assert vocabulary.says_no(vocabulary.fold(text).split()) is says_no


def test_keyboard_mash_keeps_nobody_busy():
    began = time.perf_counter()

    for word in ("im" * 150, "a" * 300, "siparis" + "lariminda" * 30 + "x"):
        assert vocabulary.meanings(word) == frozenset()

    assert time.perf_counter() - began < 1  # without a limit on endings this takes longer than the universe has
