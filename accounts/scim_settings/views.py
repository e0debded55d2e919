"""Settings → Directory: the connection by which an organization's directory manages its members."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access.pages import requires
from accounts.account.access import confirmed
from accounts.credentials import shown_once
from accounts.models import ScimConnection, ScimFailure, ScimUser
from accounts.openid.queries import provider_of
from accounts.openid.services import may_configure
from accounts.scim import connections, group_roles
from accounts.scim_settings.forms import ConnectionForm, GroupRoleForm
from activity.actor import current_actor
from core.compression import shows_secret
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import as_message, on_form
from core.row_locks import lock_rows, writes_at_once

# In the session: the token that was just made.
SHOWN = "scim_token"
FAILURES_SHOWN = 20


@requires("settings.edit")
@require_safe
def directory_page(request: Request, organization: str) -> HttpResponse:
    """What is connected, when it last called, and what it did wrong; an administrator changes it."""
    connection = connections.connection_of(request.organization)
    context: dict[str, object] = {"connection": connection, "may_change": may_configure(request.member)}
    if connection is not None:
        context |= {
            "users": ScimUser.objects.filter(connection=connection, member__removed_at=None).count(),
            "groups": group_roles.groups_of(connection),
            "failures": ScimFailure.objects.filter(connection=connection).order_by("-at", "-pk")[:FAILURES_SHOWN],
            "may_give": connections.may_give(connection, connection.role),
        }
    return render(request, "accounts/scim_settings/page.html", context)


@requires("settings.edit")
@confirmed
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_directory(request: Request, organization: str) -> HttpResponse:
    """Connect a directory, whose token the next page shows; or change what the connection does."""
    _require_administrator(request)
    lock_rows(request, request.organization)
    connection = connections.connection_of(request.organization)
    form = ConnectionForm(
        request.POST if request.method == "POST" else None,
        record=connection,
        roles=group_roles.choices(),
        has_provider=provider_of(request.organization) is not None,
    )
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if connection is not None:
                connections.save(connection=connection, by=request.member, actor=current_actor(), changes=form.changes)
                messages.success(request, _("Saved."))
                return redirect("organization:directory", organization)
            connection, token = connections.create(
                organization=request.organization, by=request.member, actor=current_actor(), changes=form.changes
            )
            return _show_token(request, connection, token)
    context = {"form": form, "connection": connection}
    return render(request, "accounts/scim_settings/form.html", context, status=422 if form.errors else 200)


@requires("settings.edit")
@confirmed
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def directory_group(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """What whoever is in a group of the directory becomes; a POST gives it to those who are in it by now."""
    _require_administrator(request)
    rows = group_roles.groups_of(_find(request)).filter(pk=pk)
    group = first_or_404(rows, _("The directory manages no such group."))
    lock_rows(request, request.organization, group)
    form = GroupRoleForm(request.POST if request.method == "POST" else None, record=group, roles=group_roles.choices())
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if form.changed:
                count = group_roles.set_role(group=group, role=form.chosen, by=request.member, actor=current_actor())
                text = ngettext(
                    "Saved. %(count)d person has another role.", "Saved. %(count)d people have another role.", count
                )
                messages.success(request, text % {"count": count})
            return redirect("organization:directory", organization)
    context = {"form": form, "group": group}
    return render(request, "accounts/scim_settings/group.html", context, status=422 if form.errors else 200)


@never_cache
@requires("settings.edit")
@shows_secret
@require_http_methods(["GET", "HEAD", "POST"])
def directory_token(request: Request, organization: str) -> HttpResponse:
    """The token that was just made, to whoever did it, until they say that they have it."""
    connection, kept = _find(request), shown_once.kept(request, SHOWN)
    if request.method == "POST" or not isinstance(kept, dict) or kept["connection"] != str(connection.pk):
        if request.method == "POST":
            shown_once.drop(request, SHOWN)
        return redirect("organization:directory", organization)
    context = {"connection": connection, "token": kept["token"]}
    return render(request, "accounts/scim_settings/token.html", context)


@requires("settings.edit")
@confirmed
@require_http_methods(["GET", "HEAD", "POST"])
def rotate_directory(request: Request, organization: str) -> HttpResponse:
    """Ask once; a POST makes a new token, which the next page shows. One that is off is on again."""
    _require_administrator(request)
    connection = _find(request)
    if request.method != "POST":
        context = {"connection": connection, "is_rotation": True}
        return render(request, "accounts/scim_settings/confirm.html", context)
    with as_message(request):
        connection, token = connections.rotate(connection=connection, by=request.member, actor=current_actor())
        return _show_token(request, connection, token)
    return redirect("organization:directory", organization)


@requires("settings.edit")
@confirmed
@require_http_methods(["GET", "HEAD", "POST"])
def turn_off_directory(request: Request, organization: str) -> HttpResponse:
    """Ask once; a POST turns the connection off."""
    _require_administrator(request)
    connection = _find(request)
    if request.method != "POST":
        context = {"connection": connection, "is_rotation": False}
        return render(request, "accounts/scim_settings/confirm.html", context)
    with as_message(request):
        connections.turn_off(connection=connection, by=request.member, actor=current_actor())
        messages.success(request, _("“%(name)s” is turned off.") % {"name": connection.name})
    return redirect("organization:directory", organization)


def _show_token(request: Request, connection: ScimConnection, token: str) -> HttpResponse:
    shown_once.keep(request, SHOWN, {"connection": str(connection.pk), "token": token})
    return redirect("organization:directory_token", request.organization.slug)


def _find(request: Request) -> ScimConnection:
    connection = connections.connection_of(request.organization)
    if connection is None:
        raise Http404(_("No directory is connected."))
    return connection


def _require_administrator(request: Request) -> None:
    if not may_configure(request.member):
        raise PermissionDenied(str(connections.NotAdministrator()))
