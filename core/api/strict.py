"""Serializers that take what they list and nothing else."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.errors import invalid


class Strict(serializers.Serializer[Any]):
    """Refuses a field it does not have, by its name; what is read-only may come back in and changes nothing."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                # In a list of these the place is added by the list.
                raise invalid(unknown[0], f"Not a field here. Use: {', '.join(self._settable())}.", code="unknown")
        return super().to_internal_value(data)

    def _settable(self) -> list[str]:
        return [name for name, field in self.fields.items() if not field.read_only]
