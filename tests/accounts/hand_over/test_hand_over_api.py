"""`/admin/users/{id}/hand-over`."""

from __future__ import annotations

import csv
import io

import pytest

from activity import jobs
from activity.models import Event, Job
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
        ({"then": "burn"}, "then"),
        ({"by_kind": {"cats": "leave"}}, "kinds"),
        ({"by_kind": {"tasks": "nobody"}}, "by_kind.tasks"),
        ({"by_kind": {"tasks": "cancel"}}, "kinds"),
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


def rows_of(answer):
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))[1:]


def test_the_lists_of_before_and_after(alice, bob, mona, tom, charlie, things):
    """What the page gives as files the calls give too; each that is taken along is in the ledger."""
    listed = rows_of(alice.api.get(f"{address(bob)}/list"))
    assert things.customer.code in {row[1] for row in listed}
    body = {
        "successor": str(tom.user.pk), "then": "remove", "by_kind": {"tasks": str(mona.user.pk), "templates": "leave"},
    }  # fmt: skip
    job = alice.api.post(address(bob), body, format="json").json()["job_id"]
    assert alice.api.get(f"{address(bob)}/{job}/list").status_code == 404, "it has not ended"
    jobs.run_due()
    result = alice.api.get(f"/api/v1/jobs/{job}").json()["result"]
    assert "templates" not in {row["kind"] for row in result["kinds"]}
    path = f"{address(bob)}/{job}/list"
    assert result["list_url"].endswith(path)
    after = {row[0]: row[4] for row in rows_of(alice.api.get(path))}
    assert (after["Customers"], after["Open tasks"]) == (tom.user.name, mona.user.name)
    assert alice.api.get(f"/api/v1/admin/users/{bob.user.pk}").status_code == 404, "he was removed at once"
    assert len(rows_of(alice.api.get(f"{address(bob)}/list"))) == 1, "what is left of his can still be listed"
    with organization_scope(alice.organization):
        recorded = Event.objects.filter(type="member.records_listed", subject_id=str(bob.member.pk))
        assert [event.payload["job"] for event in recorded.order_by("pk")] == [None, job, None]
    assert alice.api.get(f"{address(tom)}/{job}/list").status_code == 404, "it was not of his"
    for other in (f"{address(bob)}/list", path):
        assert charlie.api.get(other).status_code == 404
        assert mona.api.get(other).status_code == 403


def test_who_has_to_stay_stays(alice, bob, things):
    answer = alice.api.post(address(alice), {"successor": str(bob.user.pk), "then": "deactivate"}, format="json")
    assert answer.status_code == 409
    with organization_scope(alice.organization):
        assert not Job.objects.filter(kind="accounts.hand_over").exists()
