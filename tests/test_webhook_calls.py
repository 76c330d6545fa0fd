"""One POST: to what was checked, within a deadline, whatever the receiver does."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from werkzeug import Response

from agency import webhook_calls
from agency.webhook_calls import Answer, post
from tests.test_webhook_addresses import resolves_to


@pytest.fixture(autouse=True)
def _intranet(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True


@contextlib.contextmanager
def receiver(serve):
    """A bare TCP server on this machine: `serve(connection)` in a thread for each. Gives its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=guarded, args=(connection,), daemon=True).start()

    def guarded(connection):
        with connection, contextlib.suppress(OSError):
            serve(connection)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)  # wakes who accepts; closing alone would not
        listening.close()


def _request(connection):
    """Read the request with its body `{}`: who closes before that may cut off its own answer."""
    read = b""
    while not read.endswith(b"{}"):
        read += connection.recv(65536)


def without_time(answer):
    return (answer.status, answer.error, answer.retry_after)


def test_a_message_arrives_as_it_was_signed(httpserver):
    httpserver.expect_request("/hook").respond_with_data("thanks", status=202)

    answer = post(httpserver.url_for("/hook?shop=1"), {"webhook-id": "msg_1"}, '{"title":"ölçüm"}')

    (request, _) = httpserver.log[0]
    assert (answer.status, answer.is_success) == (202, True)
    assert (request.method, request.path, request.query_string) == ("POST", "/hook", b"shop=1")
    assert request.get_data() == '{"title":"ölçüm"}'.encode()
    assert request.headers["webhook-id"] == "msg_1"
    assert request.headers["Host"] == f"localhost:{httpserver.port}"


@pytest.mark.parametrize("status", [199 + 100, 301, 307, 308, 400, 404, 410, 429, 500, 503])
def test_only_an_answer_from_200_to_299_is_a_success(httpserver, status):
    httpserver.expect_request("/hook").respond_with_data("", status=status)

    assert post(httpserver.url_for("/hook"), {}, "{}").is_success is (status == 299)


def test_a_redirect_is_not_followed(httpserver):
    elsewhere = httpserver.url_for("/elsewhere")
    httpserver.expect_request("/hook").respond_with_response(Response(status=307, headers={"Location": elsewhere}))

    answer = post(httpserver.url_for("/hook"), {}, "{}")

    assert without_time(answer) == (307, "307 TEMPORARY REDIRECT", None)
    assert [request.path for request, _ in httpserver.log] == ["/hook"]


@pytest.mark.parametrize(
    ("said", "seconds"), [("120", 120), ("-5", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
def test_a_receiver_may_say_when_it_wants_to_be_asked_again(httpserver, said, seconds):
    busy = Response(status=503, headers={"Retry-After": said})
    httpserver.expect_request("/hook").respond_with_response(busy)

    assert post(httpserver.url_for("/hook"), {}, "{}").retry_after == seconds


def test_a_receiver_can_not_say_what_no_database_keeps():
    def rude(connection):
        _request(connection)
        connection.sendall(b"HTTP/1.1 500 No\x00way\r\nContent-Length: 0\r\n\r\n")

    with receiver(rude) as port:
        answer = post(f"http://127.0.0.1:{port}/", {}, "{}")

    assert without_time(answer) == (500, "500 Noway", None)


def _silent(connection):
    time.sleep(5)


def _dripping(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: 1\r\n")
        time.sleep(0.05)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("serve", [_silent, _dripping])
def test_a_receiver_can_not_hold_us_longer_than_the_timeout(monkeypatch, scheme, serve):
    monkeypatch.setattr(webhook_calls, "TIMEOUT", 0.4)
    with receiver(serve) as port:
        began = time.monotonic()
        answer = post(f"{scheme}://127.0.0.1:{port}/hook", {}, "{}")

    assert time.monotonic() - began < 2
    assert answer.status is None
    if serve is _silent or scheme == "http":  # drops of plain text are no TLS, and end it at once
        assert answer.error == "No answer within 0.4 s."


def test_an_endless_answer_is_not_read_to_its_end():
    sent = []

    def endless(connection):
        _request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent.append(connection.send(b"x" * 65536))

    with receiver(endless) as port:
        answer = post(f"http://127.0.0.1:{port}/hook", {}, "{}")

    assert answer.is_success
    assert sum(sent) < 50_000_000


def test_what_is_no_http_and_who_is_not_there_are_told_as_errors():
    def garbage(connection):
        _request(connection)
        connection.sendall(b"220 mail.example ESMTP\r\n")

    with receiver(garbage) as port:
        not_http = post(f"http://127.0.0.1:{port}/hook", {}, "{}")
    nobody = post(f"http://127.0.0.1:{port}/hook", {}, "{}")

    assert without_time(not_http) == (None, "It did not answer in HTTP.", None)
    assert nobody.error == "ConnectionRefusedError: [Errno 111] Connection refused"


def test_the_name_is_looked_up_once_and_the_connection_goes_to_what_was_checked(httpserver, monkeypatch):
    httpserver.expect_request("/hook").respond_with_data("")
    resolves_to(monkeypatch, ["127.0.0.1"], ["127.66.66.66"])

    answer = post(f"http://receiver.example:{httpserver.port}/hook", {}, "{}")

    assert answer.is_success
    assert httpserver.log[0][0].headers["Host"] == f"receiver.example:{httpserver.port}"


def test_a_name_that_points_inward_since_it_was_saved_gets_nothing(httpserver, settings, monkeypatch):
    settings.WEBHOOK_ALLOW_PRIVATE = False
    settings.DEBUG = True  # http is not what is refused here
    resolves_to(monkeypatch, ["127.0.0.1"])

    answer = post(f"http://receiver.example:{httpserver.port}/hook", {}, "{}")

    assert without_time(answer) == (None, "receiver.example is not on the public internet.", None)
    assert httpserver.log == []


def test_the_next_address_of_a_name_is_tried_when_the_first_one_does_not_take_us(httpserver, monkeypatch):
    httpserver.expect_request("/hook").respond_with_data("")
    resolves_to(monkeypatch, ["127.66.66.66", "127.0.0.1"])

    assert post(f"http://receiver.example:{httpserver.port}/hook", {}, "{}").is_success


@pytest.fixture
def certified(tmp_path, monkeypatch):
    """A TLS server of receiver.example, whose certificate this process trusts. Gives its port."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=receiver.example -addext"
    names = "subjectAltName=DNS:receiver.example"
    subprocess.run(
        [*command.split(), names, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    webhook_calls._tls.cache_clear()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as tls:
            _request(tls)
            tls.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with receiver(serve) as port:
        yield port
    webhook_calls._tls.cache_clear()


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate with")
def test_the_certificate_must_be_that_of_the_name_in_the_address(certified, monkeypatch):
    resolves_to(monkeypatch, ["127.0.0.1"])

    right = post(f"https://receiver.example:{certified}/hook", {}, "{}")
    wrong = post(f"https://somebody.example:{certified}/hook", {}, "{}")
    by_number = post(f"https://127.0.0.1:{certified}/hook", {}, "{}")

    assert (right.status, wrong.status, by_number.status) == (204, None, None), (right, wrong)
    assert "certificate is not valid for 'somebody.example'" in wrong.error


def test_an_answer_without_status_is_no_success():
    assert Answer(error="x").is_success is False
