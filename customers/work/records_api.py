"""Contacts, interactions, deals and tasks: on their own, and bound to a customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Model, QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from accounts.models import Member
from activity.actor import current_actor
from core.api.conditional import ConditionalMixin, is_conditional
from core.api.errors import invalid
from core.api.pages import NumberedPages, paginated
from core.api.parameters import ListParameters, read_parameters
from core.tenancy import current_organization
from customers.models import Contact, Customer, Deal, Interaction, Task
from customers.people import locking
from customers.people.api_access import valid, visible_customer
from customers.people.contacts import services as contacts
from customers.pipeline.deals import services as deals
from customers.work import record_serializers as shapes
from customers.work.interactions import services as interactions
from customers.work.tasks import services as tasks


@dataclass(frozen=True)
class Records:
    """A kind of record, and the services that write it."""

    name: str
    singular: str
    resource: str
    rows: Callable[[Member], QuerySet]
    narrow: Callable[[QuerySet, Member, dict[str, object]], QuerySet]
    serializer: type[shapes.RecordSerializer]
    parameters: type[ListParameters]
    create: Callable[[dict[str, Any]], Model]
    update: Callable[[Any, dict[str, object]], Model]
    delete: Callable[[Any], None]
    empty: dict[str, Any]

    def permission(self, action: str) -> str:
        return f"{self.resource}.{action}"


class RecordListView(ConditionalMixin, OrganizationView):
    """The records within reach, and a new one; under a customer's path those of that customer."""

    records: Records
    pagination_class = NumberedPages

    def read(self, request: Request, pk: UUID | None) -> Response:
        filters = read_parameters(request, self.records.parameters)
        rows = self.records.rows(self.member)
        if pk is not None:
            rows = rows.filter(customer=visible_customer(self, pk, is_bare=True))
        rows = self.records.narrow(rows, self.member, filters)
        return paginated(self, _ordered(rows, filters["ordering"]), self._serialize)

    def make(self, request: Request, pk: UUID | None) -> Response:
        body = request.data
        if pk is not None:
            if not isinstance(body, dict):
                raise invalid("non_field_errors", "An object is needed.")
            visible_customer(self, pk, is_bare=True)
            if str(body.get("customer", pk)) != str(pk):
                raise invalid("customer", "The path names another customer.")
            body = {**body, "customer": str(pk)}
        data = dict(valid(self.records.serializer(data=body, context={"member": self.member})))
        row = self.records.create(data)
        return self.tagged(dict(self.records.serializer(row).data), 201)

    def _serialize(self, rows: Sequence[Model]) -> object:
        return self.records.serializer(rows, many=True).data


class RecordView(ConditionalMixin, OrganizationView):
    """One record."""

    records: Records

    def show(self, pk: UUID) -> Response:
        return self.tagged(self._represent(self._find(pk)))

    def change(self, request: Request, pk: UUID, *, partial: bool) -> Response:
        with transaction.atomic():
            row = self._find(pk, lock=is_conditional(request))
            self.require_match(request, self._represent(row))
            serializer = self.records.serializer(
                row, data=request.data, partial=partial, context={"member": self.member}
            )
            changes = dict(valid(serializer))
            changes.pop("customer", None)
            if not partial:
                changes = self.records.empty | changes
                if hasattr(row, "custom_fields"):
                    changes["custom_fields"] = dict.fromkeys(row.custom_fields) | changes.get("custom_fields", {})
            changed = self.records.update(row, changes)
        return self.tagged(self._represent(changed))

    def remove(self, request: Request, pk: UUID) -> Response:
        with transaction.atomic():
            row = self._find(pk, lock=is_conditional(request))
            self.require_match(request, self._represent(row))
            self.records.delete(row)
        return Response(status=204)

    def _find(self, pk: UUID, *, lock: bool = False) -> Any:
        rows = self.records.rows(self.member).filter(pk=pk)
        if lock and (owner := Customer.objects.filter(pk__in=rows.values("customer")).first()):
            locking.lock_customer(owner)
        row = (rows.select_for_update(of=("self",)) if lock else rows).first()
        if row is None:
            raise Http404("There is no such record.")
        return row

    def _represent(self, row: Model) -> dict[str, object]:
        return dict(self.records.serializer(row).data)


