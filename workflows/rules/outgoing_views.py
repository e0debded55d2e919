"""Settings → Rules → Outgoing: the automatic messages that are still to go out, by day, and stopping them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.pagination import page_after
from core.refused_pages import as_message
from customers.models import Customer
from messaging.costs import words
from messaging.costs.estimates import Estimate, expected
from messaging.models import Message
from workflows.models import RunMessage, Workflow
from workflows.rules import fields, outgoing
from workflows.rules.thread import page_of

SIZE: Final = 50
NOTHING: Final = UUID(int=0)


@requires("workflows.view")
@require_safe
def outgoing_list(request: Request, organization: str) -> HttpResponse:
    """What is to come, next first; `?workflow=` and `?customer=` narrow it, `?after=` goes on."""
    filters, rule, customer = _filters(request)
    rows = outgoing.messages(request.member, filters)
    messages = Message.objects.filter(pk__in=rows.order_by().values("message"))
    page = page_after(messages, cursor=request.GET.get("after", ""), size=SIZE, order=("due_at", "id"))
    by_message = {row.message_id: row for row in rows.filter(message__in=[message.pk for message in page.rows])}
    shown = [by_message[message.pk] for message in page.rows if message.pk in by_message]
    costs = expected([row.message for row in shown], request.organization)
    context = {
        "days": [
            (day, [_line(row, costs[row.message_id], organization) for row in of_day])
            for day, of_day in groupby(shown, key=_day)
        ],
        "rules": outgoing.rules(request.member),
        "rule": rule,
        "customer": customer,
        "channels": fields.CHANNELS,
        "query": _query(filters),
        "more": page.next_cursor,
        "is_filtered": bool(filters),
        "can_change": request.member.may("workflows.edit"),
    }
    return render(request, "workflows/rules/outgoing.html", context)


@requires("workflows.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_outgoing(request: Request, organization: str) -> HttpResponse:
    """Ask once; a POST cancels all that the filters of the address name."""
    filters, rule, customer = _filters(request)
    rows = outgoing.messages(request.member, filters)
    back = f"{reverse('workflows:outgoing', args=[organization])}?{_query(filters)}"
    if request.method != "POST":
        count, most = rows.count(), outgoing.MAX_AT_ONCE
        context = {"count": count, "most": most, "rule": rule, "customer": customer, "back": back}
        return render(request, "workflows/rules/outgoing_cancel.html", context)
    with as_message(request):
        _say(request, outgoing.cancel_all(member=request.member, actor=current_actor(), filters=filters))
    return redirect(back)


@requires("workflows.edit")
@require_POST
def cancel_one(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Cancel one message, and show the rest of what was shown."""
    message = first_or_404(
        outgoing.messages(request.member, {}).filter(message=pk), _("There is no such message that is still to go out.")
    )
    with as_message(request):
        chosen = {"ids": [message.message_id]}
        _say(request, outgoing.cancel(member=request.member, actor=current_actor(), chosen=chosen))
    filters, _rule, _customer = _filters(request)
    return redirect(f"{reverse('workflows:outgoing', args=[organization])}?{_query(filters)}")


def _line(row: RunMessage, cost: Estimate, organization: str) -> dict[str, object]:
    """A message with the page of its rule, and what it will cost."""
    return {"row": row, "page": page_of(row, organization), "cost": words.estimate(cost), "why": words.reason(cost)}


def _say(request: Request, count: int) -> None:
    if count:
        text = ngettext("%(count)d message is cancelled.", "%(count)d messages are cancelled.", count)
        toasts.success(request, text % {"count": count})
    else:
        toasts.error(request, _("Nothing was cancelled: it began to leave meanwhile."))


def _filters(request: Request) -> tuple[dict[str, object], Workflow | None, Customer | None]:
    """What the address asks for, with the rule and the customer that it names. Raises Http404 for one that is not
    there, or out of reach."""
    filters: dict[str, object] = {}
    rule = customer = None
    if text := request.GET.get("workflow", ""):
        rule = first_or_404(Workflow.objects.filter(pk=_id(text)), _("There is no such rule."))
        filters["workflow"] = rule.pk
    if text := request.GET.get("customer", ""):
        customers = Customer.objects.visible_to(request.member).filter(pk=_id(text))
        customer = first_or_404(customers, _("There is no such customer, or it is not yours to see."))
        filters["customer"] = customer.pk
    return filters, rule, customer


def _id(text: str) -> UUID:
    """What the address names; an id that nothing has, where it names none."""
    try:
        return UUID(text)
    except ValueError:
        return NOTHING


def _query(filters: Mapping[str, object]) -> str:
    return urlencode({name: str(value) for name, value in filters.items()})


def _day(row: RunMessage) -> object:
    return None if row.message.due_at is None else timezone.localdate(row.message.due_at)
