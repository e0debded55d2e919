"""Three ways into the API: a bearer token, an API key, the staff session. Each says which member is calling."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts.access.impersonating import acting_in
from accounts.access.viewing import viewing_of
from accounts.credentials import api_keys, sign_in, tokens, ways
from accounts.credentials.readiness import OrganizationSuspended
from accounts.impersonation import tokens as impersonation_tokens
from accounts.models import APIKey, Member
from core.http import client_address

Credentials = tuple[object, object]


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <access token>`; `request.auth` is the member.

    A refusal is translated here, not by the handler: DRF has to know while it works that nobody is signed in.
    """

    def authenticate(self, request: Request) -> Credentials | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            member = impersonation_tokens.member_of(token.strip()) or tokens.member_of(token.strip())
        except tokens.InvalidToken as error:
            raise exceptions.AuthenticationFailed(str(error)) from error
        except OrganizationSuspended as shut:
            raise exceptions.PermissionDenied(str(shut), code=shut.code) from shut
        return member.user, member

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class APIKeyAuthentication(authentication.BaseAuthentication):
    """`X-API-Key: <key>`; `request.auth` is the key."""

    def authenticate(self, request: Request) -> Credentials | None:
        secret = request.headers.get("X-API-Key")
        if not secret:
            return None
        try:
            key = api_keys.find(secret)
        except api_keys.InvalidAPIKey as error:
            raise exceptions.AuthenticationFailed(str(error)) from error
        except OrganizationSuspended as shut:
            raise exceptions.PermissionDenied(str(shut), code=shut.code) from shut
        address = client_address(request)
        if not key.is_good_from(address):
            refused = api_keys.NetworkNotAllowed(address)
            raise exceptions.PermissionDenied(str(refused), code=refused.code)
        return key.member.user, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The staff session with its CSRF token; the organization is the one that was open last."""

    def authenticate(self, request: Request) -> Credentials | None:
        credentials = super().authenticate(request)
        if credentials is None:
            return None
        user, _ = credentials
        members = ways.openable(request._request, sign_in.memberships(user))
        if not members:
            try:
                sign_in.require_none_suspended(user)
            except OrganizationSuspended as shut:
                raise exceptions.PermissionDenied(str(shut), code=shut.code) from shut
            return user, None
        # A browser that views as a role calls with no more than that; what would change something is refused before.
        viewing = viewing_of(request._request, members[0])
        return user, viewing.member if viewing is not None else acting_in(request._request, members[0])


def member_of(request: Request) -> Member | None:
    """The member behind the credentials, whichever they were."""
    if isinstance(request.auth, APIKey):
        return request.auth.member
    return request.auth if isinstance(request.auth, Member) else None


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = TokenAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class APIKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = APIKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "X-API-Key"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = SessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
