"""Writing a sequence: its steps as rows, its changes beside those of others, those who are in it."""

from __future__ import annotations

from typing import Any

import pytest

from core.tenancy import organization_scope
from tests.pages import form_of
from tests.workflows.sequences.test_sequences import STEPS
from workflows.models import Workflow
from workflows.sequences import services as sequences
from workflows.sequences.steps import to_steps

pytestmark = pytest.mark.django_db
NEW = "settings/sequences/new/"


@pytest.fixture
def sequence(alice: Any, inside: Any, without_rules: None) -> Workflow:
    values: Any = {"name": "Chase", "steps": STEPS, "is_enabled": True}
    return sequences.create(organization=inside, actor=alice.actor, values=values)


def opened(person: Any, path: str) -> dict[str, Any]:
    return form_of(person.client, person.url(path), having="cancel_on").data()


def page_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_a_new_one_is_written_row_by_row(alice, without_rules):
    data = opened(alice, NEW)
    assert "cancel_on" in data, "a reply stops it, unless somebody says otherwise"
    url = alice.url(NEW)
    answer = alice.client.post(f"{url}?do=add:actions", {**data, "name": "Chase"})
    assert answer.status_code == 200
    rows = {
        "actions.0.action": "add_tag", "actions.0.params.tag": "began",
        "actions.1.action": "wait", "actions.1.params.way": "minutes", "actions.1.params.minutes": ["2", "1440"],
        "actions.2.action": "send_text", "actions.2.params.body": "Still there?",
    }  # fmt: skip
    answer = alice.client.post(url, {**data, "name": "Chase", "business_hours_only": "on", **rows})
    assert answer.status_code == 302, page_of(answer)
    made = Workflow.objects.get()
    assert (made.kind, made.is_enabled, made.hours, made.cancel_on) == ("sequence", False, "open", ["reply"])
    assert to_steps(made.actions) == [
        {"delay_minutes": 0, "action": {"action": "add_tag", "tag": "began"}},
        {"delay_minutes": 2880, "action": {"action": "send_text", "body": "Still there?"}},
    ]


def test_what_is_wrong_is_reported_at_its_row_and_nothing_is_lost(alice, without_rules):
    data = opened(alice, NEW)
    rows = {"actions.0.action": "send_text", "actions.0.params.body": "", "actions.1.action": ""}
    answer = alice.client.post(alice.url(NEW), {**data, "name": "Chase", **rows})
    page = page_of(answer)
    assert answer.status_code == 422
    assert "Choose what the rule does here" in page
    assert 'value="Chase"' in page
    assert not Workflow.objects.exists()
    empty = alice.client.post(alice.url(NEW), {**data, "name": "Chase"})
    assert (empty.status_code, "Add what the rule does." in page_of(empty)) == (422, True)


def test_an_edit_writes_what_was_changed_and_asks_about_those_inside(alice, sequence, make_customer):
    process = sequences.enrol(sequence=sequence, customer=make_customer(), actor=alice.actor)
    path = f"settings/sequences/{sequence.pk}/edit/"
    data = opened(alice, path)
    assert "1 customer is in it now." in page_of(alice.client.get(alice.url(path)))
    assert "minutes" in str(data["actions.1.params.way"])
    answer = alice.client.post(alice.url(path), {**data, "actions.2.params.tag": "other", "waiting": "leave"})
    assert answer.status_code == 302, page_of(answer)
    sequence.refresh_from_db()
    assert (sequence.version, to_steps(sequence.actions)[1]["action"]["tag"]) == (2, "other")
    process.refresh_from_db()
    assert process.status == "cancelled"
    # What comes back as it was shown is no change.
    unchanged = opened(alice, path)
    alice.client.post(alice.url(path), unchanged)
    sequence.refresh_from_db()
    assert sequence.version == 2


def test_nobody_s_change_is_overwritten_unseen(alice, sequence):
    path = f"settings/sequences/{sequence.pk}/edit/"
    data = opened(alice, path)
    with organization_scope(alice.organization):
        sequences.update(sequence=sequence, actor=alice.actor, changes={"steps": list[object](STEPS[:2])})
    answer = alice.client.post(alice.url(path), {**data, "actions.0.params.tag": "mine"})
    assert answer.status_code == 422
    assert "Actions was changed by somebody else meanwhile" in page_of(answer)
    sequence.refresh_from_db()
    assert len(to_steps(sequence.actions)) == 2


def test_who_may(alice, bob, charlie, sequence):
    path = f"settings/sequences/{sequence.pk}/edit/"
    assert bob.client.get(bob.url(path)).status_code == 403
    assert bob.client.get(bob.url(NEW)).status_code == 403
    assert charlie.client.get(charlie.url(path)).status_code == 404
    assert alice.client.get(alice.url(f"settings/rules/{sequence.pk}/edit/")).status_code == 404
