"""Where staff steer the shop. Pages and actions call verbs; they hold no rules."""

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.functional import cached_property

from agency.admin.verbs import ReadOnlyAdmin, Verb, VerbAdmin, status_in
from earnings import money
from earnings.refusals import Refusal
from storefront import (
    catalog,
    import_workflow,
    library_admin,  # noqa: F401  it registers its page
    orders_admin,  # noqa: F401  so does it
    releases,
    search,
    shelf,
)
from storefront.catalog import cells, editing, importing, publishing, reports
from storefront.files_admin import files_of
from storefront.models import CatalogImport, Product, Release

PER_PAGE = 100


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


class ByCategory(admin.SimpleListFilter):
    """The categories that visitors see."""

    title = parameter_name = "category"

    def lookups(self, request, model_admin):
        return [(name, name) for name, _ in shelf.categories()]

    def queryset(self, request, queryset):
        return queryset.filter(category=self.value()) if self.value() else queryset


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    """What is on sale. Statuses change by the actions; a product is archived, not deleted."""

    form = ProductForm
    list_display = ["__str__", "sku", "price_text", "stock_text", "status", "category", "kind", "updated_at"]
    list_filter = ["status", "kind", ByCategory, "is_lead"]
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
            fields = ["status", "page", "is_lead", "files", *fields]
        return [(None, {"fields": fields})]

    def get_readonly_fields(self, request, obj=None):
        return ["status", "page", "is_lead", "files", "sku"] if obj else []

    def has_delete_permission(self, request, obj=None):
        return False

    def has_publish_permission(self, request):
        return request.user.has_perm("storefront.publish_product")

    def save_model(self, request, obj, form, change):
        if not change:
            editing.add(obj)
            return
        names = [field for field in form.cleaned_data if field not in ("price", "compare_at")]
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
        return files_of(product)

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
        self.message_user(request, f"{moved} of {asked} products {done}.", messages.SUCCESS)
        if moved < asked:
            rest = asked - moved
            detail = f"{rest} stayed as they are: they are {done} already, or their status does not allow it."
            self.message_user(request, detail, messages.WARNING)


