"""Imports are taken back within 30 days: what somebody touched meanwhile stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity import jobs
from activity.models import Event, Job
from activity.registry import kept_of
from customers.data import undo
from customers.data.imports import services as imports
from customers.models import ChangeSet, Customer, CustomerImport, Identity
from customers.people.customers import services as customers
from tests.customers.data.imports.conftest import HEADERS, ROW, counts

# --- Undoing ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def take_back(alice: Any):
    def take_back(upload: CustomerImport) -> dict[str, Any]:
        upload.refresh_from_db()
        job = undo.undo(change_set=upload.change_set, actor=alice.actor, user=alice.user)
        jobs.run_due()
        job.refresh_from_db()
        assert job.status == Job.Status.DONE, job.error
        upload.refresh_from_db()
        return job.result

    return take_back


def test_undoing_removes_whom_nobody_touched(take, run, take_back, make_customer):
    there = make_customer()
    upload = take(HEADERS + ROW + "Bob,,,,\n")
    run(upload)
    result = take_back(upload)
    assert (result["removed"], result["kept"]) == (2, 0)
    assert list(Customer.objects.all()) == [there]
    assert not Identity.objects.filter(match_key="ada@example.com").exists()
    kept = Event.objects.exclude(customer_id=there.pk).filter(type="customer.created")
    assert kept.count() == 2, "the ledger keeps that they were there"
    assert all(event.payload == kept_of(event.type, event.payload) for event in kept)
    assert upload.state == CustomerImport.State.UNDONE
    assert counts(run(take(HEADERS + ROW))) == (1, 0, 0, 0)


def test_undoing_keeps_and_names_whom_somebody_used(take, run, take_back, alice, inside):
    from messaging.models import Channel
    from messaging.threads import services as conversations

    names = ["Untouched", "Changed", "Written to", "Tagged"]
    upload = take("Name,Phone\n" + "".join(f"{name},+44770090010{n}\n" for n, name in enumerate(names)))
    run(upload)
    by_name = {c.name: c for c in Customer.objects.select_related("organization", "stage")}
    customers.update(customer=by_name["Changed"], actor=alice.actor, changes={"company": "New"})
    channel = Channel.objects.select_related("organization").get(kind="whatsapp")
    conversations.begin(customer=by_name["Written to"], channel=channel)
    from customers.people.tags import services as tags

    tags.add(customer=by_name["Tagged"], names=["x"], actor=alice.actor)
    result = take_back(upload)
    assert (result["removed"], result["kept"]) == (1, 3)
    assert set(Customer.objects.values_list("name", flat=True)) == set(names[1:])
    assert sorted(reason.split(" ", 1)[1] for reason in result["reasons"]) == [
        f"{name} was used or changed since." for name in sorted(names[1:])
    ]


def test_undoing_an_update_puts_back_what_is_still_as_the_import_left_it(
    take, run, take_back, make_customer, alice, bob
):
    old = make_customer(bob, name="Ada", email="ada@example.com", phone="+447700900001", company="Old", tags=["VIP"],
                        address={"city": "Bath"})  # fmt: skip
    before = {f.attname: getattr(old, f.attname) for f in Customer._meta.concrete_fields}
    before |= {"stage": old.stage.key}
    upload = take(
        "Name,Email,Phone,Company,Tags,Stage,Owner,City,Follow up\n"
        f"Ada L,ada@example.com,+447700900002,New,fresh,contacted,{alice.user.email},York,2026-12-01\n"
    )
    run(upload, on_duplicate="update")
    old.refresh_from_db()
    customers.update(customer=old, actor=alice.actor, changes={"company": "Third"})
    result = take_back(upload)
    old.refresh_from_db()
    assert (old.name, old.phone, old.address, old.stage.key) == (
        "Ada",
        "+447700900001",
        {"city": "Bath"},
        before["stage"],
    )
    assert (old.assigned_to, old.next_follow_up_at) == (bob.user, None)
    assert old.company == "Third"
    assert [tag.name for tag in old.tags.all()] == ["VIP"]
    assert {(i.value, i.is_primary) for i in old.identities.filter(kind="phone")} == {("+447700900001", True)}
    assert old.search_text == before["search_text"].replace(" old", " third")
    assert (result["removed"], result["kept"]) == (0, 1)
    assert "company changed since" in result["reasons"][0]


def test_undoing_takes_back_what_two_rows_of_a_file_did_to_one(take, run, take_back, monkeypatch):
    monkeypatch.setattr(imports, "ROWS_AT_ONCE", 1)
    upload = take("Name,Email,Company\nAda,ada@example.com,A\nAda L,ada@example.com,B\nAda M,ada@example.com,C\n")
    assert counts(run(upload, on_duplicate="update")) == (1, 2, 0, 0)
    assert Customer.objects.get().company == "C"
    assert take_back(upload)["kept"] == 0
    assert not Customer.objects.exists()


def test_an_import_is_undone_once_and_within_thirty_days(take, run, take_back, alice):
    upload = take(HEADERS + ROW)
    run(upload)
    take_back(upload)
    with pytest.raises(undo.TooLate):
        undo.undo(change_set=upload.change_set, actor=alice.actor)
    late = take(HEADERS + ROW)
    run(late)
    ChangeSet.objects.filter(pk=late.change_set_id).update(created_at=timezone.now() - timedelta(days=31))
    late.refresh_from_db()
    with pytest.raises(undo.TooLate, match="30 days"):
        undo.undo(change_set=late.change_set, actor=alice.actor)
