"""`/admin/integrations/api-keys`: the keys of other systems."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from accounts.api_keys import queries, services
from accounts.api_keys import serializers as shapes
from accounts.api_keys.confirming import confirm
from accounts.models import APIKey, Member
from accounts.models.api_key import APIKeyQuerySet
from activity.actor import current_actor
from core.api.strict import Body, valid
from core.refused import Invalid

ISSUED = {
    "id": "0198a1b2-0000-7000-8000-000000000001", "name": "Website", "prefix": "pk_x1Yz9",
    "member": "0198a1b2-0000-7000-8000-000000000002", "member_name": "Website forms", "is_service": True,
    "state": "active", "scopes": ["customers.create"], "networks": ["203.0.113.0/24"],
    "expires_at": "2027-11-30T12:00:00Z", "last_used_at": None,
    "uses": [{"permission": "customers.create", "last_used_at": None, "is_unused": False}],
    "created_at": "2026-11-30T12:00:00Z", "revoked_at": None, "key": "pk_x1Yz9…",
}  # fmt: skip
NEW = {
    "name": "Website", "member": ISSUED["member"], "scopes": ["customers.create"], "networks": ["203.0.113.0/24"],
    "expires_at": "2027-11-30T12:00:00Z", "password": "a calm harbour at dawn",
}  # fmt: skip
NOT_CONFIRMED = OpenApiResponse(
    description="`confirmation_required`: send `password` or `code`. Or the caller can't give these permissions."
)


@extend_schema_view(
    list=extend_schema(description="The keys, the newest first: one's own, and all for who may edit members."),
    retrieve=extend_schema(description="One key, with when each of its permissions was last used."),
    destroy=extend_schema(
        description="Revoke the key: it is good for nothing from the next request on. The row stays.",
        responses={204: None, 403: OpenApiResponse(description="Its owner may do more than the caller.")},
    ),
)
class APIKeyViewSet(OrganizationViewSet[APIKey]):
    permissions = {
        "list": "api_keys.view", "create": "api_keys.create", "retrieve": "api_keys.view", "destroy": "api_keys.delete",
        "rotate": "api_keys.create", "narrow": "api_keys.delete",
    }  # fmt: skip
    serializer_class = shapes.KeySerializer
    list_parameters = shapes.KeyParameters
    missing_detail = "There is no such API key."
    # A guess that was refused would be forgotten with the call's transaction.
    is_done_in_one_transaction = False
    # Every call that uses a key changes it.
    etag_actions = frozenset()
    schema_name, schema_tags = "api_keys", ["administration"]

    def get_queryset(self) -> APIKeyQuerySet:
        return queries.visible_keys(self.member)

    def filter_rows(self, rows: APIKeyQuerySet, filters: Body) -> APIKeyQuerySet:  # type: ignore[override]
        return queries.matching(rows, member=self.member, **filters)

    @extend_schema(
        request=shapes.NewKeySerializer,
        responses={201: shapes.IssuedKeySerializer, 403: NOT_CONFIRMED},
        examples=[
            OpenApiExample("A key for the website", NEW, request_only=True),
            OpenApiExample("Shown once", ISSUED, response_only=True, status_codes=["201"]),
        ],
    )
    def create(self, request: Request, **kwargs: object) -> Response:
        """Issue a key for oneself or for a service member. No key issues another one."""
        data = valid(shapes.NewKeySerializer(data=request.data))
        confirm(self.request, self.member, data)
        owner = self._owner(data.pop("member", None))
        key, secret = services.issue(owner=owner, by=self.member, actor=current_actor(), **data)
        return self._issued(key, secret, 201)

    @extend_schema(
        operation_id="api_keys_rotate",
        request=shapes.ConfirmedSerializer,
        responses={
            200: shapes.IssuedKeySerializer,
            403: NOT_CONFIRMED,
            409: OpenApiResponse(description="The key has ended."),
        },
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: UUID) -> Response:
        """Give the key a new secret, shown this once; the one of before stays good for a day."""
        key, data = self.get_object(), valid(shapes.ConfirmedSerializer(data=request.data))
        confirm(self.request, self.member, data)
        rotated, secret = services.rotate(key=key, by=self.member, actor=current_actor())
        return self._issued(rotated, secret, 200)

    @extend_schema(
        operation_id="api_keys_narrow",
        request=shapes.NarrowSerializer,
        responses={
            200: shapes.KeySerializer,
            409: OpenApiResponse(description="The key has ended, or nothing of it would be left."),
        },
    )
    @action(detail=True, methods=["post"])
    def narrow(self, request: Request, pk: UUID) -> Response:
        """Take permissions from the key that it has not used for 30 days; one that was used meanwhile stays."""
        key, data = self.get_object(), valid(shapes.NarrowSerializer(data=request.data))
        services.narrow(key=key, by=self.member, actor=current_actor(), scopes=data["scopes"])
        return self.answer(self.get_object())

    def perform_destroy(self, instance: APIKey) -> None:
        services.revoke(key=instance, by=self.member, actor=current_actor())

    def _issued(self, key: APIKey, secret: str, status: int) -> Response:
        context = {**self.get_serializer_context(), "secret": secret}
        response = Response(shapes.IssuedKeySerializer(key, context=context).data, status=status)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _owner(self, user_id: UUID | None) -> Member:
        if user_id is None:
            return self.member
        owner = Member.objects.active().with_access().filter(user_id=user_id).first()
        if owner is None:
            raise Invalid("member", _("There is no such active member."))
        return owner
