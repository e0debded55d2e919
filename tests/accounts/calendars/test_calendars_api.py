"""`/calendars` and `/admin/calendars`."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from tests.conftest import Person

pytestmark = pytest.mark.django_db
URL = "/api/v1/calendars"
BODY: dict[str, Any] = {
    "name": "Clinic",
    "timezone": "",
    "weekly": {"monday": [{"start": "09:00", "end": "12:30"}, {"start": "13:30", "end": "18:00"}]},
    "exceptions": [{"date": "2026-12-24", "name": "Christmas Eve", "intervals": [{"start": "9:00", "end": "12:00"}]}],
    "holidays": {"country": "GB", "region": "ENG"},
}


@pytest.fixture
def calendar(alice: Person) -> dict[str, Any]:
    answer = alice.api.post(URL, BODY, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_calendar_is_made_read_changed_and_deleted(alice: Person, calendar: dict[str, Any]) -> None:
    url = f"{URL}/{calendar['id']}"
    assert calendar["weekly"]["monday"] == BODY["weekly"]["monday"]
    assert calendar["weekly"]["sunday"] == []
    assert calendar["exceptions"][0]["intervals"] == [{"start": "09:00", "end": "12:00"}]
    assert (calendar["holidays"], calendar["is_default"]) == ({"country": "GB", "region": "ENG"}, True)
    assert alice.api.get(url).json() == calendar
    assert alice.api.get("/api/v1/admin/calendars").json()["results"] == [calendar]
    changed = alice.api.patch(url, {"holidays": {"country": "DE", "region": "BY"}}, format="json").json()
    assert changed["holidays"] == {"country": "DE", "region": "BY"}
    assert changed["weekly"] == calendar["weekly"]
    replaced = alice.api.put(url, {"name": "Clinic"}, format="json").json()
    assert (replaced["weekly"]["monday"], replaced["exceptions"], replaced["holidays"]["country"]) == ([], [], "")
    assert alice.api.delete(url).status_code == 204
    assert alice.api.get(url).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"weekly": {"monday": [{"start": "18:00", "end": "09:00"}]}}, "weekly.monday"),
        ({"weekly": {"monday": [{"start": "nine", "end": "10:00"}]}}, "weekly.monday"),
        ({"weekly": {"moonday": []}}, "moonday"),
        ({"exceptions": [{"date": "24.12.", "intervals": []}]}, "exceptions"),
        ({"holidays": {"country": "XX"}}, "holidays.country"),
        ({"timezone": "Nowhere"}, "timezone"),
        ({"opens": "9"}, "opens"),
    ],
)
def test_what_is_wrong_is_named(alice: Person, calendar: dict[str, Any], body: Any, field: str) -> None:
    answer = alice.api.patch(f"{URL}/{calendar['id']}", body, format="json")
    assert answer.status_code == 400
    assert field in answer.json()["errors"][0]["attr"]


def test_one_always_counts_for_all_others(alice: Person, calendar: dict[str, Any]) -> None:
    assert alice.api.patch(f"{URL}/{calendar['id']}", {"is_default": False}, format="json").status_code == 409


def test_closing_and_opening_again(alice: Person, calendar: dict[str, Any]) -> None:
    url = f"{URL}/{calendar['id']}"
    with time_machine.travel("2026-11-30T10:00:00Z", tick=False):
        body = {"until": "2026-12-01T08:00:00Z", "text": "Back on Tuesday"}
        closed = alice.api.post(f"{url}/close", body, format="json").json()
        assert (closed["closed_until"], closed["closed_text"]) == ("2026-12-01T08:00:00Z", "Back on Tuesday")
        now = alice.api.get(f"{url}/now").json()
        assert (now["is_open"], now["is_closing"], now["text"]) == (False, True, "Back on Tuesday")
        assert alice.api.post(f"{url}/reopen").json()["closed_until"] is None
        assert alice.api.post(f"{url}/reopen").status_code == 409
        assert alice.api.get(f"{url}/now").json()["is_open"] is True
        over = alice.api.post(f"{url}/close", {"until": "2026-11-30T09:00:00Z"}, format="json")
        assert (over.status_code, over.json()["errors"][0]["attr"]) == (400, "until")


def test_a_change_obeys_if_match(alice: Person, calendar: dict[str, Any]) -> None:
    url = f"{URL}/{calendar['id']}"
    headers = {"If-Match": alice.api.get(url)["ETag"]}
    assert alice.api.patch(url, {"name": "Late"}, format="json", headers=headers).status_code == 200
    assert alice.api.patch(url, {"name": "Early"}, format="json", headers=headers).status_code == 412


def test_who_may(alice: Person, mona: Person, bob: Person, charlie: Person, calendar: dict[str, Any]) -> None:
    url = f"{URL}/{calendar['id']}"
    for person in (mona, bob):
        assert person.api.get(url).status_code == 403
        assert person.api.post(URL, BODY, format="json").status_code == 403
    assert charlie.api.get(url).status_code == 404
    assert charlie.api.post(f"{url}/close", {"until": "2026-12-01T08:00:00Z"}, format="json").status_code == 404
    assert charlie.api.get(URL).json()["results"] == []


def test_teams_and_channels_choose_one(alice: Person, charlie: Person, calendar: dict[str, Any]) -> None:
    body = {"name": "Desk", "calendar": calendar["id"]}
    team = alice.api.post("/api/v1/admin/teams", body, format="json").json()
    assert team["calendar"] == calendar["id"]
    assert (
        alice.api.patch(f"/api/v1/admin/teams/{team['id']}", {"calendar": None}, format="json").json()["calendar"]
        is None
    )
    channel = alice.api.get("/api/v1/channels").json()["results"][0]
    url = f"/api/v1/channels/{channel['id']}"
    changed = alice.api.patch(url, {"business_hours": calendar["id"]}, format="json")
    assert changed.json()["business_hours"] == calendar["id"]
    theirs = charlie.api.post(URL, BODY, format="json").json()["id"]
    refused = alice.api.patch(url, {"business_hours": theirs}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["attr"]) == (400, "business_hours")
    in_use = alice.api.delete(f"{URL}/{calendar['id']}")
    assert (in_use.status_code, in_use.json()["errors"][0]["code"]) == (409, "in_use")


@pytest.mark.parametrize("rows", [1, 12])
def test_a_list_takes_the_same_queries(alice: Person, django_assert_num_queries: Any, rows: int) -> None:
    for number in range(rows):
        alice.api.post(URL, {"name": f"Calendar {number}"}, format="json")
    api = alice.api
    with django_assert_num_queries(3):
        assert len(api.get(URL).json()["results"]) == rows
