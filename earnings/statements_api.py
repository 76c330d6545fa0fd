"""The door of statements for programs."""

import hashlib

import django_filters
from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.settings import api_settings

from earnings import money
from earnings.models import Meaning, StatementFormat, StatementImport, StatementRow
from earnings.parameters import KnowsItsParameters
from earnings.refusals import Refusal
from earnings.serializers import MoneySerializer
from earnings.statements import booking, reports
from earnings.statements.layouts import Choices
from earnings.statements.mapping import read_words
from earnings.strict import Strict

SHOWN = 1000
LONGEST_KEY = 255
MAY_BOOK = "earnings.change_statementimport"


class StatementRequest(Strict, serializers.Serializer):
    """A statement as its platform exports it. With `dry_run` it is only looked at."""

    file = serializers.FileField(allow_empty_file=True, max_length=200)
    format = serializers.CharField(
        max_length=50, default="auto", help_text="`auto`, one of ours, or the key of a format described here."
    )
    dry_run = serializers.BooleanField(default=False)
    date_order = serializers.ChoiceField(
        StatementFormat.DateOrder.choices, default="", help_text="Where the file does not tell itself."
    )
    words = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=5000,
        help_text="What its types mean: `Listing fee = cost`, a line each.",
    )


class RowSerializer(serializers.ModelSerializer):
    """A row as it was understood; `row` counts as a spreadsheet does."""

    row = serializers.IntegerField(source="number")
    gross = serializers.SerializerMethodField()
    fee = serializers.SerializerMethodField()
    net = serializers.SerializerMethodField(help_text="As our balance saw it; gross - fee = net.")
    remarks = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = StatementRow
        fields = [
            *("row", "type", "meaning", "outcome", "occurred_at", "title", "sale", "payout", "is_pending"),
            *("gross", "fee", "net", "remarks"),
        ]

    @extend_schema_field(MoneySerializer(allow_null=True))
    def get_gross(self, row):
        return self._money(row, row.gross_minor)

    @extend_schema_field(MoneySerializer(allow_null=True))
    def get_fee(self, row):
        return self._money(row, row.fee_minor)

    @extend_schema_field(MoneySerializer(allow_null=True))
    def get_net(self, row):
        return self._money(row, row.net_minor)

    def _money(self, row, minor):
        return money.as_json(minor, row.currency) if row.currency else None


class MeaningTotalSerializer(serializers.Serializer):
    meaning = serializers.ChoiceField(Meaning.choices)
    rows = serializers.IntegerField()
    taken = serializers.IntegerField(help_text="Rows that are booked, or will be.")
    gross = MoneySerializer()
    fee = MoneySerializer()
    net = MoneySerializer()


class TotalSerializer(serializers.Serializer):
    """One currency of the file; currencies are never added."""

    currency = serializers.CharField()
    net = MoneySerializer(help_text="What the rows of the file sum to.")
    own_net = MoneySerializer(allow_null=True, help_text="What the file says that they sum to.")
    earned = MoneySerializer(help_text="What booking adds to what was earned.")
    paid_out = MoneySerializer(help_text="What booking adds to what was paid out; never income.")
    meanings = MeaningTotalSerializer(many=True)


class StatementSerializer(serializers.ModelSerializer):
    """A statement and what became of it."""

    number = serializers.CharField()
    allowed = serializers.ListField(child=serializers.CharField(), help_text="The statuses that it can move to.")
    warnings = serializers.ListField(child=serializers.CharField(), help_text="To be read before it is booked.")

    class Meta:
        model = StatementImport
        fields = [
            *("id", "number", "name", "sha256", "format", "channel", "encoding", "delimiter", "status", "allowed"),
            *("warnings", "created_at", "booked_at", "reversed_at"),
        ]


class StatementDetailSerializer(StatementSerializer):
    """A statement with its totals and the first 1,000 of its rows."""

    counts = serializers.SerializerMethodField(help_text="Rows by outcome.")
    totals = serializers.SerializerMethodField()
    rows = serializers.SerializerMethodField()

    class Meta(StatementSerializer.Meta):
        fields = [*StatementSerializer.Meta.fields, "counts", "totals", "rows"]

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_counts(self, statement):
        return reports.counts(statement)

    @extend_schema_field(TotalSerializer(many=True))
    def get_totals(self, statement):
        return [_as_money(total) for total in reports.totals(statement)]

    @extend_schema_field(RowSerializer(many=True))
    def get_rows(self, statement):
        return RowSerializer(statement.rows.all()[:SHOWN], many=True).data


