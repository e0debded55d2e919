"""Twilio's OpenAPI documents as JSON Schema."""

from __future__ import annotations

from copy import deepcopy
from email.utils import parsedate_to_datetime
from typing import Any

from jsonschema import Draft4Validator, FormatChecker

from tests.fakes.documents import document

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def api(name: str) -> dict[str, Any]:
    """A document with strict schemas; without the document the test is skipped."""
    schema: dict[str, Any] = _json_schema(deepcopy(document(name)))
    return schema


def _json_schema(value: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: what is nullable may also be null, and nothing that is not named is allowed."""
    if isinstance(value, list):
        return [_json_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {key: _json_schema(item) for key, item in value.items()}
    if schema.pop("nullable", False) is True:
        schema["type"] = [schema["type"], "null"]
    if isinstance(schema.get("properties"), dict) and schema.get("type") in ("object", ["object", "null"]):
        schema["additionalProperties"] = False
    return schema


def problems(document: dict[str, Any], schema: dict[str, Any], instance: Any) -> list[str]:
    """What is wrong with an instance."""
    checker = FormatChecker()

    @checker.checks("date-time-rfc-2822", raises=(ValueError, TypeError))
    def is_date(value: object) -> bool:
        return value is None or parsedate_to_datetime(str(value)).tzinfo is not None

    whole = {**schema, "components": document["components"]}
    return [
        f"{error.json_path}: {error.message}"
        for error in Draft4Validator(whole, format_checker=checker).iter_errors(instance)
    ]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference at its top points to, else itself."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def answer_schema(document: dict[str, Any], path: str, method: str, status: str) -> dict[str, Any]:
    """What an operation answers with."""
    schema: dict[str, Any] = document["paths"][path][method]["responses"][status]["content"][JSON]["schema"]
    return schema


def form_schema(document: dict[str, Any], path: str) -> dict[str, Any]:
    """What a POST takes, strictly."""
    schema = resolved(document, document["paths"][path]["post"]["requestBody"]["content"][FORM]["schema"])
    return {**schema, "additionalProperties": False}
