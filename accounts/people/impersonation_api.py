"""`/admin/users/{id}/impersonate` and `/auth/impersonation`: act as a member by calls, and stop."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView, OrganizationViewSet
from accounts.credentials.second_factor import MAX_CODE_LENGTH
from accounts.impersonation import proof
from accounts.impersonation import services as impersonation
from accounts.impersonation.tokens import token_for
from accounts.models import Impersonation, Member
from accounts.permissions import MEMBERSHIP
from activity.actor import current_actor
from core.api.strict import Strict, valid


class ImpersonateSerializer(Strict):
    """Why, and who it is: a fresh code of the second factor, or for who has none the password."""

    reason = serializers.CharField(
        max_length=impersonation.MAX_REASON_LENGTH, help_text="The person reads it, and it stays in the audit log."
    )
    code = serializers.CharField(
        required=False, max_length=MAX_CODE_LENGTH, write_only=True, help_text="Of the caller’s second factor."
    )
    password = serializers.CharField(
        required=False, max_length=256, trim_whitespace=False, write_only=True,
        help_text="The caller’s own, where they have no second factor.",
    )  # fmt: skip


class ImpersonationSerializer(serializers.Serializer[object]):
    impersonation_token = serializers.CharField(help_text="As `Authorization: Bearer`, and nothing renews it.")
    expires_at = serializers.DateTimeField()


class ImpersonationActions(OrganizationViewSet[Member]):
    """What acting as a member adds to `/admin/users`."""

    @extend_schema(
        operation_id="users_impersonate",
        request=ImpersonateSerializer,
        responses={
            201: ImpersonationSerializer,
            403: OpenApiResponse(
                description="Not permitted, not confirmed, the organization forbids it, or nobody acts as this member."
            ),
        },
    )
    # No key: a guess that was refused would be forgotten with the call's transaction, and the token is kept nowhere.
    @action(detail=True, methods=["post"], takes_idempotency_key=False)
    def impersonate(self, request: Request, pk: UUID) -> Response:
        """Act as a member for half an hour: a token for calls in their name, which close what is the person's own. No
        API key or service calls this. Nobody acts as an administrator, or as who may do or see more than the caller."""
        member = self.get_object()
        data = valid(ImpersonateSerializer(data=request.data))
        impersonation.require_possible(self.member, member)
        user = self.member.user
        proof.check(request=request, user=user, code=data.get("code", ""), password=data.get("password", ""))
        row = impersonation.begin(
            member=member, by=self.member, actor=current_actor(), reason=data["reason"], is_by_token=True
        )
        shown = {"impersonation_token": token_for(row), "expires_at": row.ends_at}
        response = Response(ImpersonationSerializer(shown).data, status=201)
        response.headers["Cache-Control"] = "no-store"
        return response


class OwnImpersonationViewSet(OrganizationView):
    """The call that stops it."""

    permissions = {"end": MEMBERSHIP}
    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="auth_impersonation_end",
        tags=["auth"],
        responses={204: None, 404: OpenApiResponse(description="The credentials act as nobody else.")},
    )
    def end(self, request: Request) -> Response:
        """End the impersonation whose token calls."""
        row = self.member.impersonation
        if row is None or not row.is_by_token:
            raise exceptions.NotFound(_("These credentials act as nobody else."))
        impersonation.end(row, how=Impersonation.How.BUTTON)
        return Response(status=204)
