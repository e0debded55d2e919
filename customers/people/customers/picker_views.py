"""Suggestions for a field that names a customer."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access.pages import requires
from core.http import Request
from customers.models import Customer
from customers.people.customers.picker import code_in, name_of
from customers.people.form_fields import MAX_SEARCH_LENGTH
from customers.people.windowed_search import newest_matches

PROPOSED = 8


@requires("customers.view")
@require_safe
def propose(request: Request, organization: str) -> HttpResponse:
    """The customers that match the text."""
    text = request.GET.get("customer", "").strip()[:MAX_SEARCH_LENGTH]
    results: list[Customer] = []
    if text and not code_in(text):
        results = newest_matches(Customer.objects.visible_to(request.member).matching(text), size=PROPOSED)
    return render(
        request, "customers/work/tasks/customer_options.html", {"customers": [name_of(one) for one in results]}
    )
