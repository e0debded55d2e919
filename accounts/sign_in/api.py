"""`/auth/*`: register, login, refresh, logout, me, switch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.access.api import OrganizationView, permissions_of
from accounts.access.authentication import member_of
from accounts.credentials import sign_in, tokens
from accounts.credentials.devices import device_of
from accounts.credentials.readiness import require_own_password
from accounts.impersonation import services as impersonation
from accounts.models import APIKey, Member, User
from accounts.organizations import services as organizations
from accounts.permissions import MEMBERSHIP
from accounts.sign_in import serializers
from core.api.strict import valid
from core.http import client_address


class SignInViewSet(ViewSet):
    """Calls without credentials; a stale token in the header must not keep anybody from signing in."""

    authentication_classes: Sequence[type[BaseAuthentication]] = []
    permission_classes = [AllowAny]

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'  # without authenticators DRF would answer 403 where the contract says 401

    @extend_schema(
        tags=["auth"],
        request=serializers.RegisterSerializer,
        responses={201: serializers.PairSerializer, 403: OpenApiResponse(description="Sign-up is switched off.")},
    )
    def register(self, request: Request) -> Response:
        """A new user with a new organization, as its first administrator."""
        data = valid(serializers.RegisterSerializer(data=request.data))
        member = organizations.sign_up_from(address=client_address(request._request), **data)
        return Response(_begin(request, member), status=status.HTTP_201_CREATED)

    @extend_schema(
        tags=["auth"],
        request=serializers.LoginSerializer,
        responses={
            200: serializers.PairSerializer,
            401: OpenApiResponse(
                description="E-mail or password is wrong; or, with the code `otp_required` or `otp_invalid`, the "
                "password is right and the code of the second factor is missing or wrong."
            ),
            403: OpenApiResponse(
                description="`password_change_required`: somebody else chose the password, and the person has to set "
                "their own on the page. `organization_suspended`: whoever runs the installation has closed it. Or the "
                "user is a member of no organization."
            ),
        },
    )
    def login(self, request: Request) -> Response:
        """Tokens for an e-mail, a password and, where the account has a second factor, a code."""
        data = valid(serializers.LoginSerializer(data=request.data))
        user = sign_in.verify(request=request._request, **data)
        require_own_password(user)
        members = sign_in.memberships(user)
        if not members:
            sign_in.require_none_suspended(user)
            raise exceptions.PermissionDenied("You are not a member of any organization.")
        device = device_of(request._request)
        if user.last_login is not None and not tokens.has_seen(user, device):
            sign_in.notify_of_device(user, device)
        sign_in.record_sign_in(members[0], how="api")
        return Response(_begin(request, members[0]))

    @extend_schema(tags=["auth"], request=serializers.RefreshSerializer, responses={200: serializers.PairSerializer})
    def refresh(self, request: Request) -> Response:
        """A new pair; the refresh token given is spent."""
        data = valid(serializers.RefreshSerializer(data=request.data))
        return Response(_pair(tokens.refresh(token=data["refresh_token"])))

    @extend_schema(tags=["auth"], request=serializers.RefreshSerializer, responses={204: None})
    def logout(self, request: Request) -> Response:
        """Revoke the sign-in that this refresh token belongs to."""
        data = valid(serializers.RefreshSerializer(data=request.data))
        member = tokens.revoke(token=data["refresh_token"])
        if member is not None:
            impersonation.end_by_tokens(member.user)
            sign_in.record_sign_out(member, how="api")
        return Response(status=status.HTTP_204_NO_CONTENT)


class OwnViewSet(OrganizationView):
    """Calls of anybody who has credentials, about themselves."""

    # They say which organizations there are, and lead to one that asks for no second factor.
    is_open_without_factor = True

    permissions = dict.fromkeys(("me", "switch"), MEMBERSHIP)
    permission_classes = [IsAuthenticated]
    # The answer of `switch` is a secret, shown once.
    takes_idempotency_key = False

    @extend_schema(tags=["auth"], responses=serializers.MeSerializer)
    def me(self, request: Request) -> Response:
        """Who is calling, in which organization, with which permissions."""
        member, user = _member(request), request.user
        # A key belongs to one organization and tells of no other; nor does who acts for somebody hear of one.
        is_of_one = isinstance(request.auth, APIKey) or member.impersonation is not None
        data = {
            # Who only looks as somebody would is themselves.
            "user": user,
            "organization": member.organization,
            "role": member.role.key,
            "permissions": sorted(permissions_of(request, member)),
            "memberships": [member] if is_of_one else sign_in.memberships(cast("User", user)),
            "impersonator": member.impersonation.impersonator.user if member.impersonation is not None else None,
        }
        return Response(serializers.MeSerializer(data).data)

    @extend_schema(
        tags=["auth"],
        request=serializers.SwitchSerializer,
        responses={
            200: serializers.PairSerializer,
            404: OpenApiResponse(description="The user belongs to no such organization."),
        },
    )
    def switch(self, request: Request) -> Response:
        """Tokens for another organization that the user belongs to."""
        wanted = valid(serializers.SwitchSerializer(data=request.data))["organization"]
        user = _member(request).user
        if not isinstance(request.auth, Member):
            raise exceptions.PermissionDenied("An API key belongs to one organization.")
        for member in sign_in.memberships(user):
            if wanted in (str(member.organization_id), member.organization.slug):
                return Response(_begin(request, member))
        raise exceptions.NotFound("There is no such organization among yours.")


def _member(request: Request) -> Member:
    member = member_of(request)
    if member is None or not isinstance(request.user, User):
        raise exceptions.PermissionDenied("You are not a member of any organization.")
    return member


def _begin(request: Request, member: Member) -> object:
    return _pair(tokens.begin(member=member, device=device_of(request._request)))


def _pair(pair: tokens.Pair) -> object:
    return serializers.PairSerializer(pair).data
