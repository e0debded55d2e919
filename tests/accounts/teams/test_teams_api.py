"""`/admin/teams`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Person, join

pytestmark = pytest.mark.django_db
URL = "/api/v1/admin/teams"


@pytest.fixture
def team(alice: Person, bob: Person, mona: Person) -> dict[str, Any]:
    body = {"name": "Evening", "members": [str(bob.user.pk), str(mona.user.pk)]}
    answer = alice.api.post(URL, body, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def address(team: dict[str, Any]) -> str:
    return f"{URL}/{team['id']}"


def test_a_team_is_made_read_changed_and_deleted(alice: Person, bob: Person, mona: Person, team: Any) -> None:
    both = sorted([str(bob.user.pk), str(mona.user.pk)])
    assert team == {
        "id": team["id"],
        "name": "Evening",
        "members": both,
        "managers": [str(mona.user.pk)],
        "calendar": None,
    }
    assert alice.api.get(address(team)).json() == team
    changed = alice.api.patch(address(team), {"members": [str(bob.user.pk)]}, format="json").json()
    assert changed == {**team, "members": [str(bob.user.pk)], "managers": []}
    assert alice.api.put(address(team), {"name": "Late"}, format="json").json()["members"] == []
    assert alice.api.delete(address(team)).status_code == 204
    assert alice.api.get(address(team)).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "front desk"}, "name"),
        ({"members": ["x"]}, "members"),
        ({"members": ["01980000-0000-7000-8000-000000000000"]}, "members"),
        ({"leader": "x"}, "leader"),
    ],
)
def test_what_is_wrong_is_named(alice: Person, team: Any, body: Any, field: str) -> None:
    answer = alice.api.patch(address(team), body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["attr"].partition(".")[0]) == (400, field)


def test_managers_are_read_only(alice: Person, team: Any) -> None:
    assert alice.api.patch(address(team), {"managers": []}, format="json").json() == team


def test_a_change_obeys_if_match(alice: Person, team: Any) -> None:
    headers = {"If-Match": alice.api.get(address(team))["ETag"]}
    assert alice.api.patch(address(team), {"name": "Late"}, format="json", headers=headers).status_code == 200
    assert alice.api.patch(address(team), {"name": "Early"}, format="json", headers=headers).status_code == 412


def test_managers_look_counselors_do_not_and_nobody_from_elsewhere(
    bob: Person, mona: Person, charlie: Person, team: Any
) -> None:
    assert mona.api.get(address(team)).status_code == 200
    assert mona.api.patch(address(team), {"name": "Mine"}, format="json").status_code == 403
    assert bob.api.get(URL).status_code == 403
    assert charlie.api.get(address(team)).status_code == 404
    assert charlie.api.delete(address(team)).status_code == 404
    assert charlie.api.get(URL).json()["results"] == []


def test_who_belongs_elsewhere_does_not_come_in(alice: Person, charlie: Person, team: Any) -> None:
    answer = alice.api.patch(address(team), {"members": [str(charlie.user.pk)]}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "members")


@pytest.mark.parametrize("rows", [1, 15])
def test_the_list_takes_the_same_queries_for_any_number(
    alice: Person, rows: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(rows):
        person = join(alice, f"p{number}@harbour.example", "Dan", "manager")
        alice.api.post(URL, {"name": f"Team {number}", "members": [str(person.user.pk)]}, format="json")
    caller = alice.api
    with django_assert_max_num_queries(6):
        assert caller.get(URL).json()["count"] == rows
