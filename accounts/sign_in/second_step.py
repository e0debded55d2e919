"""What both ways through the second step share: the page that asks, and what follows the right answer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.credentials import passkeys, trusted_browsers
from accounts.sign_in import pending
from accounts.sign_in.entering import enter
from accounts.sign_in.forms import CodeForm


def show(
    request: HttpRequest, step: pending.SecondStep, *, form: CodeForm | None = None, error: str = "", status: int = 200
) -> HttpResponse:
    """The page that asks for a code, or for a passkey where the user has one."""
    has_passkeys = passkeys.is_possible(request) and bool(passkeys.of(step.user))
    context = {
        "form": form or CodeForm(),
        "error": error,
        "options": passkeys.begin_asking(request, step.user) if has_passkeys else "",
        "action": reverse("accounts:second_step_passkey"),
        "offers_trust": True,
    }
    return render(request, "accounts/sign_in/second_step.html", context, status=status)


def complete(request: HttpRequest, step: pending.SecondStep, *, is_trusted: bool) -> HttpResponse:
    """Begin the session of somebody who has shown both, and remember the browser where they want it."""
    response = enter(request, step.user, step.path, way=step.way)
    if is_trusted:
        trusted_browsers.trust(request, response, step.user)
    return response
