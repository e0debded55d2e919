"""How one is told, on one's own account; and what the organization says, in Settings."""

from __future__ import annotations

from django.contrib import messages as toasts
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from accounts.account.tabs import account_context
from accounts.permissions import MEMBERSHIP
from activity.actor import current_actor
from core.http import Request
from core.refused_pages import on_form
from core.row_locks import lock_rows, writes_at_once
from workflows.notifications import preferences
from workflows.notifications.forms import PreferencesForm
from workflows.notifications.kinds.registry import KINDS, kinds_for


@requires(MEMBERSHIP)
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def own_preferences(request: Request, organization: str) -> HttpResponse:
    """By which ways one is told of each type, and when one wants quiet."""
    member = request.member
    stored = preferences.stored_of(request.organization, member)
    lock_rows(request, stored)
    form = PreferencesForm(
        request.POST or None,
        record=member,
        kinds=kinds_for(member),
        stored=stored,
        holds=preferences.defaults_of(request.organization),
        has_above=True,
    )
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if form.changed_ways or form.changed_quiet:
                preferences.change(
                    organization=request.organization, member=member, actor=current_actor(), ways=form.changed_ways,
                    quiet=form.changed_quiet,
                )  # fmt: skip
            toasts.success(request, _("Saved."))
            return redirect("workflows:notification_preferences", organization)
    context = {"form": form, **account_context(request, "workflows:notification_preferences")}
    return render(request, "workflows/notifications/preferences.html", context, status=422 if form.errors else 200)


@requires("settings.view")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def defaults(request: Request, organization: str) -> HttpResponse:
    """What the organization says for everybody who chose nothing else; changed by who may edit its settings."""
    may_edit = request.member.may("settings.edit")
    if request.method == "POST" and not may_edit:
        raise PermissionDenied(_("Your role does not permit this."))
    stored = preferences.stored_of(request.organization, None)
    lock_rows(request, stored)
    form = PreferencesForm(
        request.POST or None,
        record=request.organization,
        kinds=list(KINDS),
        stored=stored,
        holds=preferences.defaults_of(request.organization),
        has_above=False,
    )
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if form.changed_ways or form.changed_quiet:
                preferences.change(
                    organization=request.organization, member=None, actor=current_actor(), ways=form.changed_ways,
                    quiet=form.changed_quiet,
                )  # fmt: skip
            toasts.success(request, _("Saved."))
            return redirect("workflows:notification_defaults", organization)
    if not may_edit:
        for field in form.fields.values():
            field.disabled = True
    context = {"form": form, "may_edit": may_edit}
    return render(request, "workflows/notifications/defaults.html", context, status=422 if form.errors else 200)
