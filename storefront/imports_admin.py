"""Where staff bring a catalog in: uploaded, looked at, applied; what builds released, and the way back."""

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse

from agency.admin.verbs import ReadOnlyAdmin, Verb, VerbAdmin, status_in
from earnings.refusals import Refusal
from storefront import catalog, import_workflow, releases
from storefront.catalog import importing, reports
from storefront.models import CatalogImport, Release

PER_PAGE = 100


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


def _apply_others(row, request):
    importing.leave_out(row)
    return _apply(row, request)


def _is_applicable(row):
    return row.status == CatalogImport.Status.PREVIEWED and not import_workflow.is_open(row)


def _is_of_services(row):
    return row.format in catalog.FORMATS and catalog.FORMATS[row.format].target == "gigs"


def _list_of_what_it_made(row, user):
    """Where staff find what an import brought, if they may go there."""
    label, model = ("agency", "gig") if _is_of_services(row) else ("storefront", "product")
    return reverse(f"admin:{label}_{model}_changelist") if user.has_perm(f"{label}.view_{model}") else ""


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
            fits=lambda row: not row.refused_count and _is_applicable(row),
        ),
        Verb(
            name="apply_others",
            label="Apply the other rows",
            call=_apply_others,
            right="storefront.add_catalogimport",
            question="Rows that can't be imported are left out. Mended in the file, they come in with it later.",
            fits=lambda row: (
                row.refused_count
                and row.created_count + row.changed_count + row.unchanged_count
                and _is_applicable(row)
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
            "lines": [
                (line, reports.offered(line), reports.changes(line), reports.remarks(line)) for line in page
            ],
            "counts": [(each, getattr(obj, f"{each}_count")) for each in reports.OUTCOMES],
            "format_title": catalog.FORMATS[obj.format].title if obj.format in catalog.FORMATS else obj.format,
            "title": f"Import of {obj}",
            "is_products": not _is_of_services(obj),
            "made": _list_of_what_it_made(obj, request.user),
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
