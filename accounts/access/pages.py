"""The door of every page of an organization: who is it, are they a member, does the role permit it.

`@requires("customers.view")` answers all three, opens the organization's scope around the view and marks the view for
the guard in tests/architecture that walks every URL.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.access.impersonating import acting_in, is_impersonating
from accounts.access.viewing import ReadOnlyView, is_on, is_question, viewing_of
from accounts.credentials import browser_sessions, readiness, sign_in, ways
from accounts.impersonation.services import actor_of
from accounts.models import Member, Organization, User
from accounts.permissions import ADMIN, CATALOG, MEMBERSHIP
from activity.actor import acting_as
from core.http import Request, redirect_to
from core.logging import current_request_id
from core.tenancy import organization_scope

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def requires(permission: str) -> Callable[[View], View]:
    """Let only members with this permission in. Others: to the sign-in, 404 (no member) or 403 (not permitted)."""
    if permission not in CATALOG | {MEMBERSHIP}:
        raise ValueError(f"{permission} is not a permission.")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, organization: str, *args: object, **kwargs: object) -> HttpResponseBase:
            if not isinstance(request.user, User):
                return redirect_to_login(request.get_full_path())
            memberships = _memberships(request, request.user)
            member = next((m for m in memberships if m.organization.slug == organization), None)
            if member is None:
                return _shut(request, organization)
            first = first_step(request, member)
            if first is not None:
                return first
            viewing = viewing_of(request, member)
            member = acting_in(request, member)
            if viewing is not None:
                member = viewing.member
            # Days and times on a page are those of the place where the organization works.
            zone = timezone.override(member.organization.zone)
            memberships = ways.openable(request, memberships)
            with zone, inside(cast("Request", request), member, memberships):
                request.viewing = viewing  # type: ignore[attr-defined]
                if not member.may(permission):
                    raise PermissionDenied(f"Your role does not permit this ({permission}).")
                if viewing is None or not is_question(request, view):
                    # Of what might change something only the way out comes here.
                    return view(request, organization, *args, **kwargs)
                return _read_only(permission, lambda: view(request, organization, *args, **kwargs))

        guarded.permission = permission  # type: ignore[attr-defined]
        return cast("View", guarded)

    return decorate


def _shut(request: HttpRequest, slug: str) -> HttpResponse:
    """The page that says why a suspended organization is closed to its member. Raises Http404 for who is none."""
    members = sign_in.suspended(cast("User", request.user))
    member = next((m for m in members if m.organization.slug == slug), None)
    if member is None:
        raise Http404("There is no such page, or you are not a member of its organization.")
    if request.headers.get("HX-Request"):
        # The page that the part belongs to is no longer theirs: they are shown why.
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("organization:home", args=[slug])})
    return render(request, "accounts/access/suspended.html", {"organizations": [member.organization]}, status=403)


def _memberships(request: HttpRequest, user: User) -> list[Member]:
    """The user's memberships; to whoever acts for them no organization exists but the one where they do."""
    members = sign_in.memberships(user)
    return ways.openable(request, members) if is_impersonating(request) else members


