"""What every request gets: a name in the logs, and for programs a line there and a short answer to "again?"."""

import logging
import random
import re
import time
from functools import cached_property
from urllib.parse import quote

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.http import ConditionalGetMiddleware
from django.utils.cache import get_conditional_response, set_response_etag

from config.logs import request_id

log = logging.getLogger(__name__)

GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
LONGEST_PATH = 200


def id_of(environ):
    """The id of this request: its caller's own where that is one.

    A made one is no secret. `os.urandom` is a system call, for which the thread gives Python's lock away.
    """
    given = environ.get("HTTP_X_REQUEST_ID", "")
    return given if GIVEN.fullmatch(given) else f"{random.getrandbits(128):032x}"


def identified(get_response):
    """Middleware: every request has an id, its caller's own where that is one, in its log lines and its answer.

    Outermost, so that whatever answers, answers with it. A call of the API is one line of the log: method, path,
    status and milliseconds; not its parameters, its body or who asked.
    """

    def middleware(request):
        request.id = id_of(request.META)
        entered = request_id.set(request.id)
        began = time.perf_counter()
        try:
            response = get_response(request)
            response["X-Request-ID"] = request.id
            if request.path.startswith("/api/"):
                _note(request, response, (time.perf_counter() - began) * 1000)
        finally:
            request_id.reset(entered)
        return response

    return middleware


def _note(request, response, ms):
    # Quoted: a path comes from outside and may hold line breaks.
    path = quote(request.path)[:LONGEST_PATH]
    fields = {"method": request.method, "path": path, "status": response.status_code, "ms": round(ms, 1)}
    log.info("%(method)s %(path)s %(status)s %(ms)s ms", fields, extra={"fields": fields})


class ConditionalAnswers(ConditionalGetMiddleware):
    """Django's, for the API's HEAD as well: its body was made like that of GET, and only the server drops it."""

    def process_response(self, request, response):
        if request.method != "HEAD" or not request.path_info.startswith("/api/"):
            return super().process_response(request, response)
        if self.needs_etag(response) and not response.has_header("ETag"):
            set_response_etag(response)
        if not response.has_header("ETag"):
            return response
        return get_conditional_response(request, etag=response["ETag"], response=response)


class ContentSecurityPolicy(CSPMiddleware):
    """django-csp's, which puts the policy together twice for every answer: a twentieth of a page. Here it is
    done once for all answers that leave the policy as it is."""

    def process_response(self, request, response):
        has_own = getattr(request, "_csp_nonce", None) or any(name.startswith("_csp") for name in vars(response))
        if has_own or response.status_code in (404, 500):  # of those, Django's pages for developers have none
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self._unchanged)
        return response

    @cached_property
    def _unchanged(self):
        return super().process_response(HttpRequest(), HttpResponse())[HEADER]
