"""The store's figures before and after a wish was collapsed. They claim no cause: much else happens in a month."""

from datetime import timedelta

from earnings import groups
from earnings.dashboard import Scope
from earnings.ledger import local_date
from earnings.models import Kind
from earnings.snapshots import snapshot

WINDOWS = (7, 14, 30)  # days


def of_intent(intent, at=None):
    """What the whole store earned in the days before the wish collapsed, and from that day on.

    `{"since", "currency", "windows": [{"days", "is_complete", "kinds": [{"kind", "before", "after"}]}]}`, days cut
    in the store's time zone; None while the wish is in superposition. A window is complete when its last day is
    over.
    """
    if intent.collapsed_at is None:
        return None
    since = local_date(intent.collapsed_at)
    with snapshot():
        scopes = [Scope(kind, at=at) for kind in Kind.values]
        windows = [_window(scopes, since, days) for days in WINDOWS]
    return {"since": since, "currency": scopes[0].currency, "windows": windows}


def _window(scopes, since, days):
    before = since - timedelta(days=days), since - timedelta(days=1)
    after = since, since + timedelta(days=days - 1)
    kinds = [
        {"kind": scope.kind, "before": groups.within(scope, *before), "after": groups.within(scope, *after)}
        for scope in scopes
    ]
    return {"days": days, "is_complete": scopes[0].today > after[1], "kinds": kinds}
