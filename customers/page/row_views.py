"""Editing a row of the list in place: the editor of a cell, and the row after the change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from accounts.models import User
from activity.actor import current_actor
from core.htmx import toast
from core.http import Request
from core.refused import Refused
from core.refused_pages import Attempt
from core.row_locks import lock_rows, writes_at_once
from customers.models import Customer, CustomField, Stage, Tag
from customers.people.access import find_visible
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.customers.conflicts import FOLLOW_UP, OWNER, STAGE, conflict_of, in_words, value_of
from customers.people.owners import possible_owners
from customers.people.table.context import permissions, row_of
from customers.people.table.state import read_state
from customers.people.tags import services as tags
from customers.pipeline.stages.lost_reasons import ask_reason, lacks_reason, reason_of
from customers.work.follow_ups import services as follow_ups

PROPOSED_TAGS = 200


@requires("customers.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def row(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """GET: the editor of `field` (stage, owner, tags or follow_up). POST: sets it to `value`, and answers the row."""
    customer = find_visible(request, pk)
    if request.method != "POST":
        if not request.htmx:
            return redirect("customers:detail", organization, pk)
        return _editor(request, customer, request.GET.get("field", ""))
    field = request.POST.get("field", "")
    if field not in EDITED_BY:
        return HttpResponse("There is no such field.", status=400, content_type="text/plain")
    lock_rows(request, customer)
    with Attempt(request) as attempt:
        _require_current(request, customer, field)
        if field == "stage":
            requested = _set_stage(request, customer, request.POST.get("value", ""))
            if requested is not None:
                return requested
        else:
            CHANGES[field](customer, request.POST.get("value", ""))
        return _row(request, customer) if request.htmx else redirect("customers:list", organization)
    if not request.htmx:
        toasts.error(request, attempt.error)
        return redirect("customers:detail", organization, pk)
    response = _editor(request, customer, EDITED_BY[field], error=attempt.error, status=422)
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#cell-editor", "innerHTML"
    return response


def _require_current(request: Request, customer: Customer, field: str) -> None:
    """Raises Refused, with the value, where somebody else has set it since the editor was opened."""
    if field not in (STAGE, OWNER, FOLLOW_UP):
        return
    posted = request.POST.get("value", "")
    value: Stage | User | str | None = posted
    if field == STAGE:
        value = Stage.objects.filter(key=posted).first()
    elif field == OWNER:
        value = next((user for user in possible_owners() if str(user.pk) == posted), None)
    if clash := conflict_of(request, customer, field, value):
        raise Refused(in_words(clash))


def _editor(request: Request, customer: Customer, field: str, *, error: str = "", status: int = 200) -> HttpResponse:
    context: dict[str, object] = {"customer": customer, "field": field, "error": error}
    context["follow_up"] = value_of(customer, FOLLOW_UP)
    if field == "stage":
        context["stages"] = Stage.objects.all()
    elif field == "owner":
        context["owners"] = possible_owners()
    elif field == "tags":
        context["names"] = Tag.objects.order_by("name").values_list("name", flat=True)[:PROPOSED_TAGS]
    elif field != "follow_up":
        return HttpResponse("There is no such field.", status=400, content_type="text/plain")
    return render(request, "customers/page/cell_editor.html", context, status=status)


def _row(request: Request, customer: Customer) -> HttpResponse:
    fields = custom_fields.definitions(CustomField.Entity.CUSTOMER)
    requested = request.GET.copy()
    state = read_state(requested, fields=fields)
    result = row_of(request.member, customer.pk, state, fields)
    if result is None:
        # Given to somebody whose customers this member doesn't see.
        response = HttpResponse("")
        response.headers["HX-Reswap"] = "delete"
        return toast(response, f"{customer.name} is no longer among the customers that you see.")
    context = {"row": result, "state": state, **permissions(request.member)}
    return render(request, "customers/people/table/row.html", context)


def _set_stage(request: Request, customer: Customer, value: str) -> HttpResponse | None:
    """Move the customer, or ask for the reason where one is required and missing."""
    stage = Stage.objects.filter(key=value).first()
    if stage is None:
        raise Refused("Choose one of the stages.")
    reason = reason_of(request)
    if stage.pk == customer.stage_id or not lacks_reason(request, stage, reason):
        stage_moves.move(customer=customer, stage=stage, actor=current_actor(), reason=reason)
        return None
    if request.htmx:
        return ask_reason(request)
    question = reverse("customers:move", args=[request.organization.slug, customer.pk])
    return redirect(f"{question}?stage={stage.key}&from=customer")


def _set_owner(customer: Customer, value: str) -> None:
    owner = next((user for user in possible_owners() if str(user.pk) == value), None)
    if value and owner is None:
        raise Refused("Choose somebody of your organization.")
    customers.assign(customer=customer, owner=owner, actor=current_actor())


def _add_tag(customer: Customer, value: str) -> None:
    tags.add(customer=customer, names=[value], actor=current_actor())


def _set_follow_up(customer: Customer, value: str) -> None:
    if not value:
        follow_ups.complete(customer=customer, actor=current_actor())
        return
    try:
        to: str | date = value if value in follow_ups.CHOICES else date.fromisoformat(value)
    except ValueError as error:
        raise Refused("Choose a day.") from error
    follow_ups.snooze(customer=customer, actor=current_actor(), to=to)


def _remove_tag(customer: Customer, value: str) -> None:
    tags.remove(customer=customer, names=[value], actor=current_actor())


CHANGES: Mapping[str, Callable[[Customer, str], None]] = {
    "owner": _set_owner,
    "tag_add": _add_tag,
    "tag_remove": _remove_tag,
    "follow_up": _set_follow_up,
}
EDITED_BY = {"stage": "stage", "owner": "owner", "tag_add": "tags", "tag_remove": "tags", "follow_up": "follow_up"}
