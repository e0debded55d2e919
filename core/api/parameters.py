"""Query parameters: a serializer lists them, and what it does not list is a 400 that names it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from core.api.errors import invalid
from core.api.strict import require_moments

PAGING = frozenset({"page", "page_size", "limit", "offset", "cursor"})


class ListParameters(serializers.Serializer[None]):
    """The filters of a list. `orderings` are the fields it may be ordered by, the first being the default."""

    orderings: tuple[str, ...] = ()

    def get_fields(self) -> dict[str, serializers.Field]:
        fields = super().get_fields()
        if self.orderings:
            choices = [sign + name for name in (o.lstrip("-") for o in self.orderings) for sign in ("", "-")]
            fields["ordering"] = serializers.ChoiceField(choices=choices, required=False, help_text="- for falling.")
        return fields


def read_parameters(request: Request, parameters: type[ListParameters]) -> dict[str, Any]:
    """The checked parameters. Raises 400 for an unknown name or a value that is not of its kind."""
    reader = parameters(data=request.query_params)
    unknown = sorted(set(request.query_params) - set(reader.fields) - PAGING)
    if unknown:
        raise invalid(
            unknown[0], f"Not a parameter here. Use: {', '.join([*reader.fields, *sorted(PAGING)])}.", code="unknown"
        )
    reader.is_valid(raise_exception=True)
    data = dict(reader.validated_data)
    require_moments(data)
    if parameters.orderings:
        data.setdefault("ordering", parameters.orderings[0])
    return data
