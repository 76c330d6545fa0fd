"""An order for a service as it is given by people and programs, read before anything is written."""

from dataclasses import dataclass

from agency.models import Gig, Package, ServiceOrder
from earnings import ledger, money
from earnings.models import Channel
from earnings.refusals import Refusal

EXTERNAL_FIELDS = {
    "channel": "Say which marketplace was paid.",
    "order_id": "Give the order's number on the marketplace, as text.",
    "amount": 'Give the amount that was paid there, as text like "100.00".',
    "currency": 'Give the currency of the amount, three letters like "USD".',
}
SIMULATED_CHANNEL = "demo"


@dataclass(frozen=True)
class Wanted:
    """An order that can be taken: its texts read, its names found."""

    gig: Gig
    package: Package
    channel: Channel
    external_id: str
    amount_minor: int
    currency: str


def read_order(gig, package, external=None):
    """`gig` (slug), `package` (tier) and `external` as they were given, understood as a `Wanted`.

    `external` is `{"channel", "order_id", "amount", "currency"}`, all text: an order that its marketplace has
    paid. Raises Refusal (422) naming each value that can't be accepted; nothing is written.
    """
    found = Package.objects.select_related("gig").filter(gig__slug=gig, tier=package).first()
    if found is None:
        known = ", ".join(Package.objects.filter(gig__slug=gig).values_list("tier", flat=True))
        if not known:
            raise Refusal.of_field("/gig", f"There is no gig {gig!r} with packages.")
        raise Refusal.of_field("/package", f"{gig} has no package {package!r}. It has: {known}.")
    if not external:
        demo = Channel.objects.get(pk=SIMULATED_CHANNEL)
        return Wanted(found.gig, found, demo, "", found.price_minor, found.currency)
    channel, order_id, amount_minor, currency = _read_external(external)
    return Wanted(found.gig, found, channel, order_id, amount_minor, currency)


def _read_external(external):
    errors = {
        name: asked
        for name, asked in EXTERNAL_FIELDS.items()
        if not isinstance(external.get(name), str) or not external[name].strip()
    }
    unknown = {name: "There is no such field." for name in external if name not in (*EXTERNAL_FIELDS, "client")}
    if not isinstance(external.get("client", ""), str):
        unknown["client"] = "Must be text."
    texts = {name: external[name].strip() for name in EXTERNAL_FIELDS if name not in errors}
    channel = Channel.objects.filter(pk=texts["channel"]).first() if "channel" in texts else None
    if channel is None or channel.pk == SIMULATED_CHANNEL:
        known = ", ".join(Channel.objects.exclude(pk=SIMULATED_CHANNEL).values_list("pk", flat=True))
        errors.setdefault("channel", f"There is no channel {external.get('channel')!r} that pays. Known: {known}.")
    if len(texts.get("order_id", "")) > ServiceOrder._meta.get_field("external_id").max_length:
        errors["order_id"] = "At most 80 characters."
    amount_minor = None
    if "amount" in texts and "currency" in texts:
        amount_minor = _read_amount(texts["amount"], texts["currency"], errors)
    errors |= unknown
    if errors:
        raise Refusal(
            "The external order can't be accepted.",
            status=422,
            errors=[{"pointer": f"/external/{name}", "detail": detail} for name, detail in errors.items()],
        )
    return channel, _as_taken(channel, texts["order_id"]), amount_minor, texts["currency"]


def _as_taken(channel, order_id):
    """The order's number as it was written when it was taken before; typed in another way it is no other order."""
    number = "".join(order_id.split())
    taken = ServiceOrder.objects.filter(channel=channel, external_id__in=ledger.spellings(number)).order_by("pk")
    return taken.values_list("external_id", flat=True).first() or number


def _read_amount(amount, currency, errors):
    try:
        money.exponent(currency)
    except ValueError as error:
        errors["currency"] = str(error)
        return None
    try:
        minor = money.to_minor(amount, currency)
    except ValueError as error:
        errors["amount"] = str(error)
        return None
    if minor <= 0:
        errors["amount"] = "What was paid is more than zero."
    return minor
