"""The catalog's lists: the right products in the right order, however many there are."""

from datetime import timedelta
from itertools import product as combinations

import pytest
from django.utils import timezone

from storefront import shelf
from storefront.models import Product
from storefront.shelf import Shelf, Wish
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def titles(page):
    by_id = dict(Product.objects.values_list("pk", "title"))
    return [by_id[pk] for pk in page.ids]


def fill(count):
    """Families of one to three variants with prices, kinds and stocks in a fixed jumble."""
    now, made = timezone.now(), []
    for n in range(count):
        for variant in range(1 + n % 3):
            made.append(
                Product(
                    sku=f"S-{n}-{variant}",
                    slug=f"s-{n}-{variant}",
                    family=f"f-{n}",
                    is_lead=variant == 0,
                    title=f"Thing {n * 7 % count:04}",
                    tags=["even"] if n % 2 == 0 else ["odd"],
                    category=("Art", "Kits", "Plans")[n % 3],
                    kind=("download", "course")[n % 2],
                    price_minor=100 * ((n * 13 + variant * 5) % 40 + 1),
                    position=n * 11 % 50,
                    currency="TRY" if n % 17 == 0 else "USD",
                    stock=(None, 0, 4)[(n + variant) % 3],
                    status="draft" if n % 10 == 9 else "listed",
                )
            )
    Product.objects.bulk_create(made)
    for row in Product.objects.all():
        Product.objects.filter(pk=row.pk).update(created_at=now - timedelta(minutes=row.pk * 37 % 101))


def by_hand(wish):
    """The same list, from every row, as one would write it for ten products."""
    rows = list(Product.objects.listed().order_by("id"))
    families = {}
    for row in rows:
        families.setdefault(row.family, []).append(row)

    def fits(row):
        price_ok = row.currency == "USD" and (wish.price_from or 0) <= row.price_minor <= (wish.price_to or 10**9)
        limited = wish.price_from is not None or wish.price_to is not None
        return (
            (price_ok or not limited)
            and (row.is_available or not wish.in_stock)
            and (not wish.tag or wish.tag in row.tags)
        )

    leads = [
        row
        for row in rows
        if row.is_lead
        and (not wish.category or row.category == wish.category)
        and (not wish.kind or row.kind == wish.kind)
        and any(fits(variant) for variant in families[row.family])
    ]
    lowest = {family: min(row.price_minor for row in members) for family, members in families.items()}
    foreign = lambda row: row.currency != "USD"  # noqa: E731
    if wish.sort == "price":
        leads.sort(key=lambda row: (foreign(row), lowest[row.family]))
        return [(foreign(row), lowest[row.family]) for row in leads], leads
    if wish.sort == "-price":
        leads.sort(key=lambda row: (foreign(row), -lowest[row.family]))
        return [(foreign(row), lowest[row.family]) for row in leads], leads
    keys = {
        "": lambda row: (row.position, row.pk),
        "new": lambda row: (-row.created_at.timestamp(), -row.pk),
        "title": lambda row: (row.title, row.pk),
    }
    return None, sorted(leads, key=keys[wish.sort])


WISHES = [
    Wish(category=category, kind=kind, price_from=low, price_to=high, in_stock=stock, tag=tag, sort=sort)
    for category, kind, (low, high), stock, tag, sort in combinations(
        ("", "Kits"),
        ("", "course"),
        ((None, None), (500, 2500)),
        (False, True),
        ("", "odd"),
        ("", "new", "title", "price", "-price"),
    )
]