def _as_money(total):
    def shown(minor):
        return None if minor is None else money.as_json(minor, total["currency"])

    amounts = {name: shown(total[name]) for name in ("net", "own_net", "earned", "paid_out")}
    meanings = [each | {name: shown(each[name]) for name in ("gross", "fee", "net")} for each in total["meanings"]]
    return {"currency": total["currency"], **amounts, "meanings": meanings}


class StatementFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=StatementImport.Status.choices)
    format = django_filters.CharFilter()
    channel = django_filters.CharFilter(field_name="channel_id")
    sha256 = django_filters.CharFilter(help_text="Of the file as it was uploaded.")

    class Meta:
        model = StatementImport
        fields = []


@extend_schema(tags=["earnings"])
class StatementViewSet(
    KnowsItsParameters, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """Statements of platforms: what they say, and what of it is booked."""

    queryset = StatementImport.objects.all()
    filterset_class = StatementFilter
    ordering_fields = ("id", "created_at", "booked_at")
    parser_classes = [MultiPartParser]
    remembers_wishes = True  # an Idempotency-Key makes one import, for as long as that is kept

    def get_serializer_class(self):
        return StatementSerializer if self.action == "list" else StatementDetailSerializer

    @extend_schema(
        request={"multipart/form-data": StatementRequest},
        responses={
            200: StatementDetailSerializer,
            201: StatementDetailSerializer,
            202: StatementDetailSerializer,
        },
        parameters=[OpenApiParameter("Content-Type", exclude=True)],
    )
    def create(self, request):
        """Upload a statement (multipart) and book it.

        200 for a dry run, 201 when it is booked, 202 while the rest of a long one is booked behind. 422 with the
        rows to blame when the file or a row can't be read; then nothing was booked. The same rows again, in this
        file or an overlapping one, are `known` and not booked twice; rows of a sale that we know are `matched` or
        `differs`.
        """
        asked = _asked(request)
        if not asked["dry_run"] and not request.user.has_perm(MAY_BOOK):
            raise PermissionDenied(f"Booking needs the right {MAY_BOOK}.")
        data = asked["file"].read()
        statement, is_new = booking.upload_once(
            data,
            asked["file"].name,
            request=_wish(request, data, asked),
            format=asked["format"],
            choices=Choices(asked["date_order"], read_words(asked["words"])),
            user=request.user,
        )
        if not asked["dry_run"]:
            booking.book(statement)
        return self._answer(statement, headers={} if is_new else {"Idempotent-Replayed": "true"})

    @extend_schema(request=None, responses={200: StatementDetailSerializer, 202: StatementDetailSerializer})
    @action(detail=True, methods=["post"], parser_classes=api_settings.DEFAULT_PARSER_CLASSES)
    def book(self, request, pk=None):
        """Book a statement that was looked at, compared anew with the ledger as it is now. Twice is once."""
        statement = booking.book(self.get_object())
        return self._answer(statement, done=status.HTTP_200_OK)

    @extend_schema(request=None, responses=StatementDetailSerializer)
    @action(detail=True, methods=["post"], parser_classes=api_settings.DEFAULT_PARSER_CLASSES)
    def reverse(self, request, pk=None):
        """Undo everything that a statement booked, all of it or nothing. Twice is once."""
        return self._answer(booking.reverse(self.get_object(), by=request.user), done=status.HTTP_200_OK)

    def _answer(self, statement, *, done=status.HTTP_201_CREATED, headers=None):
        codes = {
            StatementImport.Status.PREVIEWED: status.HTTP_200_OK,
            StatementImport.Status.BOOKING: status.HTTP_202_ACCEPTED,
        }
        body = StatementDetailSerializer(statement).data
        address = f"/api/v1/earnings/statements/{statement.pk}"
        return Response(body, codes.get(statement.status, done), headers={"Location": address} | (headers or {}))


def _asked(request):
    limit = settings.CATALOG_UPLOAD_MAX_BYTES
    # Asked before the body is read; the parts around the file take little.
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit + 100_000:
        raise Refusal(f"The file is larger than {limit:,} bytes.", status=413)
    asked = StatementRequest(data=request.data)
    asked.is_valid(raise_exception=True)
    if asked.validated_data["file"].size > limit:
        raise Refusal(f"The file is larger than {limit:,} bytes.", status=413)
    return asked.validated_data


def _wish(request, data, asked):
    """(who asks with which Idempotency-Key, what is asked) as hashes, or None without the header."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not key.strip() or len(key) > LONGEST_KEY:
        raise Refusal(f"Idempotency-Key must have 1 to {LONGEST_KEY} characters.", status=400)
    said = [hashlib.sha256(data).hexdigest(), *(str(asked[name]) for name in sorted(asked) if name != "file")]
    return _hash([str(request.user.pk), key]), _hash(said)


def _hash(parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
