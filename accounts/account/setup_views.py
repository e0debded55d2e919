"""Setting up an app that makes codes, and the recovery codes that come with the first factor."""

from __future__ import annotations

from typing import Final, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.account.access import about_oneself, next_of
from accounts.account.forms import FirstCodeForm, PasskeyForm
from accounts.credentials import authenticator, passkeys, second_factor, shown_once, sign_in
from accounts.credentials.devices import device_of
from accounts.models import User
from core.compression import shows_secret
from core.http import redirect_to
from core.refused_pages import on_form

# In the session, encrypted: codes that the person has not said they have kept.
CODES: Final = "recovery_codes"


@sensitive_post_parameters("code")
@about_oneself
@shows_secret
@require_http_methods(["GET", "HEAD", "POST"])
def set_up_app(request: HttpRequest) -> HttpResponse:
    """The picture and the key for an app; a POST with its first code takes it."""
    user = cast("User", request.user)
    form = FirstCodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            codes = second_factor.confirm_app(user=user, code=form.cleaned_data["code"])
            messages.success(request, _("Your authenticator app is set up."))
            return show_codes(request, codes, next_of(request))
    secret = second_factor.begin_app(user=user)
    context = {
        "form": form,
        "next": next_of(request),
        "picture": mark_safe(authenticator.picture_of(user, secret)),  # noqa: S308 - an SVG of ours, made of black squares
        "key": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        "address": authenticator.address_of(user, secret),
        "is_required": not user.has_second_factor
        and any(member.organization.requires_second_factor for member in sign_in.memberships(user)),
    }
    return render(request, "accounts/account/set_up_app.html", context)


@about_oneself
@require_http_methods(["GET", "HEAD", "POST"])
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Have the browser make a passkey; a POST with its answer keeps it."""
    user = cast("User", request.user)
    if not passkeys.is_possible(request):
        raise Http404(_("There are no passkeys for this address."))
    form = PasskeyForm(request.POST or None, initial={"name": device_of(request).label})
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            codes = passkeys.add(
                request=request,
                user=user,
                name=form.cleaned_data["name"],
                answer=request.POST.get("credential", ""),
            )
            messages.success(request, _("Your passkey is added."))
            return show_codes(request, codes, next_of(request))
    context = {"form": form, "options": passkeys.begin_adding(request, user), "next": next_of(request)}
    return render(request, "accounts/account/add_passkey.html", context)


@about_oneself
@shows_secret
@require_http_methods(["GET", "HEAD", "POST"])
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """The new codes, until the person says that they have kept them, which is a POST."""
    if request.method == "POST":
        shown_once.drop(request, CODES)
        return redirect_to(next_of(request))
    codes = cast("list[str]", shown_once.kept(request, CODES) or [])
    context = {"codes": codes, "next": next_of(request)}
    return render(request, "accounts/account/recovery_codes.html", context, status=200 if codes else 410)


@about_oneself
@shows_secret
@require_http_methods(["GET", "HEAD", "POST"])
def renew_codes(request: HttpRequest) -> HttpResponse:
    """Ask once; a POST makes new codes and shows them."""
    user = cast("User", request.user)
    if not user.has_second_factor:
        return redirect_to(next_of(request))
    if request.method == "POST":
        return show_codes(request, second_factor.renew_codes(user=user), next_of(request))
    return render(request, "accounts/account/renew_codes.html", {"next": next_of(request)})


def show_codes(request: HttpRequest, codes: list[str], path: str) -> HttpResponse:
    """To the page that shows them, and from there to the path; at once to it where there are none to show."""
    if not codes:
        return redirect_to(path)
    shown_once.keep(request, CODES, codes)
    return redirect_to(f"{reverse('accounts:recovery_codes')}?{urlencode({'next': path})}")
