"""Asking the shop for its own pages as a visitor would, through the outermost WSGI application.

No HTTP client and no test client: the whole application answers, with every layer around Django (so that faults of
a cache show), and no server has to run.
"""

import io
import sys
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

from django.conf import settings
from django.core.signals import got_request_exception
from django.utils.module_loading import import_string

AGENT = "storefront-audit"


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are in lower case; `error` names the exception behind a 500, if known."""

    status: int
    headers: dict[str, str]
    body: bytes
    error: str = ""

    @property
    def content_type(self):
        return self.headers.get("content-type", "")


class Unreachable(Exception):
    """The application itself raised instead of answering."""


def fetch(path, *, with_body=True):
    """The `Answer` to an anonymous GET of a path on this site; `Unreachable` if the application raised.

    With `with_body=False` the answer is closed without being read, for files whose bytes do not matter.
    """
    environ = _environ(path)
    errors = []

    def remember(sender, request=None, **kwargs):
        # The signal is heard by all threads; only this call's own request counts.
        if request is not None and request.environ is environ:
            errors.append(_last_exception())

    got_request_exception.connect(remember, weak=False)
    try:
        status, headers, body = _call(environ, with_body)
    except Exception as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error
    finally:
        got_request_exception.disconnect(remember)
    names = {name.lower(): value for name, value in headers}
    return Answer(int(status.split(" ", 1)[0]), names, body, "; ".join(errors))


def _call(environ, with_body):
    started = []
    application = import_string(settings.WSGI_APPLICATION)
    response = application(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    try:
        body = b"".join(response) if with_body else b""
    finally:
        # Closing ends the request for Django: it keeps a connection that is in use (close_old_connections
        # looks at its age and at errors, and leaves a connection alone inside a transaction).
        if hasattr(response, "close"):
            response.close()
    if not started:
        raise RuntimeError("the application did not start a response")
    return *started[-1], body


def _environ(path):
    """PEP 3333: what a server behind a TLS proxy would hand over for this path of PUBLIC_URL."""
    site, asked = urlsplit(settings.PUBLIC_URL), urlsplit(path)
    port = site.port or (443 if site.scheme == "https" else 80)
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": site.path,
        "PATH_INFO": unquote_to_bytes(asked.path).decode("latin-1"),
        "QUERY_STRING": asked.query,
        "SERVER_NAME": site.hostname or "localhost",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": site.netloc,
        "HTTP_USER_AGENT": AGENT,
        "HTTP_ACCEPT": "text/html,*/*;q=0.8",
        "HTTP_CACHE_CONTROL": "no-cache",  # what was written a moment ago is what we came to see
        "HTTP_X_FORWARDED_PROTO": site.scheme,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": site.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def _last_exception():
    error = sys.exc_info()[1]
    return f"{type(error).__name__}: {error}" if error else ""
