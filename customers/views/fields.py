"""A customer's fields, edited in place: each saves on change and answers with itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import requires
from activity.actor import current_actor
from core.http import Request
from customers.models import Customer, Stage, Tag
from customers.selectors import possible_owners
from customers.services import customers, identities, pipeline, tags
from customers.views.board import ask_why, lacks_reason, reason_of
from customers.views.customers import field_context, find_visible

LONGEST_NAME = 200
FIELDS = {
    "name": ("customers/partials/name_field.html", "Name", "", "text"),
    "phone": ("customers/partials/text_field.html", "Phone", "phone", "tel"),
    "email": ("customers/partials/text_field.html", "E-mail", "mail", "email"),
}


@requires("customers.edit")
@require_POST
def set_stage(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Move them; where the organization asks why somebody is lost and nobody said it, the question comes first."""
    customer = find_visible(request, pk)
    wanted = request.POST.get("stage", "")
    stage = next((stage for stage in Stage.objects.all() if wanted in (str(stage.pk), stage.key)), None)
    if stage is None:
        return _answer(request, customer, "customers/partials/stage_field.html", "Choose one of the stages.")
    reason = reason_of(request)
    if stage.pk != customer.stage_id and lacks_reason(request, stage, reason):
        if request.htmx:
            return ask_why(request)
        question = reverse("customers:move", args=[organization, pk])
        return redirect(f"{question}?stage={stage.key}&from=customer")
    pipeline.move(customer=customer, stage=stage, actor=current_actor(), reason=reason)
    return _answer(request, customer, "customers/partials/stage_field.html")


@requires("customers.edit")
@require_POST
def set_owner(request: Request, organization: str, pk: UUID) -> HttpResponse:
    customer = find_visible(request, pk)
    wanted = request.POST.get("assigned_to", "")
    owner = next((user for user in possible_owners() if str(user.pk) == wanted), None)
    if wanted and owner is None:
        return _answer(
            request, customer, "customers/partials/owner_field.html", "Choose somebody of your organization."
        )
    customers.assign(customer=customer, owner=owner, actor=current_actor())
    return _answer(request, customer, "customers/partials/owner_field.html")


@requires("customers.edit")
@require_POST
def add_tag(request: Request, organization: str, pk: UUID) -> HttpResponse:
    customer = find_visible(request, pk)
    try:
        tags.add(customer=customer, names=[request.POST.get("tag", "")], actor=current_actor())
    except tags.InvalidTag as error:
        return _answer(request, customer, "customers/partials/tags_field.html", str(error))
    return _answer(request, customer, "customers/partials/tags_field.html")


@requires("customers.edit")
@require_POST
def remove_tag(request: Request, organization: str, pk: UUID) -> HttpResponse:
    customer = find_visible(request, pk)
    tags.remove(customer=customer, names=[request.POST.get("tag", "")], actor=current_actor())
    return _answer(request, customer, "customers/partials/tags_field.html")


@requires("customers.edit")
@require_POST
def edit_field(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Name, phone or e-mail."""
    customer = find_visible(request, pk)
    field, value = request.POST.get("field", ""), request.POST.get("value", "").strip()[:254]
    if field not in FIELDS:
        return HttpResponse("There is no such field.", status=400, content_type="text/plain")
    template, label, icon_name, kind = FIELDS[field]
    error = ""
    if field == "name" and not 0 < len(value) <= LONGEST_NAME:
        error = f"A name of 1 to {LONGEST_NAME} characters is needed."
    else:
        try:
            customers.update(customer=customer, actor=current_actor(), changes={field: value})
        except (identities.InvalidAddress, identities.IdentityTaken) as refused:
            error = identities.refusal(refused, request.member)
    shown = {
        "field": field,
        "label": label,
        "icon_name": icon_name,
        "type": kind,
        "value": value if error else getattr(customer, field),
    }
    return _answer(request, customer, template, error, shown)


@requires("customers.view")
@require_safe
def tag_names(request: Request, organization: str) -> HttpResponse:
    """Names to propose while a tag is written."""
    names = Tag.objects.order_by("name").values_list("name", flat=True)[:500]
    return render(request, "customers/partials/tag_names.html", {"names": names})


def _answer(
    request: Request, customer: Customer, template: str, error: str = "", more: dict[str, Any] | None = None
) -> HttpResponse:
    if not request.htmx:
        if error:
            toasts.error(request, error)
        return redirect("customers:detail", request.organization.slug, customer.pk)
    shown = {**field_context(request, customer), **(more or {}), "error": error, "saved": not error}
    return render(request, template, shown, status=422 if error else 200)
