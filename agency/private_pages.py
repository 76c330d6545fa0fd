"""Pages that whoever has their address may see: kept out of caches, search engines and other sites' logs."""

from functools import wraps

from django.shortcuts import render


def private(view):
    """A page that tells nobody where its reader comes from, and is stored nowhere."""
    return _with_headers(view, "no-referrer")


def private_form(view):
    """The same for a page with a form. Its own site learns the address: without any, Django takes a form that is
    sent from it for one of another site."""
    return _with_headers(view, "same-origin")


def _with_headers(view, referrer_policy):
    @wraps(view)
    def answer(request, *args, **kwargs):
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        response["Referrer-Policy"] = referrer_policy
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return answer


def sorry(request, refusal):
    """A refusal as a page: what is wrong, and what to do about it."""
    context = {"refusal": refusal, "code": refusal.extra.get("code", "")}
    response = render(request, "sorry.html", context, status=refusal.status)
    if "retry_after" in refusal.extra:
        response["Retry-After"] = str(refusal.extra["retry_after"])
    return response