class UploadForm(forms.Form):
    """A catalog file, looked at before anything is changed."""

    file = forms.FileField(
        max_length=200, allow_empty_file=True, help_text="CSV or TSV, as your marketplace exports it."
    )
    format = forms.ChoiceField()
    publish = forms.BooleanField(
        required=False, help_text="List the rows that the file itself marks as published or active."
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        known = [(key, each.title) for key, each in catalog.FORMATS.items()]
        self.fields["format"].choices = [("auto", "Find out by the header"), *known]

    def clean_file(self):
        limit = settings.CATALOG_UPLOAD_MAX_BYTES
        if self.cleaned_data["file"].size > limit:
            raise forms.ValidationError(f"The file is larger than {limit:,} bytes.")
        return self.cleaned_data["file"]


def _apply(row, request):
    if not request.user.has_perms(["storefront.add_product", "storefront.change_product"]):
        raise Refusal("Importing needs the rights to add and change products.")
    if row.publish and not request.user.has_perm("storefront.publish_product"):
        raise Refusal("Publishing needs the right to publish products.")
    if row.created_count + row.changed_count + row.unchanged_count > import_workflow.MANY:
        return import_workflow.hand_over(row, request.user, apply=True)
    done = importing.apply(row)
    if done.status == CatalogImport.Status.REFUSED:
        raise Refusal(f"Rows that can't be imported any more: {done.refused_count}. Nothing was changed.")
    return done


def _looked_at(asked, user):
    """The preview of an uploaded file; of a great one, the import that a worker is to preview."""
    file, options = asked["file"], {"format": asked["format"], "publish": asked["publish"], "user": user}
    if file.size > import_workflow.GREAT:
        return import_workflow.hand_over(importing.receive(file, file.name, **options), user)
    return importing.import_catalog(file, file.name, dry_run=True, **options)


@admin.register(CatalogImport)
class CatalogImportAdmin(VerbAdmin):
    """Upload a catalog file, read what it would do, then apply it."""

    list_display = [
        *("name", "status", "format", "created_count", "changed_count", "unchanged_count", "refused_count"),
        *("created_by", "created_at"),
    ]
    list_filter = ["status", "format"]
    list_select_related = ["created_by"]
    search_fields = ["name", "sha256"]
    change_form_template = "admin/storefront/catalogimport/change_form.html"
    verbs = (
        Verb(
            name="apply",
            label="Apply",
            call=_apply,
            right="storefront.add_catalogimport",
            question="Do what the preview shows, compared anew with the shop as it is now.",
            fits=lambda row: (
                row.status == CatalogImport.Status.PREVIEWED
                and not row.refused_count
                and not import_workflow.is_open(row)
            ),
        ),
        Verb(
            name="read",
            label="Read it again",
            call=lambda row, request: import_workflow.hand_over(row, request.user),
            right="storefront.add_catalogimport",
            question="The worker that read it did not come to an end.",
            fits=lambda row: row.status == CatalogImport.Status.WAITING and not import_workflow.is_open(row),
        ),
    )

    def get_queryset(self, request):
        found = super().get_queryset(request)
        # Reports may be megabytes; the list does not show them.
        return found if request.resolver_match.kwargs.get("object_id") else found.defer("report")

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_fields(self, request, obj=None):
        return []

    def get_urls(self):
        download = self.admin_site.admin_view(self.report_view)
        return [path("<int:pk>/report.csv", download, name="storefront_catalogimport_report"), *super().get_urls()]

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            asked = form.cleaned_data
            try:
                preview = _looked_at(asked, request.user)
            except Refusal as refusal:
                form.add_error("file", refusal.detail)
            else:
                return redirect(self.page_of(preview))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import a catalog file",
            "form": form,
        }
        return render(request, "admin/storefront/catalogimport/upload.html", context)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        outcome = request.GET.get("outcome", "")
        lines = [line for line in obj.report if outcome in ("", line["outcome"])]
        page = Paginator(reports.by_importance(lines), PER_PAGE).get_page(request.GET.get("page"))
        context |= {
            "page": page,
            "outcome": outcome,
            "lines": [(line, reports.changes(line), reports.remarks(line)) for line in page],
            "counts": [(each, getattr(obj, f"{each}_count")) for each in reports.OUTCOMES],
            "format_title": catalog.FORMATS[obj.format].title if obj.format in catalog.FORMATS else obj.format,
            "title": f"Import of {obj}",
            "subtitle": None,
            "media": self.media,
            "task": import_workflow.task_of(obj),
            "is_at_work": import_workflow.is_open(obj),
            "written": importing.shown(obj),
        }
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def report_view(self, request, pk):
        """The whole report as CSV."""
        done = get_object_or_404(CatalogImport, pk=pk)
        if not self.has_view_permission(request, done):
            raise PermissionDenied
        name = f"import-{done.pk}-report.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(reports.as_csv(done.report), content_type="text/csv; charset=utf-8", headers=headers)


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin, VerbAdmin):
    """What storefront builds changed, and the way back."""

    list_display = ["__str__", "status", "listed_count", "created", "changed", "catalog_import", "created_at"]
    list_filter = ["status"]
    list_select_related = ["catalog_import"]
    change_form_template = "admin/storefront/release/change_form.html"
    verbs = (
        Verb(
            name="roll_back",
            label="Roll back",
            call=lambda release, request: releases.rollback(release, by=request.user) and None,
            right="storefront.publish_product",
            question="Every field that it changed gets its old value again; what somebody changed since stays.",
            fits=status_in(Release.Status.LIVE),
        ),
    )

    def get_fields(self, request, obj=None):
        return []

    @admin.display(description="listed")
    def listed_count(self, release):
        return len(release.listed_skus)

    @admin.display
    def created(self, release):
        return releases.created_count(release)

    @admin.display
    def changed(self, release):
        return releases.changed_count(release)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        rows = [
            (sku, name, (obj.before[sku] or {}).get(name), value)
            for sku, fields in sorted(obj.after.items())
            for name, value in fields.items()
            if obj.before.get(sku) is not None or name in ("title", "price_minor", "status")
        ]
        page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
        context |= {"page": page, "title": str(obj), "subtitle": None}
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)
