"""The OpenAPI schema of a call: what drf-spectacular sees, and every error in the contract's one shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny

from core.api.parameters import ListParameters
from core.api.resource import STANDARD_ACTIONS, ResourceViewSet


class ErrorDetailSerializer(serializers.Serializer[None]):
    code = serializers.CharField()
    detail = serializers.CharField()
    attr = serializers.CharField(allow_null=True, help_text="The field or parameter that is wrong, where it is one.")


class ErrorSerializer(serializers.Serializer[None]):
    """What every error looks like."""

    type = serializers.ChoiceField(choices=["validation_error", "client_error", "server_error"])
    errors = ErrorDetailSerializer(many=True)  # type: ignore[assignment]


TEXTS = {
    "400": "Bad input; each error names the field.",
    "401": "No credentials, or none that are good.",
    "403": "Not permitted.",
    "404": "There is no such record, or it is not yours to see.",
    "405": "The method is not known here.",
    "406": "JSON is the only answer.",
    "409": "It conflicts with something, which the detail names.",
    "412": "The record is not the one that `If-Match` names: somebody changed it first.",
    "413": "The body is too large.",
    "415": "The body has to be JSON.",
    "422": "The idempotency key was used with another body.",
    "429": "Too many; `Retry-After` says for how long.",
}

# Of the standard actions of a resource, where its class says nothing more about them.
DESCRIPTIONS = {
    "list": "The {plural} within reach.",
    "nested": "The {plural} of the record in the path, within reach.",
    "create": "A new {singular}.",
    "retrieve": "One {singular}.",
    "update": "Set every field: what is not given becomes empty.",
    "partial_update": "Change the fields that are given.",
    "destroy": "Delete the {singular}.",
}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="The first answer is kept for 24 hours and given again, with `Idempotency-Replayed: true`, for the same"
    " key and body.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` of the record as it was read, or `*`; 412 when somebody changed it first.",
)
ETAG = {"description": "For `If-Match`.", "schema": {"type": "string"}}


class Schema(AutoSchema):
    """Adds what a view does not say itself: of a resource, all that is the same for each."""

    @property
    def _resource(self) -> ResourceViewSet[Any] | None:
        """The resource, where it is one of its standard actions that is described."""
        view: Any = self.view
        return view if isinstance(view, ResourceViewSet) and view.action in STANDARD_ACTIONS else None

    def get_operation_id(self) -> str:
        if (view := self._resource) is not None and view.schema_name:
            return f"{view.schema_name}_{STANDARD_ACTIONS[view.action]}"
        operation_id: str = super().get_operation_id()
        return operation_id

    def get_tags(self) -> list[str]:
        return list(getattr(self.view, "schema_tags", ())) or list(super().get_tags())

    def get_description(self) -> str:  # type: ignore[override]
        if (view := self._resource) is None or getattr(type(view), view.action).__doc__:
            description: str = super().get_description()
            return description
        serializer: Any = view.serializer_class
        names = serializer.Meta.model._meta
        text = DESCRIPTIONS["nested" if view.action == "list" and "{" in self.path else view.action]
        return text.format(singular=names.verbose_name, plural=names.verbose_name_plural)

    def get_request_serializer(self) -> Any:
        if (view := self._resource) is None:
            return super().get_request_serializer()
        return view.serializer_class(partial=True) if view.action == "partial_update" else view.serializer_class

    def get_response_serializers(self) -> Any:
        if (view := self._resource) is None:
            return super().get_response_serializers()
        shape = view.serializer_class
        by_action: dict[str, object] = {
            "list": shape(many=True),
            "create": {201: shape},
            "destroy": {204: OpenApiResponse(description="Deleted.")},
        }
        return by_action.get(view.action, shape)

    def get_override_parameters(self) -> list[OpenApiParameter | serializers.Serializer | type[serializers.Serializer]]:
        parameters = list(super().get_override_parameters())
        view = self._resource
        if view is not None and view.action == "list" and view.list_parameters is not ListParameters:
            parameters.append(view.list_parameters)
        if self._is_idempotent():
            parameters.append(IDEMPOTENCY_KEY)
        if self._obeys_if_match():
            parameters.append(IF_MATCH)
        return parameters

    def _is_idempotent(self) -> bool:
        return self.method == "POST" and getattr(self.view, "takes_idempotency_key", False)

    def _is_tagged(self) -> bool:
        """The answer is one record, with the tag that its class promises."""
        view: Any = self.view
        return isinstance(view, ResourceViewSet) and view.action in view.etag_actions

    def _obeys_if_match(self) -> bool:
        # Beside a PATCH a POST is the same under another name.
        changes = self.method in ("PATCH", "PUT", "DELETE") or "patch" in getattr(self.view, "action_map", {})
        return self._is_tagged() and self.method != "GET" and changes

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        describe: Any = self._get_response_for_code
        shape = describe(ErrorSerializer, "400", ["application/json"], direction)
        for code in self._error_codes(bodies):
            description = bodies.get(code, {}).get("description")
            bodies[code] = {**shape, "description": description or TEXTS[code]}
        if self._is_idempotent():
            bodies["409"]["description"] += " Or the first call with this idempotency key is still in work."
        if self._is_tagged():
            for code in {"200", "201"} & set(bodies):
                bodies[code] = {**bodies[code], "headers": {"ETag": ETAG}}
        return dict(sorted(bodies.items()))

    def _error_codes(self, bodies: Mapping[str, object]) -> list[str]:
        codes = {"400", "405", "406"} | {code for code in bodies if code[0] in "45"}
        if AllowAny not in self.view.permission_classes:
            codes |= {"401", "403"}
        elif self.method == "POST":
            codes |= {"401", "429"}
        if "{" in self.path:
            codes.add("404")
        if self._is_idempotent():
            codes |= {"409", "422"}
        if self._obeys_if_match():
            codes.add("412")
        if self.method in ("POST", "PUT", "PATCH"):
            codes |= {"413", "415"}
        return sorted(codes)
