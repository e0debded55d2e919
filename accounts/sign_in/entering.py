"""How a page signs somebody in who has shown who they are."""

from __future__ import annotations

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse

from accounts.credentials import known_browsers, sign_in
from accounts.models import Member, User
from core.http import redirect_to

BACKEND = "django.contrib.auth.backends.ModelBackend"


def enter(request: HttpRequest, user: User, path: str, member: Member | None = None) -> HttpResponse:
    """Begin a session and go to the path. It is recorded in the organization of `member`; if none is given, in the one
    that the user used last."""
    login(request, user, backend=BACKEND)
    for one in [member] if member is not None else sign_in.memberships(user)[:1]:
        sign_in.record_sign_in(one, how="page")
    response = redirect_to(path)
    known_browsers.remember(request, response, user.email)
    return response
