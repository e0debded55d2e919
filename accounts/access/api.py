"""The door of every API call of an organization: the same three questions as `accounts.access.pages` asks of pages.

`OrganizationViewSet` is the base of a resource, `OrganizationView` of calls that are about no record.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Generic

from django.http import HttpResponseBase
from rest_framework import permissions, viewsets
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.access import acting
from accounts.access.authentication import SessionAuthentication, member_of
from accounts.credentials import api_keys, readiness, ways
from accounts.idempotency import api as idempotency
from accounts.impersonation.services import ClosedToImpersonators, actor_of
from accounts.models import APIKey, Member
from activity.actor import Actor, ActorKind, acting_as
from core.api.resource import ResourceViewSet, Row
from core.api.strict import Body
from core.logging import current_request_id
from core.tenancy import organization_scope


class RolePermission(permissions.BasePermission):
    """The view names what each action needs; what it does not name is closed."""

    message = "Your role does not permit this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        member = member_of(request)
        if member is None or not isinstance(view, OrganizationView):
            return False
        method = "get" if request.method == "OPTIONS" else str(request.method).lower()
        needed = view.permissions.get(view.action_map.get(method, ""))
        if needed is None:
            # An unknown method is answered with 405, which comes after this.
            return request.method not in view.allowed_methods
        return _narrowed(request, member).may(needed)


def permissions_of(request: Request, member: Member) -> frozenset[str]:
    """What these credentials permit: the member's role, and of it what a key's scopes leave."""
    return _narrowed(request, member).permissions


def _narrowed(request: Request, member: Member) -> Member:
    """The member, who may from here on no more than the key that speaks for them, whoever asks."""
    if isinstance(request.auth, APIKey) and member.used is None:
        member.scopes, member.used = request.auth.permitted, set()
    return member


def require(request: Request, view: OrganizationView, permission: str) -> None:
    """For what only some bodies of a call need. Raises PermissionDenied."""
    if not _narrowed(request, view.member).may(permission):
        raise PermissionDenied(f"{RolePermission.message} ({permission})")


class OrganizationView(viewsets.ViewSet):
    """Calls in the organization of the credentials: its scope is open and the actor known while the view works.

    `permissions` names what each action needs; a standard action that it does not name does not exist.
    """

    permission_classes = [RolePermission]
    permissions: Mapping[str, str] = {}
    member: Member
    # Whether a POST obeys `Idempotency-Key`. With it the work and the answer that is kept are one transaction, unless
    # the call waits for a network; then the answer is kept right after.
    takes_idempotency_key = True
    is_done_in_one_transaction = True
    # Whether a member may call it whose organization requires a second factor that they have not set up.
    is_open_without_factor = False

    def dispatch(self, request: Any, *args: Any, **kwargs: object) -> HttpResponseBase:
        with ExitStack() as self._open:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        handler = getattr(self, "post", None)
        if (
            request.method == "POST"
            and handler is not None
            and self.takes_idempotency_key
            and idempotency.HEADER in request.headers
        ):
            # What the dispatch calls next.
            self.post = idempotency.once(self, handler)

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if not request.user or not request.user.is_authenticated:
            raise NotAuthenticated
        member = member_of(request)
        if member is not None:
            self._require_open(request, member)
            self._require_ready(request, member)
            self.member = _narrowed(request, member)
            self._open.enter_context(organization_scope(member.organization))
            self._open.enter_context(acting_as(self._actor(request, member)))
            if isinstance(request.auth, APIKey):
                # Last in, first out: the organization is still open.
                self._open.callback(self._note_uses, request.auth, member)

    def _require_open(self, request: Request, member: Member) -> None:
        """Raises ClosedToImpersonators for what nobody does in another's name: a token's calls; a browser's were asked
        before they came here."""
        if member.impersonation is not None and acting.is_closed(request.resolver_match, request.method):
            raise ClosedToImpersonators(member.user.get_full_name())

    def _require_ready(self, request: Request, member: Member) -> None:
        """Raises as `readiness.require_ready`. A key is no sign-in by a password: it goes on."""
        if isinstance(request.auth, APIKey) or member.impersonation is not None:
            return
        by_session = isinstance(request.successful_authenticator, SessionAuthentication)
        shown = ways.of(request._request) if by_session else ways.OWN
        if not self.is_open_without_factor:
            readiness.require_ready(member, shown)
            return
        # It gives out tokens for other organizations, too.
        if not shown.is_own:
            raise readiness.OwnSignInRequired
        readiness.require_own_password(member.user)

    def _note_uses(self, key: APIKey, member: Member) -> None:
        api_keys.note_uses(key, member.used or ())

    def _actor(self, request: Request, member: Member) -> Actor:
        request_id = current_request_id()
        if isinstance(request.auth, APIKey):
            return Actor(ActorKind.API_KEY, str(request.auth.pk), request.auth.actor_label, request_id=request_id)
        return actor_of(member, request_id=request_id)


class OrganizationViewSet(OrganizationView, ResourceViewSet[Row], Generic[Row]):
    """A resource of an organization: `get_queryset` gives the rows within the member's reach, the rest is 404."""

    def get_serializer_context(self) -> Body:
        return {"member": self.member}
