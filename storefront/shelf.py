"""What the catalog shows: one lead of each family that was asked for, in the order that was asked for, by pages.

Nothing here reads or counts all of 100,000 products. Where few families match, they are looked up and sorted;
where many do, the index of the order is walked from its beginning until the page is full.
"""

import re
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, Subquery

from storefront import search
from storefront.models import Product

PAGE_SIZE = 24
MOST_PAGES = 400  # of one list; who looks further narrows it down
COUNTED = 1000  # beyond it is "more than 1,000"
FEW = 3000  # families that are quicker sorted than found by walking

_LEAD = "status = 'listed' AND is_lead"
AVAILABLE = Q(stock=None) | Q(stock__gt=0)
ORDERS = {
    "": ("position", "id"),
    "new": ("-created_at", "-id"),
    "price": ("price", "id"),
    "-price": ("-price", "-id"),
    "title": ("title", "id"),
    "relevance": (),
}


@dataclass(frozen=True)
class Wish:
    """What a visitor asked for. Prices are in minor units of the store's currency; "" and None ask for nothing.

    Category and kind are those of a family's lead, as the card shows them; words, tag, price and stock have to be
    those of one and the same variant.
    """

    words: str = ""
    tag: str = ""
    category: str = ""
    kind: str = ""
    price_from: int | None = None
    price_to: int | None = None
    in_stock: bool = False
    sort: str = ""

    @property
    def is_searched(self):
        return bool(self.words or self.tag)

    @property
    def has_limits(self):
        return self.in_stock or self.price_from is not None or self.price_to is not None

    @property
    def is_plain(self):
        """Whether it is the whole catalog or a whole category, in whatever order."""
        return not (self.is_searched or self.has_limits or self.kind)

    def leads(self):
        """The listed leads of the category and kind."""
        found = {name: getattr(self, name) for name in ("category", "kind") if getattr(self, name)}
        return Product.objects.listed().leads().filter(**found)

    def variants(self):
        """The listed products within the limits, whatever their words."""
        found = Product.objects.listed()
        limits = {"price_minor__gte": self.price_from, "price_minor__lte": self.price_to}
        limits = {lookup: limit for lookup, limit in limits.items() if limit is not None}
        if limits:
            found = found.filter(currency=settings.STORE_CURRENCY, **limits)
        return found.filter(AVAILABLE) if self.in_stock else found


