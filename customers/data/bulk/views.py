"""Bulk changes: the bar under the list, the confirmation, the progress, and reverting one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as toasts
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access.pages import requires
from accounts.jobs.queries import visible_jobs
from activity.actor import current_actor
from activity.models import Job
from core.counting import capped_counts
from core.htmx import toast
from core.http import Request
from core.ids import parse_uuid
from core.lookups import first_or_404
from core.refused_pages import Attempt
from customers.data import undo
from customers.data.bulk import services as changes
from customers.data.bulk.actions import ACTIONS
from customers.data.deletion.services import RESTORE_DAYS
from customers.models import ChangeSet, Customer, Stage
from customers.people.customers.queries import customers_for
from customers.people.owners import possible_owners
from customers.people.table.chips import name_of
from customers.people.table.context import state_of_form
from customers.people.table.selection import menus_for
from customers.people.table.state import ListState
from customers.pipeline.stages.lost_reasons import LOST_REASONS, lacks_reason, reason_of

# More than this, or a deletion, is asked about first.
CONFIRM_ABOVE = 100
COUNTED_TO = 10_000


@requires("customers.view")
@require_safe
def menu(request: Request, organization: str) -> HttpResponse:
    """What a menu of the bar offers; `do` is its action."""
    wanted = request.GET.get("do", "")
    chosen = next((one for one in menus_for(request.member) if one.action == wanted), None)
    if chosen is None:
        raise Http404("There is no such menu.")
    return render(request, "customers/data/bulk/menu.html", {"menu": chosen, "choices": chosen.choices()})


@requires("customers.view")
@require_POST
def bulk(request: Request, organization: str) -> HttpResponse:
    """`do` is an action with its value (`stage:contacted`), on `ids`, or with `all` on what fits the list's `state`."""
    action, _, value = request.POST.get("do", "").partition(":")
    value = request.POST.get("tag", "").strip() if action.startswith("tag_") else value
    state, ids = state_of_form(request), [one for one in request.POST.getlist("ids") if parse_uuid(one)]
    takes_all = bool(request.POST.get("all"))
    if state.problems and takes_all:
        # The list left the filter out; what it shows by it is not what was meant to be changed.
        return _refuse(request, state, state.problems[0])
    count = _count(request, state) if takes_all else len(ids)
    reason = reason_of(request) if action == "stage" else ""
    requested = {"action": action, "value": value, "count": count, "ids": ids, "all": takes_all}
    requested["asks_why"] = action == "stage" and bool(count) and _is_unexplained(request, value, reason)
    is_confirmed = bool(request.POST.get("confirmed"))
    chosen = ACTIONS.get(action)
    is_asked = count > CONFIRM_ABOVE or (chosen is not None and chosen.is_asked)
    if requested["asks_why"] or (is_asked and not is_confirmed):
        return _confirm(request, state, requested | {"is_unanswered": requested["asks_why"] and is_confirmed})
    params = {chosen.parameter: value} if chosen is not None and chosen.parameter else {}
    if reason:
        params["reason"] = reason
    with Attempt(request) as attempt:
        job = changes.start(
            member=request.member,
            actor=current_actor(),
            action=action,
            params=params,
            ids=None if takes_all else ids,
            filter_values=dict(state.requested) if takes_all else None,
        )
        return _follow(request, job)
    return _refuse(request, state, attempt.error)


