"""The ways to pay, behind one interface. A provider is asked outside of transactions; what it answers is booked
by `storefront.checkout`."""

from dataclasses import dataclass

from earnings.models import Kind
from earnings.refusals import Refusal


@dataclass(frozen=True)
class Answer:
    """What a provider says of a refund: "succeeded", "failed", or "requested" while it is on its way."""

    status: str
    external_id: str = ""
    problem: str = ""


class Over(Exception):
    """The page of this payment is closed: its time was over, or it was paid."""


class Later(Exception):
    """What a provider tells can't be booked before something of ours is answered; the sweep tries it again."""


class NotTaken(Exception):
    """The provider does not take this payment, whenever it is asked: too small, or a currency that it lacks."""


class Provider:
    """One way to pay. `kind` says whether its money is real, `channel` which rate it costs."""

    key = ""
    label = ""
    help = ""
    button = "Place order"
    position = 0  # among the ways to pay, lowest first
    kind = Kind.REAL
    channel = "direct"
    returns_fees = True  # whether the buyer's refund gives us the fee back
    refunds_from_bank = False  # whether a refund leaves our bank, not what the provider owes us

    def is_offered(self, currency):
        """Whether a buyer may choose it now."""
        raise NotImplementedError

    def begin(self, payment):
        """What a new payment gets before it is stored, as a dict of its columns; no network here."""
        return {}

    def page_of(self, payment):
        """Where the buyer pays: an address. May ask the provider; may be called again; `Over` once it is shut."""
        raise NotImplementedError

    def look(self, payment):
        """Ask the provider how a pending payment stands, and book what it says."""

    def give_up(self, payment):
        """Tell the provider that nobody is to pay this any more."""

    def refund(self, refund):
        """Give money back and return the `Answer`. Called again under the refund's key, it is done once."""
        return Answer("succeeded")


_PROVIDERS = {}


def register(provider_class):
    """Class decorator: make a provider known."""
    _PROVIDERS[provider_class.key] = provider_class()
    return provider_class


def get(key):
    """The provider of that key, also one that is not offered now; `Refusal` (422) if there is none."""
    if key not in _PROVIDERS:
        raise Refusal.of_field("/provider", "Choose how you want to pay.")
    return _PROVIDERS[key]


def offered(currency):
    """The providers that a buyer may choose now, in their order."""
    by_position = sorted(_PROVIDERS.values(), key=lambda provider: provider.position)
    return [provider for provider in by_position if provider.is_offered(currency)]


def choices():
    """(key, label) of every provider."""
    return [(provider.key, provider.label) for provider in _PROVIDERS.values()]
