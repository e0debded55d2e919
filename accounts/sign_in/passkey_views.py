"""Signing in by a passkey: alone, where the device has asked who it is, or as the second step."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.credentials import known_browsers, passkeys
from accounts.sign_in import pending
from accounts.sign_in.entering import enter
from accounts.sign_in.second_step import complete, show
from core.http import local_path, redirect_to
from core.refused_pages import Attempt


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def passkey(request: HttpRequest) -> HttpResponse:
    """Ask for any passkey that belongs here; a POST with its answer signs its owner in."""
    if not passkeys.is_possible(request):
        raise Http404(_("There are no passkeys for this address."))
    path = local_path(request.POST.get("next") or request.GET.get("next")) or "/"
    attempt = Attempt(request)
    if request.method == "POST":
        with attempt:
            return enter(request, passkeys.check(request=request, answer=request.POST.get("credential", "")), path)
    context = {
        "options": passkeys.begin_asking(request),
        "action": request.path,
        "next": path,
        "error": attempt.error,
    }
    status = attempt.status if attempt.status == 429 else 200
    return render(request, "accounts/sign_in/passkey.html", context, status=status)


@never_cache
@require_POST
def second_step_passkey(request: HttpRequest) -> HttpResponse:
    """A passkey in place of a code, for who has shown the password."""
    step = pending.of(request)
    if step is None:
        return redirect_to(reverse("accounts:sign_in"))
    attempt = Attempt(request)
    with attempt:
        passkeys.check(
            request=request,
            answer=request.POST.get("credential", ""),
            user=step.user,
            is_known=known_browsers.is_known(request, step.user.email),
        )
        return complete(request, step, is_trusted=bool(request.POST.get("trust")))
    return show(request, step, error=attempt.error, status=attempt.status if attempt.status == 429 else 200)
