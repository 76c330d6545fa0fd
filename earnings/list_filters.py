"""Filters of long lists in the admin: none of them reads every row to say what there is to choose from."""

from datetime import date, datetime

from django.contrib import admin
from django.db.models import DateTimeField, Min
from django.utils import timezone
from django.utils.formats import date_format

from earnings import totals


class PeriodFilter(admin.DateFieldListFilter):
    """The usual periods, the months of this year, and each year since the first row; the months of a year that is
    chosen, too.

    Instead of `date_hierarchy`, which asks for all the distinct dates: on SQLite two seconds in 100,000 rows.
    """

    def __init__(self, field, request, params, model, model_admin, field_path):
        super().__init__(field, request, params, model, model_admin, field_path)
        self._of_moments = isinstance(field, DateTimeField)
        first = model._default_manager.aggregate(first=Min(field_path))["first"]
        if first is None:
            return
        today, first = timezone.localdate(), timezone.localdate(first) if self._of_moments else first
        chosen = self.date_params.get(self.lookup_kwarg_since, "")[:4]
        for year in range(today.year, first.year - 1, -1):
            if year < today.year:
                self.links += ((str(year), self._between(date(year, 1, 1), date(year + 1, 1, 1))),)
            if str(year) == chosen or year == today.year:
                self.links += tuple(self._months(year, first, today))

    def _months(self, year, first, today):
        for month in range(12, 0, -1):
            begins, ends = date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
            if ends > first and begins <= today:
                yield date_format(begins, "YEAR_MONTH_FORMAT"), self._between(begins, ends)

    def _between(self, begins, ends):
        since, until = (self._moment(day) for day in (begins, ends))
        return {self.lookup_kwarg_since: str(since), self.lookup_kwarg_until: str(until)}

    def _moment(self, day):
        return timezone.make_aware(datetime(day.year, day.month, 1)) if self._of_moments else day


class CurrencyFilter(admin.AllValuesFieldListFilter):
    """The currencies of the ledger, as its running totals have them."""

    def __init__(self, field, request, params, model, model_admin, field_path):
        super().__init__(field, request, params, model, model_admin, field_path)
        self.lookup_choices = totals.currencies()
