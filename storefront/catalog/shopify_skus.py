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
        if self._shared.get(cells.identity(name), (handle, option)) == (handle, option):
            return name
        return cells.with_fingerprint(name, cells.identity(f"{handle}\n{option}"), 120)


def _shared_names(things):
    """{name that several things of a file want: the (handle, option) that keeps it, or None}."""
    wanted, several = {}, {}
    for sku, handle, option in things:
        key = cells.identity(sku or _name(handle, option))
        thing = _REAL if sku else (_rank(option), handle, option)
        if wanted.setdefault(key, thing) != thing:
            several.setdefault(key, {wanted[key]}).add(thing)
    return {key: _keeper(found) for key, found in several.items()}


def _keeper(things):
    """Not the first one of the file, or two rows that change places would change products."""
    best = min(rank for rank, _, _ in things)
    among = [(handle, option) for rank, handle, option in things if rank == best]
    return among[0] if len(among) == 1 and best else None


def _rank(option):
    """An own handle first, then an option that its name says in full, such as "Dark red"."""
    if not option:
        return 1
    return 2 if cells.slug_of(option) == cells.identity(option).replace(" ", "-") else 3


def _name(handle, option):
    # A size of 8.5 is not one of 85.
    return f"{handle}-{cells.name_of(_IN_NUMBERS.sub('-', option))}" if option else handle
