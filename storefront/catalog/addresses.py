"""The slugs of new products."""

from storefront.catalog import cells, rows
from storefront.models import Product


class Addresses:
    """Slugs that no other product has. Given once: a page keeps its address for good."""

    def __init__(self):
        self._given = set()
        self._taken = {}  # base -> the numbered slugs of the shop that begin with it

    def give(self, products):
        """A slug for each (title, option, SKU), asking the database once for all that nobody else wants."""
        wanted = [_base(*product) for product in products]
        for base in rows.find("slug", set(wanted) - self._taken.keys()):
            self._look_up(base)
        return [self._free(base) for base in wanted]

    def _free(self, base):
        if base in self._given:
            self._look_up(base)
        slug, number = base, 1
        if base in self._taken:
            numbers = self._taken[base]
            while slug in self._given or slug in numbers:
                number = numbers[""] = max(numbers[""], number) + 1
                slug = f"{base}-{number}"
        self._given.add(slug)
        return slug

    def _look_up(self, base):
        if base not in self._taken:
            found = Product.objects.filter(slug__startswith=base).values_list("slug", flat=True)
            self._taken[base] = dict.fromkeys(found) | {"": 1}


def _base(title, option, sku):
    return cells.slug_of(f"{title} ({option})" if option else title) or cells.slug_of(sku) or "product"
