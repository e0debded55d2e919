"""`/auth/invitations/{token}/accept`: join by the link of an invitation."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.credentials import tokens
from accounts.credentials.devices import device_of
from accounts.invitations import accepting
from accounts.models import User
from accounts.sign_in.serializers import PairSerializer
from core.api.strict import Body, Strict, valid


class AcceptSerializer(Strict):
    name = serializers.CharField(
        max_length=150, required=False, allow_blank=True, default="", help_text="Of a new account; else not used."
    )
    password = serializers.CharField(
        max_length=256, trim_whitespace=False, write_only=True, help_text="Of the account, or for the new one."
    )
    otp = serializers.CharField(
        max_length=40, required=False, allow_blank=True, default="", help_text="Of an account with a second factor."
    )


class AcceptViewSet(ViewSet):
    """A call without credentials: the link's token is the permission."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'  # without authenticators DRF would answer 403 where the contract says 401

    @extend_schema(
        tags=["auth"],
        request=AcceptSerializer,
        responses={
            201: PairSerializer,
            401: OpenApiResponse(description="The address has an account, and this is not its password."),
            404: OpenApiResponse(description="The link is wrong, used, expired or revoked."),
        },
    )
    def accept(self, request: Request, token: str) -> Response:
        """Become a member, once, by an invitation's token. Who has an account gives its password, others choose one."""
        data = valid(AcceptSerializer(data=request.data))
        invitation = accepting.open_link(token=token, request=request._request)
        if accepting.account_of(invitation) is None:
            _require_good(data, invitation.email)
        member = accepting.join_from(request=request._request, invitation=invitation, **data)
        return Response(
            PairSerializer(tokens.begin(member=member, device=device_of(request._request))).data,
            status=status.HTTP_201_CREATED,
        )


def _require_good(data: Body, email: str) -> None:
    if not data["name"].strip():
        raise serializers.ValidationError({"name": [_("A new account needs a name.")]})
    try:
        validate_password(data["password"], User(email=email, name=data["name"]))
    except DjangoValidationError as error:
        raise serializers.ValidationError({"password": error.messages}) from error
