"""Pages of other sites that may call the API from a browser (CORS): none, unless CORS_ORIGINS names them.

Written here because the whole policy is one list of origins without cookies, for one path: a package's many
settings would be more to check than these lines.
"""

from django.conf import settings
from django.http import HttpResponse
from django.utils.cache import patch_vary_headers

MAY_SEND = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Request-ID"
MAY_ASK = "GET, HEAD, POST, PATCH, PUT, DELETE"
MAY_SEE = "Content-Disposition, ETag, Idempotent-Replayed, Location, Retry-After, X-Request-ID"
REMEMBERED = 600  # seconds for which a browser does not ask again


def shared_with_origins(get_response):
    """Middleware: a named origin may send tokens and read answers. Cookies never count: no `Allow-Credentials`."""

    def middleware(request):
        if not settings.CORS_ORIGINS or not request.path_info.startswith("/api/"):
            return get_response(request)
        is_named = request.headers.get("Origin") in settings.CORS_ORIGINS
        asks_first = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = HttpResponse(status=204) if is_named and asks_first else get_response(request)
        patch_vary_headers(response, ["Origin"])
        if is_named:
            response["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response["Access-Control-Expose-Headers"] = MAY_SEE
            if asks_first:
                response["Access-Control-Allow-Methods"] = MAY_ASK
                response["Access-Control-Allow-Headers"] = MAY_SEND
                response["Access-Control-Max-Age"] = str(REMEMBERED)
        return response

    return middleware
