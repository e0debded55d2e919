"""Conflicts over a customer's value that two people set, and their words."""

from __future__ import annotations

from datetime import UTC
from typing import Final

from django.utils.translation import gettext as _

from accounts.models import User
from core import inline
from core.http import Request
from core.inline import InlineConflict
from customers.models import Customer
from customers.people.fields import FIELDS, CustomerField

STAGE, OWNER, FOLLOW_UP = "stage", "owner", "follow_up"
# What the pages call other than the customer does.
_NAMES: Final = {OWNER: "assigned_to", FOLLOW_UP: "next_follow_up_at"}
# What the button that leaves the other one's value sends.
KEEP, USE_CURRENT = "keep", "theirs"


def value_of(customer: Customer, field: str) -> object:
    """The value of a field as its form shows it, for comparing."""
    if field == FOLLOW_UP:
        return customer.next_follow_up_at.astimezone(UTC).isoformat() if customer.next_follow_up_at else ""
    return getattr(customer, _declared(field).model_field.attname)


def conflict_of(request: Request, customer: Customer, field: str, entered: object) -> InlineConflict | None:
    """Both values, where the field has changed since the form showed it, and not to what was entered.

    `customer` is locked and fresh. `entered` is a stage, a user, None or a text.
    """
    now = value_of(customer, field)
    key = getattr(entered, "pk", entered)
    if now == key or not inline.is_outdated(customer, field, now, request.POST.get(inline.SNAPSHOT)):
        return None
    current = now if field == FOLLOW_UP else _declared(field).value_of(customer)
    return InlineConflict(str(_declared(field).label), _in_words(entered), _in_words(current))


def in_words(clash: InlineConflict) -> str:
    """One sentence with both values."""
    text = _("%(label)s was changed to “%(theirs)s” by somebody else meanwhile. Yours, “%(mine)s”, was not saved.")
    return text % {"label": clash.label, "theirs": clash.current, "mine": clash.entered}


def keeps_current(request: Request) -> bool:
    """Whether the person chose to keep the present value."""
    return request.POST.get(KEEP) == USE_CURRENT


def one_line(text: str) -> str:
    """A text as a field of one line shows and returns it."""
    return text.replace("\r", "").replace("\n", "").strip()


def _declared(field: str) -> CustomerField:
    return FIELDS[_NAMES.get(field, field)]


def _in_words(value: object) -> str:
    if value is None:
        return _("Nobody yet")
    if isinstance(value, User):
        return str(value.get_full_name())
    return str(getattr(value, "name", value)) or "—"
