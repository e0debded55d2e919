"""“Why not?”: what rules decided about a customer's events."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access.pages import requires
from core.http import Request
from core.pagination import page_after
from customers.people.access import find_visible
from workflows.rules import decisions, queries

SIZE: Final = 20


@requires("workflows.view")
@require_safe
def decision_list(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The customer's events, newest first, each with every rule that looked; `?after=` goes on."""
    if not request.member.may("customers.view"):
        raise PermissionDenied
    customer = find_visible(request, pk)
    page = page_after(queries.evaluations_of(customer), cursor=request.GET.get("after", ""), size=SIZE)
    context = {"customer": customer, "events": decisions.of_events(page.rows), "more": page.next_cursor}
    return render(request, "workflows/rules/decisions.html", context)
