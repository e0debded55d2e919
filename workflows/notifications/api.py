"""`/notifications`: the caller's own lines, and how they want to be told."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationViewSet
from accounts.models import APIKey, Member
from accounts.permissions import MEMBERSHIP
from activity.actor import current_actor
from core.api.pages import CursorPages
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Body, valid
from workflows.models import Notification
from workflows.notifications import preferences, queries, serializers, services
from workflows.notifications.kinds.registry import KINDS, kinds_for

QUIET = ("quiet", "quiet_from", "quiet_until")


@extend_schema_view(
    list=extend_schema(description="The caller’s lines about what they may still see, newest first."),
)
class NotificationViewSet(OrganizationViewSet[Notification]):
    permissions = {
        **dict.fromkeys(
            ("list", "read", "read_all", "preferences", "change_preferences", "replace_preferences"), MEMBERSHIP
        ),
        "defaults": "settings.view",
        **dict.fromkeys(("change_defaults", "replace_defaults"), "settings.edit"),
    }
    serializer_class = serializers.NotificationSerializer
    list_parameters = serializers.NotificationParameters
    pagination_class = CursorPages
    cursor_order = ("-raised_at", "-id")
    etag_actions = frozenset()
    missing_detail = "There is no such notification."
    schema_name, schema_tags = "notifications", ["notifications"]

    def check_permissions(self, request: Request) -> None:
        """What a person is told is no permission that a key could be given: a key with scopes has none of it."""
        super().check_permissions(request)
        if isinstance(request.auth, APIKey) and request.auth.scopes:
            self.permission_denied(request, message="This key is limited to scopes, and notifications are in none.")

    def get_queryset(self) -> QuerySet[Notification]:
        return queries.filtered(self.member)

    def filter_rows(self, rows: QuerySet[Notification], filters: Body) -> QuerySet[Notification]:
        if "type" in filters:
            rows = rows.filter(kind=filters["type"])
        return rows if filters["unread"] is None else rows.filter(read_at__isnull=filters["unread"])

    @extend_schema(request=None, responses=serializers.NotificationSerializer)
    @action(detail=True, methods=["post"])
    def read(self, request: Request, pk: UUID) -> Response:
        """Note that the caller has read it."""
        return self.answer(services.read(member=self.member, line=self.get_object()))

    @extend_schema(request=serializers.ReadAllSerializer, responses=serializers.ReadCountSerializer)
    @action(detail=False, methods=["post"], url_path="read-all")
    def read_all(self, request: Request) -> Response:
        """Note that the caller has read all of them, or all of a type."""
        body = valid(serializers.ReadAllSerializer(data=request.data))
        return Response({"read": services.read_all(member=self.member, kind=body.get("type", ""))})

    @extend_schema(responses=serializers.PreferencesSerializer)
    @action(detail=False)
    def preferences(self, request: Request) -> Response:
        """What the caller chose, and what holds for them."""
        read_parameters(request, ListParameters)
        return self._preferences(self.member)

    @extend_schema(request=serializers.PreferencesSerializer, responses=serializers.PreferencesSerializer)
    @preferences.mapping.patch
    def change_preferences(self, request: Request) -> Response:
        """Choose for some types; what is not named stays."""
        return self._choose(self.member, replaces=False)

    @extend_schema(request=serializers.PreferencesSerializer, responses=serializers.PreferencesSerializer)
    @preferences.mapping.put
    def replace_preferences(self, request: Request) -> Response:
        """Choose anew; what is not named is as the organization says."""
        return self._choose(self.member, replaces=True)

    @extend_schema(responses=serializers.PreferencesSerializer)
    @action(detail=False)
    def defaults(self, request: Request) -> Response:
        """What the organization says for everybody who chose nothing else."""
        read_parameters(request, ListParameters)
        return self._preferences(None)

    @extend_schema(request=serializers.PreferencesSerializer, responses=serializers.PreferencesSerializer)
    @defaults.mapping.patch
    def change_defaults(self, request: Request) -> Response:
        """Change what the organization says; what is not named stays."""
        return self._choose(None, replaces=False)

    @extend_schema(request=serializers.PreferencesSerializer, responses=serializers.PreferencesSerializer)
    @defaults.mapping.put
    def replace_defaults(self, request: Request) -> Response:
        """Set what the organization says anew; what is not named is as Parley comes."""
        return self._choose(None, replaces=True)

    def _choose(self, member: Member | None, *, replaces: bool) -> Response:
        body = valid(serializers.PreferencesSerializer(data=self.request.data))
        quiet = {name: body[name] for name in QUIET if name in body}
        if replaces:
            quiet = {"quiet": "", "quiet_from": None, "quiet_until": None, **quiet}
        preferences.change(
            organization=self.member.organization, member=member, actor=current_actor(), ways=body.get("ways", {}),
            quiet=quiet, replaces=replaces,
        )  # fmt: skip
        return self._preferences(member)

    def _preferences(self, member: Member | None) -> Response:
        organization = self.member.organization
        holds = preferences.defaults_of(organization) if member is None else preferences.of(member)
        kinds = list(KINDS) if member is None else kinds_for(member)
        row = preferences.stored_of(organization, member)
        return Response(serializers.PreferencesSerializer(serializers.shown(row, holds, kinds)).data)
