"""How every API view says no."""

import logging

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DataError
from django.http import Http404, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from agency.direction_board import pointers
from earnings.refusals import Refusal

log = logging.getLogger(__name__)

TITLES = {
    400: "Bad request",
    401: "Authentication needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Values refused",
    429: "Too many requests",
    500: "Server error",
    503: "Busy",
}


def problem(error, context):
    """Every refusal as `application/problem+json` (RFC 9457)."""
    if isinstance(error, Refusal):
        set_rollback()
        body = dict(error.extra)
        if error.allowed is not None:
            body["allowed"] = error.allowed
        answer = _answer(error.status, error.detail, error.errors, body)
        if "retry_after" in body:
            answer["Retry-After"] = str(body["retry_after"])
        return answer
    if isinstance(error, RequestDataTooBig):
        _read_away(context["request"])
        return _answer(413, "The body is larger than this API accepts.")
    if isinstance(error, SuspiciousOperation):
        return _answer(400, "The request has too many fields or files, or another form that is not accepted.")
    if isinstance(error, DataError):
        set_rollback()
        return _answer(400, "A value of the request can't be stored.")
    response = exception_handler(error, context)
    if response is None:
        return None
    errors = []
    if isinstance(error, exceptions.ValidationError):
        errors = list(pointers(response.data))
        detail = "Some values can't be accepted."
    elif isinstance(error, Http404):
        detail = "There is no such thing here."
    else:
        detail = str(response.data.get("detail", error))
    answer = _answer(response.status_code, detail, errors)
    for name in ("WWW-Authenticate", "Retry-After"):
        if response.has_header(name):
            answer[name] = response[name]
    return answer


def _read_away(request, most=64_000_000):
    """Read an oversize body and drop it: a client that is still sending sees the answer, not a broken pipe."""
    while most > 0 and (chunk := request._request.read(min(most, 1 << 20))):
        most -= len(chunk)


def _answer(status, detail, errors=(), extra=None):
    body = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}
    if errors:
        body["errors"] = list(errors)
    return Response(body | (extra or {}), status=status, content_type="application/problem+json")


def not_found(request, *args, **kwargs):
    """An unknown address under /api/: the same form as every other refusal."""
    return _plain(404, "There is no such address; /api/v1/docs shows those that are.")


def _plain(status, detail, **extra):
    body = {"type": "about:blank", "title": TITLES[status], "status": status, "detail": detail} | extra
    return JsonResponse(body, status=status, content_type="application/problem+json")


def bad_request(request, exception):
    """Django's own 400, such as a foreign Host: a problem for programs, a page for people."""
    if request.path_info.startswith("/api/"):
        return _plain(400, "The request can't be understood.")
    return defaults.bad_request(request, exception)


def server_error(request):
    """A fault of ours: a problem for programs, a page for people."""
    if request.path_info.startswith("/api/"):
        return _plain(500, "Something went wrong here; it was logged.", request_id=request.id)
    return defaults.server_error(request)


def personal(get_response):
    """Middleware: what the API answers is its caller's. No cache between us keeps it, and the caller's own asks
    before it shows it again."""

    def middleware(request):
        response = get_response(request)
        if request.path_info.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return middleware


def slashless(get_response):
    """Middleware: an API address means the same with a slash at its end."""

    def middleware(request):
        if request.path_info.startswith("/api/"):
            request.path_info = request.path_info.rstrip("/")
        return get_response(request)

    return middleware
