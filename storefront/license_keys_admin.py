"""License keys in the admin: added by the line, seen with who has them, withdrawn while they are free."""

from django import forms
from django.contrib import admin, messages
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from agency.admin import pages
from agency.admin.fields import PicksRows
from agency.admin.verbs import blame
from earnings.refusals import Refusal
from storefront import license_keys
from storefront.models import LicenseKey


class LicenseKeysForm(forms.ModelForm):
    """Keys to add to a product, one on each line."""

    keys = forms.CharField(
        help_text="One on each line. Who buys the product from now on gets the oldest free one. Who bought it "
        "before and has none gets one at once, and a mail that says so.",
        widget=forms.Textarea(attrs={"rows": 12, "cols": 60, "spellcheck": "false"}),
    )

    class Meta:
        model = LicenseKey
        fields = ["product"]

    def clean(self):
        values = super().clean()
        if not self.errors:
            try:
                # Added here, where a refusal is shown beside its field; added twice is added once.
                self.added = license_keys.add(values["product"], values["keys"])
            except Refusal as refusal:
                blame(self, refusal)
        return values

    def _post_clean(self):
        """The verb has validated and stored them."""


def keys_of(product, user):
    """How many keys of the product are left, and the way to add some, for its page."""
    stock = license_keys.stock_of(product)
    waiting = ""
    if stock.waiting:
        waiting = f", {stock.waiting} buyer{pluralize(stock.waiting)} wait{pluralize(stock.waiting, 's,')} for one"
    ways = []
    if pages.may(user, "add", LicenseKey):
        ways.append((f"{reverse('admin:storefront_licensekey_add')}?product={product.pk}", "Add keys"))
    if pages.may(user, "view", LicenseKey) and (stock.free or stock.handed_out):
        listed = reverse("admin:storefront_licensekey_changelist")
        ways.append((f"{listed}?product__id__exact={product.pk}", "See them"))
    links = format_html_join(" · ", '<a href="{}">{}</a>', ways)
    return format_html("{} free, {} handed out{}. {}", stock.free, stock.handed_out, waiting, links)


class ByState(admin.SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("free", "Free"), ("handed-out", "Handed out")]

    def queryset(self, request, queryset):
        wanted = {"free": True, "handed-out": False}.get(self.value())
        return queryset if wanted is None else queryset.filter(entitlement__isnull=wanted)


@admin.register(LicenseKey)
class LicenseKeyAdmin(PicksRows, admin.ModelAdmin):
    """Keys that unlock what was bought. One that a buyer has is never taken back."""

    form = LicenseKeysForm
    list_display = ["text", "product", "handed_out_at", "created_at"]
    list_display_links = ["text"]
    list_filter = [ByState]
    list_select_related = ["product"]
    search_fields = ["text", "product__title", "product__sku"]
    autocomplete_fields = ["product"]
    show_full_result_count = False
    actions = None

    def lookup_allowed(self, lookup, value, request):
        return lookup == "product__id__exact" or super().lookup_allowed(lookup, value, request)

    def get_fields(self, request, obj=None):
        if obj is None:
            return ["product", "keys"]
        buyer = ["buyer"] if request.user.has_perm("storefront.view_order") else []
        return ["product", "text", "created_at", "handed_out_at", *buyer]

    def get_readonly_fields(self, request, obj=None):
        return self.get_fields(request, obj) if obj else []

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return (obj is None or obj.entitlement_id is None) and super().has_delete_permission(request, obj)

    def save_model(self, request, obj, form, change):
        """The form has stored them."""

    def log_addition(self, request, obj, message):
        """There is no one row to log: each key says when it was added."""

    def response_add(self, request, obj, post_url_continue=None):
        return self.response_post_save_add(request, obj)

    def add_view(self, request, form_url="", extra_context=None):
        page = {"title": "Add license keys", "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().add_view(request, form_url, page | (extra_context or {}))

    def save_form(self, request, form, change):
        added = form.added
        told = f"{added.new} key{pluralize(added.new)} added to {form.cleaned_data['product']}"
        told += f", {added.known} were there before" if added.known else ""
        told += f"; {added.handed_out} went to buyers who waited" if added.handed_out else ""
        self.message_user(request, f"{told}.", messages.SUCCESS)
        return super().save_form(request, form, change)

    def delete_model(self, request, obj):
        license_keys.withdraw(obj)

    def delete_view(self, request, object_id, extra_context=None):
        try:
            return super().delete_view(request, object_id, extra_context)
        except Refusal as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
            return redirect("admin:storefront_licensekey_change", object_id)

    @admin.display(empty_value="nobody yet")
    def buyer(self, key):
        if key.entitlement is None:
            return None
        order = key.entitlement.order_line.order
        page = reverse("admin:storefront_order_change", args=[order.pk])
        return format_html('<a href="{}">{}</a>, {}', page, order.number, order.email)
