"""Which journal entries are asked for: what a figure is made of can be said, to programs and in the admin."""

import django_filters

from earnings import history
from earnings.filters import of_day, of_id
from earnings.models import JournalEntry, Kind
from earnings.models.totals import ACCOUNTS


class EntryFilter(django_filters.FilterSet):
    event = django_filters.ChoiceFilter(choices=JournalEntry.Event.choices)
    kind = django_filters.ChoiceFilter(choices=Kind.choices)
    currency = django_filters.CharFilter()
    channel = django_filters.CharFilter(field_name="channel_id")
    account = django_filters.ChoiceFilter(
        field_name="postings__account_id",
        choices=[(code, code) for code in ACCOUNTS],
        help_text="Entries with a posting on this account.",
    )
    figure = django_filters.ChoiceFilter(
        choices=[(name, name) for name in history.FIGURES],
        method="of_figure",
        help_text="Entries that changed what was `earned`, or what was received in `total`.",
    )
    # Not stripped: a group is opened by its name exactly as it was booked, blanks around it too.
    gig = django_filters.CharFilter(field_name="earning__gig", strip=False)
    product = django_filters.CharFilter(field_name="earning__product_sku", help_text="By SKU.", strip=False)
    client = django_filters.CharFilter(field_name="earning__client", strip=False)
    run = of_id("earning__run_id")
    intent = of_id("earning__intent_id")
    without = django_filters.ChoiceFilter(
        choices=[(name, name) for name in history.NAMES],
        method="naming_none",
        help_text="Entries that name no such thing.",
    )
    key = django_filters.CharFilter(help_text="The entry's whole key.")
    earning = django_filters.CharFilter(field_name="earning__key", help_text="The earning's whole key.")

    class Meta:
        model = JournalEntry
        fields = []

    def of_figure(self, entries, name, value):
        return history.FIGURES[value](entries)

    def naming_none(self, entries, name, value):
        return entries.filter(history.without(value))


# `from` is a word of Python.
EntryFilter = type(
    "EntryFilter",
    (EntryFilter,),
    {"from": of_day("local_date", "gte"), "to": of_day("local_date", "lte"), "Meta": EntryFilter.Meta},
)
