"""Settings → Sign-in: the provider by which an organization's members sign in."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access.pages import requires
from accounts.account.access import confirmed
from accounts.models import Role, SignInProvider
from accounts.openid import discovery, queries, services
from accounts.openid.discovery import Endpoints
from accounts.sign_in_settings.forms import ProviderForm
from activity.actor import current_actor
from core.http import Request
from core.refused_pages import Attempt, on_form
from core.row_locks import lock_rows, writes_at_once


@requires("settings.edit")
@require_safe
def sign_in_page(request: Request, organization: str) -> HttpResponse:
    """How members sign in; an administrator changes it."""
    provider = queries.provider_of(request.organization)
    context = {
        "provider": provider,
        "may_change": services.may_configure(request.member),
        "connected": queries.connected(provider) if provider is not None else 0,
        "keeper": request.organization.password_keeper,
        "address": settings.PUBLIC_BASE_URL + reverse("accounts:provider", args=[organization]),
    }
    return render(request, "accounts/sign_in_settings/page.html", context)


@sensitive_post_parameters("client_secret")
@requires("settings.edit")
@confirmed
@require_http_methods(["GET", "HEAD", "POST"])
def edit_provider(request: Request, organization: str) -> HttpResponse:
    """Set the provider up, or change it. A POST with an issuer asks it for its addresses first, holding no row."""
    _require_administrator(request)
    attempt, endpoints = Attempt(request), None
    issuer = request.POST.get("issuer", "").strip()
    if request.method == "POST" and issuer:
        with attempt:
            endpoints = discovery.read(issuer[:300])
    return _edit(request, endpoints, attempt)


@writes_at_once
def _edit(request: Request, endpoints: Endpoints | None, attempt: Attempt) -> HttpResponse:
    lock_rows(request, request.organization)
    provider = queries.provider_of(request.organization)
    form = _form(request, provider)
    if request.method == "POST" and form.is_valid():
        if attempt.error and "issuer" in form.changes:
            form.add_error("issuer", attempt.error)
        else:
            with on_form(request, form):
                services.save(
                    organization=request.organization,
                    by=request.member,
                    actor=current_actor(),
                    changes=form.changes,
                    endpoints=endpoints,
                    keep=request.session.session_key,
                )
                messages.success(request, _("Saved."))
                return redirect("organization:sign_in_settings", request.organization.slug)
    context = {"form": form, "provider": provider}
    return render(request, "accounts/sign_in_settings/form.html", context, status=422 if form.errors else 200)


@requires("settings.edit")
@confirmed
@require_http_methods(["GET", "HEAD", "POST"])
def delete_provider(request: Request, organization: str) -> HttpResponse:
    """Ask once; a POST deletes."""
    _require_administrator(request)
    provider = queries.provider_of(request.organization)
    if provider is None:
        raise Http404(_("There is no sign-in provider."))
    if request.method == "POST":
        services.delete(provider=provider, by=request.member, actor=current_actor(), keep=request.session.session_key)
        messages.success(request, _("“%(provider)s” is gone.") % {"provider": provider.name})
        return redirect("organization:sign_in_settings", organization)
    context = {"provider": provider, "connected": queries.connected(provider)}
    return render(request, "accounts/sign_in_settings/delete.html", context)


def _form(request: Request, provider: SignInProvider | None) -> ProviderForm:
    roles = [role for role in Role.objects.order_by("-is_system", "name", "id") if not role.is_administrator]
    keepers = queries.keepers(request.organization)
    return ProviderForm(
        request.POST if request.method == "POST" else None, record=provider, roles=roles, keepers=keepers
    )


def _require_administrator(request: Request) -> None:
    if not services.may_configure(request.member):
        raise PermissionDenied(str(services.NotAdministrator()))
