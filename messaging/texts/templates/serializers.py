"""What the API takes for a template's values."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class VariablesField(serializers.DictField):
    """The values of a template's variables, by their names."""

    child = serializers.CharField(allow_blank=True, max_length=2000)

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "help_text": "By name: 1, 2, … of an approved template.", **options})
