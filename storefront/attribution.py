"""Which promotion an order came from: its UTM link, remembered by the visitor's browser. Attribution, no cause."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.http import QueryDict

from agency.models import Run

NAMES = ("utm_source", "utm_medium", "utm_campaign")
LONGEST = 80
_CAMPAIGN = re.compile(r"run-([0-9]{1,18})\Z", re.ASCII)


@dataclass(frozen=True)
class Source:
    """Where a visitor came from, in the words of the link."""

    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""

    @property
    def run(self):
        """The run whose promotion the link belongs to, or None."""
        named = _CAMPAIGN.match(self.utm_campaign)
        return Run.objects.filter(pk=int(named[1])).first() if named else None

    @property
    def columns(self):
        return {**{name: getattr(self, name) for name in NAMES}, "run": self.run}


NOWHERE = Source()

COOKIE = "came_from"
REMEMBERED = 30 * 24 * 3600  # seconds


def of_query(query):
    """The `Source` that a link names in its UTM parameters; `NOWHERE` if it names none."""
    return Source(**{name: _clean(query.get(name, "")) for name in NAMES})


def of_visitor(request):
    """The `Source` that this visitor's browser remembers."""
    return of_query(QueryDict(request.COOKIES.get(COOKIE, "")[:1000]))


def remember(request, response):
    """Let the browser remember the link that led here for 30 days: the last one counts."""
    source = of_query(request.GET)
    if source != NOWHERE:
        said = urlencode({name: getattr(source, name) for name in NAMES})
        response.set_cookie(
            COOKIE,
            said,
            max_age=REMEMBERED,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    return response


def _clean(text):
    return "".join(letter for letter in text if letter.isprintable())[:LONGEST].strip()
