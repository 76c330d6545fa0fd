"""The announcement of what a storefront release put on sale."""

from agency import chimera_engine, promotion_texts
from agency.models import Promotion
from agency.workflows import Evidence, NewArtifact, Outcome, Workflow, register
from agency.workflows.service_promotion import AGENT, DRAFTED, Draft, draft, offer_facts, product_item

MOST_ITEMS = 6


@register
class LaunchAnnouncement(Workflow):
    key = "launch_announcement"
    title = "Launch announcement"
    description = "Announces what a storefront release listed, at the prices that were measured after it."
    pipeline = "ops"
    binds = ("inventory", "storefront_release")
    touched = ("reads the measured inventory and release", *DRAFTED)

    def evidence(self):
        drafts = Promotion.objects.filter(status=Promotion.Status.DRAFT, task__workflow=self.key).count()
        if not drafts:
            return []
        link = "/admin/agency/promotion/?status__exact=draft"
        return [Evidence(f"Announcements that wait for a decision: {drafts}", 0.7, link)]

    def perform(self, work):
        inventory, release = work.observation("inventory"), work.observation("storefront_release")
        items = announced(inventory.payload, release.payload)
        result = {
            "inventory_ref": inventory.ref,
            "release_ref": release.ref,
            "release_id": release.payload["release_id"],
            "listed": len(release.payload["listed"]),
            "items": items,
        }
        if not items:
            reason = "This release put nothing on sale that could be announced."
            note = NewArtifact(
                "promotion", "launch_announcement.md", "text/markdown; charset=utf-8", reason.encode()
            )
            return Outcome(result, [note], needs_human=reason)
        work.progress(1, 2, "wording")
        words = self._words(work.task, inventory.payload["store"], items, len(release.payload["listed"]))
        payloads = [release.payload, {"listed": len(release.payload["listed"])}]
        return draft(work, inventory, "launch_announcement.md", words, result, *payloads)

    def _words(self, task, store, items, listed):
        headline = promotion_texts.cut(f"New at {store}", 120)
        more = f" It is one of {listed} things that went on sale together." if listed > 1 else ""
        fallback = f"{items[0]['title']} is on sale from today.{more}"
        facts = {"store": store, "listed": listed, "offers": [offer_facts(item) for item in items]}
        prompt = "Announce what is new in our shop in two or three friendly sentences."
        text = chimera_engine.write(AGENT, "Word the announcement", prompt, facts, fallback, task=task)
        return Draft(headline, text, items)


def announced(inventory, release):
    """What the release listed and the inventory, measured with it, holds at the same price."""
    measured = {product["sku"]: product for product in inventory["products"] if product["status"] == "listed"}
    listed = [measured[entry["sku"]] for entry in release["listed"] if _same_price(entry, measured)]
    return [product_item(product) for product in listed if product["stock"] != 0][:MOST_ITEMS]


def _same_price(entry, measured):
    product = measured.get(entry["sku"])
    return product and (product["price_minor"], product["currency"]) == (entry["price_minor"], entry["currency"])
