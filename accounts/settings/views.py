"""Settings: the index of all pages, and the organization's own."""

from __future__ import annotations

from django.contrib import messages as toasts
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from accounts.frame.settings_menu import groups_for
from accounts.organizations import values
from accounts.permissions import MEMBERSHIP
from accounts.settings import services as settings
from accounts.settings.forms import OrganizationForm
from activity.actor import current_actor
from core.http import Request
from core.refused_pages import as_message, on_form
from core.row_locks import lock_rows, writes_at_once


@requires(MEMBERSHIP)
@require_safe
def index(request: Request, organization: str) -> HttpResponse:
    """The pages of Settings that the member may open."""
    groups = groups_for(request.member)
    if not groups:
        raise PermissionDenied(_("There is nothing here for your role."))
    return render(request, "accounts/settings/index.html", {"groups": groups})


@requires("settings.view")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def organization_settings(request: Request, organization: str) -> HttpResponse:
    """Name, place, currency and the rules for signing in."""
    may_edit = request.member.may("settings.edit")
    if request.method == "POST" and not may_edit:
        raise PermissionDenied(_("Your role does not permit this (settings.edit)."))
    lock_rows(request, request.organization)
    form = OrganizationForm(request.POST if request.method == "POST" else None, record=request.organization)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if form.changed:
                settings.update(organization=request.organization, actor=current_actor(), changes=form.changed)
            toasts.success(request, _("Saved."))
            return redirect("organization:organization_settings", organization)
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    context = {"form": form, "may_edit": may_edit, "language": values.language_name()}
    return render(request, "accounts/settings/organization.html", context, status=422 if form.errors else 200)


@requires("settings.edit")
@require_POST
def set_logo(request: Request, organization: str) -> HttpResponse:
    """Take the uploaded picture."""
    content = request.FILES.get("logo")
    if content is None:
        toasts.error(request, _("Choose a picture first."))
        return redirect("organization:organization_settings", organization)
    with as_message(request):
        settings.set_logo(
            organization=request.organization, actor=current_actor(), content=content, size=content.size or 0
        )
        toasts.success(request, _("The logo is there."))
    return redirect("organization:organization_settings", organization)


@requires("settings.edit")
@require_POST
def remove_logo(request: Request, organization: str) -> HttpResponse:
    """Show initials again."""
    settings.remove_logo(organization=request.organization, actor=current_actor())
    toasts.success(request, _("The logo was removed."))
    return redirect("organization:organization_settings", organization)


@requires(MEMBERSHIP)
@require_safe
def logo(request: Request, organization: str) -> HttpResponseBase:
    """The organization's logo. A new one has a new address, so browsers may keep it."""
    if not request.organization.logo:
        raise Http404(_("There is no logo."))
    try:
        opened = request.organization.logo.open("rb")
    except OSError as error:
        raise Http404(_("There is no logo.")) from error
    response = FileResponse(opened, content_type="image/webp")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response
