"""How a page signs somebody in who has shown who they are."""

from __future__ import annotations

from django.contrib.auth import login, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.credentials import browser_sessions, known_browsers, recent, sign_in, throttle, trusted_browsers, ways
from accounts.credentials.devices import device_of
from accounts.credentials.ways import ProviderWay
from accounts.models import Member, User
from accounts.sign_in import pending
from core.http import client_address, redirect_to

BACKEND = "django.contrib.auth.backends.ModelBackend"


def admit(
    request: HttpRequest, user: User, path: str, member: Member | None = None, way: ProviderWay | None = None
) -> HttpResponse:
    """What follows a right password, or an answer of a provider (`way`): the session, or the question for the second
    factor where there is one, the provider has not asked for it, and the browser is not trusted."""
    is_shown = way is not None and way.has_factor
    if user.has_second_factor and not is_shown and not trusted_browsers.is_trusted(request, user):
        pending.begin(request, user, path, way)
        return redirect_to(reverse("accounts:second_step"))
    return enter(request, user, path, member, way)


def enter(
    request: HttpRequest, user: User, path: str, member: Member | None = None, way: ProviderWay | None = None
) -> HttpResponse:
    """Begin a session and go to the path. It is recorded in the organization of `member`; if none is given, in that of
    the way, or in the one that the user used last. The user has shown all that is asked of them."""
    is_first = user.last_login is None
    pending.end(request)
    before = ways.before(request, user)
    if way is None:
        throttle.forget(email=user.email, address=client_address(request))
    login(request, user, backend=BACKEND)
    ways.note(request, before, way)
    # Who has nothing of their own to show is as sure as their provider is; others show it on the pages that ask.
    has_own = user.has_usable_password() or user.has_second_factor
    if way is None or (way.is_fresh and not has_own):
        recent.note(request)
    browser_sessions.note(request, user)
    if way is not None:
        browser_sessions.note_provider(request, way.provider_id)
    for one in [member] if member is not None else _visited(user, way):
        sign_in.record_sign_in(one, how="page" if way is None else "provider")
    if not is_first and not known_browsers.is_known(request, user.email):
        sign_in.notify_of_device(user, device_of(request))
    response = redirect_to(path)
    known_browsers.remember(request, response, user.email)
    return response


def keep(request: HttpRequest, user: User) -> None:
    """After a new password ended every session: this browser, where it was chosen, goes on with a new one."""
    provider_id = browser_sessions.provider_of(request)
    browser_sessions.forget(request.session.session_key)
    update_session_auth_hash(request, user)
    recent.note(request)
    browser_sessions.note(request, user)
    if provider_id is not None:
        browser_sessions.note_provider(request, provider_id)


def _visited(user: User, way: ProviderWay | None) -> list[Member]:
    memberships = sign_in.memberships(user)
    if way is not None:
        memberships = [one for one in memberships if str(one.organization_id) == way.organization_id]
    return memberships[:1]
