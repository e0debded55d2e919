"""`/admin/users/{id}/hand-over`: what somebody has, and giving it to a successor."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from accounts.hand_over import serializers as shapes
from accounts.hand_over import services as hand_over
from accounts.hand_over.queries import belongings
from accounts.jobs.api import StartedSerializer, started
from accounts.models import Member
from activity.actor import current_actor
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import valid


class HandOverActions(OrganizationViewSet[Member]):
    """What handing over adds to `/admin/users`."""

    @extend_schema(operation_id="users_hand_over_counts", responses={200: shapes.BelongingsListSerializer})
    @action(detail=True, methods=["get"], url_path="hand-over")
    def hand_over(self, request: Request, pk: UUID) -> Response:
        """How much of each kind of record is the member's."""
        read_parameters(request, ListParameters)
        return Response(shapes.BelongingsListSerializer({"kinds": belongings(self.get_object())}).data)

    @extend_schema(
        operation_id="users_hand_over",
        request=shapes.HandOverSerializer,
        responses={
            202: StartedSerializer,
            403: OpenApiResponse(description="Not permitted, or the member may do more than the caller."),
            409: OpenApiResponse(description="The successor’s role does not permit seeing what they would get."),
        },
    )
    @hand_over.mapping.post
    def start_hand_over(self, request: Request, pk: UUID) -> Response:
        """Give everything of a member to another: customers with their conversations and follow-ups, open deals and
        tasks, queued messages, saved views, templates. The job's result counts what was given, left and cancelled."""
        member = self.get_object()
        data = valid(shapes.HandOverSerializer(data=request.data))
        plan = hand_over.plan(
            member=member, successor=data["successor"], kinds=data.get("kinds"), choices=shapes.choices_of(data)
        )
        return started(hand_over.start(member=member, plan=plan, actor=current_actor(), user=self.member.user))
