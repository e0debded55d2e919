"""A resource of the API: one class for its list and for each record, in the standard words of DRF.

A class says what its records are (`get_queryset`, `serializer_class`) and which service writes them (`perform_create`,
`perform_update`, `perform_destroy`). The rest is the same for all: pages, strict parameters and bodies, `ETag` with
`If-Match`, 404 for what `get_queryset` leaves out. `docs/recipes.md` shows how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, TypeVar

from django.db import transaction
from django.db.models import F, Model, QuerySet
from django.http import Http404
from rest_framework import viewsets
from rest_framework.metadata import SimpleMetadata
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from core.api.conditional import ConditionalMixin, is_conditional
from core.api.errors import invalid
from core.api.pages import CursorPages, NumberedPages
from core.api.parameters import ListParameters, read_parameters
from core.api.strict import Body, valid

Row = TypeVar("Row", bound=Model)

# The actions that every resource may have, with the word that each is in an operationId: a PUT is "update" to DRF.
STANDARD_ACTIONS = {
    "list": "list",
    "create": "create",
    "retrieve": "retrieve",
    "update": "replace",
    "partial_update": "update",
    "destroy": "delete",
}


class ResourceMetadata(SimpleMetadata):
    """What OPTIONS answers. The fields stand in the OpenAPI schema, and are not looked up again here."""

    def determine_actions(self, request: Request, view: object) -> Body:
        return {}


class ResourceViewSet(ConditionalMixin, viewsets.GenericViewSet[Row], Generic[Row]):
    """The standard actions over one kind of record; which of them exist is up to the class that adds permissions."""

    serializer_class: type[BaseSerializer[Any]]
    # How lists are paged, those of actions too; None answers all rows as an array.
    pagination_class: type[NumberedPages] | type[CursorPages] | None = NumberedPages
    # A column and one that tells equal values apart, for CursorPages.
    cursor_order = ("-created_at", "-id")
    metadata_class = ResourceMetadata
    lookup_value_converter = "uuid"

    # The list's query parameters, and the look-up that each filters by; what needs more is `filter_rows`.
    list_parameters: type[ListParameters] = ListParameters
    lookups: Mapping[str, str] = {}
    # The detail of a 404.
    missing_detail: ClassVar[str] = "There is no such record."
    # What a PUT sets where the body gives no value.
    empty: Mapping[str, object] = {}
    # Fields that are set once, with the detail of the refusal to change them.
    fixed: Mapping[str, str] = {}
    # Actions whose answer carries an ETag; of them, those that change a record obey If-Match.
    etag_actions: frozenset[str] = frozenset({"create", "retrieve", "update", "partial_update", "destroy"})
    # The first part of the operationIds (without it they are made of the address), and the tags in the schema.
    schema_name = ""
    schema_tags: Collection[str] = ()

    # --- What a class says of itself ----------------------------------------------------------------------------------

    def get_filters(self) -> Body:
        """The list's filters, checked. Raises 400 for a parameter that is unknown or wrong."""
        return read_parameters(self.request, self.list_parameters)

    def filter_rows(self, rows: QuerySet[Row], filters: Body) -> QuerySet[Row]:
        """The rows that fit the filters, in the order asked for."""
        conditions = {path: filters[name] for name, path in self.lookups.items() if filters.get(name) not in (None, "")}
        rows = rows.filter(**conditions)
        return ordered_by(rows, filters["ordering"]) if "ordering" in filters else rows

    def get_body(self) -> Any:
        """The body of a POST, not yet checked."""
        return self.request.data

    def lock_rows(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """The same rows, locked until the transaction ends."""
        return rows.select_for_update(of=("self",), no_key=True)

    def must_lock(self) -> bool:
        """Whether a change locks the record first: where its tag is compared, nothing may come between."""
        return self.has_condition

    def replacement(self, instance: Row, body: Body) -> Body:
        """The changes that a PUT makes: every field that can be set, empty where it was not given."""
        return {**self.empty, **body}

    def refuse_fixed(self, instance: Row, changes: Body) -> None:
        """Take the fields that are set once out of the changes. Raises 400 where one would become another."""
        for name, detail in self.fixed.items():
            if name in changes and changes.pop(name) != getattr(instance, name):
                raise invalid(name, detail)

    def perform_create(self, data: Body) -> Row:
        """Call the service that makes a record of the checked body."""
        raise NotImplementedError

    def perform_update(self, instance: Row, changes: Body) -> Row:
        """Call the service that changes the record; the record as it is afterwards."""
        raise NotImplementedError

    def perform_destroy(self, instance: Row) -> None:
        """Call the service that deletes the record."""
        raise NotImplementedError

    # --- The actions --------------------------------------------------------------------------------------------------

    def list(self, request: Request, **kwargs: object) -> Response:
        filters = self.get_filters()
        return self.answer_list(self.filter_rows(self.get_queryset(), filters))

    def create(self, request: Request, **kwargs: object) -> Response:
        return self.answer(self.perform_create(valid(self.get_serializer(data=self.get_body()))), 201)

    def retrieve(self, request: Request, **kwargs: object) -> Response:
        return self.answer(self.get_object())

    def update(self, request: Request, **kwargs: object) -> Response:
        return self._change(partial=False)

    def partial_update(self, request: Request, **kwargs: object) -> Response:
        return self._change(partial=True)

    def destroy(self, request: Request, **kwargs: object) -> Response:
        with self.change() as row:
            self.perform_destroy(row)
        return Response(status=204)

    # --- What they are made of ----------------------------------------------------------------------------------------

    def get_object(self, *, lock: bool = False) -> Row:
        """The record of the path; with `lock`, kept until the transaction ends. Raises Http404."""
        rows = self.get_queryset().filter(pk=self.kwargs[self.lookup_url_kwarg or "pk"])
        row = (self.lock_rows(rows) if lock else rows).first()
        if row is None:
            raise Http404(self.missing_detail)
        return row

    @property
    def has_condition(self) -> bool:
        """Whether the caller set a condition that this action obeys."""
        return self.action in self.etag_actions and is_conditional(self.request)

    @contextmanager
    def change(self) -> Generator[Row]:
        """The record that is to be changed, as the caller read it; locked until it is, where it must be.

        Raises Http404, and PreconditionFailed where somebody changed it first.
        """
        if not self.must_lock():
            # The service is a transaction by itself.
            yield self.get_object()
            return
        with transaction.atomic():
            row = self.get_object(lock=True)
            if self.has_condition:
                self.require_match(self.request, self.represent(row))
            yield row

    def represent(self, row: Row) -> Body:
        """The record as the API answers it."""
        return dict(self.get_serializer(row).data)

    def answer(self, row: Row, status: int = 200) -> Response:
        """The record, with its tag where the action has one."""
        data = self.represent(row)
        return self.tagged(data, status) if self.action in self.etag_actions else Response(data, status=status)

    def answer_list(
        self, rows: QuerySet[Any], serializer: Callable[..., BaseSerializer[Any]] | None = None, status: int = 200
    ) -> Response:
        """A page of the rows, or all of them where the action has no pages; each as the serializer shows it."""
        page = self.paginate_queryset(rows)
        data = (serializer or self.get_serializer)(rows if page is None else page, many=True).data
        return Response(data, status=status) if page is None else self.get_paginated_response(data)

    def _change(self, *, partial: bool) -> Response:
        with self.change() as row:
            changes = valid(self.get_serializer(row, data=self.request.data, partial=partial))
            self.refuse_fixed(row, changes)
            changed = self.perform_update(row, changes if partial else self.replacement(row, changes))
        return self.answer(changed)


def ordered_by(rows: QuerySet[Row], ordering: str) -> QuerySet[Row]:
    """By a field, `-` for falling, with the id for equal values; rows without a value come last either way."""
    name, is_falling = ordering.lstrip("-"), ordering.startswith("-")
    first = F(name).desc(nulls_last=True) if is_falling else F(name).asc(nulls_last=True)
    return rows.order_by(first, "-id" if is_falling else "id")
