"""Promotions that wait for a decision, and the stories that the portfolio tells."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from agency import attributed, promotions
from agency.admin.verbs import ReadOnlyAdmin, Verb, VerbAdmin, status_in
from agency.models import Promotion, SuccessStory
from earnings import money


@admin.register(Promotion)
class PromotionAdmin(VerbAdmin, ReadOnlyAdmin):
    """Drafts with figures from a measured inventory; one at a time is live on the storefront."""

    list_display = ["headline", "status", "observation", "created_at", "published_at"]
    list_filter = ["status"]
    list_select_related = ["observation"]
    fields = [
        *("headline", "status", "body", "banner_link", "offers", "texts", "downloads"),
        *("attributed_orders", "run_link", "observation", "created_at", "published_at", "published_by"),
    ]
    readonly_fields = ["banner_link", "offers", "texts", "downloads", "attributed_orders", "run_link"]
    verbs = (
        Verb(
            "publish",
            "Publish on the storefront",
            lambda promotion, request: promotions.publish(promotion, by=request.user),
            "agency.publish_promotion",
            "It becomes the storefront's banner; the one that is there now is withdrawn. "
            "What it says of its offers is measured again first.",
            fits=status_in("draft", "withdrawn"),
        ),
        Verb(
            "withdraw",
            "Withdraw",
            lambda promotion, request: promotions.withdraw(promotion),
            "agency.publish_promotion",
            "The banner disappears from the storefront.",
            fits=status_in("draft", "published"),
        ),
    )

    @admin.display(description="link")
    def banner_link(self, promotion):
        return format_html('<a href="{0}">{0}</a>', promotion.link)

    @admin.display(description="offers")
    def offers(self, promotion):
        rows = [
            (
                item["url"],
                item["title"],
                money.display(item["price_minor"], item["currency"]),
                _stock(item["stock"]),
            )
            for item in promotion.items
        ]
        return format_html(
            '<table class="board-table"><thead><tr><th scope="col">Offer</th><th scope="col">Price</th>'
            '<th scope="col">Stock</th></tr></thead><tbody>{}</tbody></table>',
            format_html_join(
                "",
                '<tr><th scope="row" data-label="Offer"><a href="{}">{}</a></th>'
                '<td data-label="Price">{}</td><td data-label="Stock">{}</td></tr>',
                rows,
            ),
        )

    @admin.display(description="texts by channel")
    def texts(self, promotion):
        return format_html_join(
            "", '<h3>{}</h3><pre class="board-text">{}</pre>', sorted(promotion.channels.items())
        )

    @admin.display(description="files for the channels")
    def downloads(self, promotion):
        rows = [
            (reverse("admin:agency_artifact_open", args=[artifact.pk]), artifact.name)
            for artifact in promotion.task.artifacts.all()
        ]
        return format_html(
            '<ul class="board-list">{}</ul>',
            format_html_join("", '<li><a href="{0}">{1}</a> · <a href="{0}?download=1">Save</a></li>', rows),
        )

    @admin.display(description="attributed orders")
    def attributed_orders(self, promotion):
        """Orders after its links were followed; attribution, not proof of a cause."""
        rows = [
            (row.orders, money.display(row.amount_minor, row.currency), row.kind)
            for row in attributed.to_run(promotion.task.run)
        ]
        return format_html_join(", ", "{} for {} ({})", rows) or "none yet"

    @admin.display(description="run")
    def run_link(self, promotion):
        page = reverse("admin:agency_run_change", args=[promotion.task.run_id])
        return format_html('<a href="{}">{}</a>', page, promotion.task.run)


def _stock(count):
    return "unlimited" if count is None else count


@admin.register(SuccessStory)
class SuccessStoryAdmin(admin.ModelAdmin):
    """What the portfolio shows: accepted work that its client agreed to show."""

    list_display = ["title", "service_order", "is_published", "published_at"]
    list_editable = ["is_published"]
    list_select_related = ["service_order__gig"]
    fields = ["title", "summary", "quote", "is_published", "service_order", "slug", "image", "published_at"]
    readonly_fields = ["service_order", "slug", "image", "published_at"]

    def has_add_permission(self, request):
        return False
