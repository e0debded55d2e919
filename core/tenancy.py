"""Tenancy, closed by default: a record belongs to an organization and a query outside of one raises.

The net is django-scopes: inside `organization_scope(organization)` every query of a `TenantModel` is limited to that
organization; outside, it raises `ScopeError`. What has to look across all of them (a beat tick that claims what is due)
says so with `every_organization(reason)`.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, TypeVar

from django.conf import settings
from django.db import models
from django_scopes import get_scope, scope, scopes_disabled
from django_scopes.exceptions import ScopeError
from django_scopes.manager import DisabledQuerySet

from core.ids import uuid7

if TYPE_CHECKING:
    # What settings.TENANT_MODEL names; for the checker only.
    from accounts.models import Organization

__all__ = [
    "ScopeError",
    "TenantManager",
    "TenantModel",
    "current_organization",
    "every_organization",
    "organization_scope",
]


Record = TypeVar("Record", bound=models.Model, covariant=True)


@contextmanager
def organization_scope(organization: Organization) -> Generator[None]:
    """Limit every query inside to this organization. Raises ScopeError for none: that would limit nothing."""
    if organization is None or isinstance(organization, list | tuple):
        raise ScopeError("Say which organization.")
    with scope(organization=organization):
        yield


@contextmanager
def every_organization(reason: str) -> Generator[None]:
    """Lift the limit; the reason is for the reader of the call."""
    if not reason:
        raise ValueError("Say why this has to look across organizations.")
    with scopes_disabled():
        yield


def current_organization() -> Organization:
    """The organization of the scope that is open. Raises ScopeError when none is."""
    organization = get_scope().get("organization")
    if organization is None:
        raise ScopeError("No organization is open here.")
    return organization


class _Closed(DisabledQuerySet):
    """What a tenant's manager gives outside an organization; some questions the library forgets to refuse."""

    exists = contains = explain = in_bulk = bulk_update = aiterator = DisabledQuerySet.error


class TenantManager(models.Manager[Record]):
    """A manager limited to the organization of the open scope; outside of one its queries raise ScopeError.

    `TenantManager.from_queryset(CustomerQuerySet)()` has the queryset's methods and, for the checker, its type.
    """

    organization_path: ClassVar[str] = "organization"

    def get_queryset(self) -> models.QuerySet[Record]:
        opened = get_scope()
        if not opened.get("_enabled", True):
            return super().get_queryset()
        if "organization" not in opened:
            return _Closed(self.model, using=self._db, missing_scopes={"organization"})
        chosen = opened["organization"]
        if chosen is None:
            return super().get_queryset()
        # The admin opens the scope of all that somebody administers.
        lookup = f"{self.organization_path}__in" if isinstance(chosen, list | tuple) else self.organization_path
        return super().get_queryset().filter(**{lookup: chosen})

    def all(self) -> models.QuerySet[Record]:
        rows = super().all()
        return rows.all() if isinstance(rows, DisabledQuerySet) else rows


class TenantModel(models.Model):
    """A record of one organization."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="+", editable=False)

    objects = TenantManager()

    class Meta:
        abstract = True
