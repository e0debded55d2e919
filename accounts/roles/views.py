"""Settings → Roles: who may do what, who has which role, and what a change comes to before it is saved."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages as toasts
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import grants
from accounts.access import viewing
from accounts.access.pages import requires
from accounts.models import Role
from accounts.permissions import MEMBERSHIP, Reach
from accounts.roles import services as roles
from accounts.roles.forms import RoleForm, SuccessorForm
from accounts.roles.queries import Difference, assignable, difference, holders, members_with, new_beside, roles_of
from accounts.roles.words import REACHES, groups
from activity.actor import current_actor
from core.edits import digest
from core.http import Request
from core.ids import parse_uuid
from core.lookups import first_or_404
from core.refused_pages import as_message, on_form
from core.row_locks import lock_rows, writes_at_once

# What the page of a difference sends back when it is confirmed: the sum of what it showed.
CONFIRMED, BACK, PREVIEW = "confirmed", "back_to_form", "preview"
# In the session: what was entered before a preview, to be shown once more.
ENTERED = "role_entered"


@requires("roles.view")
@require_safe
def role_list(request: Request, organization: str) -> HttpResponse:
    """The system's roles, then the organization's own, each with its reach and how many have it."""
    rows = [(role, REACHES[role.reach], new_beside(role)) for role in roles_of(request.member)]
    return render(request, "accounts/roles/list.html", {"roles": rows, "tab": "roles"})


@requires("roles.view")
@require_safe
def permission_list(request: Request, organization: str) -> HttpResponse:
    """For each permission, which roles have it."""
    context = {"groups": list(holders(list(roles_of(request.member)))), "tab": "permissions"}
    return render(request, "accounts/roles/permissions.html", context)


@requires("roles.view")
@require_safe
def role_detail(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """What a role permits, in sentences, and who has it."""
    role = _found(request, pk)
    context = {
        "role": role,
        "reach": REACHES[role.reach],
        "groups": list(groups(role.permissions)),
        "new": new_beside(role),
        "members": members_with(role),
        "is_within_own": grants.covers(request.member, role),
        "can_view_as": viewing.can_view(request.member, role) and role.pk != request.member.role_id,
        "tab": "roles",
    }
    return render(request, "accounts/roles/detail.html", context)


@requires(viewing.PERMISSION)
@require_POST
def view_as(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """View the pages as somebody with this role would have them."""
    role = _found(request, pk)
    with as_message(request):
        viewing.begin(request, member=request.member, role=role, actor=current_actor())
        return redirect("organization:home", organization)
    return redirect("organization:role", organization, pk)


@requires(MEMBERSHIP)
@require_POST
def end_view(request: Request, organization: str) -> HttpResponse:
    """View as oneself again."""
    kept = request.session.get(viewing.KEY, {})
    viewing.end(request, member=request.member, how="button")
    pk, person = parse_uuid(kept.get("role", "")), parse_uuid(kept.get("person", ""))
    if kept.get("preview"):
        request.session[ENTERED] = {"role": kept["role"], "form": kept["preview"]["form"]}
        return (
            redirect("organization:edit_role", organization, pk)
            if pk
            else redirect("organization:new_role", organization)
        )
    if person is not None:
        return redirect("organization:member", organization, person)
    return redirect("organization:role", organization, pk) if pk else redirect("organization:home", organization)


@requires("roles.create")
@require_http_methods(["GET", "HEAD", "POST"])
def new_role(request: Request, organization: str) -> HttpResponse:
    """An empty role, or a copy: `from` is the id of the role that it begins with."""
    source = _source(request)
    name = _("Copy of %(name)s") % {"name": source.name} if source is not None else ""
    form = RoleForm(_posted(request) or _entered(request, None), by=request.member, source=source, name=name)
    if PREVIEW in request.POST and form.is_valid():
        return _preview(request, form, None)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            role = roles.create(
                organization=request.organization,
                by=request.member,
                actor=current_actor(),
                name=form.cleaned_data["name"],
                permissions=form.permissions,
                reach=form.cleaned_data["reach"],
            )
            toasts.success(request, _("“%(role)s” can be given to members from now on.") % {"role": role.name})
            return redirect("organization:role", organization, role.pk)
    return _form(request, form, None, source)


@requires("roles.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_role(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """A POST shows what the change comes to; what is confirmed then is saved, unless it came to be another."""
    role = _found(request, pk)
    lock_rows(request, request.organization, role)
    if role.is_system or not grants.covers(request.member, role):
        return redirect("organization:role", organization, role.pk)
    given = _posted(request) or _entered(request, role)
    form = RoleForm(given, by=request.member, source=role, name=role.name, record=role)
    if PREVIEW in request.POST and form.is_valid():
        return _preview(request, form, role)
    if request.method != "POST" or not form.is_valid() or BACK in request.POST:
        return _form(request, form, role, role)
    changes = form.changes()
    if not changes:
        toasts.success(request, _("Nothing was changed."))
        return redirect("organization:role", organization, role.pk)
    result = difference(
        before=role,
        permissions=form.permissions,
        reach=Reach(form.cleaned_data["reach"]),
        name=form.cleaned_data["name"],
        having=members_with(role),
        by=request.member,
    )
    if request.POST.get(CONFIRMED) != digest(result):
        return _confirm(request, role, result)
    with on_form(request, form):
        roles.update(
            role=role, by=request.member, actor=current_actor(), changes=changes, accepts_own_loss=result.is_own_loss
        )
        toasts.success(request, _("Saved; it is in force from the next click of whoever has this role."))
        return _after(request, role, is_own_loss=result.is_own_loss)
    return _form(request, form, role, role)


@requires("roles.delete")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def delete_role(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once, with the role that its members get where there are any, and what that comes to for them."""
    role = _found(request, pk)
    lock_rows(request, request.organization, role)
    if role.is_system or not grants.covers(request.member, role):
        return redirect("organization:role", organization, role.pk)
    having = members_with(role)
    form = SuccessorForm(_posted(request), roles=assignable(request.member, without=role)) if having else None
    result: Difference | None = None
    if request.method == "POST" and (form is None or form.is_valid()):
        successor = form.role if form is not None else None
        if successor is not None:
            result = difference(
                before=role,
                permissions=successor.permissions,
                reach=successor.reach,
                having=having,
                by=request.member,
            )
        if request.POST.get(CONFIRMED) == digest((result, len(having))):
            roles.delete(
                role=role,
                by=request.member,
                actor=current_actor(),
                successor=successor,
                accepts_own_loss=result is not None and result.is_own_loss,
            )
            toasts.success(request, _("“%(role)s” is gone.") % {"role": role.name})
            return _after(request, None, is_own_loss=result is not None and result.is_own_loss)
    context = {
        "role": role,
        "members": having,
        "form": form,
        "difference": result,
        "successor": form.role if result is not None and form is not None else None,
        "confirmed": digest((result, len(having))) if result is not None or not having else "",
        "tab": "roles",
    }
    return render(request, "accounts/roles/delete.html", context, status=422 if form and form.errors else 200)


