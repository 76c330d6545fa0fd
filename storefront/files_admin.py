"""Files of products in the admin: uploaded, replaced, withdrawn."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join

from agency import file_answers
from agency.admin import pages
from agency.admin.fields import PicksRows
from agency.admin.verbs import RowForm, Verb, VerbAdmin, blame
from agency.private_pages import sorry
from earnings.refusals import Refusal
from storefront import order_mail, product_files
from storefront.models import ProductFile

RIGHT = "storefront.change_productfile"


class ProductFileForm(forms.ModelForm):
    """A file to upload. Its name decides whether it is a new file or the next version of one."""

    name = forms.CharField(
        required=False,
        max_length=product_files.LONGEST_NAME,
        help_text="What the buyer sees and saves; empty = as it is called now. The name of a file that is there "
        "makes this its next version, which everybody gets who bought the product.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    class Meta:
        model = ProductFile
        fields = ["product", "file", "name", "note"]

    def clean(self):
        values = super().clean()
        if not self.errors:
            try:
                # Stored here, where a refusal is shown beside its field; the verb may be called twice.
                self.instance = product_files.add(
                    values["product"], values["file"], name=values["name"], note=values["note"], by=self.by
                )
            except Refusal as refusal:
                blame(self, refusal)
        return values

    def _post_clean(self):
        """The verb has validated and stored it."""


class TellBuyersForm(RowForm):
    """To how many it goes, before it does; so it is no list action, which asks nothing."""

    about_template = "admin/storefront/productfile/buyers.html"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.buyers = len({right.order_line.order.email for right in order_mail.rights_to(self.row)})


def files_of(product, user):
    """What buyers of the product get now, and the way to add to it, for its page."""
    rows = [(pages.link(file, file, user), filesizeformat(file.size)) for file in product.files.current()]
    files = format_html_join("", "<li>{}, {}</li>", rows)
    add = ""
    if pages.may(user, "add", ProductFile):
        page = reverse("admin:storefront_productfile_add")
        add = format_html('<li><a href="{}?product={}">Add a file, or a new version</a></li>', page, product.pk)
    return format_html('<ul class="board-list">{}{}</ul>', files, add) if rows or add else "none"


@admin.register(ProductFile)
class ProductFileAdmin(PicksRows, VerbAdmin):
    """What buyers download. A file is withdrawn, not deleted: somebody may have it."""

    form = ProductFileForm
    list_display = ["name", "version", "product", "size_text", "created_at", "withdrawn_at", "open_link"]
    list_filter = [("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["product"]
    search_fields = ["name", "product__title", "product__sku"]
    autocomplete_fields = ["product"]
    verbs = (
        Verb(
            "tell_buyers",
            "Write to its buyers",
            lambda file, request: product_files.tell_buyers(file),
            RIGHT,
            "Everybody who bought the product gets one mail that this version is there, with its note and the way "
            "to their order. Who was written to about it before is not written to again.",
            form=TellBuyersForm,
            fits=product_files.may_be_told,
        ),
        Verb(
            "withdraw",
            "Withdraw",
            lambda file, request: product_files.withdraw(file),
            RIGHT,
            "Nobody gets this version any more: its buyers get the one before it, or none.",
            fits=lambda file: file.withdrawn_at is None,
        ),
        Verb(
            "offer_again",
            "Offer again",
            lambda file, request: product_files.offer_again(file),
            RIGHT,
            "Buyers get it again, unless there is a newer version.",
            fits=lambda file: file.withdrawn_at is not None,
        ),
    )

    def get_urls(self):
        open_ = self.admin_site.admin_view(self.open_view)
        return [path("<int:pk>/open/", open_, name="storefront_productfile_open"), *super().get_urls()]

    def get_fields(self, request, obj=None):
        if obj is None:
            return ["product", "file", "name", "note"]
        facts = ["product", "name", "version", "note", "size_text", "sha256", "content_type", "open_link"]
        return [*facts, "created_by", "created_at", "withdrawn_at"]

    def get_readonly_fields(self, request, obj=None):
        return self.get_fields(request, obj) if obj else []

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.by = request.user
        return form

    def save_model(self, request, obj, form, change):
        """The form has stored it."""

    def open_view(self, request, pk):
        """The file, for staff: no buyer's download is counted."""
        file = get_object_or_404(ProductFile, pk=pk)
        if not self.has_view_permission(request, file):
            raise PermissionDenied
        try:
            return file_answers.respond(
                request,
                file.file,
                name=file.name,
                content_type=file.content_type,
                sha256=file.sha256,
                holder=f"staff {request.user.pk}",
            )
        except Refusal as refusal:
            return sorry(request, refusal)
        except FileNotFoundError:
            raise Http404("The storage does not have this file.") from None

    @admin.display(description="size", ordering="size")
    def size_text(self, file):
        return filesizeformat(file.size)

    @admin.display(description="file")
    def open_link(self, file):
        return format_html('<a href="{}">Save</a>', reverse("admin:storefront_productfile_open", args=[file.pk]))
