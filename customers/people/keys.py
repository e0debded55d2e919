"""The columns by which a customer is found, sorted and compared: written with every change of what they are made of."""

from __future__ import annotations

from collections.abc import Iterable

from customers.models import Customer
from customers.search import normalize, searchable, window_of

# The columns that `set_keys` writes.
KEYS = (
    "search_text",
    "search_window",
    "sort_name",
    "code_number",
    "company_key",
    "address_key",
    "is_duplicate_check_due",
)


def set_keys(customer: Customer, *, addresses: Iterable[str] = ()) -> None:
    """Compute the columns on the object; saving is the caller's. `addresses` are those beside the primary ones."""
    primary = [customer.name, customer.email, customer.phone, customer.company, customer.code, *customer.former_codes]
    customer.search_text = searchable([*primary, *(value for value in addresses if value not in primary)])
    customer.sort_name = normalize(customer.name)[:100]
    digits = customer.code.lstrip("C")
    customer.code_number = int(digits) if digits.isdigit() else 0
    customer.search_window = window_of(customer.organization_id, customer.code_number)
    customer.company_key = normalize(customer.company)[:100]
    place = customer.address or {}
    customer.address_key = normalize(f"{place.get('street', '')} {place.get('postal_code', '')}")[:150]
    customer.is_duplicate_check_due = True
