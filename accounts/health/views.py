"""An organization's health: its channels and mailboxes, the installation in general words, its figures over time."""

from __future__ import annotations

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access.pages import requires
from accounts.health.queries import parts
from activity.doctor import checks, queries, samples, services
from activity.doctor.charts import chart
from core.http import Request
from core.jobs import wake_up

RUN = "crm_project.tasks.run_checks"
TONES = {checks.Status.GOOD: "good", checks.Status.WARNING: "warn", checks.Status.FAILED: "danger"}


@requires("settings.view")
@never_cache
@require_safe
def health_page(request: Request, organization: str) -> HttpResponse:
    """Every line with its status, what it means, since when, and what to do."""
    report = queries.organization(request.organization)
    installation = parts()
    span = samples.RANGES.get(request.GET.get("time_range", ""), samples.RANGES["24h"])
    series = samples.series_of_organization(span, samples.of_organizations())
    statuses = [report.status, *(part.status for part in installation)]
    context = {
        "report": report,
        "parts": installation,
        "status": min(statuses, key=checks.ORDER.index),
        "charts": [chart(one, span) for one in series],
        "ranges": samples.RANGES.values(),
        "span": span,
        "tones": TONES,
    }
    return render(request, "accounts/health/page.html", context)


@requires("settings.view")
@require_POST
def check_again(request: Request, organization: str) -> HttpResponse:
    """Have the checks run that wait for a network; a worker does it."""
    services.request_checks()
    wake_up(RUN)
    toasts.success(request, _("The checks run. Reload the page in a few seconds."))
    return redirect("organization:health", organization)
