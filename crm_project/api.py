"""`/api/v1`: every app's calls, and what describes them."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from core import health
from core.api.nowhere import NowhereView
from crm_project.backups.api import BackupViewSet

urlpatterns = [
    path("health", health.alive, name="api-health"),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="api-schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    path("admin/backups", BackupViewSet.as_view({"get": "backups", "post": "take"}), name="admin-backups"),
    path("", include("accounts.api_urls")),
    path("", include("customers.api_urls")),
    path("", include("messaging.api_urls")),
    path("", include("workflows.api_urls")),
    # Anything else, an id that is none among it, is answered in the contract's shape.
    re_path(r"^.*$", NowhereView.as_view(), name="api-nowhere"),
]
