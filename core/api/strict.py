"""Serializers that take what they list and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rest_framework import serializers

from core.api.errors import invalid
from core.moments import FIRST_YEAR, LAST_YEAR, is_showable


def require_moments(values: Mapping[str, object]) -> None:
    """Raises a 400 that names the field for a moment that is nobody's: before the year 1900 or after 9990."""
    for name, value in values.items():
        if isinstance(value, datetime) and not is_showable(value):
            raise invalid(name, f"A moment between the years {FIRST_YEAR} and {LAST_YEAR} is needed.")


# The checked body of a call, by field: each value is whatever the serializer made of it.
Body = dict[str, Any]


def valid(serializer: serializers.BaseSerializer[Any]) -> Body:
    """The checked body. Raises 400 that names the field."""
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class Strict(serializers.Serializer[Any]):
    """Refuses a field it does not have, by its name; what is read-only may come back in and changes nothing."""

    def to_internal_value(self, data: object) -> object:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                # In a list of these the place is added by the list.
                raise invalid(unknown[0], f"Not a field here. Use: {', '.join(self._settable())}.", code="unknown")
            self._require_moments(data)
        return super().to_internal_value(data)

    def _require_moments(self, data: Mapping[str, Any]) -> None:
        """Before anything else: what is wrong with other fields does not hide a moment that no page could show."""
        for field in self._writable_fields:
            name = field.field_name or ""
            if isinstance(field, serializers.DateTimeField) and name in data:
                try:
                    value = field.to_internal_value(data[name])
                except serializers.ValidationError:
                    continue  # no moment at all: said with the rest
                require_moments({name: value})

    def _settable(self) -> list[str]:
        return [name for name, field in self.fields.items() if not field.read_only]
