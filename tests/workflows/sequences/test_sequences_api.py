"""`/sequences` and the processes of sequences by API."""

from __future__ import annotations

from typing import Any

import pytest

from customers.models import Process
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
URL = "/api/v1/sequences"
STEPS = [
    {"delay_minutes": 60, "action": "send_text", "body": "Still there?"},
    {"delay_minutes": 1440, "action": {"action": "add_tag", "tag": "cold"}},
]


def places(answer: Any) -> list[str]:
    return [error["attr"] for error in answer.json()["errors"]]


@pytest.fixture
def sequence(alice: Any, without_rules: None) -> Any:
    answer = alice.api.post(URL, {"name": "Chase", "steps": STEPS}, format="json")
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_made_read_changed_and_deleted(alice, sequence):
    assert sequence["steps"][0] == {"delay_minutes": 60, "action": {"action": "send_text", "body": "Still there?"}}
    assert (sequence["stop_on"], sequence["stop_on_reply"], sequence["is_enabled"]) == (["reply"], True, True)
    url = f"{URL}/{sequence['id']}"
    changes = {"stop_on": ["stage", "reply"], "stop_on_reply": False, "business_hours_only": True}
    answer = alice.api.patch(url, changes, format="json").json()
    assert (answer["stop_on"], answer["business_hours_only"], answer["version"]) == (["stage"], True, 2)
    tag = alice.api.get(url).headers["ETag"]
    assert alice.api.patch(url, {"name": "Chase"}, format="json", headers={"If-Match": tag}).status_code == 200
    assert alice.api.patch(url, {"name": "No"}, format="json", headers={"If-Match": '"x"'}).status_code == 412
    assert alice.api.get(URL).json()["results"][0]["name"] == "Chase"
    assert alice.api.get(f"/api/v1/workflows/{sequence['id']}").status_code == 404, "no rule"
    assert alice.api.delete(url).status_code == 204
    assert not Workflow.objects.exists()


def test_wrong_places_are_named(alice, without_rules):
    body = {"name": "Chase", "steps": [*STEPS, {"delay_minutes": "soon", "action": {"action": "add_tag", "tag": "x"}}]}
    answer = alice.api.post(URL, body, format="json")
    assert (answer.status_code, places(answer)) == (400, ["steps[2].delay_minutes"])


def test_customers_are_put_in_moved_and_seen_within_reach(alice, mona, charlie, sequence, make_customer):
    ada, ben = make_customer(owner=alice), make_customer(owner=alice, name="Ben")
    url = f"{URL}/{sequence['id']}"
    stranger = "00000000-0000-0000-0000-000000000000"
    answer = alice.api.post(f"{url}/enrol", {"customers": [str(ada.pk), str(ben.pk), stranger]}, format="json").json()
    assert (answer["enrolled"], answer["skipped"]) == (
        2, [{"customer": stranger, "detail": "There is no such customer."}]
    )  # fmt: skip
    again = alice.api.post(f"{url}/enrol", {"customers": [str(ada.pk)]}, format="json").json()
    assert (again["enrolled"], again["skipped"][0]["customer"]) == (0, str(ada.pk))
    rows = alice.api.get(f"{url}/runs").json()["results"]
    assert {row["customer"] for row in rows} == {str(ada.pk), str(ben.pk)}
    assert alice.api.get(url).json()["inside"] == 2
    process = Process.objects.get(customer=ada)
    moved = alice.api.post(f"{url}/skip", {"process": str(process.pk)}, format="json").json()
    assert moved["steps"][-1]["path"] == "2"
    assert alice.api.post(f"{url}/move", {"process": str(process.pk), "step": 9}, format="json").status_code == 400
    assert alice.api.post(f"{url}/move", {"process": stranger, "step": 1}, format="json").status_code == 400
    # Who sees nobody of these neither moves nor reads them; another organization does not know it.
    assert mona.api.get(f"{url}/runs").json().get("results", []) == []
    assert mona.api.post(f"{url}/skip", {"process": str(process.pk)}, format="json").status_code in (400, 403)
    answer = mona.api.post(f"{url}/enrol", {"customers": [str(ada.pk)]}, format="json")
    assert answer.status_code == 403 or answer.json()["enrolled"] == 0
    for call in ("enrol", "skip", "move"):
        assert charlie.api.post(f"{url}/{call}", {}, format="json").status_code in (400, 404)
    assert charlie.api.get(url).status_code == 404
    assert charlie.api.get(f"{url}/runs").status_code == 404


def test_a_process_of_a_sequence(alice, sequence, make_customer):
    ada = make_customer()
    body = {"lead_id": str(ada.pk), "sequence": sequence["id"], "channel": "whatsapp"}
    answer = alice.api.post("/api/v1/processes", body, format="json")
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["name"], made["status"], made["sequence"], made["channel"]) == (
        "Chase", "active", sequence["id"], "whatsapp"
    )  # fmt: skip
    assert made["next_followup_datetime"] is not None
    url = f"/api/v1/processes/{made['id']}"
    assert alice.api.post(f"{url}/pause").json()["status"] == "paused"
    assert alice.api.post(f"{url}/resume").json()["status"] == "active"
    assert alice.api.get(f"/api/v1/processes?sequence={sequence['id']}").json()["results"][0]["id"] == made["id"]
    assert alice.api.post("/api/v1/processes", body, format="json").status_code == 409
    assert alice.api.post(f"{url}/cancel").json()["status"] == "cancelled"
    assert alice.api.post(f"{url}/resume").status_code == 409
    other = {**body, "sequence": "00000000-0000-0000-0000-000000000000"}
    assert places(alice.api.post("/api/v1/processes", other, format="json")) == ["sequence"]
    named = {**body, "name": "Mine"}
    assert places(alice.api.post("/api/v1/processes", named, format="json")) == ["name"]
    assert alice.api.patch(url, {"sequence": other["sequence"]}, format="json").status_code == 400


def test_the_same_number_of_queries_for_any_number(alice, sequence, make_customer, django_assert_max_num_queries):
    many = [str(make_customer(name=f"C {number}").pk) for number in range(12)]
    url = f"{URL}/{sequence['id']}"
    alice.api.post(f"{url}/enrol", {"customers": many}, format="json")
    with django_assert_max_num_queries(14):
        assert len(alice.api.get(f"{url}/runs").json()["results"]) == 12
    with django_assert_max_num_queries(10):
        alice.api.get(URL)
