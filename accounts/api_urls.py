from django.urls import path

from accounts.jobs import api as jobs
from accounts.sign_in import api as views
from core.api.router import Router

router = Router()
router.register("jobs", jobs.JobViewSet, "job")

urlpatterns = [
    path("auth/register", views.RegisterView.as_view(), name="auth-register"),
    path("auth/login", views.LoginView.as_view(), name="auth-login"),
    path("auth/refresh", views.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", views.LogoutView.as_view(), name="auth-logout"),
    path("auth/me", views.MeView.as_view(), name="auth-me"),
    path("auth/switch", views.SwitchView.as_view(), name="auth-switch"),
    *router.urls,
]
