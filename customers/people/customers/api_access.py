"""What the calls about customers have in common: finding one within reach, and saying what a service refused."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts.access.api import OrganizationView
from accounts.models import Member
from core.api.errors import Conflict, invalid
from core.api.parameters import PAGING
from customers.data import undo
from customers.data.merging import services as merging
from customers.models import Customer
from customers.models.querysets import CustomerQuerySet
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.filters import parse as filters
from customers.people.identities import addresses
from customers.people.identities import services as identities
from customers.people.tags import services as tags
from customers.pipeline.deals import services as deals
from customers.pipeline.outcomes import services as outcomes
from customers.work.interactions import services as interactions
from customers.work.processes import services as processes
from customers.work.tasks import services as tasks

# What changes on a customer's answer though nobody changed the customer: no part of its ETag.
MOVING = frozenset({"last_activity_at", "is_overdue", "open_value"})


def visible_customer(view: OrganizationView, pk: UUID, *, lock: bool = False, is_bare: bool = False) -> Customer:
    """The customer, if within the member's reach; 404 otherwise, whoever's it is.

    `lock` keeps the row until the transaction ends; `is_bare` leaves out what only the customer's own answer shows.
    """
    rows = Customer.objects.visible_to(view.member)
    rows = rows.select_related("organization", "stage") if is_bare else with_relations(rows)
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound(_why_gone(view, pk))
    return found


def with_relations(rows: CustomerQuerySet) -> CustomerQuerySet:
    """All that a customer's answer shows, in a constant number of queries."""
    return rows.with_list_relations().select_related("organization").prefetch_related("consents", "identities")


def read_filters(request: Request, *more: str) -> dict[str, object]:
    """The list's filters from the query; `more` are parameters of the call's own. Raises 400 that names one."""
    given = request.query_params.copy()
    for name in [*PAGING, *more]:
        given.pop(name, None)
    try:
        return filters.read(given)
    except filters.InvalidFilter as error:
        raise invalid(error.name, str(error), code="unknown" if error.is_unknown else "invalid") from error


def valid(serializer: serializers.BaseSerializer) -> dict[str, Any]:
    """The checked body. Raises 400 that names the field."""
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


@contextmanager
def explained(member: Member | None = None) -> Generator[None]:
    """What the services refuse, as the contract answers it; `member` is who hears it, where it may name a customer."""
    try:
        yield
    except identities.IdentityTaken as error:
        told = str(error) if member is None else identities.refusal(error, member)
        if member is not None and identities.is_named_to(member, error):
            told = f"{told} ({error.customer.pk})"
        raise Conflict(told, code="duplicate") from error
    except (
        identities.InvalidAddress, deals.InvalidDeal, merging.CannotMerge, tasks.InvalidTask, outcomes.InvalidOutcome,
    ) as error:  # fmt: skip
        raise invalid(error.field, str(error)) from error
    except custom_fields.InvalidValue as error:
        raise invalid(f"custom_fields.{error.key}", str(error)) from error
    except customers.UnknownOwner as error:
        raise invalid("assigned_to", str(error)) from error
    except interactions.InFuture as error:
        raise invalid("occurred_at", str(error)) from error
    except (tags.InvalidTag, addresses.TooMany) as error:
        raise invalid("tags" if isinstance(error, tags.InvalidTag) else "value", str(error)) from error
    except processes.CannotChange as error:
        is_another = isinstance(error, processes.AnotherOpen)
        raise Conflict(str(error), code="another_open" if is_another else "ended") from error
    except undo.TooLate as error:
        raise Conflict(str(error), code="too_late") from error


def _why_gone(view: OrganizationView, pk: UUID) -> str:
    """A merged customer's id leads to the one who stayed, for those who may see them."""
    rows = Customer.objects.filter(pk=pk, merged_into__isnull=False).values_list("merged_into_id", flat=True)
    into = rows.first()
    if into and Customer.objects.visible_to(view.member).filter(pk=into).exists():
        return f"This customer was merged into {into}."
    return "There is no such customer."
