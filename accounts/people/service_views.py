"""Settings → People → New service: a member that is no person."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from accounts.members import service_members
from accounts.members.authority import authority_of
from accounts.people.forms import ServiceForm
from activity.actor import current_actor
from core.http import Request
from core.refused_pages import on_form


@requires("users.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_service(request: Request, organization: str) -> HttpResponse:
    """A service member, for which keys are issued."""
    form = ServiceForm(request.POST or None, authority=authority_of(current_actor(), request.organization))
    role = None
    if request.method == "POST" and form.is_valid() and (role := form.chosen_role()) is not None:
        with on_form(request, form):
            member = service_members.create(
                organization=request.organization,
                name=form.cleaned_data["name"],
                role=role,
                teams=form.chosen_teams(),
                actor=current_actor(),
            )
            messages.success(request, _("The service “%(name)s” can be given keys now.") % {"name": member.user.name})
            return redirect("organization:member", organization, member.pk)
    return render(request, "accounts/people/new_service.html", {"form": form})
