"""What visitors may ask for."""

from dataclasses import replace

from django import forms
from django.conf import settings
from django.utils.http import urlencode

from earnings import money
from storefront.models import Product
from storefront.shelf import ORDERS, Shelf, Wish

SORTS = {
    "": "Featured",
    "new": "Newest",
    "price": "Price, low to high",
    "-price": "Price, high to low",
    "title": "Name",
}
MOST_WAYS = 4
assert SORTS.keys() < ORDERS.keys()  # noqa: S101


class CatalogForm(forms.Form):
    """The catalog's filters. A value that makes no sense is named beside its field and otherwise ignored."""

    q = forms.CharField(label="Search the shop", required=False, max_length=100)
    category = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    kind = forms.ChoiceField(required=False, choices=[("", "All kinds"), *Product.Kind.choices])
    price_from = forms.DecimalField(label="Price from", required=False, min_value=0, max_digits=12)
    price_to = forms.DecimalField(label="Price to", required=False, min_value=0, max_digits=12)
    availability = forms.ChoiceField(required=False, choices=[("", "Everything"), ("in-stock", "In stock only")])
    tag = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    sort = forms.ChoiceField(label="Sort by", required=False, choices=list(SORTS.items()))

    def __init__(self, data):
        super().__init__(data, auto_id="filter-%s", label_suffix="", use_required_attribute=False)
        for name in ("price_from", "price_to"):
            self.fields[name].widget = forms.TextInput(attrs={"inputmode": "decimal", "size": 8})
        self.fields["q"].widget.input_type = "search"
        if data.get("q"):
            self.fields["sort"].choices = [("", "Best match"), *list(SORTS.items())[1:]]

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
        folded = ("kind", "price_from", "price_to", "availability", "tag")
        return any(self.chosen(name) is not None or name in self.errors for name in folded)

    def wish(self):
        """What the values that make sense ask for. A search comes by relevance unless an order was chosen."""
        words, tag = self.chosen("q") or "", self.chosen("tag") or ""
        sort = self.chosen("sort") or ("relevance" if words else "")
        return Wish(
            words=words,
            tag=tag,
            category=self.chosen("category") or "",
            kind=self.chosen("kind") or "",
            price_from=self.chosen("price_from"),
            price_to=self.chosen("price_to"),
            in_stock=bool(self.chosen("availability")),
            sort=sort,
        )

    def active(self):
        """What narrows the list, each with the address of the list without it: (label, address)."""
        wish, said = self.wish(), []
        if wish.words:
            said.append((f"“{wish.words}”", ["q"]))
        if wish.tag:
            said.append((f"tag “{wish.tag}”", ["tag"]))
        if wish.category:
            said.append((wish.category, ["category"]))
        if wish.kind:
            said.append((Product.Kind(wish.kind).label, ["kind"]))
        if wish.price_from is not None or wish.price_to is not None:
            limits = (("from", wish.price_from), ("to", wish.price_to))
            amounts = [f"{word} {_shown(limit)}" for word, limit in limits if limit is not None]
            said.append((" ".join(amounts), ["price_from", "price_to"]))
        if wish.in_stock:
            said.append(("in stock only", ["availability"]))
        return [(label, self._address(dict.fromkeys(names))) for label, names in said]

    def ways_out(self):
        """For a list with nothing on it: what to give up, one thing at a time, to find something."""
        wish = self.wish()
        words = wish.words.split()[:MOST_WAYS]
        ways = [(f"only “{word}”", {"q": word}, {"words": word}) for word in words if len(words) > 1]
        if wish.has_limits:
            given_up = {"price_from": None, "price_to": None, "availability": None}
            limits = {"price_from": None, "price_to": None, "in_stock": False}
            ways.append(("at any price, in stock or not", given_up, limits))
        ways += [
            (f"without {label}", {name: None}, {name: ""})
            for name, label in (("tag", "the tag"), ("category", "the category"), ("kind", "the kind"))
            if getattr(wish, name)
        ]
        return [
            (label, self._address(parameters))
            for label, parameters, fields in ways
            if Shelf(replace(wish, **fields)).page(1).ids
        ]

    def addresses(self, name, values):
        """The list's addresses with each of these values of a parameter, in their order."""
        query = self.data.copy()
        for left_out in (name, "page"):
            query.pop(left_out, None)
        others = query.urlencode()
        start = f"?{others}&" if others else "?"
        return [f"{start}{urlencode({name: value})}" for value in values]

    def _address(self, changes):
        """The list's address with other parameters; None = without."""
        query = self.data.copy()
        for name, value in ({"page": None} | changes).items():
            query.pop(name, None)
            if value is not None:
                query[name] = value
        return f"?{query.urlencode()}"


def _shown(minor):
    return money.display(minor, settings.STORE_CURRENCY)
