"""A directory that is connected with the clinic, and calls it as directories do."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from accounts.models import Member, Role, ScimConnection
from accounts.scim import connections
from core.tenancy import organization_scope
from tests.conftest import Person

SCHEMAS = {"User": "urn:ietf:params:scim:schemas:core:2.0:User", "Group": "urn:ietf:params:scim:schemas:core:2.0:Group"}


@dataclass
class Directory:
    """Calls with a connection's token; answers are Django's, with `.json()`."""

    connection: ScimConnection
    token: str
    client: Client = field(default_factory=Client)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        return self.client.generic(
            method, f"/scim/v2{path}", json.dumps(body) if body is not None else "", "application/scim+json",
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )  # fmt: skip

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: object) -> Any:
        return self.call("POST", path, body)

    def put(self, path: str, body: object, **headers: str) -> Any:
        return self.call("PUT", path, body, **headers)

    def patch(self, path: str, *operations: object, **headers: str) -> Any:
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)

    def user(self, user_name: str = "zoe@harbour.example", **more: object) -> Any:
        """The body of a new user, posted."""
        return self.post("/Users", {"schemas": [SCHEMAS["User"]], "userName": user_name, **more})

    def group(self, name: str = "Nurses", **more: object) -> Any:
        return self.post("/Groups", {"schemas": [SCHEMAS["Group"]], "displayName": name, **more})

    def found(self, filter_: str, path: str = "/Users") -> list[str]:
        """The names of what a filter finds."""
        answer = self.client.get(
            f"/scim/v2{path}", {"filter": filter_}, headers={"Authorization": f"Bearer {self.token}"}
        )
        assert answer.status_code == 200, answer.json()
        return sorted(one.get("userName") or one["displayName"] for one in answer.json()["Resources"])


def connect(person: Person, **changes: object) -> Directory:
    """A directory, connected by this administrator."""
    with organization_scope(person.organization):
        given = {"name": "Okta", "role": Role.objects.get(key="counselor"), **changes}
        connection, token = connections.create(
            organization=person.organization, by=person.member, actor=person.actor, changes=given
        )
    return Directory(connection, token)


@pytest.fixture
def okta(alice: Person) -> Directory:
    return connect(alice)


def member_of(person: Person, email: str) -> Member:
    """The member of the person's organization with this address, as of now."""
    with organization_scope(person.organization):
        return Member.objects.with_access().get(user__email=email)
