"""Only public addresses get webhooks, whatever their text looks like."""

import socket
import time

import pytest

from agency import webhook_addresses
from agency.webhook_addresses import Unusable

PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
INTRANET = ["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd12::1"]
INTRANET_INSIDE = ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1"]
NEVER = [
    *("0.0.0.0", "0.1.2.3", "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "203.0.113.5"),
    *("192.88.99.1", "::", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "fd00:ec2::254", "2001:db8::1"),
    *("2002:7f00:1::", "2002:808:808::", "2001:0:4136:e378::1", "64:ff9b:1::7f00:1", "::ffff:169.254.169.254"),
    *("64:ff9b::a9fe:a9fe", "::127.0.0.1", "3fff::1", "100::1", "5f00::1"),
]


def resolves_to(monkeypatch, *answers):
    """DNS that gives one answer (a list of addresses) after the other, and then the last one for good."""
    left = list(answers)
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        if host[0].isdigit():
            return real(host, port, *args, **kwargs)
        ips = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_hosts_get_webhooks(ip):
    assert webhook_addresses.may_send_to(ip) is True


@pytest.mark.parametrize("ip", [*INTRANET, *INTRANET_INSIDE, *NEVER])
def test_hosts_that_are_not_public_get_none(ip):
    assert webhook_addresses.may_send_to(ip) is False


@pytest.mark.parametrize("ip", [*INTRANET, *INTRANET_INSIDE, *PUBLIC])
def test_an_intranet_gets_webhooks_where_the_setting_says_so(settings, ip):
    settings.WEBHOOK_ALLOW_PRIVATE = True

    assert webhook_addresses.may_send_to(ip) is True


@pytest.mark.parametrize("ip", NEVER)
def test_metadata_services_and_no_hosts_get_none_even_then(settings, ip):
    settings.WEBHOOK_ALLOW_PRIVATE = True

    assert webhook_addresses.may_send_to(ip) is False


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://receiver.example/", "over https only"),
        ("ftp://receiver.example/", "begins with https://"),
        ("javascript:alert(1)", "begins with https://"),
        ("https://", "begins with https://"),
        ("receiver.example/hook", "begins with https://"),
        ("https://user:secret@receiver.example/", "user name or password"),
        ("https://8.8.8.8@receiver.example/", "user name or password"),
        ("https://receiver.example/#part", "follows the #"),
        ("https://receiver.example:22/", "Port 22"),
        ("https://receiver.example:25/", "Port 25"),
        ("https://receiver.example:0/", "Port 0"),
        ("https://receiver.example:99999/", "not a web address"),
        ("https://[::1/", "not a web address"),
        ("https://receiver.example/a b", "plain ASCII"),
        ("https://receiver.example\\@127.0.0.1/", "plain ASCII"),
        ("https://receiver.example/\r\nX-Injected: 1", "plain ASCII"),
        ("https://ölçüm.example/", "plain ASCII"),
    ],
)
def test_what_is_no_plain_public_web_address_is_refused_before_a_lookup(monkeypatch, url, why):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: pytest.fail("looked up"))

    with pytest.raises(Unusable, match=why):
        webhook_addresses.check(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]"])
def test_other_ways_to_write_this_machine_are_seen_through(host):
    with pytest.raises(Unusable, match="not on the public internet"):
        webhook_addresses.check(f"https://{host}/hook")


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch):
    resolves_to(monkeypatch, ["93.184.215.14", "10.0.0.1"])

    with pytest.raises(Unusable, match=r"receiver\.example is not on the public internet"):
        webhook_addresses.check("https://receiver.example/")


def test_a_public_name_is_taken_with_what_it_resolves_to(monkeypatch):
    resolves_to(monkeypatch, ["93.184.215.14", "93.184.215.14", "2606:4700:4700::1111"])

    found = webhook_addresses.check("https://receiver.example:8443/hook?a=1")

    assert found == ["93.184.215.14", "2606:4700:4700::1111"]
    address = webhook_addresses.parse("https://receiver.example:8443/hook?a=1")
    assert (address.host, address.port, address.target) == ("receiver.example", 8443, "/hook?a=1")


def test_a_name_that_nobody_knows_is_refused(monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(Unusable, match="can't be resolved"):
        webhook_addresses.check("https://receiver.example/")


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(2) or [])
    monkeypatch.setattr(webhook_addresses, "LONGEST_LOOKUP", 0.05)

    with pytest.raises(Unusable, match="can't be resolved"):
        webhook_addresses.check("https://receiver.example/")
