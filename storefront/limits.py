"""Who asks, and how often one caller may ask for what costs us or others something: mails, rows, stock kept."""

from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache

LONGEST_NAME = 150  # of a user
ONE_HOUSEHOLD = 64  # bits of an IPv6 address that tell one line from another; the rest its owner chooses freely


def caller(request):
    """The address that asks, as what may be counted: what the last of our own proxies saw, else the connection's.

    Of IPv6 it is the network, or whoever has one would be 2^64 callers. A word that is no address counts as none.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    seen = forwarded[-settings.PROXIES] if 0 < settings.PROXIES <= len(forwarded) else ""
    connection = request.META.get("REMOTE_ADDR", "")
    return _counted(seen) or _counted(connection) or connection


def _counted(text):
    address = _read(text.strip()) or _read(_without_port(text.strip()))
    if address is None or address.version == 4:
        return str(address or "")
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), ONE_HOUSEHOLD), strict=False).network_address)


def _read(text):
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _without_port(text):
    """Some proxies write 192.0.2.1:4711."""
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""


def name_tried(request, credentials=None):
    """The name of a login, as far as the list of sign-ins can hold it: Django's form takes any length. Or None."""
    name = (credentials or request.POST).get("username")
    return name and name[:LONGEST_NAME]


def is_too_often(request, what, *, at_most, within):
    """Count this call, and say whether its caller made more than `at_most` within so many seconds."""
    key = f"{what}:{caller(request)}"
    cache.add(key, 0, timeout=within)
    try:
        return cache.incr(key) > at_most
    except ValueError:  # it ran out in between
        return False
