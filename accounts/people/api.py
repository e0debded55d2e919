"""`/admin/users` and `/admin/invitations`: who belongs to the organization, and who is asked to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import grants
from accounts.access.api import OrganizationViewSet, require
from accounts.explanations.api import AccessActions
from accounts.hand_over.api import HandOverActions
from accounts.invitations import creating
from accounts.invitations import services as invitations
from accounts.members import profiles, service_members
from accounts.members import services as members
from accounts.models import Invitation, Member
from accounts.people import queries
from accounts.people import serializers as shapes
from accounts.people.impersonation_api import ImpersonationActions
from accounts.people.queries import MemberStatus
from activity.actor import current_actor
from core.api.strict import Body, valid
from core.refused import Refused
from core.tenancy import current_organization

LAST_OR_ONESELF = OpenApiResponse(description="It is the last administrator, or the caller.")


@extend_schema_view(
    list=extend_schema(description="The organization's members, by name; who was removed is not among them."),
    retrieve=extend_schema(description="One member, by their user's id."),
    create=extend_schema(
        description="Invite one person: they are a member once they have used the link in the mail, and the answer is "
        "the invitation. With `send_invite` false they are a member at once, and the answer is the member with a first "
        "password, which they have to change before anything else.",
        request=shapes.NewPersonSerializer,
        responses={
            201: PolymorphicProxySerializer(
                component_name="InvitedOrCreated",
                serializers=[shapes.InvitationSerializer, shapes.CreatedPersonSerializer],
                resource_type_field_name=None,
            ),
            403: OpenApiResponse(description="The caller can't give this role or these teams."),
            409: OpenApiResponse(description="The address is a member's."),
        },
    ),
    partial_update=extend_schema(
        description="Name, phone and signature, another role, other teams, or whether the member may come in. "
        "Who becomes inactive is out at once.",
        responses={200: shapes.PersonSerializer, 409: LAST_OR_ONESELF},
    ),
    destroy=extend_schema(
        description="Take a member out of the organization. What they own stays theirs.",
        responses={204: None, 409: LAST_OR_ONESELF},
    ),
)
class PersonViewSet(AccessActions, HandOverActions, ImpersonationActions):
    permissions = {
        "list": "users.view", "create": "users.create", "retrieve": "users.view", "partial_update": "users.edit",
        "destroy": "users.delete", "bulk_action": "users.edit", "reset_second_factor": "users.edit",
        "hand_over": "users.edit", "start_hand_over": "users.edit",
        "hand_over_list": "users.edit", "hand_over_file": "users.edit",
        "impersonate": "users.impersonate",
        "access": "users.view", "services": "users.create",
    }  # fmt: skip
    serializer_class = shapes.PersonSerializer
    list_parameters = shapes.PersonParameters
    missing_detail = "There is no such member."
    etag_actions = frozenset({"retrieve", "partial_update", "destroy"})
    refused_fields = {"emails": "email"}
    schema_name, schema_tags = "users", ["users"]

    def get_queryset(self) -> QuerySet[Member]:
        return queries.people()

    def filter_rows(self, rows: QuerySet[Member], filters: Body) -> QuerySet[Member]:
        return queries.matching(rows, **filters)

    def get_object(self, *, lock: bool = False) -> Member:
        if lock:
            # As the services do: the organization's members first.
            grants.lock(current_organization())
        member = self.get_queryset().filter(user_id=self.kwargs["pk"]).first()
        if member is None:
            raise Http404(self.missing_detail)
        return member

    def create(self, request: Request, **kwargs: object) -> Response:
        data = valid(shapes.NewPersonSerializer(data=request.data))
        if not data["send_invite"]:
            return self._create_at_once(data)
        (result,) = _invite([data["email"]], data)
        if result.invitation is None:
            raise members.AlreadyMember
        return Response(shapes.InvitationSerializer(result.invitation).data, status=201)

    def _create_at_once(self, data: Body) -> Response:
        member, password = creating.create(
            organization=current_organization(),
            email=data["email"],
            name=data["name"],
            role=queries.role_by_key(data["role"]),
            teams=queries.teams_by_ids(data["teams"]),
            password=data["password"],
            actor=current_actor(),
        )
        context = {**self.get_serializer_context(), "password": None if data["password"] else password}
        return Response(shapes.CreatedPersonSerializer(member, context=context).data, status=201)

    def perform_update(self, instance: Member, changes: Body) -> Member:
        actor, status = current_actor(), changes.get("status")
        with transaction.atomic():
            if status == MemberStatus.ACTIVE:
                members.reactivate(member=instance, actor=actor)
            profile: dict[str, str] = {name: changes[name] for name in ("phone", "signature") if name in changes}
            profile |= {"name": changes["user"]["name"]} if "user" in changes else {}
            if profile:
                profiles.change(member=instance, actor=actor, changes=profile)
            role = queries.role_by_key(changes["role"]["key"]) if "role" in changes else None
            teams = queries.teams_by_ids(changes["teams"]) if "teams" in changes else None
            changed = members.change(member=instance, actor=actor, role=role, teams=teams)
            if status == MemberStatus.INACTIVE:
                changed = members.deactivate(member=instance, actor=actor)
        return changed

    def perform_destroy(self, instance: Member) -> None:
        members.remove(member=instance, actor=current_actor())

    @extend_schema(
        operation_id="users_reset_second_factor",
        request=None,
        responses={
            200: shapes.PersonSerializer,
            409: OpenApiResponse(description="There is none, it is the caller's own, or other organizations’, too."),
        },
    )
    @action(detail=True, methods=["post"], url_path="reset-second-factor")
    def reset_second_factor(self, request: Request, pk: UUID) -> Response:
        """Take away the second factor of somebody who lost it; they are told by mail."""
        members.reset_second_factor(member=self.get_object(), actor=current_actor())
        return self.answer(self.get_object())

    @extend_schema(
        operation_id="users_bulk_action",
        request=shapes.PeopleBulkSerializer,
        responses={200: shapes.PeopleBulkResultSerializer},
    )
    @action(detail=False, methods=["post"], url_path="bulk-action")
    def bulk_action(self, request: Request) -> Response:
        """The same for several members. Each is done or refused for itself; removing needs `users.delete`."""
        data = valid(shapes.PeopleBulkSerializer(data=request.data))
        if data["action"] == "remove":
            require(request, self, "users.delete")
        role = queries.role_by_key(data["role"]) if "role" in data else None
        actor = current_actor()
        services: dict[str, Callable[..., object]] = {
            "activate": partial(members.reactivate, actor=actor),
            "deactivate": partial(members.deactivate, actor=actor),
            "remove": partial(members.remove, actor=actor),
            "set_role": partial(members.change, actor=actor, role=role),
        }
        work = services[data["action"]]
        results = [self._one_of_many(pk, work) for pk in dict.fromkeys(data["ids"])]
        return Response(shapes.PeopleBulkResultSerializer({"results": results}).data)

    @extend_schema(
        operation_id="users_create_service",
        request=shapes.NewServiceSerializer,
        responses={
            201: shapes.PersonSerializer,
            403: OpenApiResponse(description="The caller can't give this role or these teams."),
        },
    )
    @action(detail=False, methods=["post"])
    def services(self, request: Request) -> Response:
        """Make a service member: no person, no sign-in, no mail; it acts by the API keys that are issued for it."""
        data = valid(shapes.NewServiceSerializer(data=request.data))
        member = service_members.create(
            organization=current_organization(),
            name=data["name"],
            role=queries.role_by_key(data["role"]),
            teams=queries.teams_by_ids(data["teams"]),
            actor=current_actor(),
        )
        return Response(self.represent(member), status=201)

    def _one_of_many(self, pk: UUID, work: Callable[..., object]) -> Body:
        member = self.get_queryset().filter(user_id=pk).first()
        if member is None:
            return {"id": pk, "status": "refused", "detail": self.missing_detail}
        try:
            work(member=member)
        except Refused as refused:
            return {"id": pk, "status": "refused", "detail": refused.words_for(self.member)}
        return {"id": pk, "status": "done", "detail": ""}


@extend_schema_view(
    list=extend_schema(description="The invitations that are kept, the newest first; answered ones for 30 days."),
    retrieve=extend_schema(description="One invitation."),
    create=extend_schema(
        description="Invite several people. An address that is invited already gets a new link.",
        request=shapes.NewInvitationsSerializer,
        responses={
            201: shapes.InvitedListSerializer,
            403: OpenApiResponse(description="The caller can't give this role or these teams."),
        },
    ),
)
class InvitationViewSet(OrganizationViewSet[Invitation]):
    permissions = {
        "list": "users.view", "create": "users.create", "retrieve": "users.view",
        "resend": "users.create", "revoke": "users.create",
    }  # fmt: skip
    serializer_class = shapes.InvitationSerializer
    list_parameters = shapes.InvitationParameters
    missing_detail = "There is no such invitation."
    etag_actions = frozenset()
    schema_name, schema_tags = "invitations", ["users"]

    def get_queryset(self) -> QuerySet[Invitation]:
        return queries.invitations()

    def filter_rows(self, rows: QuerySet[Invitation], filters: Body) -> QuerySet[Invitation]:
        unanswered, now = {"accepted_at": None, "revoked_at": None}, timezone.now()
        match filters.get("status"):
            case Invitation.Status.ACCEPTED:
                return rows.filter(accepted_at__isnull=False)
            case Invitation.Status.REVOKED:
                return rows.filter(revoked_at__isnull=False)
            case Invitation.Status.PENDING:
                return rows.filter(**unanswered, expires_at__gt=now)
            case Invitation.Status.EXPIRED:
                return rows.filter(**unanswered, expires_at__lte=now)
        return rows

    def create(self, request: Request, **kwargs: object) -> Response:
        data = valid(shapes.NewInvitationsSerializer(data=request.data))
        results = _invite(data["emails"], data)
        return Response(shapes.InvitedListSerializer({"results": results}).data, status=201)

    @extend_schema(
        operation_id="invitations_resend",
        request=None,
        responses={200: shapes.InvitationSerializer, 409: OpenApiResponse(description="It was accepted or revoked.")},
    )
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, pk: UUID) -> Response:
        """Mail a new link, good for 7 days; the one of before is worthless."""
        return self.answer(invitations.resend(invitation=self.get_object(), actor=current_actor()))

    @extend_schema(
        operation_id="invitations_revoke",
        request=None,
        responses={200: shapes.InvitationSerializer, 409: OpenApiResponse(description="It was accepted or revoked.")},
    )
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: UUID) -> Response:
        """Make the link worthless."""
        return self.answer(invitations.revoke(invitation=self.get_object(), actor=current_actor()))


def _invite(emails: list[str], data: Body) -> list[invitations.Result]:
    return invitations.invite(
        organization=current_organization(),
        emails=emails,
        role=queries.role_by_key(data["role"]),
        teams=queries.teams_by_ids(data["teams"]),
        days=data["days"],
        actor=current_actor(),
    )
