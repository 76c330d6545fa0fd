"""Fields and widgets of the admin that take whatever is sent: what can't be stored is said beside its field."""

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.forms.fields import InvalidJSONInput

from earnings import storable
from earnings.filters import read_id
from earnings.refusals import Refusal


class StorableJSONField(forms.JSONField):
    """JSON that the database can keep; the rest is refused like what is no JSON, and shown as it was typed."""

    def to_python(self, value):
        try:
            return _checked(super().to_python(value))
        except RecursionError:
            raise forms.ValidationError("It is nested too deeply.") from None
        except Refusal as refusal:
            raise forms.ValidationError([error["detail"] for error in refusal.errors]) from None

    def bound_data(self, data, initial):
        try:
            return _checked(super().bound_data(data, initial))
        except (RecursionError, Refusal):
            return InvalidJSONInput(data)


def _checked(value):
    storable.check(value)
    return value


class RowPicker(AutocompleteSelect):
    """Looks for rows while one types. Django's own widget fails on a value that is no row's number."""

    def optgroups(self, name, value, attr=None):
        return super().optgroups(name, [text for text in value if _is_id(text)], attr)


def _is_id(text):
    try:
        return bool(read_id(str(text)))
    except ValueError:
        return False


class PicksRows:
    """An admin whose `autocomplete_fields` take any value."""

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = RowPicker(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
