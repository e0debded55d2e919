"""`/customers/import`: importing a file as a job, its result, and reverting it."""

from __future__ import annotations

import json
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from accounts.jobs.api import StartedSerializer, started
from activity.actor import current_actor
from core.api.errors import Conflict
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Strict, valid
from core.streaming import streamed
from customers.data import undo
from customers.data.imports import files as import_files
from customers.data.imports import services as imports
from customers.models import CustomerImport

NOT_NOW = OpenApiResponse(description="It is being worked on, was imported already, or can’t be undone any more.")
MAX_MAPPING_LENGTH = 50_000


class MappingField(serializers.JSONField):
    """An object of column and field, as a text."""

    def to_internal_value(self, data: object) -> dict[str, str]:
        try:
            mapping = json.loads(data) if isinstance(data, str) else data
        except (ValueError, RecursionError) as error:
            raise serializers.ValidationError("This is not JSON.") from error
        if not isinstance(mapping, dict) or len(str(data)) > MAX_MAPPING_LENGTH:
            raise serializers.ValidationError('An object is needed, such as {"Full name": "name"}.')
        return mapping


class ImportStartSerializer(Strict):
    file = serializers.FileField(allow_empty_file=True, help_text="CSV or XLSX.")
    mapping = MappingField(
        required=False,
        help_text='Column → field as a JSON object, custom.<key> too: {"Full name": "name", "Grade": "custom.grade"}. '
        "Columns that are not in it are left out. Without it, it is guessed.",
    )
    dry_run = serializers.BooleanField(default=False, help_text="Do everything and write nothing.")
    on_duplicate = serializers.ChoiceField(
        choices=CustomerImport.OnDuplicate.choices,
        default=CustomerImport.OnDuplicate.SKIP,
        help_text="For a row whose phone or e-mail belongs to a customer.",
    )


class ImportStartedSerializer(StartedSerializer):
    import_id = serializers.UUIDField(help_text="For /customers/imports/{id}.")


class ImportSerializer(serializers.ModelSerializer[CustomerImport]):
    mapping = serializers.DictField(child=serializers.CharField())
    headers = serializers.ListField(child=serializers.CharField())
    result = serializers.DictField(help_text="created, updated, skipped, rejected; and the first reasons.")
    rejected_rows_url = serializers.SerializerMethodField()
    can_be_undone = serializers.SerializerMethodField()
    job_id = serializers.UUIDField(read_only=True, allow_null=True)

    class Meta:
        model = CustomerImport
        fields = [
            "id", "name", "format", "state", "row_count", "headers", "mapping", "on_duplicate", "result",
            "rejected_rows_url", "can_be_undone", "job_id", "created_at",
        ]  # fmt: skip

    def get_rejected_rows_url(self, upload: CustomerImport) -> str | None:
        return imports.rejected_rows_url(upload)

    def get_can_be_undone(self, upload: CustomerImport) -> bool:
        return imports.can_be_undone(upload)


@extend_schema_view(
    list=extend_schema(description="One's own imports, newest first; who sees the settings sees everybody's.")
)
class ImportViewSet(OrganizationViewSet[CustomerImport]):
    permissions = dict.fromkeys(("start", "list", "retrieve", "rejected", "undo"), imports.PERMISSION)
    serializer_class = ImportSerializer
    missing_detail = "There is no such import, or it is not yours to see."
    # The contract gives an import no ETag.
    etag_actions = frozenset()
    schema_tags = ["customers"]

    def get_queryset(self) -> QuerySet[CustomerImport]:
        return imports.visible_imports(self.member)

    def retrieve(self, request: Request, **kwargs: object) -> Response:
        """One import."""
        read_parameters(request, ListParameters)
        return super().retrieve(request, **kwargs)

    @extend_schema(
        request={"multipart/form-data": ImportStartSerializer},
        responses={202: ImportStartedSerializer, 409: NOT_NOW},
    )
    def start(self, request: Request) -> Response:
        """Import customers from a CSV or XLSX file. The job's result has the counts and where the rejected rows are."""
        data = valid(ImportStartSerializer(data=request.data))
        file = data["file"]
        upload = imports.upload(file=file, name=file.name, member=self.member)
        try:
            job = imports.start(
                upload=upload,
                member=self.member,
                actor=current_actor(),
                mapping=data.get("mapping"),
                on_duplicate=data["on_duplicate"],
                dry_run=data["dry_run"],
            )
        except imports.InvalidMapping:
            imports.discard(upload=upload)
            raise
        return Response(ImportStartedSerializer({"job_id": job.pk, "import_id": upload.pk}).data, status=202)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True)
    def rejected(self, request: Request, pk: UUID) -> HttpResponseBase:
        """The rejected rows as CSV: the file's own columns, each row's number and its reasons."""
        read_parameters(request, ListParameters)
        upload = self.get_object()
        if not upload.rejected_file or not default_storage.exists(str(upload.rejected_file.name)):
            raise Http404("No row was rejected, or the file is gone by now.")
        return streamed(
            request, import_files.rejected_pieces(upload), content_type="text/csv; charset=utf-8",
            filename=import_files.rejected_name(upload),
        )  # fmt: skip

    @extend_schema(request=None, responses={202: StartedSerializer, 409: NOT_NOW})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: UUID) -> Response:
        """Remove whom the import made and put back what it filled in, where nobody used or changed it since."""
        upload = self.get_object()
        if upload.change_set is None or imports.is_running(upload):
            raise Conflict("Nothing was imported from this file.", code="nothing_to_undo")
        return started(undo.undo(change_set=upload.change_set, actor=current_actor(), user=self.member.user))
