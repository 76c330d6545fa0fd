"""Filters of lists that read a value in exactly one spelling, and say so in the schema."""

import re
from datetime import UTC, date, datetime

import django_filters
from django import forms
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field

LARGEST_ID = 2**63 - 1
ID = {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST_ID}
DAY = {"type": "string", "format": "date"}
INSTANT = {"type": "string", "format": "date-time"}
FLAG = {"type": "boolean"}

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def read_id(text):
    """A row's number, or ValueError."""
    if not re.fullmatch(r"[0-9]{1,19}", text) or not 1 <= int(text) <= LARGEST_ID:
        raise ValueError(f"Must be a whole number from 1 to {LARGEST_ID}.")
    return int(text)


def read_day(text):
    """A day as in RFC 3339, or ValueError. `date.fromisoformat` alone takes 20260310 and 2026-W11-2, too."""
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise ValueError(f"{text!r} is not a day such as 2026-03-10.") from None


def read_instant(text):
    """A moment as in RFC 3339, with its offset, or ValueError. A plus that arrived as a space is a plus."""
    text = re.sub(r" (?=[0-9]{2}:[0-9]{2}$)", "+", text)
    try:
        return datetime.fromisoformat(text.upper() if _INSTANT.fullmatch(text) else "").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Must be a moment such as 2026-03-10T12:00:00Z.") from None


def read_flag(text):
    """true or false, or ValueError."""
    try:
        return {"true": True, "false": False}[text.lower()]
    except KeyError:
        raise ValueError("Must be true or false.") from None


class ReadField(forms.Field):
    """A form field whose text a function reads; its ValueError is what the caller is told."""

    def __init__(self, *, read, **kwargs):
        super().__init__(**kwargs)
        self._read = read

    def to_python(self, value):
        if value in self.empty_values:
            return None
        try:
            return self._read(value)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class ReadFilter(django_filters.Filter):
    field_class = ReadField


def of_id(field_name=None, **more):
    """Rows that point to the row with this number."""
    return extend_schema_field(ID)(ReadFilter(field_name=field_name, read=read_id, **more))


def of_instant(field_name, lookup_expr):
    """Rows from (`gte`) or before (`lt`) a moment."""
    return extend_schema_field(INSTANT)(
        ReadFilter(field_name=field_name, lookup_expr=lookup_expr, read=read_instant)
    )


def of_day(field_name, lookup_expr):
    """Rows from (`gte`) or up to (`lte`) a day."""
    found = ReadFilter(field_name=field_name, lookup_expr=lookup_expr, read=read_day)
    return extend_schema_field(DAY)(found)


def of_flag(field_name=None):
    return extend_schema_field(FLAG)(ReadFilter(field_name=field_name, read=read_flag))


class Filters(DjangoFilterBackend):
    """django-filter, which also says what it knows."""

    def parameters(self, view):
        """Each filter's name, and whether its text may be empty: only plain words may."""
        found = self.get_filterset_class(view, view.get_queryset())
        if found is None:
            return {}
        return {name: isinstance(each, django_filters.CharFilter) for name, each in found.base_filters.items()}
