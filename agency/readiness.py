"""Whether the site is up, and whether it can do its work."""

from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agency.attempts import oldest_due
from agency.models import Heartbeat
from earnings import nightly

OLDEST_BEAT = timedelta(seconds=30)
OLDEST_TASK = timedelta(minutes=5)


@never_cache
@require_safe
def healthz(request):
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request):
    """200 only if the database, its migrations, the workers and the queue are as they should be; names each.

    What the last check of the ledger found is told, too, and closes no shop: a person has to look.
    """
    checks = state()
    is_ready = all(check["ok"] for name, check in checks.items() if name != "ledger")
    return JsonResponse({"ready": is_ready, "checks": checks}, status=200 if is_ready else 503)


def probed(get_response):
    """Middleware: both answer whatever Host they are asked for.

    A load balancer or a container's probe asks by the machine's address, which nobody wants in ALLOWED_HOSTS; the
    answers repeat nothing of the Host and link nowhere.
    """
    probes = {"/healthz": healthz, "/readyz": readyz}

    def middleware(request):
        return probes.get(request.path_info, get_response)(request)

    return middleware


def state(now=None):
    """`{check: {"ok": bool, "detail": text}}` for database, migrations, workers, queue and ledger."""
    now = now or timezone.now()
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        beat = Heartbeat.objects.order_by("-beat_at").values_list("beat_at", flat=True).first()
        oldest = oldest_due()
        checked = None if missing else nightly.latest()
    except DatabaseError as error:
        return {"database": {"ok": False, "detail": type(error).__name__}}
    return {
        "database": {"ok": True, "detail": connection.vendor},
        "migrations": {"ok": not missing, "detail": f"{len(missing)} not applied"},
        "workers": {
            "ok": beat is not None and now - beat < OLDEST_BEAT,
            "detail": f"last heartbeat {(now - beat).total_seconds():.0f} s ago" if beat else "never seen",
        },
        "queue": {
            "ok": oldest is None or now - oldest < OLDEST_TASK,
            "detail": f"oldest due task waits {(now - oldest).total_seconds():.0f} s" if oldest else "empty",
        },
        "ledger": {"ok": checked is None or checked.is_sound, "detail": _found(checked, now)},
    }


def _found(checked, now):
    if checked is None:
        return "not checked yet"
    hours = (now - checked.finished_at).total_seconds() / 3600
    found = "sound" if checked.is_sound else f"{checked.number} violations, the admin names them"
    return f"{found}, checked {hours:.0f} h ago"
