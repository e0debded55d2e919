"""The schema is built without a warning, and every call of the API stands in it."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client


@pytest.fixture(scope="module")
def schema():
    return Client().get("/api/v1/openapi.json").json()


def test_the_schema_builds_without_a_warning(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


def test_every_call_says_what_it_answers_and_what_it_is_for(schema):
    assert len(schema["paths"]) > 5
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                assert operation.get("description") or operation.get("summary"), (method, path)
                assert any(status.startswith("2") for status in operation["responses"]), (method, path)


def test_every_call_has_a_name_of_its_own(schema):
    names = [o["operationId"] for m in schema["paths"].values() for o in m.values() if "operationId" in o]
    assert len(names) == len(set(names))


def test_a_list_promises_no_etag(schema):
    for path, methods in schema["paths"].items():
        answer = methods.get("get", {}).get("responses", {}).get("200", {})
        shape = answer.get("content", {}).get("application/json", {}).get("schema", {})
        if shape.get("type") == "array" or "Paginated" in shape.get("$ref", ""):
            assert "ETag" not in answer.get("headers", {}), path


def test_the_documentation_needs_nothing_that_the_policy_forbids(client):
    response = client.get("/api/v1/docs")
    assert response.status_code == 200
    page = response.content.decode()
    assert "<script>" not in page
    assert "https://" not in page
    assert "unsafe" not in response.headers["Content-Security-Policy"]
