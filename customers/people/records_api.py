"""What the API's resources of a customer's records share: each stands on its own, and under its customer's address."""

from __future__ import annotations

from typing import Any, Generic
from uuid import UUID

from django.db.models import QuerySet

from accounts.access.api import OrganizationViewSet
from accounts.models import Member
from core.api.errors import invalid
from core.api.resource import Row
from core.api.strict import Body
from customers.models import Contact, Customer, Deal
from customers.people import locking
from customers.people.api_access import visible_customer


class RecordViewSet(OrganizationViewSet[Row], Generic[Row]):
    """The records within reach, and a new one; under a customer's path those of that customer."""

    @property
    def customer_id(self) -> UUID | None:
        """The customer whose path it is: a list has an id in its address only there."""
        return self.kwargs.get("pk") if self.action in ("list", "create") else None

    def filter_rows(self, rows: QuerySet[Row], filters: Body) -> QuerySet[Row]:
        if self.customer_id is not None:
            rows = rows.filter(customer=visible_customer(self, self.customer_id, is_bare=True))
        return super().filter_rows(rows, filters)

    def get_body(self) -> Any:
        body, pk = self.request.data, self.customer_id
        if pk is None:
            return body
        if not isinstance(body, dict):
            raise invalid("non_field_errors", "An object is needed.")
        visible_customer(self, pk, is_bare=True)
        if str(body.get("customer", pk)) != str(pk):
            raise invalid("customer", "The path names another customer.")
        return {**body, "customer": str(pk)}

    def lock_rows(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        if owner := Customer.objects.filter(pk__in=rows.values("customer")).first():
            locking.lock_customer(owner)
        return super().lock_rows(rows)

    def refuse_fixed(self, instance: Row, changes: Body) -> None:
        # Another customer was refused by the serializer's field.
        changes.pop("customer", None)

    def replacement(self, instance: Row, body: Body) -> Body:
        changes = super().replacement(instance, body)
        if isinstance(instance, Contact | Deal):
            changes["custom_fields"] = dict.fromkeys(instance.custom_fields) | body.get("custom_fields", {})
        return changes


def by_owner(rows: QuerySet[Row], member: Member, column: str, owner: Any) -> QuerySet[Row]:
    """The rows of an owner: `me`, `none` or a user's id; all of them where nothing is asked for."""
    if owner == "none":
        return rows.filter(**{f"{column}__isnull": True})
    return rows.filter(**{column: member.user_id if owner == "me" else owner}) if owner else rows
