"""Setting fields of a record, and saying what changed: what the services of small records have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils import timezone


def set_fields(row: models.Model, changes: Mapping[str, Any], *, settable: frozenset[str]) -> dict[str, Any]:
    """Set what is given on the object and save it; what changed, each from and to, for the ledger.

    Raises ValueError for a field that is not one of the settable.
    """
    unknown = set(changes) - settable
    if unknown:
        raise ValueError(f"Not fields that can be set: {', '.join(sorted(unknown))}.")
    before = {name: getattr(row, _column(row, name)) for name in changes}
    for name, value in changes.items():
        setattr(row, name, value)
    changed = {
        name: {"from": before[name], "to": getattr(row, _column(row, name))}
        for name in changes
        if before[name] != getattr(row, _column(row, name))
    }
    if changed:
        row.updated_at = timezone.now()  # type: ignore[attr-defined]
        row.save()
    return changed


def _column(row: models.Model, name: str) -> str:
    """Of a relation the id: looking at it asks nothing of the database."""
    return str(row._meta.get_field(name).attname)  # type: ignore[union-attr]
