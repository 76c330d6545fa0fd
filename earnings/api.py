"""The ledger's door for programs."""

import csv
from urllib.parse import urlencode

from django.http import StreamingHttpResponse
from django.urls import path, reverse
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework import mixins, viewsets
from rest_framework.response import Response
from rest_framework.views import APIView

from earnings import dashboard, history, money
from earnings.dashboard import Scope, Span
from earnings.entry_filters import EntryFilter
from earnings.filters import read_day
from earnings.ledger import BUCKETS
from earnings.models import JournalEntry
from earnings.parameters import KnowsItsParameters
from earnings.refusals import Refusal
from earnings.serializers import DashboardSerializer, EarningsFileSerializer, EntrySerializer
from earnings.sheets import safe_cell

HISTORY_LIMIT = 1000
HISTORY_MAX = 10_000


# --- Parameters -------------------------------------------------------------------------------------------

KIND = OpenApiParameter("kind", enum=dashboard.KINDS, default="real", description="Real and played money.")
CURRENCY = OpenApiParameter("currency", enum=money.CURRENCIES, description="ISO 4217; the store's own by default.")
FROM = OpenApiParameter("from", OpenApiTypes.DATE, description="First day, in the store's time zone.")
TO = OpenApiParameter("to", OpenApiTypes.DATE, description="Last day, included.")
GROUP_BY = OpenApiParameter("group_by", enum=list(dashboard.GROUPS), description="Splits `range`.")
SERIES = OpenApiParameter(
    "series",
    enum=list(dashboard.SERIES),
    description="Every step of the range, also without income. Without `from`: today's hours, the last 30 days, "
    "12 weeks or 12 months. At most 800 steps.",
)
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": HISTORY_MAX, "default": HISTORY_LIMIT},
    description="Rows of history.",
)


def _asked(request, *parameters):
    """The query's values by name, "" for what is not given."""
    return {parameter.name: request.query_params.get(parameter.name, "") for parameter in parameters}


def _span(asked):
    return Span(_day(asked, "from"), _day(asked, "to"), asked.get("group_by", ""), asked.get("series", ""))


def _day(asked, name):
    try:
        return read_day(asked[name]) if asked[name] else None
    except ValueError as error:
        raise Refusal.of_field(f"/{name}", str(error)) from None


def _limit(asked):
    text = asked["limit"] or str(HISTORY_LIMIT)
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= HISTORY_MAX):
        raise Refusal.of_field("/limit", f"A limit is between 1 and {HISTORY_MAX}.")
    return int(text)


def _unless_known(request, body):
    """`body`, or 304 if the caller has it."""
    etag = f'W/"{dashboard.fingerprint(body)}"'
    response = Response(body, headers={"ETag": etag, "Cache-Control": "private, no-cache"})
    return get_conditional_response(request._request, etag=etag, response=response)


def _linked(answer):
    """The answer with the address of the entries that each of its figures is made of."""
    entries = reverse("earnings-entries")
    answer["entries"] = {name: f"{entries}?{urlencode(where)}" for name, where in answer["entries"].items()}
    for group in answer["range"]["groups"]:
        group["entries"] = f"{entries}?{urlencode(group['entries'])}"
    return answer


# --- Views ------------------------------------------------------------------------------------------------

UNCHANGED = OpenApiResponse(description="`If-None-Match` names the figures as they are.")
_NOTHING = {"amount": "0.00", "minor": 0, "currency": "USD"}
_EIGHTY = {"amount": "80.00", "minor": 8000, "currency": "USD"}
_HUNDRED = {"amount": "100.00", "minor": 10000, "currency": "USD"}
_TWENTY = {"amount": "20.00", "minor": 2000, "currency": "USD"}
_MOVEMENT = {
    "timestamp": "2026-03-10T12:00:00Z",
    "event": "earned",
    "title": "Logo design, basic",
    "amount": _HUNDRED,
    "fee": _TWENTY,
    "net": _EIGHTY,
    "source": "service_order",
    "channel": "fiverr",
    "reference": "SO-000001",
    "kind": "real",
    "key": "service_order:1:earned",
}
_ASKED = {
    "daily": "kind=real&currency=USD&to=2026-03-10&from=2026-03-10&figure=earned",
    "weekly": "kind=real&currency=USD&to=2026-03-10&from=2026-03-09&figure=earned",
    "monthly": "kind=real&currency=USD&to=2026-03-10&from=2026-03-01&figure=earned",
    "yearly": "kind=real&currency=USD&to=2026-03-10&from=2026-01-01&figure=earned",
    "total": "kind=real&currency=USD&to=2026-03-10&figure=total",
    "earned": "kind=real&currency=USD&to=2026-03-10&figure=earned",
    **{name: f"kind=real&currency=USD&to=2026-03-10&account={name}" for name in BUCKETS},
}
DASHBOARD_EXAMPLE = OpenApiExample(
    "One order of 100.00 with a fee of 20 %, accepted today",
    value={
        "as_of": "2026-03-10T12:00:01Z",
        "sequence": 2,
        "timezone": "UTC",
        "currency": "USD",
        "currencies": [],
        "kind": "real",
        **dict.fromkeys((*dashboard.PERIODS, "total", "earned"), _EIGHTY),
        "buckets": dict.fromkeys(BUCKETS, _NOTHING) | {"pending": _EIGHTY},
        "entries": {name: f"/api/v1/earnings/entries?{asked}" for name, asked in _ASKED.items()},
        "sources": {"channel": {"fiverr": _EIGHTY}, "gig": {"logo-design": _EIGHTY}, "product": {}},
        "recent": [_MOVEMENT],
        "range": {"from": None, "to": "2026-03-10", "group_by": None, "earned": _EIGHTY, "groups": []},
        "series": None,
    },
    response_only=True,
)
FILE_EXAMPLE = OpenApiExample(
    "One order of 100.00 with a fee of 20 %, accepted today",
    value={
        "as_of": "2026-03-10T12:00:01Z",
        "sequence": 2,
        "currency": "USD",
        "kind": "real",
        "total_earnings": _EIGHTY,
        "daily": _EIGHTY,
        "history_complete": True,
        "history": [_MOVEMENT],
    },
    response_only=True,
)


