"""The customers that entries of the audit log are about: named and linked for who may see them."""

from __future__ import annotations

from collections.abc import Collection

from django.urls import reverse

from accounts.audit import records
from accounts.audit.records import Record
from accounts.models import Member
from core.ids import parse_uuids
from customers.models import Customer

MAX_FOUND = 100


def register() -> None:
    records.KINDS.register(records.Kind(records.CUSTOMER, find, search))


def find(member: Member, ids: Collection[str]) -> dict[str, Record]:
    """Of these customers those within the member's reach."""
    if not member.may("customers.view"):
        return {}
    rows = Customer.objects.visible_to(member).filter(pk__in=parse_uuids(ids)).only("pk", "name", "code")
    slug = member.organization.slug
    return {str(one.pk): Record(one.name or one.code, reverse("customers:detail", args=[slug, one.pk])) for one in rows}


def search(member: Member, text: str) -> list[str]:
    """The ids of the customers whom a text finds, at most MAX_FOUND."""
    if not member.may("customers.view"):
        return []
    rows = Customer.objects.visible_to(member).matching(text).values_list("pk", flat=True)
    return [str(pk) for pk in rows[:MAX_FOUND]]
