"""The addresses of the shop's own pages. Django works one out anew each time, at the price of a query."""

from functools import lru_cache

from django.urls import get_script_prefix, reverse


def address_of(name):
    """The path of the page with this name in the shop's URLs, which takes no arguments."""
    return _worked_out(name, get_script_prefix())


@lru_cache(maxsize=100)
def _worked_out(name, script_prefix):
    return reverse(f"storefront:{name}")
