"""Lists of customers, as the API and the pages ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F, QuerySet

from accounts.models import Member
from activity.models import Event
from customers import events
from customers.models import Customer, DuplicatePair
from customers.models.querysets import CustomerQuerySet, within_reach
from customers.people.filters.parse import DEFAULT_ORDERING, REFUSED, condition

# The event types in the history of a customer.
HISTORY = (
    events.CUSTOMER_CREATED,
    events.CUSTOMER_UPDATED,
    events.CUSTOMER_ASSIGNED,
    events.STAGE_CHANGED,
    events.STAGE_CHANGE_UNDONE,
    events.TAG_ADDED,
    events.TAG_REMOVED,
    events.FOLLOW_UP_SET,
    events.CONSENT_CHANGED,
    events.IDENTITY_ADDED,
    events.IDENTITY_REMOVED,
    events.CUSTOMER_MERGED,
    events.MERGE_UNDONE,
)


def customers_for(member: Member, filters: Mapping[str, Any]) -> CustomerQuerySet:
    """The customers within the member's reach that fit what `filters.parse.read` gave, in its `ordering`."""
    rows: CustomerQuerySet = Customer.objects.visible_to(member)
    if filters.get(REFUSED):
        rows = rows.filter(pk__isnull=True)
    if "ids" in filters:
        # A selection on the page; no filter of addresses.
        rows = rows.filter(pk__in=filters["ids"])
    if filters.get("q"):
        rows = rows.matching(filters["q"])
    rows = rows.filter(condition(filters))
    if filters.get("tag"):
        rows = rows.tagged(*filters["tag"])
    rows = _owned(rows, member, filters.get("assigned_to"))
    return ordered(rows, filters.get("ordering") or DEFAULT_ORDERING)


def _owned(rows: CustomerQuerySet, member: Member, owner: Any) -> CustomerQuerySet:
    if owner == "me":
        return rows.owned_by(member.user_id)
    if owner == "none":
        return rows.without_owner()
    return rows.owned_by(owner) if owner else rows


# The columns behind an ordering's name, where they are others.
_COLUMNS = {"name": "sort_name", "code": "code_number"}


def order_columns(ordering: str) -> tuple[str, str]:
    """The two columns of a total ordering, so that every row is on one page only."""
    name, sign = ordering.lstrip("-"), "-" if ordering.startswith("-") else ""
    return f"{sign}{_COLUMNS.get(name, name)}", f"{sign}id"


def ordered(rows: CustomerQuerySet, ordering: str) -> CustomerQuerySet:
    """The rows in this order; those without a follow-up stand last in either direction."""
    first, second = order_columns(ordering)
    if first.lstrip("-") == "next_follow_up_at":
        name = F("next_follow_up_at")
        return rows.order_by(name.desc(nulls_last=True) if first[0] == "-" else name.asc(nulls_last=True), second)
    return rows.order_by(first, second)


def duplicates_for(member: Member) -> QuerySet[DuplicatePair]:
    """Pairs of likely duplicates, the likeliest first, both within the member's reach."""
    return (
        DuplicatePair.objects.filter(dismissed_at__isnull=True)
        .filter(within_reach(member, "first"))
        .filter(within_reach(member, "second"))
        .select_related("first__stage", "second__stage", "first__assigned_to", "second__assigned_to")
    )


def history_of(customer: Customer) -> QuerySet[Event]:
    """The ledger's events of a customer's changes: fields, stages, owner, tags, and the record itself."""
    return Event.objects.filter(customer_id=customer.pk, type__in=HISTORY)