@pytest.mark.parametrize("few", [3000, 5], ids=["looked up", "walked"])
def test_every_wish_gives_what_a_reader_of_all_rows_would_give(monkeypatch, few, settings):
    settings.STORE_CURRENCY = "USD"
    monkeypatch.setattr(shelf, "FEW", few)
    fill(120)
    checked = 0

    for wish in WISHES:
        if wish.tag and few == 5:
            continue  # words are always looked up
        prices, leads = by_hand(wish)
        listed = Shelf(wish)
        pages = [listed.page(number) for number in range(1, len(leads) // shelf.PAGE_SIZE + 2)]
        ids = list(dict.fromkeys(pk for page in pages for pk in page.ids))
        assert sorted(ids) == sorted(row.pk for row in leads), wish
        assert pages[0].count == len(leads), wish
        if prices is None:
            assert ids == [row.pk for row in leads], wish
        else:
            by_pk = {row.pk: key for row, key in zip(leads, prices, strict=True)}
            assert [by_pk[pk] for pk in ids] == prices, wish
        checked += 1

    assert checked == (160 if few == 3000 else 80)


def test_beyond_a_thousand_nothing_is_counted(monkeypatch):
    monkeypatch.setattr(shelf, "COUNTED", 30)
    for n in range(60):
        make_product(title=f"Thing {n}", category="Art" if n < 30 else "Kits")

    first, second, third = (Shelf(Wish()).page(number) for number in (1, 2, 3))

    assert [(page.count, page.is_counted, page.next) for page in (first, second, third)] == [
        (31, False, 2),
        (31, False, 3),
        (31, False, None),
    ]
    assert (len(third.ids), shelf.categories()) == (12, [("Art", 30), ("Kits", 30)])
    assert Shelf(Wish(category="Art")).page(1).is_counted


def test_a_page_that_is_not_there_is_the_nearest_one(monkeypatch):
    for n in range(30):
        make_product(title=f"Thing {n}")

    assert [Shelf(Wish()).page(number).number for number in (-3, 0, 1, 2, 3, 400, 10**6)] == [1, 1, 1, 2, 2, 2, 2]
    monkeypatch.setattr(shelf, "MOST_PAGES", 1)
    last = Shelf(Wish()).page(2)
    assert (last.number, last.has_more, last.next, last.is_cut) == (1, True, None, True)
    assert [shelf.number_of(text) for text in ("7", "x", "", "-1", "1.5", "٣", "9" * 5000)] == [
        7,
        1,
        1,
        1,
        1,
        1,
        1,
    ]


def test_pages_neither_repeat_nor_skip_products_of_equal_rank():
    for _ in range(60):
        make_product(title="Same", price_minor=500, position=1)

    for sort in ("", "new", "price", "-price", "title"):
        pages = [Shelf(Wish(sort=sort)).page(number).ids for number in (1, 2, 3)]
        assert len({pk for page in pages for pk in page}) == 60, sort


def test_a_search_comes_by_relevance_and_can_be_sorted_otherwise():
    make_product(title="Poster", summary="With a harbor", price_minor=100)
    make_product(title="Harbor", price_minor=300)
    make_product(title="Harbor too", price_minor=200)

    assert titles(Shelf(Wish(words="harbor", sort="relevance")).page(1))[-1] == "Poster"
    assert titles(Shelf(Wish(words="harbor", sort="price")).page(1)) == ["Poster", "Harbor too", "Harbor"]
    assert titles(Shelf(Wish(words="harbor", sort="relevance", price_from=250)).page(1)) == ["Harbor"]


def test_a_word_of_any_variant_leads_to_the_one_that_the_shop_shows():
    make_product(family="plan", title="Plan", category="Art", kind="course")
    make_product(family="plan", title="Plan for a harbor", category="Kits", is_lead=False)
    make_product(family="plan", title="Harbor, harbor", category="Kits", is_lead=False)
    make_product(family="gone", title="Harbor draft", status="draft")
    make_product(family="gone", title="Harbor copy", is_lead=False)
    make_product(family="other", title="Reef", summary="and a harbor", category="Kits")

    def found(**wish):
        page = Shelf(Wish(words="harbor", sort="relevance", **wish)).page(1)
        return titles(page), page.count

    assert found() == (["Plan", "Reef"], 2)
    assert found(category="Art") == (["Plan"], 1)
    assert found(category="Kits") == (["Reef"], 1)
    assert found(kind="course") == (["Plan"], 1)
    assert found(category="Art", kind="download") == ([], 0)


def test_the_limit_of_a_search_counts_what_the_page_may_show(monkeypatch):
    monkeypatch.setattr(shelf, "FEW", 2)
    for n in range(4):
        make_product(title="Harbor", category="Kits", position=n)
    kept = make_product(title="Reef", summary="with a harbor", category="Art")

    for sort in ("relevance", "title", "price"):
        assert Shelf(Wish(words="harbor", category="Art", sort=sort)).page(1).ids == [kept.pk], sort
