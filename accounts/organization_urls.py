"""Pages of an organization that belong to no app above."""

from django.urls import path

from accounts.frame import home_views as home
from accounts.frame import palette_views as palette
from accounts.jobs import views as jobs

app_name = "organization"

urlpatterns = [
    path("", home.home_page, name="home"),
    path("palette/", palette.search, name="palette"),
    path("jobs/<uuid:pk>/", jobs.job_page, name="job"),
    path("jobs/<uuid:pk>/cancel/", jobs.cancel, name="cancel_job"),
]
