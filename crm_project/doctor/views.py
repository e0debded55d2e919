"""The doctor's page for whoever runs the installation, in the admin: everything, of every organization."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from activity.doctor import queries, samples, services
from activity.doctor.charts import chart
from core.jobs import wake_up

RUN = "crm_project.tasks.run_checks"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def health_page(request: HttpRequest) -> HttpResponse:
    """All checks and figures; POST has those run again that wait for a network. For superusers."""
    if not request.user.is_superuser:
        raise PermissionDenied
    if request.method == "POST":
        services.request_checks()
        wake_up(RUN)
        messages.success(request, _("The checks run. Reload the page in a few seconds."))
        return redirect("admin_health")
    span = samples.RANGES.get(request.GET.get("time_range", ""), samples.RANGES["24h"])
    series = samples.series_of_installation(span, samples.METRICS)
    context = {
        **admin.site.each_context(request),
        "title": _("Health"),
        "report": queries.installation(),
        "charts": [chart(one, span) for one in series],
        "ranges": samples.RANGES.values(),
        "span": span,
    }
    return TemplateResponse(request, "admin/health.html", context)