class Shelf:
    """The products of a wish, by pages."""

    def __init__(self, wish):
        self.wish = wish
        self._few = self._looked_up()

    def _looked_up(self):
        """The ids of the leads in their order, where they are few enough to be sorted; else None."""
        wish = self.wish
        if wish.is_searched:
            found = self._found_by_words()
            return found if wish.sort == "relevance" else self._sorted(wish.leads().filter(pk__in=found))
        if wish.has_limits:
            families = wish.variants().order_by("family").values_list("family", flat=True).distinct()
            families = list(families[: FEW + 1])
            return self._sorted(wish.leads().filter(family__in=families)) if len(families) <= FEW else None
        if wish.sort and (wish.category or wish.kind):
            found = list(wish.leads().order_by().values_list("pk", flat=True)[: FEW + 1])
            return self._sorted(wish.leads().filter(pk__in=found)) if len(found) <= FEW else None
        return None

    def _found_by_words(self):
        """The ids of the leads, best first."""
        wish, conditions, values = self.wish, ["1 = 1"], []
        for name in ("category", "kind"):
            if asked := getattr(wish, name):
                conditions.append(f"l.{name} = %s")
                values.append(asked)
        for sign, limit in ((">=", wish.price_from), ("<=", wish.price_to)):
            if limit is not None:
                conditions.append(f"v.currency = %s AND v.price_minor {sign} %s")
                values += [settings.STORE_CURRENCY, limit]
        if wish.in_stock:
            conditions.append("(v.stock IS NULL OR v.stock > 0)")
        return search.leads(wish.words, wish.tag, " AND ".join(conditions), values, FEW)

    def _sorted(self, leads):
        order = ORDERS[self.wish.sort]
        if "price" in self.wish.sort:
            cheapest = Product.objects.listed().filter(family=OuterRef("family"), currency=OuterRef("currency"))
            leads = leads.annotate(price=Subquery(cheapest.order_by("price_minor").values("price_minor")[:1]))
            # Amounts of different currencies can't be compared: the store's own stand first.
            rows = leads.order_by(*order).values_list("pk", "currency")
            return [pk for pk, _ in sorted(rows, key=lambda row: row[1] != settings.STORE_CURRENCY)]
        return list(leads.order_by(*order).values_list("pk", flat=True))

    # --- Walking ------------------------------------------------------------------------------------------

    def _walked(self, start, size):
        """The ids of up to `size` leads behind `start`, read along the index of the order."""
        if "price" not in self.wish.sort:
            found = self._matching(self.wish.leads()).order_by(*ORDERS[self.wish.sort])
            return list(found.values_list("pk", flat=True)[start : start + size])
        own = self._cheapest(Product.objects.listed().filter(currency=settings.STORE_CURRENCY))
        found = list(own[start : start + size])
        if len(found) < size:
            behind = max(start - len(own[:start]), 0)
            in_own = Product.objects.listed().filter(family=OuterRef("family"), currency=settings.STORE_CURRENCY)
            foreign = Product.objects.listed().exclude(currency=settings.STORE_CURRENCY).exclude(Exists(in_own))
            found += self._cheapest(foreign)[behind : behind + size - len(found)]
        return found

    def _matching(self, products):
        if not self.wish.has_limits:
            return products
        return products.filter(Exists(self.wish.variants().filter(family=OuterRef("family"))))

    def _cheapest(self, products):
        """The leads of those products that are the cheapest of their family, in the order of their prices."""
        cheaper = Q(price_minor__lt=OuterRef("price_minor"))
        cheaper |= Q(price_minor=OuterRef("price_minor"), pk__lt=OuterRef("pk"))
        family = Product.objects.listed().filter(family=OuterRef("family"))
        products = products.exclude(Exists(family.filter(cheaper, currency=OuterRef("currency"))))
        lead = self.wish.leads().filter(family=OuterRef("family"))
        if self.wish.category or self.wish.kind:
            products = products.filter(Exists(lead))
        sign = "-" if self.wish.sort.startswith("-") else ""
        order = [F("currency"), f"{sign}price_minor", f"{sign}id"]
        found = self._matching(products).order_by(*order).annotate(lead=Subquery(lead.values("pk")[:1]))
        return found.values_list("lead", flat=True)

    # --- Pages --------------------------------------------------------------------------------------------

    def page(self, number):
        """The page of this number; the nearest one that there is for a number of none."""
        number = min(max(number, 1), MOST_PAGES)
        found = self._ids(number)
        if not found and number > 1:
            number = max(-(-len(self._between(0, MOST_PAGES * PAGE_SIZE)) // PAGE_SIZE), 1)
            found = self._ids(number)
        return Page(number, found[:PAGE_SIZE], self._count(number, found), has_more=len(found) > PAGE_SIZE)

    def _ids(self, number):
        start = (number - 1) * PAGE_SIZE
        return self._between(start, start + PAGE_SIZE + 1)

    def _between(self, start, end):
        return self._few[start:end] if self._few is not None else self._walked(start, end - start)

    def _count(self, number, found):
        """How many there are, COUNTED + 1 for more than COUNTED."""
        if self._few is not None:
            return min(len(self._few), COUNTED + 1)
        seen = (number - 1) * PAGE_SIZE + len(found)
        if len(found) <= PAGE_SIZE or seen > COUNTED:
            return min(seen, COUNTED + 1)
        # Walked in the order of the shop, whatever that of the page is: no other is as quick.
        return self._matching(self.wish.leads()).order_by(*ORDERS[""])[: COUNTED + 1].count()


@dataclass(frozen=True)
class Page:
    """`ids` of the leads in their order. `count` is exact up to COUNTED."""

    number: int
    ids: list[int]
    count: int
    has_more: bool
    counted: int = COUNTED

    @property
    def is_counted(self):
        return self.count <= COUNTED

    @property
    def pages(self):
        """How many pages there are, as far as is counted."""
        return max(-(-self.count // PAGE_SIZE), 1)

    @property
    def previous(self):
        return self.number - 1

    @property
    def next(self):
        return self.number + 1 if self.has_more and self.number < MOST_PAGES else None

    @property
    def is_cut(self):
        """Whether there are products behind this page that only a narrower wish can reach."""
        return self.has_more and self.number == MOST_PAGES


def number_of(text):
    """The page number that an address names; 1 for anything else."""
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) else 1


def categories(most=300):
    """The categories of the catalog by name, with the number of their leads, at most COUNTED + 1: (name, count).

    One step of the index from a name to the next, and one bounded count for each: grouping would read all leads.
    """
    sql = f"""
        WITH RECURSIVE names(name) AS (
            SELECT min(category) FROM storefront_product WHERE {_LEAD} AND category > ''
            UNION ALL
            SELECT (SELECT min(category) FROM storefront_product WHERE {_LEAD} AND category > names.name)
            FROM names WHERE names.name IS NOT NULL
        )
        SELECT name, (
            SELECT count(*) FROM (
                SELECT 1 FROM storefront_product WHERE {_LEAD} AND category = name LIMIT %s
            ) bounded
        ) FROM names WHERE name IS NOT NULL LIMIT %s"""  # noqa: S608  no values
    with connection.cursor() as cursor:
        cursor.execute(sql, [COUNTED + 1, most])
        return cursor.fetchall()
