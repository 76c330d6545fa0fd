"""The files and measurements that prove the work."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils.html import format_html

from agency.admin.verbs import ReadOnlyAdmin
from agency.models import Artifact, Observation

# A report is somebody's HTML: it may show itself, and nothing else.
REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SHOWN_IN_BROWSER = ("text/html", "text/plain", "text/csv", "text/markdown", "image/png", "image/jpeg")


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    """Files that workflows made."""

    list_display = ["name", "kind", "length", "run", "service_order", "created_at", "open_link"]
    list_filter = ["kind"]
    list_select_related = ["run", "service_order__gig"]
    search_fields = ["name", "sha256"]
    readonly_fields = ["length", "open_link"]
    exclude = ["file", "size"]

    def get_queryset(self, request):
        return super().get_queryset(request).visible_to(request.user)

    def lookup_allowed(self, lookup, value, request):
        return not lookup.startswith("content") and super().lookup_allowed(lookup, value, request)  # bytes

    def get_urls(self):
        open_ = self.admin_site.admin_view(self.open_view)
        return [path("<int:pk>/open/", open_, name="agency_artifact_open"), *super().get_urls()]

    def open_view(self, request, pk):
        """The file, shown in the browser where that is safe; `?download` saves it."""
        artifact = get_object_or_404(Artifact.objects.visible_to(request.user), pk=pk)
        if not self.has_view_permission(request, artifact):
            raise PermissionDenied
        try:
            content = artifact.stored.open()
        except FileNotFoundError:
            raise Http404("The storage does not have this file.") from None
        response = FileResponse(
            content,
            as_attachment="download" in request.GET or artifact.content_type.split(";")[0] not in SHOWN_IN_BROWSER,
            filename=artifact.name,
            content_type=artifact.content_type,
        )
        response["Content-Security-Policy"] = REPORT_POLICY
        return response

    @admin.display(description="size", ordering="size")
    def length(self, artifact):
        return filesizeformat(artifact.size)

    @admin.display(description="file")
    def open_link(self, artifact):
        page = reverse("admin:agency_artifact_open", args=[artifact.pk])
        return format_html('<a href="{}">Open</a> · <a href="{}?download=1">Save</a>', page, page)


@admin.register(Observation)
class ObservationAdmin(ReadOnlyAdmin):
    """What was measured: immutable and hashed."""

    list_display = ["id", "kind", "run", "short_hash", "measured_at"]
    list_filter = ["kind"]
    list_select_related = ["run"]
    fields = ["kind", "run", "task", "sha256", "hash_is_true", "measured_at", "body"]

    @admin.display(description="sha256")
    def short_hash(self, seen):
        return seen.sha256[:16]

    @admin.display(boolean=True, description="hash recomputed now is equal")
    def hash_is_true(self, seen):
        return seen.recomputed_sha256 == seen.sha256
