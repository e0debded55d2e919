"""Your account, inside an organization: password, security, devices."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from accounts.account.access import confirmed
from accounts.account.forms import PasswordForm
from accounts.account.tabs import account_context
from accounts.credentials import (
    browser_sessions,
    passkeys,
    passwords,
    recovery_codes,
    second_factor,
    tokens,
    trusted_browsers,
)
from accounts.credentials.devices import label_of
from accounts.impersonation import services as impersonation
from accounts.models import AuthenticatorApp, Passkey
from accounts.openid import queries as providers
from accounts.permissions import MEMBERSHIP
from accounts.sign_in.entering import keep
from core.http import Request
from core.refused_pages import as_message


@sensitive_post_parameters("password")
@never_cache
@requires(MEMBERSHIP)
@confirmed
@require_http_methods(["GET", "HEAD", "POST"])
def password_page(request: Request, organization: str) -> HttpResponse:
    """A new password; a POST ends every other sign-in."""
    user = request.member.user
    form = PasswordForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        passwords.set_own(user=user, password=form.cleaned_data["password"])
        keep(request, user)
        messages.success(request, _("Your password is changed, and every other sign-in has ended."))
        return redirect("organization:account_password", organization)
    return render(
        request,
        "accounts/account/password.html",
        {"form": form, **account_context(request, "organization:account_password")},
    )


@requires(MEMBERSHIP)
@require_safe
def security_page(request: Request, organization: str) -> HttpResponse:
    """What is asked beside the password, and which browsers are not asked."""
    user = request.member.user
    context = {
        "app": AuthenticatorApp.objects.filter(user=user, confirmed_at__isnull=False).first(),
        "passkeys": passkeys.of(user),
        "may_add_passkey": passkeys.is_possible(request),
        "codes_left": recovery_codes.left(user),
        "browsers": [{"row": row, "label": label_of(row.user_agent)} for row in trusted_browsers.of(user)[:50]],
        "has_factor": user.has_second_factor,
        **_provider(request),
        "is_required": request.organization.requires_second_factor,
        **account_context(request, "organization:security"),
    }
    return render(request, "accounts/account/security.html", context)


@requires(MEMBERSHIP)
@confirmed
@require_http_methods(["GET", "HEAD", "POST"])
def remove_app(request: Request, organization: str) -> HttpResponse:
    """Ask once; a POST removes the authenticator app."""
    if request.method != "POST":
        return _ask(
            request,
            question=_("Remove your authenticator app?"),
            text=_("Its codes are worthless then. Without another factor your password alone lets you in."),
            action=_("Remove"),
        )
    with as_message(request):
        second_factor.remove_app(user=request.member.user)
        messages.success(request, _("The authenticator app was removed."))
    return redirect("organization:security", organization)


@requires(MEMBERSHIP)
@require_http_methods(["GET", "HEAD", "POST"])
def remove_passkey(request: Request, organization: str, pk: UUID) -> HttpResponseBase:
    """Ask once; a POST forgets one of one's own passkeys. 404 for what is none, before anything is asked."""
    row = next((row for row in passkeys.of(request.member.user) if row.pk == pk), None)
    if row is None:
        raise Http404(_("There is no such passkey."))
    return confirmed(_remove_passkey)(request, row)


def _remove_passkey(request: Request, row: Passkey) -> HttpResponse:
    if request.method != "POST":
        return _ask(
            request,
            question=_("Remove the passkey “%(name)s”?") % {"name": row.name},
            text=_("It lets nobody in then. Delete it on the device as well, where it would still be offered."),
            action=_("Remove"),
        )
    with as_message(request):
        passkeys.remove(user=request.member.user, pk=row.pk)
        messages.success(request, _("The passkey was removed."))
    return redirect("organization:security", request.organization.slug)


@requires(MEMBERSHIP)
@require_POST
def forget_browser(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask this browser for the second factor again."""
    if not trusted_browsers.forget(request.member.user, pk):
        raise Http404(_("There is no such browser."))
    messages.success(request, _("That browser is asked again."))
    return redirect("organization:security", organization)


@requires(MEMBERSHIP)
@require_safe
def devices_page(request: Request, organization: str) -> HttpResponse:
    """One's own sessions of browsers and sign-ins of apps."""
    user = request.member.user
    browser_sessions.note(request, user)
    sessions = browser_sessions.open_of(user)
    families = tokens.open_of(user)
    context = {
        "sessions": [
            {
                "row": row,
                "label": label_of(row.user_agent),
                "is_this": row.session_key == request.session.session_key,
            }
            for row in sessions
        ],
        "families": [{"row": row, "label": label_of(row.user_agent)} for row in families],
        "impersonations": impersonation.done_to(request.member)[:20],
        "has_others": len(sessions) > 1 or bool(families),
        **account_context(request, "organization:devices"),
    }
    return render(request, "accounts/account/devices.html", context)


@requires(MEMBERSHIP)
@require_POST
def end_session(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Sign a browser out."""
    browser_sessions.end(user=request.member.user, pk=pk)
    messages.success(request, _("That browser is signed out."))
    return redirect("organization:devices", organization)


@requires(MEMBERSHIP)
@require_POST
def end_family(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Sign an app out."""
    if not tokens.end(user=request.member.user, pk=pk):
        raise Http404(_("This sign-in is over already."))
    impersonation.end_by_tokens(request.member.user)
    messages.success(request, _("That app is signed out."))
    return redirect("organization:devices", organization)


@requires(MEMBERSHIP)
@require_POST
def end_others(request: Request, organization: str) -> HttpResponse:
    """Sign out everywhere but here."""
    user = request.member.user
    count = browser_sessions.end_others(user=user, keep=request.session.session_key) + tokens.end(user=user)
    impersonation.end_by_tokens(user)
    text = ngettext("%(count)d other sign-in ended.", "%(count)d other sign-ins ended.", count)
    messages.success(request, text % {"count": count})
    return redirect("organization:devices", organization)


def _provider(request: Request) -> dict[str, object]:
    provider = providers.open_provider(request.organization.slug)
    return {"provider": provider, "link": provider and providers.link_of(request.member.user, provider)}


def _ask(request: Request, *, question: str, text: str, action: str) -> HttpResponse:
    context = {
        "question": question,
        "text": text,
        "action": action,
        **account_context(request, "organization:security"),
    }
    return render(request, "accounts/account/ask.html", context)