def _read_only(permission: str, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The answer, without what it wrote on the way: what was read, opened or looked at is nobody's while somebody views
    as a role. Raises ReadOnlyView for a file that would leave, since it could not be recorded."""
    with transaction.atomic():
        response = answer()
        transaction.set_rollback(True)
    if response.streaming and permission.endswith(".export"):
        raise ReadOnlyView
    return response


@dataclass(frozen=True)
class SignedIn:
    """Who asks for a stream, and the session that they are signed in by."""

    member: Member
    session_key: str
    ways: ways.Ways = ways.OWN
    # By which the member is acted for; the stream ends with it.
    impersonation_id: UUID | None = None


AsyncView = Callable[[HttpRequest, SignedIn], Awaitable[HttpResponseBase]]


def streams(permission: str) -> Callable[[AsyncView], Callable[..., Awaitable[HttpResponseBase]]]:
    """The same door for a stream: the view gets the member; there is no sign-in page to send anybody to.

    No scope is open in it: a stream lives longer than a request. Its request's database connection goes back before it
    begins (crm_project.asgi).
    """
    if permission not in CATALOG:
        raise ValueError(f"{permission} is not a permission.")

    def decorate(view: AsyncView) -> Callable[..., Awaitable[HttpResponseBase]]:
        @wraps(view)
        async def guarded(request: HttpRequest, organization: str) -> HttpResponseBase:
            signed_in = await sync_to_async(_signed_in)(request, organization)
            if signed_in is None:
                return HttpResponse("Sign in first.", status=401, content_type="text/plain")
            if not signed_in.member.may(permission) or not readiness.is_ready(signed_in.member, signed_in.ways):
                raise PermissionDenied(f"Your role does not permit this ({permission}).")
            return await view(request, signed_in)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def _signed_in(request: HttpRequest, organization: str) -> SignedIn | None:
    """None for whoever is not signed in. Raises Http404 for who is no member."""
    user = request.user
    if not isinstance(user, User):
        return None
    member = next((m for m in _memberships(request, user) if m.organization.slug == organization), None)
    if member is None:
        raise Http404("There is no such page, or you are not a member of its organization.")
    if is_impersonating(request):
        # They are not here, and this is no session of theirs.
        member = acting_in(request, member)
        row = member.impersonation
        return SignedIn(member, request.session.session_key or "", ways.of(request), row.pk if row else None)
    if is_on(request):
        # The page asks every few seconds instead, by the same door as everything else that it shows.
        raise PermissionDenied(str(ReadOnlyView()))
    # Every page that is open has a stream, so here is known who is here, at no cost to any page.
    sign_in.note_visit(member)
    browser_sessions.note(request, user)
    return SignedIn(member, request.session.session_key or "", ways.of(request))


def first_step(request: HttpRequest, member: Member) -> HttpResponseBase | None:
    """The way to the page where the member does what has to come first; None where nothing has to."""
    try:
        readiness.require_ready(member, ways.of(request))
    except readiness.PasswordChangeRequired:
        page = "accounts:new_password"
    except readiness.SecondFactorRequired:
        page = "accounts:set_up_app"
    except readiness.OwnSignInRequired:
        page = "accounts:sign_in"
    except readiness.ProviderSignInRequired:
        page = "accounts:provider"
    else:
        return None
    # What a part of a page asked for is no page to come back to.
    is_page = request.method == "GET" and not request.headers.get("HX-Request")
    path = request.get_full_path() if is_page else reverse("organization:home", args=[member.organization.slug])
    at = [member.organization.slug] if page == "accounts:provider" else []
    address = f"{reverse(page, args=at)}?{urlencode({'next': path})}"
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect_to(address)


def entry_step(request: HttpRequest, user: User) -> HttpResponseBase | None:
    """The same before what belongs to no organization: whatever any of the user's asks for."""
    if not ways.of(request).is_own:
        return redirect_to(f"{reverse('accounts:sign_in')}?{urlencode({'next': request.get_full_path()})}")
    steps = (first_step(request, member) for member in sign_in.memberships(user))
    return next((step for step in steps if step is not None), None)


@contextmanager
def inside(request: Request, member: Member, memberships: Sequence[Member] = ()) -> Generator[None]:
    """Open the member's organization around a request: scope, actor, and the names that views and templates use."""
    request.organization = member.organization
    request.member = member
    request.memberships = memberships
    actor = actor_of(member, request_id=current_request_id())
    with organization_scope(member.organization), acting_as(actor):
        yield


def administered_by(user: User) -> list[Organization]:
    """The organizations in which this user is an administrator; what the admin console shows them."""
    return [member.organization for member in sign_in.memberships(user) if member.role.key == ADMIN.key]
