"""`/admin/users/{id}/access`: whether somebody sees a record, why, and what they may do with it."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from accounts.explanations import queries
from accounts.explanations import serializers as shapes
from accounts.models import Member
from core.api.parameters import read_parameters


class AccessActions(OrganizationViewSet[Member]):
    """What explaining access adds to `/admin/users`."""

    @extend_schema(
        operation_id="users_access", parameters=[shapes.AccessParameters], responses={200: shapes.AccessSerializer}
    )
    @action(detail=True, methods=["get"])
    def access(self, request: Request, pk: UUID) -> Response:
        """Whether a member sees a record that the caller sees, by which rule, and what they may do with it."""
        member = self.get_object()
        given = read_parameters(request, shapes.AccessParameters)["subject"]
        return Response(shapes.AccessSerializer(queries.access_of(member, queries.find(given, self.member))).data)
