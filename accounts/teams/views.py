"""Settings → Teams: who works together, and who sees whose records by that."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import grants
from accounts.access.pages import requires
from accounts.models import Team
from accounts.teams import services as teams
from accounts.teams.forms import TeamForm
from accounts.teams.queries import choosable, managers_of, teams_of
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import on_form
from core.row_locks import lock_rows, writes_at_once


@requires("users.view")
@require_safe
def team_list(request: Request, organization: str) -> HttpResponse:
    """The teams by name, each with how many belong to it and who manages it."""
    rows = [(team, managers_of(team)) for team in teams_of(request.member)]
    return render(request, "accounts/teams/list.html", {"teams": rows, **_context(request)})


@requires("users.view")
@require_safe
def team_detail(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Who belongs to a team, and who sees the records of all of them."""
    team = _found(request, pk)
    context = {"team": team, "members": list(team.members.all()), "managers": managers_of(team), **_context(request)}
    return render(request, "accounts/teams/detail.html", context)


@requires("users.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new_team(request: Request, organization: str) -> HttpResponse:
    grants.require_all_reach(request.member)
    data = request.POST if request.method == "POST" else None
    form = TeamForm(data, organization=request.organization, people=choosable(request.member, None))
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            team = teams.create(
                organization=request.organization,
                by=request.member,
                actor=current_actor(),
                name=form.cleaned_data["name"],
                members=form.chosen,
                calendar=form.cleaned_data["calendar"],
            )
            toasts.success(request, _("“%(team)s” is there.") % {"team": team.name})
            return redirect("organization:team", organization, team.pk)
    return _form(request, form, None)


@requires("users.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_team(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The name, and who belongs to it."""
    grants.require_all_reach(request.member)
    lock_rows(request, request.organization)
    team = _found(request, pk)
    people = choosable(request.member, team)
    data = request.POST if request.method == "POST" else None
    form = TeamForm(data, organization=request.organization, people=people, record=team)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if changes := form.changes():
                teams.update(team=team, by=request.member, actor=current_actor(), changes=changes)
            toasts.success(request, _("Saved."))
            return redirect("organization:team", organization, team.pk)
    return _form(request, form, team)


@requires("users.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_team(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST deletes."""
    grants.require_all_reach(request.member)
    team = _found(request, pk)
    if request.method == "POST":
        teams.delete(team=team, by=request.member, actor=current_actor())
        toasts.success(request, _("“%(team)s” is gone.") % {"team": team.name})
        return redirect("organization:teams", organization)
    context = {"team": team, "managers": managers_of(team), **_context(request)}
    return render(request, "accounts/teams/delete.html", context)


def _context(request: Request) -> dict[str, object]:
    return {"can_change": grants.may_change_teams(request.member), "tab": "teams"}


def _form(request: Request, form: TeamForm, team: Team | None) -> HttpResponse:
    slug = request.organization.slug
    back = reverse("organization:team", args=[slug, team.pk]) if team else reverse("organization:teams", args=[slug])
    context = {"form": form, "team": team, "back": back, **_context(request)}
    return render(request, "accounts/teams/form.html", context, status=422 if form.errors else 200)


def _found(request: Request, pk: UUID) -> Team:
    return first_or_404(teams_of(request.member).filter(pk=pk), _("There is no such team."))