@requires("customers.view")
@never_cache
@require_safe
def progress(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The job's progress: a bar that reloads itself, at the end with the result."""
    rows = visible_jobs(request.member).filter(pk=pk, kind__in=[changes.KIND, undo.KIND])
    job = first_or_404(rows, "There is no such job, or it is not yours to see.")
    if not request.htmx:
        return redirect("organization:job", organization, pk)
    response = _bar(request, job)
    if job.is_finished:
        response.headers["HX-Trigger"] = "parley:list-changed"
    return response


@requires("customers.view")
@require_POST
def undo_changes(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Revert a bulk change, an import or a merge; for who made it, or an administrator. Asks first where the action
    says so."""
    rows = ChangeSet.objects.filter(pk=pk)
    if not request.member.may("settings.edit"):
        rows = rows.filter(actor_id=str(request.member.user_id))
    change_set = first_or_404(rows, "There is no such change, or it is not yours to undo.")
    action = ACTIONS.get(str(change_set.detail.get("action")))
    if not request.member.may(action.permission if action is not None and action.restore else "customers.edit"):
        raise PermissionDenied
    question = action.before_undo(change_set) if action is not None and action.before_undo is not None else ""
    if question and not request.POST.get("confirmed"):
        return _ask_before_undo(request, change_set, question)
    with Attempt(request) as attempt:
        return _follow(request, undo.undo(change_set=change_set, actor=current_actor(), user=request.member.user))
    return _refuse(request, ListState(), attempt.error)


def _follow(request: Request, job: Job) -> HttpResponse:
    if not request.htmx:
        return redirect("organization:job", request.organization.slug, job.pk)
    response = _bar(request, job)
    response.headers["HX-Trigger"] = "parley:bulk-started"
    return response


def _bar(request: Request, job: Job) -> HttpResponse:
    context: dict[str, object] = {"job": job, "percent": round(job.progress * 100), "is_undo": job.kind == undo.KIND}
    return render(request, "customers/data/bulk/progress.html", context)


def _confirm(request: Request, state: ListState, requested: dict[str, Any]) -> HttpResponse:
    context = {
        **requested,
        "do": f"{requested['action']}:{requested['value']}",
        "sentence": _sentence(requested["action"], requested["value"]),
        "is_deletion": requested["action"] == "delete",
        "note": _note(requested["action"]),
        "restore_days": RESTORE_DAYS,
        "state": state,
        "counted_to": COUNTED_TO,
        "back": reverse("customers:list", args=[request.organization.slug]) + state.query(),
        "reasons": LOST_REASONS,
    }
    if not request.htmx:
        return render(request, "customers/data/bulk/confirm_page.html", context)
    response = render(request, "customers/data/bulk/confirm.html", context)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#bulk-confirm", "innerHTML"
    return response


def _ask_before_undo(request: Request, change_set: ChangeSet, question: str) -> HttpResponse:
    context = {"change_set": change_set, "question": question}
    if not request.htmx:
        return render(request, "customers/data/bulk/undo_page.html", context)
    response = render(request, "customers/data/bulk/undo_question.html", context)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#bulk-confirm", "innerHTML"
    return response


def _is_unexplained(request: Request, key: str, reason: str) -> bool:
    """Whether the stage requires a reason, and the request has none."""
    stage = Stage.objects.filter(key=key).first()
    return stage is not None and lacks_reason(request, stage, reason)


def _sentence(action: str, value: str) -> str:
    """The change as a sentence for the confirmation."""
    if action == "assign":
        owner = next((user for user in possible_owners() if str(user.pk) == value), None)
        return f"Give them to {name_of(owner)}" if owner else "Leave them without an owner"
    if action == "stage":
        stage = Stage.objects.filter(key=value).first()
        return f"Move them to {stage.name if stage else value}"
    if action == "status":
        return f"Set their status to {dict(Customer.Status.choices).get(value, value)}"
    chosen = ACTIONS.get(action)
    if chosen is not None and chosen.sentence is not None:
        return chosen.sentence(value)
    return {
        "tag_add": f"Put the tag “{value}” on them",
        "tag_remove": f"Take the tag “{value}” off them",
        "delete": "Delete them",
    }.get(action, "Change them")


def _note(action: str) -> str:
    chosen = ACTIONS.get(action)
    return chosen.note() if chosen is not None and chosen.note is not None else ""


def _refuse(request: Request, state: ListState, reason: str) -> HttpResponse:
    if request.htmx:
        response = HttpResponse(status=422)
        response.headers["HX-Reswap"] = "none"
        return toast(response, reason, level="error")
    toasts.error(request, reason)
    return redirect(reverse("customers:list", args=[request.organization.slug]) + state.query())


def _count(request: Request, state: ListState) -> int:
    rows = customers_for(request.member, state.filters)
    return capped_counts({"count": rows}, cap=COUNTED_TO + 1)["count"]
