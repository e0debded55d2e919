"""Sign in, sign out, sign up, and which organization is open."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import viewing
from accounts.credentials import browser_sessions, passkeys, sign_in, ways
from accounts.models import User
from accounts.openid import queries as providers
from accounts.organizations import services as organizations
from accounts.sign_in.entering import admit, enter
from accounts.sign_in.forms import SignInForm, SignUpForm
from core.http import client_address, local_path, redirect_to
from core.refused_pages import Attempt, on_form


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_page(request: HttpRequest) -> HttpResponse:
    is_more = request.user.is_authenticated and not ways.of(request).is_own
    if request.user.is_authenticated and not is_more:
        return redirect_to(_next(request))
    form = SignInForm(request.POST or None)
    attempt = on_form(request, form)
    if request.method == "POST" and form.is_valid():
        with attempt:
            return admit(request, sign_in.verify_password(request=request, **form.cleaned_data), _next(request))
    context = {
        "form": form,
        "next": _next(request),
        "is_sign_up_enabled": settings.SIGN_UP_ENABLED,
        "has_passkeys": passkeys.is_possible(request),
        "is_more": is_more,
        "provider": providers.open_provider(organization_in(_next(request))),
    }
    return render(request, "accounts/sign_in/sign_in.html", context, status=_status_of(attempt))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    if isinstance(request.user, User):
        for member in sign_in.memberships(request.user)[:1]:
            sign_in.record_sign_out(member, how="page")
        for member in sign_in.memberships(request.user):
            viewing.end(request, member=member, how="sign_out")
    browser_sessions.forget(request.session.session_key)
    logout(request)
    return redirect("accounts:sign_in")


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up_page(request: HttpRequest) -> HttpResponse:
    if not settings.SIGN_UP_ENABLED:
        return render(request, "accounts/sign_in/sign_up.html", {"is_sign_up_enabled": False}, status=403)
    form = SignUpForm(request.POST or None)
    attempt = on_form(request, form)
    if request.method == "POST" and form.is_valid():
        with attempt:
            member = organizations.sign_up_from(address=client_address(request), **form.cleaned_data)
            return enter(request, member.user, _next(request))
    context = {"form": form, "is_sign_up_enabled": True}
    return render(request, "accounts/sign_in/sign_up.html", context, status=_status_of(attempt))


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """To the home page of the organization used last."""
    members = ways.openable(request, sign_in.memberships(cast("User", request.user)))
    if members:
        return redirect("organization:home", members[0].organization.slug)
    suspended = [member.organization for member in sign_in.suspended(cast("User", request.user))]
    if suspended:
        return render(request, "accounts/access/suspended.html", {"organizations": suspended}, status=403)
    return render(request, "accounts/sign_in/no_organization.html", status=403)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest) -> HttpResponse:
    """The organizations of the user; a POST opens one and remembers it."""
    members = ways.openable(request, sign_in.memberships(cast("User", request.user)))
    if request.method == "POST":
        for member in members:
            if member.organization.slug == request.POST.get("organization"):
                sign_in.note_seen(member)
                return redirect("organization:home", member.organization.slug)
    return render(
        request, "accounts/sign_in/switch.html", {"memberships": members, "is_limited": not ways.of(request).is_own}
    )


def _status_of(attempt: Attempt) -> int:
    """Of the page that shows the form again: programs that try passwords are to notice that they have to wait."""
    return attempt.status if attempt.status == 429 else 200


def organization_in(path: str) -> str:
    """The organization whose page a path leads to; empty where it leads to none."""
    start, _, rest = path.removeprefix("/").partition("/")
    return rest.partition("/")[0] if start == "o" else ""


def _next(request: HttpRequest) -> str:
    return local_path(request.POST.get("next") or request.GET.get("next")) or "/"
