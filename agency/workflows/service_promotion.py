"""A promotion of the services on offer, whose every figure was measured in the same run."""

from datetime import timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone
from rest_framework import serializers

from agency import chimera_engine, promotion_texts
from agency.models import Gig, Promotion, ServiceOrder
from agency.wording import count
from agency.workflows import Evidence, NewArtifact, Outcome, PermanentError, Workflow, register
from earnings import money

AGENT = "Promoter"
MOST_SERVICES, MOST_PRODUCTS = 3, 3
LOOK_BACK = timedelta(days=90)
# Pages of the admin in it become links where a person reads it.
NOTHING_LISTED = (
    "Nothing is listed. List a service (/admin/agency/gig/) or a product (/admin/storefront/product/), "
    "then approve: it is tried again."
)
DRAFTED = (
    "asks a language model for words, if one is set up",
    "stores a draft of a promotion and its files; nothing is published until a person publishes it",
)


class Params(serializers.Serializer):
    gigs = serializers.ListField(
        child=serializers.SlugField(max_length=120),
        required=False,
        max_length=MOST_SERVICES,
        help_text="Slugs of the gigs to promote; without it those with the fewest orders.",
    )

    def validate_gigs(self, slugs):
        known = set(Gig.objects.listed().filter(slug__in=slugs).values_list("slug", flat=True))
        missing = [slug for slug in slugs if slug not in known]
        if missing:
            raise serializers.ValidationError(f"No listed gig is called {', '.join(missing)}.")
        return slugs


def quiet_gigs():
    """Listed gigs, those with the fewest orders of the last 90 days first."""
    recent = Q(service_orders__created_at__gte=timezone.now() - LOOK_BACK)
    return (
        Gig.objects.listed()
        .annotate(sold=Count("service_orders", filter=recent))
        .order_by("sold", "position", "id")
    )


@register
class ServicePromotion(Workflow):
    key = "service_promotion"
    title = "Service promotion"
    description = "Drafts a promotion of services for every channel, from the measured inventory alone."
    pipeline = "ops"
    binds = ("inventory",)
    Params = Params

    def evidence(self):
        gigs = Gig.objects.listed().count()
        if not gigs:
            return [Evidence("no gig is listed: there is nothing to promote", 0.2, "/admin/agency/gig/")]
        recent = ServiceOrder.objects.filter(gig=OuterRef("pk"), created_at__gte=timezone.now() - LOOK_BACK)
        quiet = Gig.objects.listed().filter(~Exists(recent)).count()
        drafts = Promotion.objects.filter(status=Promotion.Status.DRAFT).count()
        found = []
        if quiet:
            factor = 1 + quiet / gigs
            text = f"{quiet} of {gigs} listed gigs had no order in {LOOK_BACK.days} days"
            found.append(Evidence(text, factor, "/admin/agency/gig/?is_listed__exact=1"))
        if drafts:
            link = "/admin/agency/promotion/?status__exact=draft"
            found.append(Evidence(f"Drafts of promotions that wait for a decision: {drafts}", 0.7, link))
        return found

    def touches(self, params):
        which = ", ".join(params.get("gigs") or []) or "the listed gigs with the fewest orders"
        return [f"reads the measured inventory, above all {which}", *DRAFTED]

    def prepare(self, work):
        """Which services, best first: a decision that needs no measurement."""
        asked = work.params.get("gigs")
        return {"gigs": asked or [gig.slug for gig in quiet_gigs()]}

    def perform(self, work):
        observation = work.observation("inventory")
        inventory = observation.payload
        items = choose(inventory, work.draft["gigs"])
        result = {"inventory_ref": observation.ref, "items": items}
        if not items:
            note = NewArtifact(
                "promotion", "promotion.md", "text/markdown; charset=utf-8", b"Nothing is listed.\n"
            )
            return Outcome(result, [note], needs_human=NOTHING_LISTED)
        work.progress(1, 3, "wording")
        opening = "Made to order" if items[0]["kind"] == "service" else "On offer"
        headline = promotion_texts.cut(f"{opening} at {inventory['store']}", 120)
        pitch = self._pitch(work.task, inventory["store"], items)
        work.progress(2, 3, "checking every figure")
        return draft(work, observation, "promotion.md", Draft(headline, pitch, items), result)

    def _pitch(self, task, store, items):
        facts = {"store": store, "offers": [offer_facts(item) for item in items]}
        services = [item["title"] for item in items if item["kind"] == "service"]
        what = f"{_joined(services)}, made to order" if services else _joined([i["title"] for i in items])
        fallback = f"{what}. Clear prices, a clear delivery date, and no surprises: this is what is on offer now."
        prompt = "Word a friendly pitch of two or three sentences for these offers of our studio."
        return chimera_engine.write(AGENT, "Word the promotion", prompt, facts, fallback, task=task)


