"""A customer's value that two people set: whether it is so, and how it is told."""

from __future__ import annotations

from datetime import UTC
from typing import Final

from django.utils.translation import gettext as _

from accounts.models import User
from core import inline
from core.http import Request
from core.inline import InlineConflict
from customers.models import Customer
from customers.people.fields import FIELDS

STAGE, OWNER, FOLLOW_UP = "stage", "owner", "follow_up"
# What the pages call other than the customer does.
_NAMES: Final = {OWNER: "assigned_to", FOLLOW_UP: "next_follow_up_at"}
# What the button that leaves the other one's value sends.
KEEP, THEIRS = "keep", "theirs"


def value_of(customer: Customer, field: str) -> object:
    """What a form of this field shows, as it is compared."""
    if field == STAGE:
        return customer.stage_id
    if field == OWNER:
        return customer.assigned_to_id
    if field == FOLLOW_UP:
        return customer.next_follow_up_at.astimezone(UTC).isoformat() if customer.next_follow_up_at else ""
    return getattr(customer, field)


def conflict_of(request: Request, customer: Customer, field: str, wanted: object) -> InlineConflict | None:
    """Both values, where the field is another by now than the form showed and than is wanted.

    `customer` is locked and fresh. `wanted` is a stage, a user, None or a text.
    """
    now = value_of(customer, field)
    key = getattr(wanted, "pk", wanted)
    if now == key or not inline.is_outdated(customer, field, now, request.POST.get(inline.SNAPSHOT)):
        return None
    label = str(FIELDS[_NAMES.get(field, field)].label)
    return InlineConflict(label, _in_words(wanted), _in_words(_theirs(customer, field)))


def in_words(clash: InlineConflict) -> str:
    """One sentence with both values."""
    text = _("%(label)s was changed to “%(theirs)s” by somebody else meanwhile. Yours, “%(mine)s”, was not saved.")
    return text % {"label": clash.label, "theirs": clash.theirs, "mine": clash.mine}


def is_kept(request: Request) -> bool:
    """Whether somebody who was asked leaves the other one's value."""
    return request.POST.get(KEEP) == THEIRS


def one_line(text: str) -> str:
    """What a field of one line shows of a text, as it comes back stripped."""
    return text.replace("\r", "").replace("\n", "").strip()


def _theirs(customer: Customer, field: str) -> object:
    if field == STAGE:
        return customer.stage
    if field == OWNER:
        return customer.assigned_to
    return value_of(customer, field)


def _in_words(value: object) -> str:
    if value is None:
        return _("Nobody yet")
    if isinstance(value, User):
        return str(value.get_full_name())
    return str(getattr(value, "name", value)) or "—"
