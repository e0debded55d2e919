"""Setting fields of a record and reporting the changes; shared by the services of small records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils import timezone


def set_fields(row: models.Model, changes: Mapping[str, Any], *, settable: frozenset[str]) -> dict[str, Any]:
    """Set the fields on the object and save it; returns the changes for the ledger, each with `from` and `to`.

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
