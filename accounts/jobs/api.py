"""`/jobs`: long work, how far it is, and how to stop it."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from accounts.jobs.queries import visible_jobs
from accounts.models import APIKey
from accounts.permissions import MEMBERSHIP
from activity import jobs
from activity.models import Job
from core.api.parameters import ListParameters, read_parameters


class JobSerializer(serializers.ModelSerializer[Job]):
    progress = serializers.FloatField(min_value=0, max_value=1, help_text="From 0 to 1.")
    result = serializers.DictField(help_text="What came of it; what stands in it depends on the kind.")
    error = serializers.CharField(help_text="Why it failed, in plain words.")

    class Meta:
        model = Job
        fields = ["id", "kind", "status", "progress", "result", "error", "created_at", "started_at", "finished_at"]


class StartedSerializer(serializers.Serializer[object]):
    """The answer of every call that starts a job."""

    job_id = serializers.UUIDField(help_text="For GET /jobs/{id}.")


def started(job: Job) -> Response:
    """202 with the job's id."""
    return Response(StartedSerializer({"job_id": job.pk}).data, status=202)


class JobView(OrganizationView):
    permissions_by_method = {"GET": MEMBERSHIP}

    @extend_schema(tags=["jobs"], operation_id="jobs_retrieve", responses=JobSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """How far a job is. Who started it sees it, and who may see the settings."""
        read_parameters(request, ListParameters)
        return Response(JobSerializer(_find(self, pk)).data)


class CancelJobView(OrganizationView):
    permissions_by_method = {"POST": MEMBERSHIP}

    @extend_schema(
        tags=["jobs"],
        operation_id="jobs_cancel",
        request=None,
        responses={200: JobSerializer, 409: OpenApiResponse(description="It has ended already.")},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Stop a job: at once when it waits, else after the step in hand. What it did so far stays."""
        return Response(JobSerializer(jobs.cancel(job=_find(self, pk))).data)


def _find(view: OrganizationView, pk: UUID) -> Job:
    auth = view.request.auth
    key = auth if isinstance(auth, APIKey) else None
    row: Job | None = visible_jobs(view.member, key=key).filter(pk=pk).first()
    if row is None:
        raise NotFound("There is no such job, or it is not yours to see.")
    return row
