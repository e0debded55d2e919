"""A customer's fields, edited in place: each saves on change and answers with itself."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.inline import InlineConflict
from core.refused import Refused
from core.refused_pages import Attempt
from core.row_locks import lock_rows, writes_at_once
from customers.models import Customer, Stage, Tag
from customers.people.access import field_context, find_visible
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.customers.conflicts import OWNER, STAGE, conflict_of, in_words, keeps_current, one_line
from customers.people.fields import FIELDS
from customers.people.owners import possible_owners
from customers.people.tags import services as tags
from customers.pipeline.stages.lost_reasons import ask_reason, lacks_reason, reason_of

MAX_NAME_LENGTH = 200
# What is edited in place as a text: template, icon and type of input.
EDITED = {
    "name": ("customers/page/customer/name_field.html", "", "text"),
    "phone": ("customers/page/customer/text_field.html", "phone", "tel"),
    "email": ("customers/page/customer/text_field.html", "mail", "email"),
}


@requires("customers.edit")
@require_POST
@writes_at_once
def set_stage(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Move the customer; where a reason for losing somebody is required and missing, the answer asks for it."""
    customer = find_visible(request, pk)
    if keeps_current(request):
        return _answer(request, customer, "customers/page/customer/stage_field.html")
    requested = request.POST.get("stage", "")
    stage = next((stage for stage in Stage.objects.all() if requested in (str(stage.pk), stage.key)), None)
    if stage is None:
        return _answer(request, customer, "customers/page/customer/stage_field.html", "Choose one of the stages.")
    lock_rows(request, customer)
    if clash := conflict_of(request, customer, STAGE, stage):
        return _confirm(
            request, customer, "customers/page/customer/stage_field.html", clash, {"chosen_stage": stage.pk}
        )
    reason = reason_of(request)
    if stage.pk != customer.stage_id and lacks_reason(request, stage, reason):
        if request.htmx:
            return ask_reason(request)
        question = reverse("customers:move", args=[organization, pk])
        return redirect(f"{question}?stage={stage.key}&from=customer")
    stage_moves.move(customer=customer, stage=stage, actor=current_actor(), reason=reason)
    return _answer(request, customer, "customers/page/customer/stage_field.html")


@requires("customers.edit")
@require_POST
@writes_at_once
def set_owner(request: Request, organization: str, pk: UUID) -> HttpResponse:
    customer = find_visible(request, pk)
    if keeps_current(request):
        return _answer(request, customer, "customers/page/customer/owner_field.html")
    requested = request.POST.get("assigned_to", "")
    owner = next((user for user in possible_owners() if str(user.pk) == requested), None)
    if requested and owner is None:
        return _answer(
            request, customer, "customers/page/customer/owner_field.html", "Choose somebody of your organization."
        )
    lock_rows(request, customer)
    if clash := conflict_of(request, customer, OWNER, owner):
        chosen = {"chosen_owner": owner.pk if owner else ""}
        return _confirm(request, customer, "customers/page/customer/owner_field.html", clash, chosen)
    customers.assign(customer=customer, owner=owner, actor=current_actor())
    return _answer(request, customer, "customers/page/customer/owner_field.html")


@requires("customers.edit")
@require_POST
def add_tag(request: Request, organization: str, pk: UUID) -> HttpResponse:
    customer = find_visible(request, pk)
    with Attempt(request) as attempt:
        tags.add(customer=customer, names=[request.POST.get("tag", "")], actor=current_actor())
    return _answer(request, customer, "customers/page/customer/tags_field.html", attempt.error)


@requires("customers.edit")
@require_POST
def remove_tag(request: Request, organization: str, pk: UUID) -> HttpResponse:
    customer = find_visible(request, pk)
    tags.remove(customer=customer, names=[request.POST.get("tag", "")], actor=current_actor())
    return _answer(request, customer, "customers/page/customer/tags_field.html")


@requires("customers.edit")
@require_POST
@writes_at_once
def edit_field(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Name, phone or e-mail."""
    customer = find_visible(request, pk)
    field, value = request.POST.get("field", ""), request.POST.get("value", "").strip()[:254]
    if field not in EDITED:
        return HttpResponse("There is no such field.", status=400, content_type="text/plain")
    template, icon_name, kind = EDITED[field]
    lock_rows(request, customer)
    context = {"field": field, "label": FIELDS[field].label, "icon_name": icon_name, "type": kind}
    if keeps_current(request):
        return _answer(request, customer, template, more={**context, "value": getattr(customer, field)})
    if value == one_line(getattr(customer, field)):
        # What the field can't show, such as a line break, is not taken away by looking at it.
        return _answer(request, customer, template, more={**context, "value": value})
    if clash := conflict_of(request, customer, field, value):
        return _confirm(request, customer, template, clash, {**context, "value": value})
    with Attempt(request) as attempt:
        if field == "name" and not 0 < len(value) <= MAX_NAME_LENGTH:
            raise Refused(f"A name of 1 to {MAX_NAME_LENGTH} characters is needed.")
        customers.update(customer=customer, actor=current_actor(), changes={field: value})
    context["value"] = value if attempt.error else getattr(customer, field)
    return _answer(request, customer, template, attempt.error, context)


@requires("customers.view")
@require_safe
def tag_names(request: Request, organization: str) -> HttpResponse:
    """Names to propose while a tag is written."""
    names = Tag.objects.order_by("name").values_list("name", flat=True)[:500]
    return render(request, "customers/page/customer/tag_names.html", {"names": names})


def _confirm(
    request: Request, customer: Customer, template: str, clash: InlineConflict, more: Mapping[str, object] | None = None
) -> HttpResponse:
    """Ask which of both values to keep. Without scripts the page shows the present value, and a notice both."""
    if not request.htmx:
        toasts.warning(request, in_words(clash))
        return redirect("customers:detail", request.organization.slug, customer.pk)
    context = {**field_context(request, customer), **(more or {}), "clash": clash}
    return render(request, template, context, status=422)


def _answer(
    request: Request, customer: Customer, template: str, error: str = "", more: Mapping[str, object] | None = None
) -> HttpResponse:
    if not request.htmx:
        if error:
            toasts.error(request, error)
        return redirect("customers:detail", request.organization.slug, customer.pk)
    context = {**field_context(request, customer), **(more or {}), "error": error, "saved": not error}
    return render(request, template, context, status=422 if error else 200)
