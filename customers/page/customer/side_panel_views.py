"""A customer beside the list: who they are, edited in place, and what was newest; the list keeps its place."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.access.pages import requires
from accounts.frame import recent
from core.http import Request
from customers.page.timeline import queries as timeline
from customers.people.access import field_context, find_visible
from customers.people.owners import possible_owners

MAX_ITEMS = 12


@requires("customers.view")
@require_safe
def panel(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The panel, and with `part=timeline` what is newest, which comes after it; a page of its own without a script."""
    customer = find_visible(request, pk)
    if not request.htmx:
        return redirect("customers:detail", organization, pk)
    if request.GET.get("part") == "timeline":
        page = timeline.page_of(customer, may=request.member.may, size=MAX_ITEMS)
        people = {str(user.pk): user.get_full_name() for user in possible_owners()}
        context = {"customer": customer, "items": page.items, "has_more": bool(page.next_cursor), "people": people}
        return render(request, "customers/page/side_panel/timeline.html", context)
    response = render(request, "customers/page/side_panel/panel.html", field_context(request, customer))
    return recent.remember(request, response, customer.pk)
