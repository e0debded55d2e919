"""The record of an address, or a 404."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404

Row = TypeVar("Row", bound=Model)


def first_or_404(rows: QuerySet[Row], detail: str) -> Row:
    """The first of the rows. Raises Http404, the same for a missing record and for one out of reach."""
    row = rows.first()
    if row is None:
        raise Http404(detail)
    return row
