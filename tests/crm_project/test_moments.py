"""No call takes a moment that pages can't show: every date-time of the API's own description is tried."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.conftest import Person
from tests.crm_project.test_walk import World, world  # noqa: F401 - the fixture

pytestmark = pytest.mark.django_db

EDGES = ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"]


def resolved(schema: dict[str, Any], part: Any) -> Any:
    while isinstance(part, dict) and "$ref" in part:
        name = part["$ref"].rsplit("/", 1)[1]
        part = schema["components"]["schemas"][name]
    return part


def moments_of(schema: dict[str, Any], part: Any) -> list[str]:
    """The names of an object's properties that are moments, also where null is one of two choices."""
    part = resolved(schema, part)
    names = []
    for name, described in part.get("properties", {}).items():
        one = resolved(schema, described)
        choices = [
            one,
            *(resolved(schema, choice) for key in ("oneOf", "anyOf", "allOf") for choice in one.get(key, ())),
        ]
        if any(choice.get("format") == "date-time" for choice in choices) and not one.get("readOnly"):
            names.append(name)
    return names


def places(schema: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Method, path and name of every moment that a call takes; whether it stands in the query."""
    found = []
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if not isinstance(operation, dict):
                continue
            for kind in operation.get("requestBody", {}).get("content", {}).values():
                found += [(method, path, name, False) for name in moments_of(schema, kind["schema"])]
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "query" and resolved(schema, parameter["schema"]).get("format") == "date-time":
                    found.append((method, path, parameter["name"], True))
    return list(dict.fromkeys(found))


def test_every_moment_is_one_that_pages_can_show(alice: Person, world: World):  # noqa: F811
    schema = Client().get("/api/v1/openapi.json").json()
    caller = alice.api
    tried, wrong = 0, []
    for method, path, name, is_query in places(schema):
        route = path.removeprefix("/api/v1/")
        for part in ("id", "pk"):
            route = route.replace(f"{{{part}}}", "<uuid:pk>")
        for other in world.others:
            route = route.replace(f"{{{other}}}", f"<uuid:{other}>")
        url = "/api/v1/" + world.path(route.replace("{channel}", "<str:channel>"), "")
        for moment in EDGES:
            tried += 1
            if is_query:
                answer = caller.get(url, {name: moment})
            else:
                answer = getattr(caller, method)(url, {name: moment}, format="json")
            named = [error["attr"] for error in answer.json().get("errors", [])] if answer.status_code == 400 else []
            # A webhook names the first thing that is wrong; its own test is below.
            if not (answer.status_code == 400 and (name in named or "webhooks/" in url)):
                wrong.append((method, path, name, moment, answer.status_code, named))
    assert wrong == []
    assert tried > 30


@pytest.mark.parametrize("moment", EDGES)
def test_a_message_handed_in_was_sent_at_some_time(alice: Person, moment: str):
    body = {"message_id": "m1", "from": "+447700900123", "body": "Hello", "sent_at": moment}
    answer = alice.api.post("/api/v1/webhooks/whatsapp", body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "sent_at"
