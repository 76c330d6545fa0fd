"""Every address of the site; `/healthz` and `/readyz` are answered by agency.readiness before."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.routers import SimpleRouter

from agency import api as agency
from agency import schedules_api as schedules
from agency import services_api as services
from agency import webhooks_api as webhooks
from agency.idempotency import RemembersAnswers
from config.api import not_found
from earnings import api as earnings
from earnings import disputes_api as disputes
from earnings import payouts_api as payouts
from earnings import statements_api as statements
from storefront import api as storefront
from storefront import orders_api as orders


class Disputes(RemembersAnswers, disputes.Disputes):
    """The ledger's room knows no remembered answers; here both meet."""


# Without slashes; config.api.slashless accepts one at the end as well.
router = SimpleRouter(trailing_slash=False)
router.register("intents", agency.IntentViewSet)
router.register("runs", agency.RunViewSet)
router.register("tasks", agency.TaskViewSet)
router.register("schedules", schedules.ScheduleViewSet)
router.register("observations", agency.ObservationViewSet)
router.register("artifacts", agency.ArtifactViewSet)
router.register("chimera/tasks", agency.ChimeraTaskViewSet, basename="chimera-task")
router.register("gigs", services.GigViewSet)
router.register("service-orders", services.ServiceOrderViewSet)
router.register("portfolio", services.PortfolioViewSet, basename="portfolio")
router.register("webhook-endpoints", webhooks.WebhookEndpointViewSet)
router.register("webhook-deliveries", webhooks.WebhookDeliveryViewSet)
router.register("products", storefront.ProductViewSet)
router.register("earnings/payouts", payouts.PayoutViewSet)
router.register("earnings/statements", statements.StatementViewSet)
router.register("orders", orders.OrderViewSet)

api = [
    path("orchestrate/sales", agency.OrchestrateSales.as_view()),
    path("orchestrate/service", agency.OrchestrateService.as_view()),
    path("orchestrate/intent", agency.OrchestrateIntent.as_view()),
    path("workflows", agency.WorkflowsView.as_view()),
    path("", include(router.urls)),
    path("earnings/disputes", Disputes.as_view()),
    *earnings.api_urls,
    path("schema", SpectacularAPIView.as_view(permission_classes=[AllowAny]), name="schema"),
    path(
        "docs",
        SpectacularSwaggerSplitView.as_view(url_name="schema", permission_classes=[AllowAny]),
        name="docs",
    ),
]

handler400 = "config.api.bad_request"
handler500 = "config.api.server_error"

urlpatterns = [
    path("api/v1/", include(api)),
    re_path(r"^api/", csrf_exempt(not_found)),
    path("admin/", admin.site.urls),
    path("", include("agency.urls")),
    path("", include("storefront.urls")),
]