def _ordered(rows: QuerySet, ordering: str) -> QuerySet:
    name, falling = ordering.lstrip("-"), ordering.startswith("-")
    first = F(name).desc(nulls_last=True) if falling else F(name).asc(nulls_last=True)
    return rows.order_by(first, "-id" if falling else "id")


# --- The views, one pair for each kind -------------------------------------------------------------------------------


def list_view(records: Records, *, nested: bool) -> type[RecordListView]:
    """The view of the list; `nested` under a customer's path."""
    shape, label = records.serializer, records.name
    prefix = "customer_" if nested else ""
    # Under a customer's path each call has two addresses, and its id is made of the address.
    ids = {} if nested else {"get": f"{label}_list", "post": f"{label}_create"}

    def get(self: RecordListView, request: Request, pk: UUID | None = None) -> Response:
        return self.read(request, pk)

    def post(self: RecordListView, request: Request, pk: UUID | None = None) -> Response:
        return self.make(request, pk)

    get.__doc__ = f"The {label} within reach." if not nested else f"The customer's {label}."
    post.__doc__ = f"A new {records.singular}."
    tags = ["customers" if nested else label]
    described = {
        "records": records,
        "permissions_by_method": {"GET": records.permission("view"), "POST": records.permission("create")},
        "get": extend_schema(
            tags=tags, operation_id=ids.get("get"), parameters=[records.parameters], responses=shape(many=True)
        )(get),
        "post": extend_schema(tags=tags, operation_id=ids.get("post"), request=shape, responses={201: shape})(post),
    }
    return type(f"{prefix}{label}ListView", (RecordListView,), described)


def one_view(records: Records) -> type[RecordView]:
    """The view of one of them."""
    shape, label, singular = records.serializer, records.name, records.singular
    tags = [label]

    def get(self: RecordView, request: Request, pk: UUID) -> Response:
        return self.show(pk)

    def patch(self: RecordView, request: Request, pk: UUID) -> Response:
        return self.change(request, pk, partial=True)

    def put(self: RecordView, request: Request, pk: UUID) -> Response:
        return self.change(request, pk, partial=False)

    def delete(self: RecordView, request: Request, pk: UUID) -> Response:
        return self.remove(request, pk)

    get.__doc__ = f"One {singular}."
    patch.__doc__ = "Change the fields that are given."
    put.__doc__ = "Set every field: what is not given becomes empty."
    delete.__doc__ = f"Delete the {singular}."
    described = {
        "records": records,
        "permissions_by_method": {
            "GET": records.permission("view"),
            "PATCH": records.permission("edit"),
            "PUT": records.permission("edit"),
            # What one wrote about an assigned customer one may take away; customers, deals and tasks need the right.
            "DELETE": records.permission("edit" if records.resource == "customers" else "delete"),
        },
        "get": extend_schema(tags=tags, operation_id=f"{label}_retrieve", responses=shape)(get),
        "patch": extend_schema(tags=tags, operation_id=f"{label}_update", request=shape(partial=True), responses=shape)(
            patch
        ),
        "put": extend_schema(tags=tags, operation_id=f"{label}_replace", request=shape, responses=shape)(put),
        "delete": extend_schema(
            tags=tags, operation_id=f"{label}_delete", responses={204: OpenApiResponse(description="Deleted.")}
        )(delete),
    }
    return type(f"{label}View", (RecordView,), described)


# --- The kinds --------------------------------------------------------------------------------------------------------


def _equal(*names: str) -> Callable[[QuerySet, Member, dict[str, object]], QuerySet]:
    def narrow(rows: QuerySet, member: Member, filters: Mapping[str, object]) -> QuerySet:
        return rows.filter(**{name: filters[name] for name in names if filters.get(name) not in (None, "")})

    return narrow


