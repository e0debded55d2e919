"""The door of every page of an organization: who is it, are they a member, does the role permit it.

`@requires("customers.view")` answers all three, opens the organization's scope around the view and marks the view for
the guard in tests/architecture that walks every URL.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

from asgiref.sync import sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from accounts.models import Member, Organization, User
from accounts.permissions import ADMIN, CATALOG, MEMBERSHIP
from accounts.services import sign_in
from activity.actor import Actor, acting_as
from core.http import Request
from core.logging import current_request_id
from core.tenancy import organization_scope

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def requires(permission: str) -> Callable[[View], View]:
    """Let only members with this permission in. Others: to the sign-in, 404 (no member) or 403 (not permitted)."""
    if permission not in CATALOG | {MEMBERSHIP}:
        raise ValueError(f"{permission} is not a permission.")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, organization: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not isinstance(request.user, User):
                return redirect_to_login(request.get_full_path())
            memberships = sign_in.memberships(request.user)
            member = next((m for m in memberships if m.organization.slug == organization), None)
            if member is None:
                raise Http404("There is no such page, or you are not a member of its organization.")
            # Days and times on a page are those of the place where the organization works.
            zone = timezone.override(member.organization.zone)
            with zone, inside(cast("Request", request), member, memberships):
                if not member.may(permission):
                    raise PermissionDenied(f"Your role does not permit this ({permission}).")
                return view(request, organization, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return cast("View", guarded)

    return decorate


AsyncView = Callable[[HttpRequest, Member], Awaitable[HttpResponseBase]]


def streams(permission: str) -> Callable[[AsyncView], Callable[..., Awaitable[HttpResponseBase]]]:
    """The same door for a stream: the view gets the member; there is no sign-in page to send anybody to.

    No scope is open in it: a stream lives longer than a request and opens one for each look that it takes.
    """
    if permission not in CATALOG:
        raise ValueError(f"{permission} is not a permission.")

    def decorate(view: AsyncView) -> Callable[..., Awaitable[HttpResponseBase]]:
        @wraps(view)
        async def guarded(request: HttpRequest, organization: str) -> HttpResponseBase:
            user = await request.auser()
            if not isinstance(user, User):
                return HttpResponse("Sign in first.", status=401, content_type="text/plain")
            memberships = await sync_to_async(sign_in.memberships)(user)
            member = next((m for m in memberships if m.organization.slug == organization), None)
            if member is None:
                raise Http404("There is no such page, or you are not a member of its organization.")
            if not member.may(permission):
                raise PermissionDenied(f"Your role does not permit this ({permission}).")
            return await view(request, member)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


@contextmanager
def inside(request: Request, member: Member, memberships: Sequence[Member] = ()) -> Generator[None]:
    """Open the member's organization around a request: scope, actor, and the names that views and templates use."""
    request.organization = member.organization
    request.member = member
    request.memberships = memberships
    actor = Actor.for_user(member.user, request_id=current_request_id())
    with organization_scope(member.organization), acting_as(actor):
        yield


def administered_by(user: User) -> list[Organization]:
    """The organizations in which this user is an administrator; what the admin console shows them."""
    return [member.organization for member in sign_in.memberships(user) if member.role.key == ADMIN.key]
