"""`/admin/integrations`: what the organization is connected with, and a directory connected and turned off."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from accounts.api_keys.confirming import ConfirmedSerializer, confirm
from accounts.integrations.registry import INTEGRATIONS, Integration, Status
from accounts.models import Role
from accounts.scim import connections
from activity.actor import current_actor
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import valid
from core.refused import Invalid
from core.tenancy import current_organization


class IntegrationSerializer(serializers.Serializer[object]):
    type = serializers.CharField()
    name = serializers.CharField(help_text="In words.")
    description = serializers.CharField()
    status = serializers.ChoiceField(choices=[status.value for status in Status])
    connected = serializers.ListField(child=serializers.CharField(), help_text="What is connected, as it is called.")
    last_used_at = serializers.DateTimeField(allow_null=True)
    page = serializers.URLField(help_text="Where a person sets it up.")
    connect = serializers.CharField(help_text="The call that connects one; empty where only the page can.")


@extend_schema_serializer(many=False)
class IntegrationListSerializer(serializers.Serializer[object]):
    results = IntegrationSerializer(many=True)


class ConnectDirectorySerializer(ConfirmedSerializer):
    name = serializers.CharField(max_length=connections.MAX_NAME_LENGTH, help_text="Such as Entra ID.")
    role = serializers.CharField(max_length=40, help_text="The key of the role that new people get.")
    maps_groups = serializers.BooleanField(required=False, default=True, help_text="Whether its groups are teams.")


class ConnectedSerializer(serializers.Serializer[object]):
    type = serializers.CharField()
    name = serializers.CharField()
    address = serializers.URLField(help_text="Entered in the directory as the tenant’s or base URL.")
    token = serializers.CharField(help_text="Entered there too; shown this once.")


class IntegrationViewSet(OrganizationView):
    permissions = {
        "list": "integrations.view", "connect_directory": "integrations.create",
        "disconnect_directory": "integrations.delete",
    }  # fmt: skip
    # A guess that was refused would be forgotten with the call's transaction.
    is_done_in_one_transaction = False

    @extend_schema(
        operation_id="integrations_list",
        tags=["administration"],
        responses=IntegrationListSerializer,
        filters=False,
    )
    def list(self, request: Request) -> Response:
        """What the organization can be connected with, and how each stands."""
        read_parameters(request, ListParameters)
        return Response(IntegrationListSerializer({"results": [self._row(one) for one in INTEGRATIONS]}).data)

    @extend_schema(
        operation_id="integrations_connect_directory",
        tags=["administration"],
        request=ConnectDirectorySerializer,
        responses={
            201: ConnectedSerializer,
            403: OpenApiResponse(description="Not an administrator, or they did not show who they are."),
            409: OpenApiResponse(description="A directory is connected already."),
        },
    )
    def connect_directory(self, request: Request) -> Response:
        """Connect a directory by SCIM. Takes all permissions, and `password` or `code`, as making an API key does."""
        data = valid(ConnectDirectorySerializer(data=request.data))
        confirm(request, self.member, data)
        role = Role.objects.filter(organization=current_organization(), key=data["role"]).first()
        if role is None:
            raise Invalid("role", _("There is no such role in this organization."))
        connection, token = connections.create(
            organization=current_organization(), by=self.member, actor=current_actor(), changes={**data, "role": role}
        )
        body = {"type": "directory", "name": connection.name, "address": connection.address, "token": token}
        response = Response(ConnectedSerializer(body).data, status=201)
        response.headers["Cache-Control"] = "no-store"
        return response

    @extend_schema(
        operation_id="integrations_disconnect_directory",
        tags=["administration"],
        request=None,
        responses={
            204: None,
            403: OpenApiResponse(description="Not an administrator."),
            404: OpenApiResponse(description="No directory is connected."),
        },
    )
    def disconnect_directory(self, request: Request) -> Response:
        """Turn the directory off: its token is worthless from now on. Members and teams stay. A new token, made on the
        page, turns it on again."""
        read_parameters(request, ListParameters)
        connection = connections.connection_of(current_organization())
        if connection is None:
            raise Http404(_("No directory is connected."))
        connections.turn_off(connection=connection, by=self.member, actor=current_actor())
        return Response(status=204)

    def _row(self, one: Integration) -> dict[str, object]:
        organization = current_organization()
        state = one.state(organization)
        return {
            "type": one.type,
            "name": one.label,
            "description": one.description,
            "status": state.status.value,
            "connected": list(state.names),
            "last_used_at": state.last_used_at,
            "page": settings.PUBLIC_BASE_URL + reverse(one.url_name, args=[organization.slug]),
            "connect": one.connect,
        }