class Draft:
    """A promotion's words and what they speak of."""

    def __init__(self, headline, pitch, items):
        self.headline, self.pitch, self.items = headline, pitch, items


def draft(work, observation, name, words, result, *more_payloads):
    """The outcome of a promotion: texts whose figures were checked, their files, and a draft for staff.

    Raises PermanentError if a text holds a figure that nobody measured: then nothing is drafted.
    """
    texts = promotion_texts.channel_texts(words.headline, words.pitch, words.items, work.run.pk)
    everything = texts | {"headline": words.headline, "pitch": words.pitch}
    invented = promotion_texts.unfounded(everything, observation.payload, *more_payloads)
    if invented:
        raise PermanentError(f"These figures were not measured, so nothing is promoted: {invented}")
    link = promotion_texts.utm_link(words.items[0]["url"], "storefront", work.run.pk)

    def keep(task):
        Promotion.objects.create(
            task=task,
            observation_id=observation.pk,
            headline=words.headline,
            body=words.pitch,
            link=link,
            items=words.items,
            channels=texts,
        )

    artifacts = promotion_texts.files(
        name, words.headline, words.pitch, words.items, texts, work.run.pk, observation.ref
    )
    offers = count(len(words.items), "offer")
    message = f"Drafted “{words.headline}” with {offers}; a person decides whether it is published."
    result |= {"headline": words.headline, "channels": texts, "link": link, "message": message}
    return Outcome(result, artifacts, [keep])


def choose(inventory, slugs):
    """What to promote, from the inventory alone: services in the order of `slugs`, then products in stock.

    Products of the services' categories come first, then the dearest.
    """
    measured = {service["slug"]: service for service in inventory["services"] if service["packages"]}
    services = [measured[slug] for slug in slugs if slug in measured][:MOST_SERVICES]
    categories = {service["category"] for service in services if service["category"]}
    on_sale = [product for product in inventory["products"] if _is_on_sale(product) and product["price_minor"]]
    on_sale.sort(key=lambda p: (p["category"] not in categories, -p["price_minor"], p["sku"]))
    one_each = {product["family"]: product for product in reversed(on_sale)}
    products = [p for p in on_sale if one_each[p["family"]] is p][:MOST_PRODUCTS]
    return [service_item(service) for service in services] + [product_item(product) for product in products]


def on_offer(inventory):
    """What a promotion could offer, by `(kind, sku)`."""
    services = [service_item(service) for service in inventory["services"] if service["packages"]]
    products = [product_item(product) for product in inventory["products"] if _is_on_sale(product)]
    return {(item["kind"], item["sku"]): item for item in [*services, *products]}


def _is_on_sale(product):
    return product["status"] == "listed" and product["stock"] != 0 and bool(product["price"])


def service_item(service):
    cheapest = min(service["packages"], key=lambda package: package["price_minor"])
    return {
        "kind": "service",
        "sku": service["slug"],
        "title": service["name"],
        "price_minor": cheapest["price_minor"],
        "currency": cheapest["currency"],
        "stock": None,
        "url": service["url"],
    }


def product_item(product):
    title = f"{product['title']} ({product['option']})" if product.get("option") else product["title"]
    fields = {name: product[name] for name in ("sku", "price_minor", "currency", "url")}
    return {"kind": "product", "title": title, "stock": product.get("stock")} | fields


def offer_facts(item):
    """An item as facts for words: the price as people write it, no minor units."""
    price = money.amount_text(item["price_minor"], item["currency"])
    return {"title": item["title"], "price": price, "currency": item["currency"], "stock": item["stock"]}


def _joined(titles):
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"
