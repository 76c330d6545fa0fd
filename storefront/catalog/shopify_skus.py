"""SKUs for the variants of a Shopify file that have none: the handle and the option, as in `mug-large`.

Signs are no part of such a name, so "C" and "C#" would be one product. Where several things of a file want one
name, a fingerprint behind it tells them apart; all others keep the short name that earlier imports gave them.
"""

import re

from storefront.catalog import cells

_IN_NUMBERS = re.compile(r"(?<=[0-9])[.,/](?=[0-9])")
_REAL = (0, "", "")  # an SKU that the file states


class MadeUpSkus:
    """`things` are all variants of the file as (SKU or "", handle, option)."""

    def __init__(self, things):
        self._shared = _shared_names(things)

    def give(self, handle, option):
        name = _name(handle, option)
        own = _thing(handle, option)
        if self._shared.get(cells.identity(name), own) == own:
            return name
        return cells.with_fingerprint(name, "\n".join(own[1:]), 120)


def _shared_names(things):
    """{name that several things of a file want: the one that keeps it, or None}."""
    wanted, several = {}, {}
    for sku, handle, option in things:
        key = cells.identity(sku or _name(handle, option))
        thing = _REAL if sku else _thing(handle, option)
        if wanted.setdefault(key, thing) != thing:
            several.setdefault(key, {wanted[key]}).add(thing)
    return {key: _keeper(found) for key, found in several.items()}


def _keeper(things):
    """Not the first one of the file, or two rows that change places would change products."""
    best = min(rank for rank, _, _ in things)
    among = [thing for thing in things if thing[0] == best]
    return among[0] if len(among) == 1 else None


def _thing(handle, option):
    """(rank, handle, option) in one spelling: a handle alone goes first, then the option whose name says most of
    it, as "dark-red" does of "Dark red"."""
    handle, option = cells.identity(handle), cells.identity(option)
    if not option:
        return 1, handle, option
    lost = abs(len(option) - len(cells.slug_of(_written(option))))
    return 2 + 2 * lost + (not option.isascii()), handle, option


def _name(handle, option):
    return f"{handle}-{cells.name_of(_written(option))}" if option else handle


def _written(option):
    """A size of 8.5 is not one of 85."""
    return _IN_NUMBERS.sub("-", option)