def _contacts(rows: QuerySet, member: Member, filters: dict[str, object]) -> QuerySet:
    rows = _equal("customer", "relationship")(rows, member, filters)
    return rows.filter(name__icontains=filters["q"]) if filters.get("q") else rows


def _owner(rows: QuerySet, member: Member, column: str, asked: object) -> QuerySet:
    if asked == "me":
        return rows.filter(**{column: member.user_id})
    if asked == "none":
        return rows.filter(**{f"{column}__isnull": True})
    return rows.filter(**{column: asked}) if asked else rows


def _deals(rows: QuerySet, member: Member, filters: dict[str, object]) -> QuerySet:
    rows = _equal("customer", "status", "stage")(rows, member, filters)
    return _owner(rows, member, "owner", filters.get("owner"))


def _tasks(rows: Any, member: Member, filters: dict[str, object]) -> QuerySet:
    filters["customer"] = filters.get("customer") or filters.get("lead_id")
    rows = _equal("customer", "status")(rows, member, filters)
    rows = _owner(rows, member, "assigned_to", filters.get("assigned_to"))
    if filters.get("due_before"):
        rows = rows.filter(due_at__lt=filters["due_before"])
    if filters.get("overdue") is None:
        return rows
    overdue = rows.overdue(timezone.now())
    return overdue if filters["overdue"] else rows.exclude(pk__in=overdue.values("pk"))


CONTACTS = Records(
    "contacts", "contact", "customers",
    lambda member: Contact.objects.visible_to(member), _contacts,
    shapes.ContactSerializer, shapes.ContactParameters,
    lambda data: contacts.create(actor=current_actor(), **data),
    lambda row, changes: contacts.update(contact=row, actor=current_actor(), changes=changes),
    lambda row: contacts.delete(contact=row, actor=current_actor()),
    {"relationship": "", "email": "", "phone": "", "birth_date": None},
)  # fmt: skip
INTERACTIONS = Records(
    "interactions", "interaction", "customers",
    lambda member: Interaction.objects.visible_to(member), _equal("customer", "channel", "direction"),
    shapes.InteractionSerializer, shapes.InteractionParameters,
    lambda data: interactions.log(actor=current_actor(), **data),
    lambda row, changes: interactions.update(interaction=row, actor=current_actor(), changes=changes),
    lambda row: interactions.delete(interaction=row, actor=current_actor()),
    {"direction": Interaction.Direction.INTERNAL, "duration_seconds": None},
)  # fmt: skip
DEALS = Records(
    "deals", "deal", "deals",
    lambda member: Deal.objects.visible_to(member).select_related("stage", "owner"), _deals,
    shapes.DealSerializer, shapes.DealParameters,
    lambda data: deals.create(actor=current_actor(), **{"title": data["customer"].name, **data}),
    lambda row, changes: deals.update(deal=row, actor=current_actor(), changes=changes),
    lambda row: deals.delete(deal=row, actor=current_actor()),
    {"amount": 0, "status": Deal.Status.OPEN, "probability": None, "expected_close_on": None, "owner": None,
     "lost_reason": ""},
)  # fmt: skip
TASKS = Records(
    "tasks", "task", "tasks",
    lambda member: Task.objects.visible_to(member).select_related("assigned_to"), _tasks,
    shapes.TaskSerializer, shapes.TaskParameters,
    lambda data: tasks.create(organization=current_organization(), actor=current_actor(), **data),
    lambda row, changes: tasks.update(task=row, actor=current_actor(), changes=changes),
    lambda row: tasks.delete(task=row, actor=current_actor()),
    {"description": "", "due_at": None, "priority": Task.Priority.NORMAL, "status": Task.Status.OPEN,
     "assigned_to": None, "remind_at": None, "repeat_unit": "", "repeat_every": 1, "repeat_until": None},
)  # fmt: skip
KINDS = (CONTACTS, INTERACTIONS, DEALS, TASKS)
