"""`/admin/roles` and `/admin/permissions`: who may do what, and what there is to be permitted."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import grants
from accounts.access.api import OrganizationView, OrganizationViewSet
from accounts.models import Role
from accounts.roles import services as roles
from accounts.roles.queries import roles_of
from accounts.roles.serializers import DeletionParameters, PermissionGroupSerializer, RoleSerializer
from accounts.roles.words import groups
from activity.actor import current_actor
from core.api.errors import invalid
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Body
from core.tenancy import current_organization


@extend_schema_view(
    list=extend_schema(description="The system’s three roles, then the organization’s own by name."),
    create=extend_schema(description="A role of the organization’s own. Nobody grants what they lack."),
    partial_update=extend_schema(description="Another name, reach or permissions; in force on the next request."),
    update=extend_schema(description="The same, with every field."),
)
class RoleViewSet(OrganizationViewSet[Role]):
    permissions = {
        "list": "roles.view", "create": "roles.create", "retrieve": "roles.view", "update": "roles.edit",
        "partial_update": "roles.edit", "destroy": "roles.delete",
    }  # fmt: skip
    serializer_class = RoleSerializer
    missing_detail = "There is no such role."
    fixed = {"key": "This can’t be changed: other systems know the role by it."}
    # Who gets the role or loses it changes nothing about the role.
    etag_leaves_out = frozenset({"members"})
    schema_name, schema_tags = "roles", ["administration"]

    def get_queryset(self) -> QuerySet[Role]:
        return roles_of(self.member)

    def lock_rows(self, rows: QuerySet[Role]) -> QuerySet[Role]:
        # Every change of roles locks the organization first; a count can't be locked.
        grants.lock(self.member.organization)
        return rows

    def perform_create(self, data: Body) -> Role:
        data.pop("accepts_own_loss", None)
        role = roles.create(organization=current_organization(), by=self.member, actor=current_actor(), **data)
        return self.get_queryset().get(pk=role.pk)

    def perform_update(self, instance: Role, changes: Body) -> Role:
        accepts_own_loss = changes.pop("accepts_own_loss", False)
        roles.update(
            role=instance, by=self.member, actor=current_actor(), changes=changes, accepts_own_loss=accepts_own_loss
        )
        return self.get_queryset().get(pk=instance.pk)

    @extend_schema(
        parameters=[DeletionParameters],
        responses={
            204: OpenApiResponse(description="Gone."),
            409: OpenApiResponse(description="Members have it: say the `successor` that they get."),
        },
    )
    def destroy(self, request: Request, **kwargs: object) -> Response:
        """Delete a role of the organization’s own; its members get the `successor`."""
        requested = read_parameters(request, DeletionParameters)
        with self.change() as role:
            roles.delete(
                role=role,
                by=self.member,
                actor=current_actor(),
                successor=self._successor(requested),
                accepts_own_loss=requested["accepts_own_loss"],
            )
        return Response(status=204)

    def _successor(self, requested: Body) -> Role | None:
        if "successor" not in requested:
            return None
        role = self.get_queryset().filter(pk=requested["successor"]).first()
        if role is None:
            raise invalid("successor", self.missing_detail)
        return role


class PermissionViewSet(OrganizationView):
    permissions = {"list": "roles.view"}

    @extend_schema(
        operation_id="permissions_list",
        tags=["administration"],
        responses=PermissionGroupSerializer(many=True),
        filters=False,
    )
    def list(self, request: Request) -> Response:
        """Everything that a role can permit, by what it is about."""
        read_parameters(request, ListParameters)
        return Response(PermissionGroupSerializer(list(groups()), many=True).data)
