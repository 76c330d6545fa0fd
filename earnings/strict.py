"""Request bodies read as the schema says them."""

from django.http import QueryDict
from rest_framework import serializers

# A field's class -> the JSON that it takes, and what is said of any other. The first that fits counts.
_TAKES = (
    (serializers.BooleanField, bool, "Must be true or false."),
    (serializers.IntegerField, int, "Must be a whole number."),
    (serializers.ChoiceField, str, "Must be text."),
    (serializers.CharField, str, "Must be text."),
)


class Strict:
    """Serializer mixin: no field that is not known, and no text for a number or number for a text.

    DRF alone takes `"no"`, `0` and `"0"` for false and `5` for a title; what was meant is then anybody's guess.
    """

    def to_internal_value(self, data):
        if isinstance(data, dict):
            known = f"Unknown field. Known: {', '.join(self.fields)}."
            errors = {name: [known] for name in data if name not in self.fields}
            if not isinstance(data, QueryDict):  # in a form everything is text
                given = {name: self._wrong(name, data) for name in data if name in self.fields}
                errors |= {name: wrong for name, wrong in given.items() if wrong}
            if errors:
                raise serializers.ValidationError(errors)
        return super().to_internal_value(data)

    def _wrong(self, name, data):
        field, value = self.fields[name], data[name]
        if isinstance(field, serializers.ListField) and isinstance(value, list):
            wrong = {index: found for index, item in enumerate(value) if (found := _mistaken(field.child, item))}
            return wrong or None
        return _mistaken(field, value)


def _mistaken(field, value):
    """Why the value is not the JSON that the field takes, as a list; None if it is, or is null."""
    if value is None or field.read_only:
        return None
    for kind, taken, detail in _TAKES:
        if isinstance(field, kind):
            fits = isinstance(value, taken) and (taken is bool or not isinstance(value, bool))
            if taken is int and isinstance(value, float):
                fits = value.is_integer()  # 5.0 is a whole number in JSON
            return None if fits else [detail]
    return None
