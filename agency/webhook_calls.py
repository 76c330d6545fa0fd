"""One POST to a receiver: to the address that was checked, within one deadline, and nowhere else."""

import http.client
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from agency import webhook_addresses
from earnings import storable

TIMEOUT = 15  # seconds for everything after the name's lookup; the specification says 15 to 30
MOST_READ = 64 * 1024  # bytes of an answer, which nobody reads


@dataclass(frozen=True)
class Answer:
    """How one try ended: `status` is None if no HTTP answer came, and `error` then says why. Times in ms and s."""

    status: int | None = None
    error: str = ""
    ms: int | None = None
    retry_after: int | None = None

    @property
    def is_success(self):
        return self.status is not None and 200 <= self.status < 300


def post(url, headers, body):
    """Send `body` (text) to `url` once and give its `Answer`; never raises for what a receiver does.

    Redirects are not followed. The name is resolved once, here, and the connection goes to what was checked.
    """
    began = time.monotonic()
    status = retry_after = None
    try:
        address = webhook_addresses.parse(url)
        call = _Call(address, webhook_addresses.resolve(address))
        try:
            call.request("POST", address.target, body=body.encode(), headers=headers)
            response = call.getresponse()
            if call.is_late:  # headers that the timer cut off look complete
                raise TimeoutError
            status, error = response.status, f"{response.status} {response.reason}".strip()
            retry_after = _seconds(response.getheader("Retry-After"))
            with suppress(OSError, http.client.HTTPException):  # it has answered; how it ends is its own affair
                response.read(MOST_READ)
        except (OSError, http.client.HTTPException) as failure:
            error = call.explain(failure)
        finally:
            call.close()
    except webhook_addresses.Unusable as refused:
        error = str(refused)
    return Answer(status, storable.kept(error)[:200], round((time.monotonic() - began) * 1000), retry_after)


class _Call(http.client.HTTPConnection):
    """A connection to one of the given IP addresses, for the name in the URL, with a deadline for all of it.

    A socket's timeout bounds each read; a receiver that sends a byte now and then would hold us forever. So a
    timer ends the connection.
    """

    def __init__(self, address, ips):
        super().__init__(address.host, address.port)
        self.default_port = webhook_addresses.DEFAULT_PORTS[address.scheme]  # decides what `Host` says
        self._address, self._ips = address, ips
        self._until = time.monotonic() + TIMEOUT
        self.is_late = False
        self._timer = self._guard = None

    def connect(self):
        plain = self._connected()
        self._guard = plain.dup()  # wrapping takes the socket's descriptor away
        self._timer = threading.Timer(max(0, self._until - time.monotonic()), self._end)
        self._timer.daemon = True
        self._timer.start()
        self.sock = plain
        if self._address.scheme == "https":
            self.sock = _tls().wrap_socket(plain, server_hostname=self._address.host)

    def _connected(self):
        failure = None
        for ip in self._ips:
            left = self._until - time.monotonic()
            if left <= 0:
                break
            try:
                return socket.create_connection((ip, self._address.port), timeout=left)
            except OSError as error:
                failure = error
        raise failure or TimeoutError

    def _end(self):
        self.is_late = True
        with suppress(OSError):
            self._guard.shutdown(socket.SHUT_RDWR)

    def explain(self, failure):
        if self.is_late or isinstance(failure, TimeoutError):
            return f"No answer within {TIMEOUT} s."
        if not isinstance(failure, OSError):  # what it said instead is not ours to show
            return "It did not answer in HTTP."
        return f"{type(failure).__name__}: {failure}"

    def close(self):
        super().close()
        if self._timer:
            self._timer.cancel()
            self._guard.close()


@cache
def _tls():
    return ssl.create_default_context()


def _seconds(retry_after):
    """The header's number of seconds; a date instead counts as nothing said."""
    return int(retry_after) if retry_after and retry_after.isdecimal() and len(retry_after) < 9 else None
