"""How a page signs somebody in who has shown who they are."""

from __future__ import annotations

from django.contrib.auth import login, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.credentials import browser_sessions, known_browsers, recent, sign_in, throttle, trusted_browsers
from accounts.credentials.devices import device_of
from accounts.models import Member, User
from accounts.sign_in import pending
from core.http import client_address, redirect_to

BACKEND = "django.contrib.auth.backends.ModelBackend"


def admit(request: HttpRequest, user: User, path: str, member: Member | None = None) -> HttpResponse:
    """What follows a right password: the session, or the question for the second factor where there is one and the
    browser is not trusted."""
    if user.has_second_factor and not trusted_browsers.is_trusted(request, user):
        pending.begin(request, user, path)
        return redirect_to(reverse("accounts:second_step"))
    return enter(request, user, path, member)


def enter(request: HttpRequest, user: User, path: str, member: Member | None = None) -> HttpResponse:
    """Begin a session and go to the path. It is recorded in the organization of `member`; if none is given, in the one
    that the user used last. The user has shown all that is asked of them."""
    is_first = user.last_login is None
    pending.end(request)
    throttle.forget(email=user.email, address=client_address(request))
    login(request, user, backend=BACKEND)
    recent.note(request)
    browser_sessions.note(request, user)
    for one in [member] if member is not None else sign_in.memberships(user)[:1]:
        sign_in.record_sign_in(one, how="page")
    if not is_first and not known_browsers.is_known(request, user.email):
        sign_in.notify_of_device(user, device_of(request))
    response = redirect_to(path)
    known_browsers.remember(request, response, user.email)
    return response


def keep(request: HttpRequest, user: User) -> None:
    """After a new password ended every session: this browser, where it was chosen, goes on with a new one."""
    browser_sessions.forget(request.session.session_key)
    update_session_auth_hash(request, user)
    recent.note(request)
    browser_sessions.note(request, user)
