"""Rights to files in the admin: what a buyer has, how often it was used, and what staff may do about it."""

from django.contrib import admin
from django.db.models import Count, Max, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from agency.admin import pages
from agency.admin.verbs import ReadOnlyAdmin, ReasonForm, Verb, VerbAdmin, status_in
from agency.models import Mail
from earnings.list_filters import PeriodFilter
from storefront import library, order_mail
from storefront.models import Download, Entitlement, LicenseKey

RIGHT = "storefront.change_entitlement"
Status = Entitlement.Status


def _send_receipt(entitlement, request):
    order_mail.receipt_again(entitlement.order_line.order)


@admin.register(Entitlement)
class EntitlementAdmin(VerbAdmin, ReadOnlyAdmin):
    """What buyers may download. A right is revoked, not deleted: it is part of what was sold."""

    list_display = ["__str__", "buyer", "status", "revoked_for", "download_count", "last_download", "granted_at"]
    list_filter = ["status", "revoked_for", ("granted_at", PeriodFilter)]
    list_select_related = ["product", "order_line__order"]
    search_fields = ["order_line__order__email", "product__title", "product__sku"]
    fields = [
        *("order_line", "product", "buyer", "status", "revoked_for", "reason", "granted_at", "revoked_at"),
        *("files", "license_key", "counted_from", "used"),
    ]
    readonly_fields = ["buyer", "files", "license_key", "used"]
    verbs = (
        Verb(
            "reset_limit",
            "Reset the limit",
            lambda entitlement, request: library.reset_limit(entitlement),
            RIGHT,
            "Each of its files may be downloaded as often as at first.",
            fits=status_in(Status.ACTIVE),
        ),
        Verb(
            "send_receipt",
            "Send the receipt again",
            _send_receipt,
            RIGHT,
            "The buyer gets a mail with the way to the order's page, at most once a day.",
        ),
        Verb(
            "revoke",
            "Revoke",
            lambda entitlement, request, reason: library.revoke(entitlement, reason),
            RIGHT,
            "The buyer can't download its files any more. No money goes back by this. The buyer does not see why.",
            form=ReasonForm,
            fits=status_in(Status.ACTIVE),
        ),
        Verb(
            "restore",
            "Restore",
            lambda entitlement, request, reason: library.restore(entitlement, reason),
            RIGHT,
            "The buyer can download its files again, also after a refund.",
            form=ReasonForm,
            fits=status_in(Status.REVOKED),
        ),
    )

    def get_queryset(self, request):
        # Asked for the rows that are shown: a join would count all the downloads there are first.
        used = Download.objects.filter(entitlement=OuterRef("pk")).order_by().values("entitlement")
        count, last = used.annotate(n=Count("*")).values("n"), used.annotate(at=Max("began_at")).values("at")
        found = super().get_queryset(request)
        return found.annotate(used_count=Coalesce(Subquery(count), 0), used_at=Subquery(last))

    @admin.display(ordering="order_line__order__email")
    def buyer(self, entitlement):
        return entitlement.order_line.order.email

    @admin.display(description="downloads", ordering="used_count")
    def download_count(self, entitlement):
        return entitlement.used_count

    @admin.display(description="last download", ordering="used_at", empty_value="never")
    def last_download(self, entitlement):
        return entitlement.used_at

    @admin.display(description="license key", empty_value="none")
    def license_key(self, entitlement):
        return LicenseKey.objects.filter(entitlement=entitlement).first()

    @admin.display(description="files now")
    def files(self, entitlement):
        rows = [
            (file, library.left(entitlement, file.pk), library.MOST_DOWNLOADS)
            for file in library.files_of(entitlement)
        ]
        files = format_html_join("", "<li>{}: {} of {} downloads left</li>", rows)
        return format_html('<ul class="board-list">{}</ul>', files) if rows else "none"

    @admin.display(description="downloads")
    def used(self, entitlement):
        rows = [
            (timezone.localtime(download.began_at).strftime("%Y-%m-%d %H:%M:%S"), download.file)
            for download in entitlement.downloads.select_related("file")[:100]
        ]
        used = format_html_join("", "<li>{}: {}</li>", rows)
        return format_html('<ul class="board-list">{}</ul>', used) if rows else "none yet"


def rights_of(order, user):
    """What was handed over of an order, for its page in the admin: rights with their use, and service orders."""
    rights = Entitlement.objects.filter(order_line__order=order).select_related("product")
    rows = [
        (
            pages.link(right, right.product, user),
            right.get_status_display(),
            f"{right.used} download{pluralize(right.used)}",
        )
        for right in rights.annotate(used=Count("downloads")).order_by("id")
    ]
    rows += [
        (
            pages.link(line.service_order, line.service_order, user),
            line.service_order.get_status_display(),
            f"due {timezone.localtime(line.service_order.due_at):%Y-%m-%d}" if line.service_order.due_at else "",
        )
        for line in order.lines.select_related("service_order__gig")
        if line.service_order
    ]
    handed = format_html_join("", "<li>{}: {}, {}</li>", rows)
    return format_html('<ul class="board-list">{}</ul>', handed) if rows else "nothing yet"


def mails_of(order, user):
    """What the buyer was written about an order, for its page in the admin."""
    rows = [
        (pages.link(mail, mail.template, user), mail.get_status_display(), mail.error)
        for mail in Mail.objects.filter(key__startswith=f"order:{order.pk}:").order_by("id")
    ]
    mails = format_html_join("", "<li>{}: {} {}</li>", rows)
    return format_html('<ul class="board-list">{}</ul>', mails) if rows else "none"
