from django.urls import path

from accounts.api_keys.api import APIKeyViewSet
from accounts.audit.api import AuditLogViewSet
from accounts.calendars.api import CalendarViewSet
from accounts.health.api import HealthViewSet
from accounts.integrations.api import IntegrationViewSet
from accounts.invitations.api import AcceptViewSet
from accounts.jobs.api import JobViewSet
from accounts.people.api import InvitationViewSet, PersonViewSet
from accounts.people.impersonation_api import OwnImpersonationViewSet
from accounts.roles.api import PermissionViewSet, RoleViewSet
from accounts.settings.api import SettingsViewSet
from accounts.sign_in.api import OwnViewSet, SignInViewSet
from accounts.teams.api import TeamViewSet
from core.api.router import Router

router = Router()
router.register("calendars", CalendarViewSet, "calendar")
router.register("admin/calendars", CalendarViewSet, "admin-calendar")
router.register("admin/permissions", PermissionViewSet, "permission")
router.register("admin/roles", RoleViewSet, "role")
router.register("admin/audit-logs", AuditLogViewSet, "audit-log")
router.register("admin/teams", TeamViewSet, "team")
router.register("admin/integrations/api-keys", APIKeyViewSet, "api-key")
router.register("jobs", JobViewSet, "job")
router.register("admin/users", PersonViewSet, "user")
router.register("admin/invitations", InvitationViewSet, "invitation")

urlpatterns = [
    *(
        path(f"auth/{name}", SignInViewSet.as_view({"post": name}), name=f"auth-{name}")
        for name in ("register", "login", "refresh", "logout")
    ),
    path("auth/invitations/<str:token>/accept", AcceptViewSet.as_view({"post": "accept"}), name="auth-accept"),
    path("auth/me", OwnViewSet.as_view({"get": "me"}), name="auth-me"),
    path("auth/impersonation", OwnImpersonationViewSet.as_view({"delete": "end"}), name="auth-impersonation"),
    path("auth/switch", OwnViewSet.as_view({"post": "switch"}), name="auth-switch"),
    path(
        "admin/settings",
        SettingsViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="admin-settings",
    ),
    path("admin/integrations", IntegrationViewSet.as_view({"get": "list"}), name="integrations"),
    path(
        "admin/integrations/directory/connect",
        IntegrationViewSet.as_view({"post": "connect_directory"}),
        name="integration-connect-directory",
    ),
    path(
        "admin/integrations/directory/disconnect",
        IntegrationViewSet.as_view({"delete": "disconnect_directory"}),
        name="integration-disconnect-directory",
    ),
    path("admin/health", HealthViewSet.as_view({"get": "health"}), name="admin-health"),
    path("admin/health/metrics", HealthViewSet.as_view({"get": "metrics"}), name="admin-health-metrics"),
    *router.urls,
]
