"""`/admin/users/{id}/hand-over`: what somebody has, giving it to successors, and the lists of before and after."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from accounts.hand_over import serializers as shapes
from accounts.hand_over import services as hand_over
from accounts.hand_over.queries import CSV, belongings, file_before, file_of, is_kept
from accounts.jobs.api import StartedSerializer, started
from accounts.jobs.queries import visible_jobs
from accounts.models import Member
from activity.actor import current_actor
from core import clock
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import valid
from core.lookups import first_or_404
from core.streaming import streamed

LIST = {(200, "text/csv"): OpenApiTypes.STR}


class HandOverActions(OrganizationViewSet[Member]):
    """What handing over adds to `/admin/users`."""

    @extend_schema(operation_id="users_hand_over_counts", responses={200: shapes.BelongingsListSerializer})
    @action(detail=True, methods=["get"], url_path="hand-over")
    def hand_over(self, request: Request, pk: UUID) -> Response:
        """How much of each kind of record is the member's."""
        read_parameters(request, ListParameters)
        return Response(shapes.BelongingsListSerializer({"kinds": belongings(_person(pk))}).data)

    @extend_schema(
        operation_id="users_hand_over",
        request=shapes.HandOverSerializer,
        responses={
            202: StartedSerializer,
            403: OpenApiResponse(description="Not permitted, or the member may do more than the caller."),
            409: OpenApiResponse(
                description="The successor’s role does not permit seeing what they get, or the member has to stay."
            ),
        },
    )
    @hand_over.mapping.post
    def start_hand_over(self, request: Request, pk: UUID) -> Response:
        """Give everything of a member to another: customers with their conversations and follow-ups, open deals and
        tasks, queued messages, saved views, templates, and what rules say of them. The job's result counts what was
        given, left and cancelled, and says where the list of it is."""
        member = _person(pk)
        data = valid(shapes.HandOverSerializer(data=request.data))
        plan = hand_over.plan(
            member=member, successor=data["successor"], kinds=data.get("kinds"), choices=shapes.choices_of(data)
        )
        job = hand_over.start(
            member=member, plan=plan, actor=current_actor(), user=self.member.user, then=data.get("then", "")
        )
        return started(job)

    @extend_schema(operation_id="users_hand_over_list", responses=LIST)
    @action(detail=True, methods=["get"], url_path="hand-over/list", url_name="hand-over-list")
    def hand_over_list(self, request: Request, pk: UUID) -> HttpResponseBase:
        """What the member has by now, as CSV: each record with code and title, as far as the caller may see it."""
        read_parameters(request, ListParameters)
        member = _person(pk)
        hand_over.begin_list(member=member, actor=current_actor())
        pieces = file_before(member, self.member)
        return streamed(request, pieces, content_type=CSV, filename=f"what-they-have-{clock.now():%Y-%m-%d}.csv")

    @extend_schema(
        operation_id="users_hand_over_file",
        responses=LIST | {404: OpenApiResponse(description="There is no such hand-over of theirs, or not any more.")},
    )
    @action(detail=True, methods=["get"], url_path="hand-over/<uuid:job>/list", url_name="hand-over-file")
    def hand_over_file(self, request: Request, pk: UUID, job: UUID) -> HttpResponseBase:
        """What a hand-over did, as CSV: each record with whose it was and whose it is. For 30 days."""
        read_parameters(request, ListParameters)
        member = _person(pk)
        rows = visible_jobs(self.member).filter(pk=job, kind=hand_over.KIND, params__member=str(member.pk))
        row = first_or_404(rows, _("There is no such hand-over of theirs."))
        if not is_kept(row):
            raise Http404(_("The list is there when the job has ended, and for 30 days."))
        hand_over.begin_list(member=member, actor=current_actor(), job=row)
        pieces = file_of(row, self.member)
        return streamed(request, pieces, content_type=CSV, filename=f"hand-over-{row.created_at:%Y-%m-%d}.csv")


def _person(user_id: UUID) -> Member:
    """Also who was removed already: what they own is still theirs. Raises Http404."""
    return first_or_404(Member.objects.with_access().filter(user=user_id), _("There is no such member."))
