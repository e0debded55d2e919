"""Every address of Parley."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView

from core import health
from crm_project import configuration
from crm_project.backups import views as backups
from crm_project.doctor import prometheus_views as prometheus
from crm_project.doctor import views as doctor
from crm_project.set_aside import views as set_aside

handler500 = "core.outage.server_error"

urlpatterns = [
    path("admin/health/", admin.site.admin_view(doctor.health_page), name="admin_health"),
    path("admin/backups/", admin.site.admin_view(backups.backup_list), name="admin_backups"),
    path("admin/set-aside/", admin.site.admin_view(set_aside.set_aside_page), name="admin_set_aside"),
    path("admin/settings/", admin.site.admin_view(configuration.configuration_page), name="admin_configuration"),
    path("admin/", admin.site.urls),
    path("metrics", prometheus.metrics, name="metrics"),
    path("health", health.alive, name="health"),
    path("health/ready", health.ready, name="health-ready"),
    path("webhooks/", include("messaging.webhook_urls")),
    path("calendar/", include("customers.feed_urls")),
    path("", include("messaging.public_urls")),
    path("api/v1/", include("crm_project.api")),
    path("scim/v2/", include("accounts.scim.urls")),
    path("o/<slug:organization>/", include("accounts.organization_urls")),
    path("o/<slug:organization>/", include("customers.urls")),
    path("o/<slug:organization>/", include("messaging.urls")),
    path("o/<slug:organization>/", include("workflows.urls")),
    path("", include("accounts.urls")),
]

if settings.DEBUG:
    # Every shared piece of the pages in its states, for whoever builds one.
    urlpatterns.append(path("gallery/", TemplateView.as_view(template_name="core/gallery.html"), name="gallery"))
