"""How every list of the API is ordered and cut into pages."""

import base64
import binascii
import json

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import DataError
from django.db.models import F, Q
from rest_framework.filters import BaseFilterBackend
from rest_framework.pagination import BasePagination
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from earnings.refusals import Refusal

DEFAULT = "-id"


def refused(name, detail):
    """400 that names the parameter."""
    return Refusal(
        "A parameter can't be accepted.", status=400, errors=[{"pointer": f"/{name}", "detail": detail}]
    )


class Ordering(BaseFilterBackend):
    """`?ordering=` one of the view's `ordering_fields`, with a minus for the other way round.

    The page does the sorting: it needs to know it for its cursor.
    """

    def filter_queryset(self, request, queryset, view):
        return queryset

    def parameters(self, view):
        return {"ordering": False} if choices(view) else {}

    def get_schema_operation_parameters(self, view):
        if not choices(view):
            return []
        schema = {"type": "string", "enum": choices(view), "default": usual(view)}
        return [{"name": "ordering", "in": "query", "required": False, "schema": schema}]


def usual(view):
    """How the view's rows are sorted when nobody says how."""
    return getattr(view, "ordering", None) or DEFAULT


def choices(view):
    fields = getattr(view, "ordering_fields", ())
    return [sign + name for name in fields for sign in ("", "-")]


def chosen(request, view):
    """The ordering that the caller wants, as `-created_at`."""
    wanted = request.query_params.get("ordering", usual(view))
    if wanted != usual(view) and wanted not in choices(view):
        raise refused("ordering", f"Known: {', '.join(choices(view))}.")
    return wanted


class CursorPages(BasePagination):
    """Pages of 1 to 200 rows. The cursor holds the sorting and the place of the row at its edge.

    The place is the sorted column's value and the row's key: rows with equal values have one order, and rows that
    come or go between two pages move no other. (DRF's own cursor counts offsets within equal values.)
    """

    page_size = 50
    largest = 200

    def parameters(self, view):
        return {"cursor": False, "page_size": False}

    def get_schema_operation_parameters(self, view):
        size = {"type": "integer", "minimum": 1, "maximum": self.largest, "default": self.page_size}
        cursor = {"type": "string", "minLength": 1}
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Where the page begins: follow `next` and `previous`, which carry it.",
                "schema": cursor,
            },
            {"name": "page_size", "in": "query", "required": False, "schema": size},
        ]

    def get_paginated_response_schema(self, schema):
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
            "additionalProperties": False,
        }

    def paginate_queryset(self, queryset, request, view=None):
        self._request = request
        self._size = self._asked_size(request)
        self._ordering = chosen(request, view)
        self._set_column(queryset.model)
        text = request.query_params.get("cursor")
        place, backwards = self._read(text) if text is not None else (None, False)
        rows = queryset.order_by(*self._order(backwards))
        if place:
            rows = rows.filter(self._beyond(place, backwards))
        try:
            found = list(rows[: self._size + 1])
        except (ValueError, DataError, OverflowError):  # a place that no row can have
            if place is None:
                raise
            raise refused("cursor", "Nobody gave out this cursor.") from None
        has_more, found = len(found) > self._size, found[: self._size]
        if backwards:
            found.reverse()
        self._found = found
        self._has_next = (backwards or has_more) and bool(found)
        self._has_previous = (has_more if backwards else place is not None) and bool(found)
        return found

    def _asked_size(self, request):
        text = request.query_params.get("page_size", str(self.page_size))
        if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= self.largest):
            raise refused("page_size", f"Must be a whole number from 1 to {self.largest}.")
        return int(text)

    # --- The sorting -----------------------------------------------------------------------------------

    def _set_column(self, model):
        self._key = model._meta.pk
        name = self._ordering.removeprefix("-")
        try:
            self._column = model._meta.get_field(name)
        except FieldDoesNotExist:
            self._column = self._key
        self._is_descending = self._ordering.startswith("-")

    def _order(self, backwards):
        descending = self._is_descending != backwards
        sign = "-" if descending else ""
        if self._column == self._key:
            return [f"{sign}pk"]
        if not self._column.null:
            return [f"{sign}{self._column.name}", f"{sign}pk"]
        column = F(self._column.name)
        nulls = {"nulls_first": True} if backwards else {"nulls_last": True}
        return [column.desc(**nulls) if descending else column.asc(**nulls), f"{sign}pk"]

    def _beyond(self, place, backwards):
        """The rows behind the place, in the direction in which the caller goes. Rows without a value come last."""
        value, key = place
        way = "lt" if self._is_descending != backwards else "gt"
        behind = Q(**{f"pk__{way}": key})
        if self._column == self._key:
            return behind
        name = self._column.name
        if value is None:
            equal = Q(**{f"{name}__isnull": True}) & behind
            return equal | Q(**{f"{name}__isnull": False}) if backwards else equal
        # The first condition is implied by the second; it is the one that an index can serve.
        found = Q(**{f"{name}__{way}e": value}) & (Q(**{f"{name}__{way}": value}) | behind)
        return found | Q(**{f"{name}__isnull": True}) if self._column.null and not backwards else found

    # --- The cursor ----------------------------------------------------------------------------------------

    def _read(self, text):
        """`((value, key), backwards)` of a cursor that was given out for this sorting, else Refusal (400)."""
        try:
            ordering, backwards, value, key = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
            if ordering != self._ordering or type(backwards) is not bool:
                raise ValueError(ordering)
            value = None if value is None and self._column.null else self._value(self._column, value)
            return (value, self._value(self._key, key)), backwards
        except (ValueError, TypeError, RecursionError, binascii.Error, ValidationError):
            raise refused("cursor", "Nobody gave out this cursor for this list and ordering.") from None

    def _value(self, column, text):
        if not isinstance(text, str) or "\x00" in text:
            raise TypeError(text)
        value = column.to_python(text)
        if value is None:
            raise ValueError(text)
        column.run_validators(value)
        return value

    def _link(self, row, *, backwards):
        value = None if getattr(row, self._column.attname) is None else self._column.value_to_string(row)
        place = [self._ordering, backwards, value, self._key.value_to_string(row)]
        cursor = base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode()
        return replace_query_param(self._request.build_absolute_uri(), "cursor", cursor)

    def get_paginated_response(self, data):
        following = self._link(self._found[-1], backwards=False) if self._has_next else None
        before = self._link(self._found[0], backwards=True) if self._has_previous else None
        return Response({"next": following, "previous": before, "results": data})
