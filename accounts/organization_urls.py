"""Pages of an organization that belong to no app above."""

from django.urls import path

from accounts.views import jobs, palette

app_name = "organization"

urlpatterns = [
    path("palette/", palette.search, name="palette"),
    path("jobs/<uuid:pk>/", jobs.job_page, name="job"),
    path("jobs/<uuid:pk>/cancel/", jobs.cancel, name="cancel_job"),
]
