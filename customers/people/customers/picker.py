"""Naming a customer in a form's field: by code, or by a text that only one customer matches."""

from __future__ import annotations

from core.http import Request
from core.refused import Refused
from customers.models import Customer
from customers.people.form_fields import MAX_SEARCH_LENGTH
from customers.people.windowed_search import newest_matches


class NoCustomer(Refused):
    """The text names no customer, or more than one; the reason is in words."""

    field = "customer"


def name_of(customer: Customer) -> str:
    """The text by which a field names a customer."""
    return f"{customer.name[: MAX_SEARCH_LENGTH - 25]} ({customer.code})"


def named(request: Request, text: str) -> Customer | None:
    """The customer within reach whom a text names, by code or as the only match; None for an empty one.

    Raises NoCustomer.
    """
    text = text.strip()
    if not text:
        return None
    if not request.member.may("customers.view"):
        raise NoCustomer("Your role does not show you customers.")
    rows = Customer.objects.visible_to(request.member)
    by_code: Customer | None = rows.filter(code__iexact=code_in(text) or text).first()
    if by_code is not None:
        return by_code
    result = newest_matches(rows.matching(text), size=2)
    if len(result) == 1:
        return result[0]
    raise NoCustomer("Several customers fit: choose one of the list." if result else "No customer fits this.")


def code_in(text: str) -> str:
    """The code in “Ada Lovelace (C00012)”; empty for none."""
    _, mark, code = text.rstrip().rpartition("(")
    return code[:-1].strip() if mark and code.endswith(")") else ""
