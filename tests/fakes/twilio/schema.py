"""Twilio's OpenAPI document as the judge of what it is sent; without the document everything passes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft4Validator

from tests.fakes.documents import FOLDER

LISTS = ("MediaUrl", "PersistentAction")  # parameters that may be repeated
_FORM = "application/x-www-form-urlencoded"
_DOCUMENTS = {
    "/2010-04-01/Accounts/{AccountSid}/Messages.json": "twilio_api_v2010.messages.json",
    "/v2/Indicators/Typing.json": "twilio_messaging_v2.typing.json",
}


def problems(path: str, form: Mapping[str, Any]) -> list[str]:
    """What is wrong with a form that is posted there; `path` as the document writes it."""
    find = _validator(path)
    return find(dict(form)) if find else []


@cache
def _validator(path: str) -> Callable[[dict[str, Any]], list[str]] | None:
    file = FOLDER / _DOCUMENTS[path]
    if not file.exists():
        return None
    document = json.loads(file.read_text())
    schema = document["paths"][path]["post"]["requestBody"]["content"][_FORM]["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    whole = Draft4Validator({**schema, "additionalProperties": False, "components": document["components"]})
    return lambda form: [f"{error.json_path}: {error.message}" for error in whole.iter_errors(form)]
