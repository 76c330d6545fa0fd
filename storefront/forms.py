"""What visitors may ask for."""

import re
from functools import reduce
from operator import or_

from django import forms
from django.conf import settings
from django.db.models import Case, OuterRef, Q, Subquery, TextField, Value, When
from django.db.models.functions import Cast

from earnings import money
from storefront.models import Product
from storefront.showcase import AVAILABLE

# Letters that a visitor may type for each other. SQLite's LIKE knows no case beyond ASCII, and a Turkish
# keyboard has two letters i; a regular expression means the same on SQLite and PostgreSQL.
_ALIKE = ["aAâÂäÄáÁàÀ", "cCçÇ", "eEéÉèÈêÊ", "gGğĞ", "iIıİ", "nNñÑ", "oOöÖóÓôÔ", "sSşŞ", "uUüÜúÚûÛ"]
_CLASS_OF = {letter: f"[{letters}]" for letters in _ALIKE for letter in letters}

MAX_WORDS = 8


def pattern(word):
    """A regular expression that finds the word whatever its case and accents."""
    return "".join(_CLASS_OF.get(letter) or re.escape(letter) for letter in word)


class CatalogForm(forms.Form):
    """The catalog's filters. A value that makes no sense is named beside its field and otherwise ignored."""

    SORTS = {
        "": ("Featured", ["position", "id"]),
        "new": ("Newest", ["-created_at", "-id"]),
        "price": ("Price, low to high", ["lowest", "id"]),
        "-price": ("Price, high to low", ["-lowest", "id"]),
        "title": ("Name", ["title", "id"]),
    }

    q = forms.CharField(label="Search the shop", required=False, max_length=100)
    category = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    kind = forms.ChoiceField(required=False, choices=[("", "All kinds"), *Product.Kind.choices])
    price_from = forms.DecimalField(label="Price from", required=False, min_value=0, max_digits=12)
    price_to = forms.DecimalField(label="Price to", required=False, min_value=0, max_digits=12)
    availability = forms.ChoiceField(required=False, choices=[("", "Everything"), ("in-stock", "In stock only")])
    sort = forms.ChoiceField(
        label="Sort by", required=False, choices=[(key, label) for key, (label, _) in SORTS.items()]
    )

    def __init__(self, data):
        super().__init__(data, auto_id="filter-%s", label_suffix="", use_required_attribute=False)
        for name in ("price_from", "price_to"):
            self.fields[name].widget = forms.TextInput(attrs={"inputmode": "decimal", "size": 8})
        self.fields["q"].widget.input_type = "search"

    def clean_price_from(self):
        return self._minor("price_from")

    def clean_price_to(self):
        return self._minor("price_to")

    def _minor(self, name):
        amount = self.cleaned_data[name]
        try:
            return None if amount is None else money.to_minor(amount, settings.STORE_CURRENCY)
        except ValueError as error:
            raise forms.ValidationError(f"Not an amount in {settings.STORE_CURRENCY}.") from error

    def chosen(self, name):
        self.is_valid()  # fills cleaned_data with the values that do make sense
        value = self.cleaned_data.get(name)
        return None if value == "" else value

    @property
    def is_narrowed(self):
        """Whether anything but the order was asked for."""
        return any(self.chosen(name) is not None for name in self.fields if name != "sort")

    @property
    def has_details(self):
        """Whether the folded part of the form holds a choice or a complaint."""
        folded = ("kind", "price_from", "price_to", "availability")
        return any(self.chosen(name) is not None or name in self.errors for name in folded)

    def products(self):
        """One lead for each family in which any listed variant is what was asked for."""
        leads = Product.objects.listed().leads()
        if self.is_narrowed:
            leads = leads.filter(family__in=self._wanted().values("family"))
        order = self.SORTS[self.chosen("sort") or ""][1]
        if "lowest" in order[0]:
            family = Product.objects.listed().filter(family=OuterRef("family")).order_by("price_minor")
            leads = leads.annotate(lowest=Subquery(family.values("price_minor")[:1]))
            # Amounts of different currencies can't be compared: the store's own stand first.
            order = [Case(When(currency=settings.STORE_CURRENCY, then=Value(0)), default=Value(1)), *order]
        return leads.order_by(*order)

    def _wanted(self):
        wanted = Product.objects.listed()
        for name in ("category", "kind"):
            if self.chosen(name) is not None:
                wanted = wanted.filter(**{name: self.chosen(name)})
        limits = {"price_minor__gte": self.chosen("price_from"), "price_minor__lte": self.chosen("price_to")}
        limits = {lookup: limit for lookup, limit in limits.items() if limit is not None}
        if limits:
            wanted = wanted.filter(currency=settings.STORE_CURRENCY, **limits)
        if self.chosen("availability"):
            wanted = wanted.filter(AVAILABLE)
        return self._search(wanted)

    def _search(self, wanted):
        """Every word has to stand somewhere: in the texts, the tags or the SKU."""
        wanted = wanted.annotate(tag_text=Cast("tags", TextField()))
        for word in (self.chosen("q") or "").split()[:MAX_WORDS]:
            places = ("title", "option", "tag_text", "category", "summary", "vendor", "sku")
            wanted = wanted.filter(reduce(or_, (Q(**{f"{place}__iregex": pattern(word)}) for place in places)))
        return wanted
