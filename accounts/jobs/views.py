"""A job's page: how far it is, and what came of it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access.pages import requires
from accounts.jobs.queries import visible_jobs
from accounts.permissions import MEMBERSHIP
from activity import jobs
from activity.models import Job
from core.htmx import render_page
from core.http import Request
from core.lookups import first_or_404


@requires(MEMBERSHIP)
@never_cache
@require_safe
def job_page(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The progress, which asks for itself again each second until the job has ended."""
    return _shown(request, _find(request, pk))


@requires(MEMBERSHIP)
@require_POST
def cancel(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Stop it; one that has ended meanwhile is simply shown."""
    job = _find(request, pk)
    try:
        job = jobs.cancel(job=job)
    except jobs.JobFinished:
        job.refresh_from_db()
    return _shown(request, job) if request.htmx else redirect("organization:job", organization, pk)


def _shown(request: Request, job: Job) -> HttpResponse:
    kind = jobs.kind_of(job)
    context = {
        "job": job,
        "label": kind.label if kind else job.kind,
        "percent": round(job.progress * 100),
        "result_template": kind.template if kind else "",
        "next_url": kind.url(job) if kind and kind.url and job.status == Job.Status.DONE else "",
    }
    return render_page(request, "accounts/jobs/page.html", context, partials={"job": "accounts/jobs/job.html"})


def _find(request: Request, pk: UUID) -> Job:
    return first_or_404(visible_jobs(request.member).filter(pk=pk), "There is no such job, or it is not yours to see.")
