"""`/customers/{id}/personal-data`: everything held on a person, and losing it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView, OrganizationViewSet
from accounts.jobs.api import StartedSerializer, started
from activity.actor import current_actor
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import valid
from core.lookups import first_or_404
from customers.data.personal_data import services as personal_data
from customers.models import Customer
from customers.people.files.downloads import as_download


class EraseSerializer(serializers.Serializer[None]):
    confirm = serializers.CharField(max_length=20, help_text="The customer's code, such as C001: there is no way back.")


class PersonalDataActions(OrganizationViewSet[Customer]):
    """What is done with a person's data, at the address of the customer."""

    @extend_schema(tags=["personal data"], request=None, responses={202: StartedSerializer})
    @action(detail=True, methods=["post"], url_path="personal-data/export", url_name="personal-data-export")
    def export_personal_data(self, request: Request, pk: UUID) -> Response:
        """Put everything held on a person into a ZIP; the job's result says where it is, for seven days."""
        customer = _find(self, pk)
        return started(personal_data.start_export(customer=customer, actor=current_actor(), user=self.member.user))

    @extend_schema(
        tags=["personal data"],
        responses={(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, description="The ZIP.")},
    )
    @action(detail=True, url_path="personal-data/exports/<uuid:job>", url_name="personal-data-download")
    def download_personal_data(self, request: Request, pk: UUID, job: UUID) -> StreamingHttpResponse:
        """The ZIP that an export made; 404 when its seven days are over."""
        read_parameters(request, ListParameters)
        file = personal_data.find_export(customer=_find(self, pk), job_id=job)
        if file is None:
            raise Http404("There is no such export, or its seven days are over.")
        return as_download(request, file, "application/zip")

    @extend_schema(tags=["personal data"], request=EraseSerializer, responses={202: StartedSerializer})
    @action(detail=True, methods=["post"], url_path="personal-data/erase", url_name="personal-data-erase")
    def erase_personal_data(self, request: Request, pk: UUID) -> Response:
        """Lose the person and keep the counts. Open deals are lost, queued messages cancelled. No way back."""
        customer = _find(self, pk)
        confirm = valid(EraseSerializer(data=request.data))["confirm"]
        return started(
            personal_data.start_erasure(
                customer=customer, confirm=confirm, actor=current_actor(), user=self.member.user
            )
        )


def _find(view: OrganizationView, pk: UUID) -> Customer:
    """Deleted ones too: they are held as well. Raises Http404, whoever's it is."""
    rows = Customer.objects.within_reach_of(view.member).select_related("organization")
    return first_or_404(rows.filter(pk=pk, merged_into__isnull=True), "There is no such customer.")
