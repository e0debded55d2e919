"""`/admin/backups`: the installation's backups, for its superusers alone: each holds every organization."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from accounts.models import APIKey
from core.api.parameters import ListParameters, read_parameters
from crm_project.backups import daily


class RehearsalSerializer(serializers.Serializer[object]):
    at = serializers.DateTimeField()
    problem = serializers.CharField(allow_blank=True, help_text="Why it could not be restored; empty where it could.")
    entries = serializers.IntegerField(
        allow_null=True, help_text="Entries of the audit logs that were checked link by link; null where none could be."
    )
    chains = serializers.IntegerField(allow_null=True, help_text="Of so many organizations.")


class BackupSerializer(serializers.Serializer[object]):
    name = serializers.CharField(source="path.name")
    made_at = serializers.DateTimeField(source="manifest.made_at")
    rows = serializers.IntegerField()
    files = serializers.IntegerField(source="manifest.files", help_text="Files in it, those of the database too.")
    size_bytes = serializers.IntegerField(source="manifest.size")
    missing = serializers.ListField(
        source="manifest.missing", child=serializers.CharField(), help_text="Files that were not there by then."
    )
    rehearsal = RehearsalSerializer(
        allow_null=True, help_text="Whether it could be restored; null before it was tried."
    )


class BackupsSerializer(serializers.Serializer[object]):
    results = BackupSerializer(many=True, help_text="The newest first.")


class RequestedSerializer(serializers.Serializer[object]):
    status = serializers.ChoiceField(choices=["requested"], help_text="A worker takes it now, and then rehearses it.")


BACKUPS = {
    "results": [
        {
            "name": "parley-20261130T030000Z", "made_at": "2026-11-30T03:00:00Z", "rows": 20691, "files": 77,
            "size_bytes": 10100000, "missing": [],
            "rehearsal": {"at": "2026-11-30T03:00:09Z", "problem": "", "entries": 4190, "chains": 3},
        }
    ]
}  # fmt: skip


class BackupViewSet(OrganizationView):
    permissions = {"backups": "settings.view", "take": "settings.edit"}

    @extend_schema(
        operation_id="backups_list",
        tags=["administration"],
        responses=BackupsSerializer,
        examples=[OpenApiExample("One, rehearsed", BACKUPS, response_only=True)],
    )
    def backups(self, request: Request) -> Response:
        """The backups in BACKUP_DIR, each with its rehearsal's result. Only superusers of the installation."""
        self._require_operator(request)
        read_parameters(request, ListParameters)
        return Response(BackupsSerializer({"results": daily.listed()}).data)

    @extend_schema(
        operation_id="backups_create",
        tags=["administration"],
        request=None,
        responses={202: RequestedSerializer, 409: OpenApiResponse(description="BACKUP_DIR is not set.")},
        examples=[OpenApiExample("Requested", {"status": "requested"}, response_only=True)],
    )
    def take(self, request: Request) -> Response:
        """Have a backup taken and rehearsed now. Only superusers of the installation."""
        self._require_operator(request)
        daily.request_now()
        return Response({"status": "requested"}, status=202)

    def _require_operator(self, request: Request) -> None:
        # A key speaks for a member of one organization, whoever that is.
        if not self.member.user.is_superuser or isinstance(request.auth, APIKey):
            raise PermissionDenied("Only who runs the installation sees its backups: they hold every organization.")
