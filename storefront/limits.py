"""How often one caller may ask for what costs us or others something: mails, stock that is kept."""

from django.core.cache import cache
from rest_framework.throttling import BaseThrottle


def is_too_often(request, what, *, at_most, within):
    """Count this call, and say whether its caller made more than `at_most` within so many seconds."""
    key = f"{what}:{BaseThrottle().get_ident(request)}"
    cache.add(key, 0, timeout=within)
    try:
        return cache.incr(key) > at_most
    except ValueError:  # it ran out in between
        return False
