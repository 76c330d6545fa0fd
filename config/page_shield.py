"""Pages that everybody sees, kept as the bytes that were sent, in front of Django.

A kept page is sent only while the version of the pages (`storefront.page_version`) is the one that was read before
the page was made. One look at the version holds for LOOK_HOLDS, less than a network takes, so that the database is
not asked for every visitor of a crowd; who sends Cache-Control, as a browser's "reload" does, gets a look of their
own. There is no other lifetime, and nothing to clear. Only anonymous GETs and HEADs of known pages are kept: who
sends a cookie, a token or a parameter that the page does not know, is Django's to answer.
"""

import logging
import re
import sqlite3
import threading
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from config.requests import id_of
from storefront import page_index, page_version
from storefront.forms import CatalogForm

log = logging.getLogger(__name__)

MOST_BYTES = 64_000_000  # of kept pages, in each process
LONGEST_QUERY = 500
LOOK_HOLDS = 0.005  # seconds
# The pages, and the parameters that each of them reads.
PARAMETERS = {
    "/": frozenset(),
    "/catalog/": frozenset({*CatalogForm.base_fields, "page"}),
    "/services/": frozenset(),
    "/portfolio/": frozenset({"page"}),
}
ONE = re.compile(r"/(?:products|services|portfolio)/[-a-zA-Z0-9_]{1,140}/")
# Who sends one of these gets an answer of their own.
PERSONAL = (
    *("HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_RANGE", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"),
    *("HTTP_HX_REQUEST", "HTTP_UPGRADE"),
)
# What a 304 repeats of the page's own headers (RFC 9110, 15.4.5).
REPEATED = {"cache-control", "content-location", "date", "etag", "expires", "vary"}


@dataclass(frozen=True)
class Answer:
    """An answer as it goes over the wire; `version` is that of the pages before it was made."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    version: object = None

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def is_for_everybody(self):
        names = {name.lower() for name, _ in self.headers}
        return (
            self.status == "200 OK"
            and self.header("content-type").startswith("text/html")
            and not names & {"set-cookie", "vary", "content-encoding"}
            and "private" not in self.header("cache-control")
            and "no-store" not in self.header("cache-control")
            and "nonce-" not in self.header("content-security-policy")
        )


class PageShield:
    """A WSGI application around another one."""

    def __init__(self, application, most_bytes=MOST_BYTES):
        self._application = application
        self._kept = OrderedDict()
        self._bytes, self._most_bytes = 0, most_bytes
        self._lock = threading.Lock()
        self._is_watched = None
        self._looked = None, 0.0  # the version, and when that look began

    def __call__(self, environ, start_response):
        key = _key(environ)
        version = self._version("HTTP_CACHE_CONTROL" in environ) if key else None
        if version is None:
            return self._application(environ, start_response)
        answer = self._find(key, version)
        if answer is None:
            answer = self._ask(environ, key, version)
            if answer.is_for_everybody:
                self._keep(key, answer)
        return _send(answer, environ, start_response)

    def _version(self, looks_itself):
        """The version of the pages; None where no page may be kept: inside a transaction, which sees more than is
        committed, without the triggers, and without the database."""
        connection = connections[DEFAULT_DB_ALIAS]
        if connection.in_atomic_block:
            return None
        version, then = self._looked
        now = monotonic()
        if version is not None and now < then + LOOK_HOLDS and not looks_itself:
            return version
        version = self._look(connection)
        # A look that began earlier may end later and overwrite: it holds for its own time, and no longer.
        self._looked = version, now
        return version

    def _look(self, connection):
        try:
            if self._is_watched is None:
                self._is_watched = page_index.is_complete(connection)
                if not self._is_watched:
                    log.error("no page is kept: triggers of the page version are missing; migrate and restart")
            return page_version.current(connection) if self._is_watched else None
        except (DatabaseError, sqlite3.Error):
            connection.close()
            return None

    def _ask(self, environ, key, version):
        """Django's whole answer. It is asked without conditions, so that there is something to keep."""
        asked = dict(environ, REQUEST_METHOD="GET", QUERY_STRING=key[-1])
        asked.pop("HTTP_IF_NONE_MATCH", None)
        asked.pop("HTTP_IF_MODIFIED_SINCE", None)
        started = []
        response = self._application(
            asked, lambda status, headers, exc_info=None: started.append((status, headers))
        )
        try:
            body = b"".join(response)
        finally:
            if hasattr(response, "close"):
                response.close()
        status, headers = started[-1]
        return Answer(status, [(n, v) for n, v in headers if n.lower() != "x-request-id"], body, version)

    # --- What is kept ---------------------------------------------------------------------------------------

    def _find(self, key, version):
        with self._lock:
            answer = self._kept.get(key)
            if answer is None or answer.version != version:
                return None
            self._kept.move_to_end(key)
            return answer

    def _keep(self, key, answer):
        with self._lock:
            self._drop(key)
            self._kept[key] = answer
            self._bytes += _weight(key, answer)
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._kept)))

    def _drop(self, key):
        answer = self._kept.pop(key, None)
        if answer:
            self._bytes -= _weight(key, answer)


def shielded(application):
    """The application behind a shield, unless PAGE_SHIELD says otherwise."""
    return PageShield(application) if settings.PAGE_SHIELD else application


def _weight(key, answer):
    """Bytes in memory, roughly."""
    return 2000 + sum(map(len, key)) + len(answer.body)


def _key(environ):
    """What tells pages apart: host, scheme and address with its parameters in one order. None = not kept.

    The host is part of it: an answer to a foreign one is never sent to another, whatever it says.
    """
    path, host = environ["PATH_INFO"], environ.get("HTTP_HOST", "")
    names = PARAMETERS.get(path)
    if names is None and not ONE.fullmatch(path):
        return None
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or not host or len(host) > 255:
        return None
    if any(name in environ for name in PERSONAL) or environ.get("CONTENT_LENGTH") not in (None, "", "0"):
        return None
    query = environ.get("QUERY_STRING", "")
    if query:
        query = _in_order(query, names or ())
        if query is None:
            return None
    scheme = f"{environ['wsgi.url_scheme']} {environ.get('HTTP_X_FORWARDED_PROTO', '')[:20]}"
    return scheme, host, environ.get("SCRIPT_NAME", ""), path, query


def _in_order(query, names):
    """The parameters sorted by name; None if one is unknown to the page, or there twice."""
    if len(query) > LONGEST_QUERY:
        return None
    parts = sorted(query.split("&"))
    given = [part.partition("=")[0] for part in parts]
    if len(set(given)) < len(given) or not names.issuperset(given) if names else True:
        return None
    return "&".join(parts)


def _send(answer, environ, start_response):
    request_id = ("X-Request-ID", id_of(environ))
    condition = environ.get("HTTP_IF_NONE_MATCH")
    etag = answer.header("etag") if condition and answer.status == "200 OK" else ""
    if etag and _knows(condition, etag):
        headers = [(name, value) for name, value in answer.headers if name.lower() in REPEATED]
        start_response("304 Not Modified", [*headers, request_id])
        return []
    start_response(answer.status, [*answer.headers, request_id])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]


def _knows(condition, etag):
    """Whether If-None-Match names this version of the page (weakly compared, as GET does)."""
    known = {part.strip().removeprefix("W/") for part in condition.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
