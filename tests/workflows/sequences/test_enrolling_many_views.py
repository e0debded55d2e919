"""Putting many into a sequence from the bar under the list, and taking that back."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Member
from accounts.roles import services as roles
from activity import jobs
from activity.models import Job
from core.tenancy import every_organization
from customers.data.deletion import services as deletion
from customers.models import Process
from tests.workflows.sequences.test_sequences import make_sequence
from tests.workflows.sequences.test_sequences_views import text
from workflows.sequences import services as sequences

__all__ = ["make_sequence"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def chosen(make_customer):
    return [make_customer(name=f"C{number}", tags=["vip"]) for number in range(3)]


def put_in(who: Any, sequence: Any, customers: Any = (), **more: Any) -> Any:
    body = {"do": f"enrol:{sequence.pk}", "ids": [str(customer.pk) for customer in customers], "state": "?", **more}
    return who.client.post(who.url("customers/bulk/"), body)


def finish() -> Job:
    with every_organization("the worker looks for all"):
        jobs.run_due()
        return Job.objects.order_by("-created_at").first()


def undo(who: Any, job: Job, **more: Any) -> Any:
    return who.client.post(who.url(f"customers/changes/{job.result['change_set']}/undo/"), more)


def test_the_bar_offers_what_is_on(alice, charlie, make_sequence, chosen, inside):
    make_sequence(name="Chase <b>")
    make_sequence(name="Rests", is_enabled=False)
    page = alice.client.get(alice.url("customers/bulk/menu/?do=enrol")).content.decode()
    assert "Chase &lt;b&gt;" in page
    assert "Rests" not in page
    other = charlie.client.get(charlie.url("customers/bulk/menu/?do=enrol")).content.decode()
    assert "Chase" not in other
    assert "No sequence is switched on." in other
    assert alice.client.get(alice.url("customers/bulk/menu/?do=nothing")).status_code == 404


def test_the_list_asks_for_no_sequences(alice, make_sequence, chosen):
    make_sequence(name="Chase")
    with CaptureQueriesContext(connection) as queries:
        page = alice.client.get(alice.url("customers/")).content.decode()
    assert "bulk/menu/?do=enrol" in page
    assert [query for query in queries if "workflows_workflow" in query["sql"]] == []


def test_a_selection_is_asked_about_and_put_in(alice, make_sequence, chosen):
    sequence = make_sequence()
    asked = put_in(alice, sequence, chosen).content.decode()
    assert "Put them into “Chase”" in asked
    assert "what was sent by then stays" in asked
    assert not Job.objects.exists()
    answer = put_in(alice, sequence, chosen[:2], confirmed="1")
    job = finish()
    assert answer.url == alice.url(f"jobs/{job.pk}/")
    assert {process.customer_id for process in Process.objects.all()} == {customer.pk for customer in chosen[:2]}
    # Who is in it already stays as they are, and is counted by the reason.
    put_in(alice, sequence, chosen, confirmed="1")
    job = finish()
    assert (job.result["changed"], job.result["kept"]) == (1, 2)
    page = text(alice.client, alice.url(f"jobs/{job.pk}/"))
    assert "1 customer was put in. 2 were not." in page
    assert "2 × <bdi>The customer has an open process of this kind already.</bdi>" in page


def test_all_that_match(alice, make_sequence, chosen, make_customer):
    make_customer(name="Other")
    put_in(alice, make_sequence(), all="1", state="?tag=vip", confirmed="1")
    finish()
    assert {process.customer_id for process in Process.objects.all()} == {customer.pk for customer in chosen}


def test_undoing_takes_out_who_is_inside_and_says_before_what_stays(alice, make_sequence, receive, make_customer):
    steps = [
        {"delay_minutes": 0, "action": {"action": "send_text", "body": "Hello"}},
        {"delay_minutes": 60, "action": {"action": "add_tag", "tag": "later"}},
    ]
    sequence, written, other = make_sequence(steps), receive("Hello"), make_customer(name="Other")
    before = make_customer(name="Before")
    sequences.enrol(sequence=sequence, customer=before, actor=alice.actor)
    put_in(alice, sequence, [written, other, before], confirmed="1")
    done = finish()
    sequences.stop(sequence=sequence.pk, customer=other, why="Enough.")
    asked = undo(alice, done).content.decode()
    assert "1 customer that it put in is still inside, and is taken out." in asked
    assert "1 message was written to them, and stays." in asked
    assert Process.objects.get(customer=written).status == "active"
    undo(alice, done, confirmed="1")
    result = finish().result
    assert (result["restored"], result["kept"]) == (1, 1)
    assert "is not in it any more" in result["reasons"][0]
    statuses = {process.customer_id: process.status for process in Process.objects.all()}
    assert statuses == {written.pk: "cancelled", other.pk: "cancelled", before.pk: "active"}


def test_who_may_not_write_to_customers_puts_nobody_in(alice, bob, make_sequence, make_customer):
    sequence = make_sequence()
    role = roles.create(
        organization=alice.organization, by=alice.member, actor=alice.actor, name="Reads", reach="all",
        permissions={"customers.view", "customers.edit"},
    )  # fmt: skip
    Member.objects.filter(pk=bob.member.pk).update(role=role)
    mine = make_customer(bob)
    put_in(bob, sequence, [mine], confirmed="1")
    body = {"ids": [str(mine.pk)], "action": "enrol", "params": {"sequence": str(sequence.pk)}}
    assert bob.api.post("/api/v1/customers/bulk", body, format="json").status_code == 403
    assert not Job.objects.exists()
    assert "Chase" not in bob.client.get(bob.url("customers/")).content.decode()


def test_by_api(alice, charlie, make_sequence, chosen):
    sequence = make_sequence()
    body: Any = {"filter": {"tag": "vip"}, "action": "enrol", "params": {"sequence": str(sequence.pk)}}
    assert alice.api.post("/api/v1/customers/bulk", body, format="json").status_code == 202
    finish()
    assert Process.objects.count() == 3
    for wrong in ("x", None, 7, "0190a0a0-0000-7000-8000-000000000000"):
        answer = alice.api.post("/api/v1/customers/bulk", {**body, "params": {"sequence": wrong}}, format="json")
        assert (answer.status_code, "sequence" in str(answer.json())) == (400, True), wrong
    # Another organization's is none.
    assert charlie.api.post("/api/v1/customers/bulk", body, format="json").status_code == 400


def test_undoing_leaves_out_who_was_deleted_and_goes_on(alice, make_sequence, chosen):
    put_in(alice, make_sequence(), chosen, confirmed="1")
    done = finish()
    deletion.delete(customer=chosen[0], actor=alice.actor)
    undo(alice, done, confirmed="1")
    result = finish().result
    assert (result["restored"], result["kept"]) == (2, 1)
    assert "was deleted since" in result["reasons"][0]