class Dashboard(KnowsItsParameters, APIView):
    rights = ("earnings.view_earning",)
    query_parameters = (KIND, CURRENCY, FROM, TO, GROUP_BY, SERIES)

    @extend_schema(
        responses={200: DashboardSerializer, 304: UNCHANGED},
        examples=[DASHBOARD_EXAMPLE],
        tags=["earnings"],
        operation_id="dashboard_earnings",
    )
    def get(self, request):
        """The earnings, now.

        `daily`, `weekly`, `monthly` and `yearly` are what was **earned**, after fees, in the store's current
        day, ISO week, month and year: service money counts when the client accepts, digital goods when access
        is granted, and refunds are deducted on their own day. Nothing is counted that was not earned.
        `total` is the sum of the five buckets: all money received, `unearned` included. Real and simulated
        money are added only with `kind=all`, which then shows both `parts`; currencies are never added.
        Entries that are dated after today are not counted yet. Everything is read at one moment, also while others
        write, and each figure names the `entries` that it is made of.
        """
        asked = _asked(request, *self.query_parameters)
        scope = Scope(asked["kind"] or "real", asked["currency"])
        return _unless_known(request, _linked(dashboard.summary(scope, _span(asked))))


class EarningsFile(KnowsItsParameters, APIView):
    rights = ("earnings.view_earning",)
    query_parameters = (KIND, CURRENCY, LIMIT)

    @extend_schema(
        responses={200: EarningsFileSerializer, 304: UNCHANGED},
        examples=[FILE_EXAMPLE],
        tags=["earnings"],
        operation_id="earnings_json",
    )
    def get(self, request):
        """What was earned in all and today, and the history behind it, newest first.

        The `net` amounts of the complete history sum to `total_earnings`, which is the dashboard's `earned`.
        """
        asked = _asked(request, *self.query_parameters)
        scope = Scope(asked["kind"] or "real", asked["currency"])
        return _unless_known(request, dashboard.earnings_file(scope, _limit(asked)))


class _Line:
    """What a CSV writer writes to: it hands each line on at once."""

    def write(self, text):
        return text


COLUMNS = (
    "timestamp",
    "date",
    "event",
    "key",
    "kind",
    "currency",
    "title",
    "source",
    "channel",
    "reference",
    "gig",
    "product",
    "client",
    "gross",
    "fee",
    "net",
    *BUCKETS,
)


class Export(KnowsItsParameters, APIView):
    rights = ("earnings.view_earning",)
    query_parameters = (KIND, CURRENCY, FROM, TO)

    @extend_schema(
        responses={(200, "text/csv"): OpenApiTypes.STR},
        tags=["earnings"],
        operation_id="earnings_export_csv",
    )
    def get(self, request):
        """Every entry as a row of a CSV file, oldest first, in plain decimals.

        `gross`, `fee` and `net` are what the entry changed of what was earned, so `net` sums to the dashboard's
        `earned`; the five bucket columns are what it moved, and sum to the buckets. Cells that a spreadsheet
        would run as a formula are disarmed with an apostrophe.
        """
        asked = _asked(request, *self.query_parameters)
        scope = Scope(asked["kind"] or "real", asked["currency"])
        rows = _span(asked).of(scope.of(history.moves())).order_by("pk")
        writer = csv.writer(_Line())
        lines = (writer.writerow(_cells(entry)) for entry in rows.iterator())
        name = f"earnings-{scope.kind}-{scope.currency}-{scope.today}.csv"
        return StreamingHttpResponse(
            _chain(writer.writerow(COLUMNS), lines),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "private, no-store",
            },
        )


def _chain(header, lines):
    yield header
    yield from lines


def _cells(entry):
    earning = entry.earning
    facts = [
        entry.occurred_at.isoformat().replace("+00:00", "Z"),
        entry.local_date.isoformat(),
        entry.event,
        entry.key,
        entry.kind,
        entry.currency,
        entry.title,
        earning.source if earning else "channel",
        entry.channel_id,
        *([earning.reference, earning.gig, earning.product_sku, earning.client] if earning else [""] * 4),
    ]
    amounts = [entry.gross, entry.gross - entry.net, entry.net, *(getattr(entry, bucket) for bucket in BUCKETS)]
    texts = [money.amount_text(minor, entry.currency) for minor in amounts]
    return [safe_cell(fact) for fact in facts] + texts


@extend_schema_view(list=extend_schema(tags=["earnings"], operation_id="earnings_entries"))
class EntryViewSet(KnowsItsParameters, mixins.ListModelMixin, viewsets.GenericViewSet):
    """Journal entries with their postings, newest first: debits positive, credits negative, each sums to zero."""

    queryset = JournalEntry.objects.select_related("earning", "reverses").prefetch_related("postings")
    rights = ("earnings.view_earning",)
    serializer_class = EntrySerializer
    filterset_class = EntryFilter
    ordering_fields = ("id", "occurred_at", "local_date")


api_urls = [
    path("dashboard/earnings", Dashboard.as_view(), name="dashboard-earnings"),
    path("earnings/entries", EntryViewSet.as_view({"get": "list"}), name="earnings-entries"),
    path("earnings/export.csv", Export.as_view(), name="earnings-export"),
    path("earnings/earnings.json", EarningsFile.as_view(), name="earnings-json"),
]
