"""What a buyer is asked."""

import re
import secrets

from django import forms

from storefront import payments
from storefront.checkout import Buyer, Wish

KEY = re.compile(r"\A[A-Za-z0-9_-]{16,64}\Z")
# A mail to any address begins with the name that was given: it must not be somebody's advertisement.
ADDRESS = re.compile(r"://|\bwww\.", re.IGNORECASE)
CODES = {"changed": "quote", "duplicate": "buys_again"}


class CheckoutForm(forms.Form):
    """Who buys, how they pay, and their yes to exactly this offer. Fields with nothing to ask are left out."""

    name = forms.CharField(
        label="Your name",
        max_length=120,
        error_messages={"required": "Write your name."},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        error_messages={"required": "Write your e-mail address.", "invalid": "This is no e-mail address."},
        help_text="Your files, receipt and questions about the order go there.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    shipping_address = forms.CharField(
        label="Delivery address",
        max_length=500,
        error_messages={"required": "Say where the parcel goes."},
        help_text="Street, postal code, city and country.",
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "shipping street-address"}),
    )
    provider = forms.ChoiceField(label="How do you want to pay?", widget=forms.RadioSelect)
    quote = forms.CharField(
        label="What has changed",
        max_length=64,
        error_messages={"required": "Say yes to what has changed, or go back to your cart."},
    )
    buys_again = forms.BooleanField(label="Yes, I want to order it again", required=False)
    checkout_key = forms.RegexField(KEY, widget=forms.HiddenInput)

    def clean_name(self):
        name = self.cleaned_data["name"]
        if len(name.splitlines()) > 1 or ADDRESS.search(name):
            raise forms.ValidationError("Write your name alone, on one line and without a web address.")
        return name

    def __init__(self, data=None, *, offer):
        super().__init__(data, label_suffix="", use_required_attribute=True)
        self.offer = offer
        self.asks_again = bool(data and data.get("buys_again"))
        # A quote that is not the present one was said of another offer: it takes a new yes, not a second click.
        self.asks_yes = bool(offer.changes) or bool(data and data.get("quote", offer.quote) != offer.quote)
        self.ways = payments.offered(offer.currency) if offer.total_minor else []
        self.fields["provider"].choices = [(way.key, way.label) for way in self.ways]
        if not offer.needs_address:
            del self.fields["shipping_address"]
        if not self.ways:
            del self.fields["provider"]
        else:
            self.initial["provider"] = self.ways[0].key
        self.initial["checkout_key"] = secrets.token_urlsafe(24)

    @property
    def buyer(self):
        values = self.cleaned_data
        return Buyer(values["name"], values["email"].lower(), values.get("shipping_address", ""))

    @property
    def wish(self):
        values = self.cleaned_data
        return Wish(values["checkout_key"], values["quote"], values.get("provider", ""), values["buys_again"])

    def blame(self, refusal):
        """Show a refusal beside the field that it is about."""
        pointers = [error["pointer"].strip("/") for error in refusal.errors]
        name = CODES.get(refusal.extra.get("code"), next(iter(pointers), None))
        self.asks_again |= name == "buys_again"
        self.add_error(name if name in self.fields else None, refusal.detail)


class WayForm(forms.Form):
    """Another way to pay an order that is placed."""

    provider = forms.ChoiceField(label="How do you want to pay?", widget=forms.RadioSelect)

    def __init__(self, data=None, *, order):
        super().__init__(data, label_suffix="")
        self.ways = payments.offered(order.currency)
        self.fields["provider"].choices = [(way.key, way.label) for way in self.ways]
        self.initial["provider"] = self.ways[0].key if self.ways else ""
