"""Which addresses webhooks may be sent to: public ones, checked when they are saved and again at every send.

A receiver's address is somebody else's text; without this check it could make our server call itself, its
neighbors or the metadata service of its cloud. `resolve` gives the very IP addresses that are then connected to,
so that a name that changes between check and connection gains nothing.
"""

import ipaddress
import socket
import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from django.conf import settings

DEFAULT_PORTS = {"https": 443, "http": 80}
WELL_KNOWN = 1024  # below it only the web's own ports: no mail, no remote shells
LONGEST_LOOKUP = 5  # seconds; the C library would take its time

IPV6_PUBLIC = ipaddress.ip_network("2000::/3")
IPV6_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# What `ipaddress` calls global, or called so in some versions of Python, and is no host to send anything to.
NEVER = [
    ipaddress.ip_network(text)
    for text in (
        "100.100.100.200",  # metadata services of clouds outside of the link-local range
        "168.63.129.16",
        "fd00:ec2::254",
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # Teredo and other special uses
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",
    )
]
INTRANET = [
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "::1",
        "fc00::/7",
    )
]


class Unusable(ValueError):
    """This address can't be sent to; the text says why, for people."""


@dataclass(frozen=True)
class Address:
    """A webhook's URL, taken apart. `target` is path and query as the request line has them."""

    scheme: str
    host: str
    port: int
    target: str


def parse(url):
    """`url` as an `Address`, or `Unusable`. Nothing is looked up."""
    if not url.isascii() or not url.isprintable() or any(sign in url for sign in ' \\<>"^`{|}'):
        raise Unusable("Write the address in plain ASCII: xn--… for other letters in the name, %… in the path.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unusable("This is not a web address.") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise Unusable("Give an address that begins with https://.")
    if parts.scheme == "http" and not (settings.DEBUG or settings.WEBHOOK_ALLOW_PRIVATE):
        raise Unusable("Messages are sent over https only.")
    if "@" in parts.netloc:
        raise Unusable("An address with a user name or password in it is not accepted.")
    if parts.fragment:
        raise Unusable("Leave out what follows the #: it is never sent.")
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    if port < WELL_KNOWN and port not in DEFAULT_PORTS.values():
        raise Unusable(f"Port {port} belongs to another service. Use 443, 80 or one from {WELL_KNOWN}.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, parts.hostname, port, target)


def check(url):
    """Raise `Unusable` unless messages may be sent to `url` as its name resolves now. Looks the name up."""
    return resolve(parse(url))


def resolve(address):
    """The IP addresses (text) of an `Address`, in the resolver's order; `Unusable` if one is not public."""
    found = list(dict.fromkeys(_lookup(address.host, address.port)))
    for ip in found:
        if not may_send_to(ip):
            raise Unusable(f"{address.host} is not on the public internet.")
    return found


def may_send_to(ip):
    """Whether `ip` (text) is a public host, or one of the intranet where WEBHOOK_ALLOW_PRIVATE says so."""
    ip = _unwrapped(ipaddress.ip_address(ip.partition("%")[0]))
    if any(ip in network for network in NEVER):
        return False
    if settings.WEBHOOK_ALLOW_PRIVATE and any(ip in network for network in INTRANET):
        return True
    if ip.is_multicast or ip.is_reserved:
        return False
    return ip.is_global and (ip.version == 4 or ip in IPV6_PUBLIC)


def _unwrapped(ip):
    """The IPv4 address that an IPv6 one stands for: mapped ones, and those that a NAT64 gateway translates."""
    if ip.version == 6 and ip.ipv4_mapped:
        return ip.ipv4_mapped
    if ip.version == 6 and ip in IPV6_NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def _lookup(host, port):
    """What the name resolves to. In a thread: the resolver has no timeout of ours."""
    answers = SimpleQueue()
    threading.Thread(target=_ask, args=(host, port, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=LONGEST_LOOKUP)
    except Empty:
        answer = None
    if not answer:
        raise Unusable(f"The name {host} can't be resolved.")
    return answer


def _ask(host, port, answers):
    try:
        answers.put([info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
    except (OSError, UnicodeError):
        answers.put(None)
