"""The Chimera Engine's log, for staff."""

from django.contrib import admin

from agency.admin.verbs import ReadOnlyAdmin
from agency.models import ChimeraTask
from earnings.list_filters import PeriodFilter


@admin.register(ChimeraTask)
class ChimeraTaskAdmin(ReadOnlyAdmin):
    """Every call for words, and who answered."""

    list_display = ["id", "agent", "purpose", "provider", "model", "outcome", "latency_ms", "created_at"]
    list_filter = ["agent", "outcome", "provider", ("created_at", PeriodFilter)]
    search_fields = ["purpose", "output"]
