"""Who is it, again: before a change of credentials, and a password of one's own after one that somebody else chose."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.account.access import next_of
from accounts.account.forms import ConfirmCodeForm, ConfirmPasswordForm, PasswordForm
from accounts.credentials import passwords, recent, sign_in, ways
from accounts.models import User
from accounts.openid import queries as providers
from accounts.sign_in.entering import keep
from core.http import redirect_to
from core.refused_pages import on_form


@sensitive_post_parameters("password", "code")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for the password, or with `?by=code` for a code, and go on to `next`."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - `login_required`
    by_code = user.has_second_factor and "code" in (request.GET.get("by"), request.POST.get("by"))
    form = (ConfirmCodeForm if by_code else ConfirmPasswordForm)(request.POST or None)
    attempt = on_form(request, form)
    if request.method == "POST" and form.is_valid():
        with attempt:
            if by_code:
                sign_in.verify_code(request=request, user=user, **form.cleaned_data)
            else:
                sign_in.verify_password(request=request, email=user.email, **form.cleaned_data)
            recent.note(request)
            return redirect_to(next_of(request))
    has_own = user.has_usable_password() or user.has_second_factor
    context = {
        "form": form,
        "next": next_of(request),
        "by_code": by_code,
        "may_use_code": user.has_second_factor,
        "provider": None if has_own else providers.connected_provider(user),
    }
    status = attempt.status if attempt.status == 429 else 200
    return render(request, "accounts/account/confirm.html", context, status=status)


@sensitive_post_parameters("password")
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_password(request: HttpRequest) -> HttpResponse:
    """For who signed in with a password that somebody else chose; others have their account's page for it."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - `login_required`
    if not user.must_change_password:
        return redirect_to(next_of(request))
    if not ways.of(request).is_own:
        # Only who knows the password that was chosen for them sets another one.
        return redirect_to(f"{reverse('accounts:sign_in')}?{urlencode({'next': request.get_full_path()})}")
    form = PasswordForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        passwords.set_own(user=user, password=form.cleaned_data["password"])
        keep(request, user)
        messages.success(request, _("Your password is set."))
        return redirect_to(next_of(request))
    return render(request, "accounts/account/new_password.html", {"form": form, "next": next_of(request)})
