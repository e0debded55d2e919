"""Tenancy, closed by default: a record belongs to an organization and a query outside of one raises.

The net is django-scopes: inside `organization_scope(organization)` every query of a `TenantModel` is limited to that
organization; outside, it raises `ScopeError`. What has to look across all of them (a beat tick that claims what is due)
says so with `every_organization(reason)`.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django_scopes import ScopedManager, get_scope, scope, scopes_disabled
from django_scopes.exceptions import ScopeError
from django_scopes.manager import DisabledQuerySet

from core.ids import uuid7

__all__ = [
    "ScopeError",
    "TenantModel",
    "current_organization",
    "every_organization",
    "organization_scope",
    "tenant_manager",
]


@contextmanager
def organization_scope(organization: Any) -> Generator[None]:
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


def current_organization() -> Any:
    """The organization of the scope that is open. Raises ScopeError when none is."""
    organization = get_scope().get("organization")
    if organization is None:
        raise ScopeError("No organization is open here.")
    return organization


def tenant_manager(queryset: type[models.QuerySet[Any]] = models.QuerySet, path: str = "organization") -> Any:
    """A manager whose queries raise outside an organization, with the queryset's methods."""
    scoped = ScopedManager(_manager_class=models.Manager.from_queryset(queryset), organization=path)
    return type("TenantManager", (_ClosedOutside, type(scoped)), {})()


class _Closed(DisabledQuerySet):
    """What a tenant's manager gives outside an organization; some questions the library forgets to refuse."""

    exists = contains = explain = in_bulk = bulk_update = aiterator = DisabledQuerySet.error


class _ClosedOutside:
    """Of a tenant's manager: closed outside an organization."""

    model: type[models.Model]
    _db: str | None

    def get_queryset(self) -> Any:
        rows = super().get_queryset()  # type: ignore[misc]
        if isinstance(rows, DisabledQuerySet):
            return _Closed(self.model, using=self._db, missing_scopes=rows.missing_scopes)
        return rows


class TenantModel(models.Model):
    """A record of one organization."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="+", editable=False)

    objects: ClassVar[Any] = tenant_manager()

    class Meta:
        abstract = True
