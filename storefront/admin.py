"""Where staff keep the products. Pages and actions call verbs; they hold no rules."""

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.shortcuts import redirect
from django.utils.functional import cached_property

from agency.admin.pages import SeenBy
from agency.wording import count
from earnings import money
from earnings.refusals import Refusal
from storefront import (
    imports_admin,  # noqa: F401  it registers its pages
    library,
    library_admin,  # noqa: F401  so does it
    license_keys_admin,
    orders_admin,  # noqa: F401  and so does it
    search,
    shelf,
)
from storefront.catalog import cells, editing, publishing
from storefront.files_admin import files_of
from storefront.models import Product

PER_PAGE = 100
NOT_LISTED = "Visitors don't see it. To publish it, choose it in the list of products and do “List now”."


class ProductForm(forms.ModelForm):
    """A product with its prices written as people write them: 29.00."""

    price = forms.CharField(max_length=30, help_text="Like 29.00, in the currency below.")
    compare_at = forms.CharField(
        label="Price before", max_length=30, required=False, help_text="Shown struck through; above the price."
    )
    family = forms.CharField(
        max_length=140, required=False, help_text="The same for all variants; empty = its own."
    )
    external_url = forms.CharField(max_length=500, required=False, help_text="Where a marketplace sells it.")
    tags = forms.CharField(
        max_length=1000, required=False, help_text="Between commas.", widget=forms.TextInput(attrs={"size": 80})
    )

    class Meta:
        model = Product
        fields = [
            *("sku", "title", "option", "family", "summary", "description", "category", "kind", "tags"),
            *("price", "compare_at", "currency", "stock", "image", "image_alt", "external_url"),
            *("vendor", "language", "position"),
        ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        product = self.instance
        if "stock" in self.fields:
            # Buyers change it, too: it is written only by who has typed another number than the form showed.
            self.fields["stock"].show_hidden_initial = True
        if "currency" in self.fields:
            self.fields["currency"].initial = settings.STORE_CURRENCY
        if product.pk:
            self.initial["price"] = money.amount_text(product.price_minor, product.currency)
            self.initial["tags"] = ", ".join(product.tags)
            if product.compare_at_minor is not None:
                self.initial["compare_at"] = money.amount_text(product.compare_at_minor, product.currency)

    def clean_currency(self):
        currency = self.cleaned_data["currency"].strip().upper()
        try:
            money.exponent(currency)
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None
        return currency

    def clean_description(self):
        return cells.html(self.cleaned_data["description"])

    def clean_tags(self):
        return cells.tags(self.cleaned_data["tags"])

    def clean_image(self):
        return _read(cells.image, self.cleaned_data["image"])

    def clean_external_url(self):
        return _read(cells.link, self.cleaned_data["external_url"])

    def clean(self):
        values = super().clean()
        price = self._amount("price")
        before = self._amount("compare_at") if values.get("compare_at") else None
        if price is not None:
            self.instance.price_minor = price
        self.instance.compare_at_minor = before
        if before is not None and price is not None and before <= price:
            self.add_error("compare_at", "It must be above the price.")
        return values

    def _amount(self, name):
        text, currency = self.cleaned_data.get(name), self.cleaned_data.get("currency")
        if not text or not currency:
            return None
        try:
            amount = money.to_minor(text.strip(), currency)
        except ValueError as error:
            self.add_error(name, f"{error}.")
            return None
        if amount < 0:
            self.add_error(name, "It is at least 0.")
        return amount


def _read(reader, text):
    try:
        return reader(text)
    except ValueError as error:
        raise forms.ValidationError(f"{error}.") from None


class CountedSoFar(Paginator):
    """Pages of a list that may hold 100,000 rows: the first MOST of them, and no more are counted."""

    MOST = 10_000

    @cached_property
    def count(self):
        return self.object_list.order_by()[: self.MOST].count()


class ByFiles(admin.SimpleListFilter):
    """What was sold before its file was uploaded lets a buyer wait."""

    title = parameter_name = "files"

    def lookups(self, request, model_admin):
        return [("missing", "On sale without a file")]

    def queryset(self, request, queryset):
        missing = self.value() == "missing"
        return queryset.filter(pk__in=library.products_without_files().values("pk")) if missing else queryset


class ByCategory(admin.SimpleListFilter):
    """The categories that visitors see."""

    title = parameter_name = "category"

    def lookups(self, request, model_admin):
        return [(name, name) for name, _ in shelf.categories()]

    def queryset(self, request, queryset):
        return queryset.filter(category=self.value()) if self.value() else queryset


@admin.register(Product)
class ProductAdmin(SeenBy, admin.ModelAdmin):
    """What is on sale. Statuses change by the actions; a product is archived, not deleted."""

    form = ProductForm
    list_display = ["__str__", "sku", "price_text", "stock_text", "status", "category", "kind", "updated_at"]
    list_filter = ["status", "kind", ByCategory, ByFiles, "is_lead"]
    search_fields = ["title"]  # by the index of `storefront.search`
    search_help_text = "Beginnings of words in title, SKU, tags, option, category, vendor or summary."
    list_per_page = PER_PAGE
    paginator = CountedSoFar
    show_full_result_count = False
    actions = ["approve", "list_now", "unlist", "archive"]

    def get_search_results(self, request, queryset, search_term):
        return (search.narrowed(queryset, search_term) if search_term else queryset), False

    def get_queryset(self, request):
        found = super().get_queryset(request)
        return found if request.resolver_match.kwargs.get("object_id") else found.defer("description")

    def get_fieldsets(self, request, obj=None):
        fields = list(self.form.Meta.fields)
        if obj:
            fields = ["status", "page", "is_lead", "files", "license_keys", *fields]
        hidden = obj and obj.status != Product.Status.LISTED
        return [(None, {"fields": fields, "description": NOT_LISTED if hidden else ""})]

    def get_readonly_fields(self, request, obj=None):
        return ["status", "page", "is_lead", "files", "license_keys", "sku"] if obj else []

    def view_on_site(self, product):
        """The shop's page, once there is one."""
        return product.get_absolute_url() if product.status == Product.Status.LISTED else None

    def has_delete_permission(self, request, obj=None):
        return False

    def has_publish_permission(self, request):
        return request.user.has_perm("storefront.publish_product")

    def save_model(self, request, obj, form, change):
        if not change:
            editing.add(obj)
            return
        others = {"price", "compare_at"} | ({"stock"} - set(form.changed_data))
        names = [field for field in form.cleaned_data if field not in others]
        names += ["price_minor", "compare_at_minor"]
        editing.change(obj, {name: getattr(obj, name) for name in names})

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refusal as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
            return redirect(request.path)

    @admin.display(description="price", ordering="price_minor")
    def price_text(self, product):
        return money.display(product.price_minor, product.currency)

    @admin.display(description="stock", ordering="stock")
    def stock_text(self, product):
        return "unlimited" if product.stock is None else product.stock

    @admin.display(description="page")
    def page(self, product):
        return product.get_absolute_url()

    @admin.display()
    def files(self, product):
        return files_of(product, product.seen_by)

    @admin.display()
    def license_keys(self, product):
        return license_keys_admin.keys_of(product, product.seen_by)

    @admin.action(description="Approve: the next storefront build lists them", permissions=["publish"])
    def approve(self, request, products):
        self._move(request, products, publishing.approve, "approved")

    @admin.action(description="List now", permissions=["publish"])
    def list_now(self, request, products):
        self._move(request, products, publishing.list_now, "listed")

    @admin.action(description="Unlist: back to draft", permissions=["publish"])
    def unlist(self, request, products):
        self._move(request, products, publishing.unlist, "unlisted")

    @admin.action(description="Archive", permissions=["publish"])
    def archive(self, request, products):
        self._move(request, products, publishing.archive, "archived")

    def _move(self, request, products, verb, done):
        asked = products.count()
        moved = verb(products)
        self.message_user(request, f"{moved} of {count(asked, 'product')} {done}.", messages.SUCCESS)
        if moved < asked:
            detail = f"Not changed: {asked - moved}, already {done} or in a status that does not allow it."
            self.message_user(request, detail, messages.WARNING)
