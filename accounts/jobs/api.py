"""`/jobs`: long work, how far it is, and how to stop it."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
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


class JobViewSet(OrganizationViewSet[Job]):
    permissions = {"retrieve": MEMBERSHIP, "cancel": MEMBERSHIP}
    serializer_class = JobSerializer
    missing_detail = "There is no such job, or it is not yours to see."
    # A job changes while it is read.
    etag_actions = frozenset()
    schema_name, schema_tags = "jobs", ["jobs"]

    def get_queryset(self) -> QuerySet[Job]:
        key = self.request.auth if isinstance(self.request.auth, APIKey) else None
        return visible_jobs(self.member, key=key)

    def retrieve(self, request: Request, **kwargs: object) -> Response:
        """How far a job is. Who started it sees it, and who may see the settings."""
        read_parameters(request, ListParameters)
        return super().retrieve(request, **kwargs)

    @extend_schema(
        operation_id="jobs_cancel",
        request=None,
        responses={200: JobSerializer, 409: OpenApiResponse(description="It has ended already.")},
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Stop a job: at once when it waits, else after the step in hand. What it did so far stays."""
        return self.answer(jobs.cancel(job=self.get_object()))
