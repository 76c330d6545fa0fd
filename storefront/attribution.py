"""Which promotion an order came from: its UTM link, remembered by the visitor's browser. Attribution, no cause."""

import re
from dataclasses import dataclass

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