def _preview(request: Request, form: RoleForm, role: Role | None) -> HttpResponse:
    """View the pages as the role would be; what was entered comes back with the way back."""
    preview = viewing.Preview(
        name=form.cleaned_data["name"],
        permissions=sorted(form.permissions),
        reach=form.cleaned_data["reach"],
        form=_pairs(request),
    )
    with on_form(request, form):
        viewing.begin_preview(request, member=request.member, role=role, preview=preview, actor=current_actor())
        return redirect("organization:home", request.organization.slug)
    return _form(request, form, role, role)


def _pairs(request: Request) -> list[list[str]]:
    left_out = {"csrfmiddlewaretoken", CONFIRMED, BACK, PREVIEW}
    return [[name, value] for name in request.POST if name not in left_out for value in request.POST.getlist(name)]


def _entered(request: Request, role: Role | None) -> QueryDict | None:
    """What was entered before a preview of this role, once; None where nothing was."""
    kept = request.session.get(ENTERED)
    if request.method != "GET" or kept is None or kept["role"] != (str(role.pk) if role is not None else ""):
        return None
    del request.session[ENTERED]
    entered = QueryDict(mutable=True)
    for name, value in kept["form"]:
        entered.appendlist(name, value)
    return entered


def _confirm(request: Request, role: Role, result: Difference) -> HttpResponse:
    """The difference, and all that was entered, to be sent once more."""
    context = {
        "role": role,
        "difference": result,
        "pairs": _pairs(request),
        "confirmed": digest(result),
        "tab": "roles",
    }
    return render(request, "accounts/roles/confirm.html", context)


def _after(request: Request, role: Role | None, *, is_own_loss: bool) -> HttpResponse:
    """Where to go from a change: not to a page that whoever made it may not open any more."""
    if is_own_loss:
        return redirect("organization:home", request.organization.slug)
    if role is None:
        return redirect("organization:roles", request.organization.slug)
    return redirect("organization:role", request.organization.slug, role.pk)


def _form(request: Request, form: RoleForm, role: Role | None, source: Role | None) -> HttpResponse:
    slug = request.organization.slug
    back = reverse("organization:role", args=[slug, role.pk]) if role else reverse("organization:roles", args=[slug])
    context = {"form": form, "role": role, "source": source, "back": back, "tab": "roles"}
    return render(request, "accounts/roles/form.html", context, status=422 if form.errors else 200)


def _source(request: Request) -> Role | None:
    """The role that the new one begins with. Raises Http404 for an id that is none."""
    if not request.GET.get("from"):
        return None
    pk = parse_uuid(request.GET["from"])
    if pk is None:
        raise Http404(_("There is no such role."))
    return _found(request, pk)


def _posted(request: Request) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _found(request: Request, pk: UUID) -> Role:
    return first_or_404(roles_of(request.member).filter(pk=pk), _("There is no such role."))
