"""How a template looks for a customer of one's choice, by the renderer that sends it."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import F

from core.http import Request
from core.ids import parse_uuid
from customers.models import Customer, CustomField
from customers.people.custom_fields import services as custom_fields
from customers.people.windowed_search import newest_matches
from messaging.channels.base import Kind
from messaging.costs import words
from messaging.costs.billing import billed
from messaging.costs.estimates import list_price
from messaging.models import Template
from messaging.texts import placeholders, rendering
from messaging.texts.templates.forms import VARIABLE

OFFERED = 20
MAX_SUBJECT_LENGTH = 200
MAX_TEXT_LENGTH = 20_000
MAX_NAME_LENGTH = 200


def of(request: Request, template: Template | None) -> dict[str, object]:
    """The context of preview.html: the customers to choose from, and the text or the reason why there is none."""
    entered = request.POST if request.method == "POST" else {}
    customers, chosen = _customers(request, entered)
    draft = _draft(request, template, entered)
    context: dict[str, object] = {
        "customers": customers,
        "customer": chosen,
        "is_searched": bool(entered.get("preview_q")),
    }
    try:
        _check(draft)
        if chosen is not None:
            requested = _requested(draft)
            # What is asked for when it is sent keeps its place in the text.
            gaps = {name: f"{{{{{name}}}}}" for name in requested}
            filled = rendering.render(template=draft, customer=chosen, agent=request.member.user, variables=gaps)
            context |= {"preview_subject": filled.subject, "preview_body": filled.body, "asked_for": requested}
            context["cost"] = _cost(request, draft, chosen, filled.body)
    except (placeholders.InvalidPlaceholder, placeholders.MissingValue, rendering.InvalidVariable) as error:
        context["error"] = str(error)
    stored = draft.content or {}
    return {**context, "actions": stored.get("actions") or [], "media_count": len(stored.get("media") or [])}


def _cost(request: Request, draft: Template, customer: Customer, body: str) -> dict[str, str] | None:
    """What it would cost to send it to them first; None where nobody is billed for it, or no rate is known."""
    address = customer.email if draft.channel == Kind.EMAIL else customer.phone
    what = billed(kind=draft.channel, address=address, body=body, template=draft)
    # What is left of a sender's allowance is not told: it is the list price of the text.
    estimate = list_price(what, request.organization)
    text = words.estimate(estimate) if address else ""
    return {"text": text, "reason": words.reason(estimate)} if text else None


def _customers(request: Request, entered: Mapping[str, str]) -> tuple[list[Customer], Customer | None]:
    """The customers to choose from, latest activity first, and the chosen one."""
    if not request.member.may("customers.view"):
        return [], None
    rows = Customer.objects.visible_to(request.member).select_related("organization")
    requested = entered.get("preview_q", "").strip()[:MAX_NAME_LENGTH]
    if requested:
        results = newest_matches(rows.matching(requested), size=OFFERED)
    else:
        results = list(rows.order_by(F("last_activity_at").desc(nulls_last=True), "-id")[:OFFERED])
    key = parse_uuid(entered.get("preview_customer", ""))
    chosen = next((one for one in results if one.pk == key), None)
    if chosen is None and key is not None and not requested:
        chosen = rows.filter(pk=key).first()
        results = [chosen, *results] if chosen is not None else results
    return results, chosen or next(iter(results), None)


def _draft(request: Request, template: Template | None, entered: Mapping[str, str]) -> Template:
    """The template as it stands in the form; nothing of it is saved."""
    draft = template or Template(organization=request.organization)
    if request.method != "POST":
        return draft
    if not draft.content:
        draft.body = entered.get("body", "")[:MAX_TEXT_LENGTH]
        draft.subject = entered.get("subject", "")[:MAX_SUBJECT_LENGTH] if not draft.is_content else ""
    if draft.is_content:
        names = rendering.variable_names(draft)
        filled = {name: entered.get(f"{VARIABLE}{name}", "").strip()[:MAX_TEXT_LENGTH] for name in names}
        draft.content_variables = {name: text for name, text in filled.items() if text}
    return draft


def _check(draft: Template) -> None:
    """Check the draft as the service does. Raises InvalidPlaceholder."""
    known = [field.key for field in custom_fields.definitions(CustomField.Entity.CUSTOMER)]
    own = draft.content_variables.values() if draft.is_content else (draft.subject, draft.body)
    for text in own:
        placeholders.check(text, fields=known)


def _requested(draft: Template) -> list[str]:
    """The variables without a value of their own."""
    if not draft.is_content:
        return []
    return [name for name in rendering.variable_names(draft) if not draft.content_variables.get(name)]
