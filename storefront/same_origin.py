"""Forms on pages that everybody shares.

Catalog and product pages are the same bytes for everybody, so that they can be cached: a CSRF token of one visitor
can't stand in them. Their forms are protected by what the browser itself says of where a request comes from
(`Sec-Fetch-Site`, or `Origin` from the few browsers that don't send it). A request that says neither is refused.
"""

from functools import wraps

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.views.decorators.csrf import csrf_exempt


def from_this_site(view):
    """View decorator: take POSTs from pages of this very origin only; no CSRF token is needed."""

    @csrf_exempt
    @wraps(view)
    def guarded(request, *args, **kwargs):
        if request.method == "POST" and not is_from_this_site(request):
            raise PermissionDenied("This form was not sent from a page of this shop.")
        return view(request, *args, **kwargs)

    return guarded


def is_from_this_site(request):
    """Whether the browser says that the request was made by a page of this origin."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    own = f"{request.scheme}://{request.get_host()}"
    return request.headers.get("Origin") in {own, *settings.CSRF_TRUSTED_ORIGINS}
