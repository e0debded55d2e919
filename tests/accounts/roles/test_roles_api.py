"""`/admin/roles` and `/admin/permissions`."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from accounts.models import Member, Role
from accounts.permissions import CATALOG, RESOURCES
from accounts.roles import words
from accounts.roles.queries import roles_of
from core.tenancy import organization_scope
from tests.conftest import Person, join

pytestmark = pytest.mark.django_db
URL = "/api/v1/admin/roles"
DESK = {"name": "Desk", "permissions": ["tasks.view", "customers.view"], "reach": "team"}


@pytest.fixture
def desk(alice: Person) -> dict[str, Any]:
    answer = alice.api.post(URL, DESK, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def address(role: dict[str, Any]) -> str:
    return f"{URL}/{role['id']}"


def test_a_role_is_made_read_changed_and_deleted(alice: Person, desk: dict[str, Any]) -> None:
    assert desk == {
        "id": desk["id"], "key": "desk", "name": "Desk", "is_system": False,
        "permissions": ["customers.view", "tasks.view"], "reach": "team", "members": 0,
    }  # fmt: skip
    assert alice.api.get(address(desk)).json() == desk
    changed = alice.api.patch(address(desk), {"reach": "all"}, format="json").json()
    assert changed == {**desk, "reach": "all"}
    replaced = alice.api.put(address(desk), {**DESK, "permissions": [], "key": "desk"}, format="json").json()
    assert replaced == {**desk, "permissions": []}
    assert alice.api.delete(address(desk)).status_code == 204
    assert alice.api.get(address(desk)).status_code == 404


def test_the_list_begins_with_the_systems_roles(alice: Person, bob: Person, desk: dict[str, Any]) -> None:
    rows = alice.api.get(URL).json()["results"]
    assert [(row["name"], row["is_system"], row["members"]) for row in rows] == [
        ("Administrator", True, 1), ("Counselor", True, 1), ("Manager", True, 0), ("Desk", False, 0),
    ]  # fmt: skip
    assert rows[0]["permissions"] == sorted(CATALOG)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"permissions": ["customers.fly"]}, "permissions"),
        ({"permissions": "all"}, "permissions"),
        ({"reach": "moon"}, "reach"),
        ({"name": "Manager"}, "name"),
        ({"key": "other"}, "key"),
        ({"is_admin": True}, "is_admin"),
    ],
)
def test_what_is_wrong_is_named(alice: Person, desk: dict[str, Any], body: Any, field: str) -> None:
    answer = alice.api.patch(address(desk), body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["attr"].partition(".")[0]) == (400, field)


def test_the_systems_roles_are_refused(alice: Person, inside: Any) -> None:
    for role in Role.objects.all():
        assert alice.api.patch(f"{URL}/{role.pk}", {"name": "Boss"}, format="json").status_code == 403
        assert alice.api.delete(f"{URL}/{role.pk}").status_code == 403


def test_a_role_in_use_asks_for_a_successor(alice: Person, desk: dict[str, Any]) -> None:
    dan = join(alice, "dan@harbour.example", "Dan", "desk")
    refused = alice.api.delete(address(desk))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "in_use")
    nobody = alice.api.delete(f"{address(desk)}?successor=01980000-0000-7000-8000-000000000000")
    assert (nobody.status_code, nobody.json()["errors"][0]["attr"]) == (400, "successor")
    with organization_scope(alice.organization):
        counselor = Role.objects.get(key="counselor")
    assert alice.api.delete(f"{address(desk)}?successor={counselor.pk}").status_code == 204
    with organization_scope(alice.organization):
        assert Member.objects.get(pk=dan.member.pk).role == counselor


def test_giving_up_ones_own_right_needs_a_word(alice: Person) -> None:
    keeper = {"name": "Keeper", "permissions": ["roles.view", "roles.edit"], "reach": "all"}
    role = alice.api.post(URL, keeper, format="json").json()
    caller = join(alice, "kim@harbour.example", "Kim", "keeper").api
    body = {"permissions": ["roles.view"]}
    refused = caller.patch(address(role), body, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "own_rights")
    assert caller.patch(address(role), {**body, "accepts_own_loss": True}, format="json").status_code == 200
    assert caller.patch(address(role), {"permissions": ["roles.edit"]}, format="json").status_code == 403


def test_a_change_obeys_if_match(alice: Person, desk: dict[str, Any]) -> None:
    tag = alice.api.get(address(desk))["ETag"]
    join(alice, "dan@harbour.example", "Dan", "desk")
    headers = {"If-Match": tag}
    first = alice.api.patch(address(desk), {"name": "Night"}, format="json", headers=headers)
    assert first.status_code == 200, "another member is nobody's conflict"
    assert alice.api.patch(address(desk), {"name": "Day"}, format="json", headers=headers).status_code == 412


def test_only_who_may_and_only_here(alice: Person, bob: Person, mona: Person, charlie: Person, desk: Any) -> None:
    for person in (bob, mona):
        for url in (URL, address(desk), "/api/v1/admin/permissions"):
            assert person.api.get(url).status_code == 403
    assert charlie.api.get(address(desk)).status_code == 404
    assert charlie.api.delete(address(desk)).status_code == 404
    assert "Desk" not in {row["name"] for row in charlie.api.get(URL).json()["results"]}


@pytest.mark.parametrize("rows", [1, 15])
def test_the_list_takes_the_same_queries_for_any_number(
    alice: Person, rows: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(rows):
        alice.api.post(URL, {**DESK, "name": f"Desk {number}"}, format="json")
        join(alice, f"desk{number}@harbour.example", "Dan", f"desk-{number}")
    caller = alice.api
    with django_assert_max_num_queries(5):
        assert caller.get(URL).json()["count"] == rows + 3


def test_the_catalog_has_every_permission_in_words(alice: Person) -> None:
    given = alice.api.get("/api/v1/admin/permissions").json()
    assert [group["resource"] for group in given] == list(RESOURCES)
    assert {one["key"] for group in given for one in group["permissions"]} == CATALOG
    assert given[0]["permissions"][0] == {"key": "customers.view", "label": "view customers"}
    assert set(words.PHRASES) == CATALOG
    assert set(words.RESOURCE_LABELS) == set(RESOURCES)
    with translation.override("en"):
        assert len({str(phrase) for phrase in words.PHRASES.values()}) == len(CATALOG)


def test_roles_are_those_of_ones_organization(alice: Person, charlie: Person, desk: Any) -> None:
    with organization_scope(charlie.organization):
        assert {role.organization_id for role in roles_of(charlie.member)} == {charlie.organization.pk}
