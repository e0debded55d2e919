"""A customer, named in a field of a form: proposed while it is written, and found again from what was written."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access.pages import requires
from core.http import Request
from customers.models import Customer
from customers.people.customers.windowed_search import newest_matches
from customers.work.tasks.forms import LONGEST_SEARCH

PROPOSED = 8


class NoCustomer(ValueError):
    """Why what was written names no customer."""


@requires("customers.view")
@require_safe
def propose(request: Request, organization: str) -> HttpResponse:
    """Customers who fit what is being written."""
    text = request.GET.get("customer", "").strip()[:LONGEST_SEARCH]
    found: list[Customer] = []
    if text and not _code_in(text):
        found = newest_matches(Customer.objects.visible_to(request.member).matching(text), size=PROPOSED)
    return render(request, "customers/tasks/customer_options.html", {"customers": [name_of(one) for one in found]})


def name_of(customer: Customer) -> str:
    """A customer as a field names them."""
    return f"{customer.name[: LONGEST_SEARCH - 25]} ({customer.code})"


def named(request: Request, text: str) -> Customer | None:
    """The customer within reach whom a text names, by code or because nobody else fits; None for an empty one.

    Raises NoCustomer.
    """
    text = text.strip()
    if not text:
        return None
    if not request.member.may("customers.view"):
        raise NoCustomer("Your role does not show you customers.")
    rows = Customer.objects.visible_to(request.member)
    by_code = rows.filter(code__iexact=_code_in(text) or text).first()
    if by_code is not None:
        return by_code
    found = newest_matches(rows.matching(text), size=2)
    if len(found) == 1:
        return found[0]
    raise NoCustomer("Several customers fit: choose one of the list." if found else "No customer fits this.")


def _code_in(text: str) -> str:
    """The code in “Ada Lovelace (C00012)”; empty for none."""
    _, mark, code = text.rstrip().rpartition("(")
    return code[:-1].strip() if mark and code.endswith(")") else ""
