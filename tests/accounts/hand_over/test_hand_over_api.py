"""`/admin/users/{id}/hand-over`."""

from __future__ import annotations

import pytest

from activity import jobs
from core.tenancy import organization_scope
from messaging.models import Message

pytestmark = pytest.mark.django_db


def address(person):
    return f"/api/v1/admin/users/{person.user.pk}/hand-over"


def test_counts_and_the_job(alice, bob, tom, things):
    api = alice.api
    counts = {row["kind"]: (row["count"], row["goes_with"]) for row in api.get(address(bob)).json()["kinds"]}
    assert counts["customers"] == (1, "")
    assert counts["conversations"] == (1, "customers")
    answer = api.post(address(bob), {"successor": str(tom.user.pk), "queued_messages": "cancel"}, format="json")
    assert answer.status_code == 202
    jobs.run_due()
    job = api.get(f"/api/v1/jobs/{answer.json()['job_id']}").json()
    assert job["status"] == "done"
    assert {row["kind"]: row["given"] for row in job["result"]["kinds"]}["customers"] == 1
    with organization_scope(alice.organization):
        assert Message.objects.get(pk=things.message.pk).status == "cancelled"
    assert {row["count"] for row in api.get(address(bob)).json()["kinds"]} == {0}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "successor"),
        ({"successor": "x"}, "successor"),
        ({"kinds": ["cats"]}, "kinds"),
        ({"kinds": ["conversations"]}, "kinds"),
        ({"queued_messages": "burn"}, "queued_messages"),
        ({"and": 1}, "and"),
    ],
)
def test_what_is_wrong_is_named(alice, bob, tom, body, field):
    given = {"successor": str(tom.user.pk)} if body and "successor" not in body else {}
    answer = alice.api.post(address(bob), {**given, **body}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, field)


def test_who_may(alice, bob, mona, tom, charlie, things):
    body = {"successor": str(tom.user.pk)}
    for person in (bob, mona):
        assert person.api.get(address(tom)).status_code == 403
        assert person.api.post(address(tom), body, format="json").status_code == 403
    assert charlie.api.get(address(bob)).status_code == 404
    assert charlie.api.post(address(bob), body, format="json").status_code == 404
